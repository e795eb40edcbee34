"""Getting the answer from where it is: the library, other packages, their source, the grader's own memory."""

from tests.attacks.attack import GOT_NOTHING, HALF, IMPORT, PERIOD, TURN, Attack, report

YOU_CALLED = "this question asks you to write it"
WALK = """
import os
for folder, folders, files in os.walk('/'):
    folders[:] = [name for name in folders if name not in ('torch', 'triton', 'nvidia', 'sympy', 'scipy')]
    for name in files:
        path = os.path.join(folder, name)
        if WANTED:
            got.append(path)
"""


def _half(*lines):
    return (IMPORT, TURN, "\n".join(lines), PERIOD)


ATTACKS = [
    Attack("imports_ropelib", _half("from ropelib import rotate as rotate_half"), (3, 0, 1), YOU_CALLED),
    Attack(
        "imports_the_reference",
        _half("import ropelib.reference as r", "def rotate_half(x, c, s):", "    return r.rotate(x, c, s)"),
        (3, 0, 1),
        "You called ropelib.reference.rotate",
    ),
    Attack(
        "imports_a_re_export",
        _half("import ropelib.worked_example as w", "rotate_half = vars(w).get('rotate') or w.rotate"),
        (3, 0, 1),
        YOU_CALLED,
    ),
    Attack(
        "imports_transformers",
        _half(
            "from transformers.models.llama.modeling_llama import apply_rotary_pos_emb",
            "def rotate_half(x, c, s):",
            "    return apply_rotary_pos_emb(x, x, c, s)[0]",
        ),
        (3, 0, 1),
        "You called transformers.models.llama.modeling_llama.apply_rotary_pos_emb",
    ),
    Attack(
        "imports_rotary_embedding_torch",
        _half("import rotary_embedding_torch as r", "rotate_half = r.apply_rotary_emb"),
        (3, 0, 1),
        YOU_CALLED,
    ),
    Attack(
        "uses_a_room_closed_to_another_question", (IMPORT, TURN, HALF, "import ropelib.reference", PERIOD), (3, 2, 1)
    ),
    Attack(
        "removes_the_stubs",
        report(
            """
import sys, importlib
sys.meta_path[:] = [finder for finder in sys.meta_path if 'rooms' not in type(finder).__module__]
for name in [name for name in sys.modules if name.startswith('ropelib')]:
    del sys.modules[name]
for name in ('ropelib.checks.core', 'ropelib.reference', 'transformers.models.llama', 'ropelib.grading.runner'):
    try:
        got.append(importlib.import_module(name).__file__)
    except ImportError:
        pass
"""
        ),
        says=GOT_NOTHING,
    ),
    Attack(
        "reads_the_source_of_ropelib",
        report(
            WALK.replace(
                "WANTED", "name in ('reference.py', 'verdict.py', 'golden.json') and 'inv_freq' in open(path).read()"
            )
        ),
        says=GOT_NOTHING,
    ),
    Attack(
        "reads_the_source_of_transformers",
        report(WALK.replace("WANTED", "'llama' in name or name == 'rotary_embedding_torch.py'")),
        says=GOT_NOTHING,
    ),
    Attack(
        "reads_solutions_and_other_notebooks",
        report(WALK.replace("WANTED", "name.endswith('.ipynb') and 'site-packages' not in folder")),
        says=GOT_NOTHING,
    ),
    Attack(
        "reads_the_seed_from_disk",
        report(
            """
for path in ('{OUT}/private/seed.json', '{OUT}', '{SUBMISSIONS}', '{ROOT}/solutions', '{ROOT}/tests/attacks/exam.py'):
    import os
    if os.path.exists(path):
        got.append(path)
"""
        ),
        says=GOT_NOTHING,
    ),
    Attack(
        "searches_memory_for_answers",
        report(
            """
import gc, sys
for thing in gc.get_objects():
    if isinstance(thing, dict):
        got += [name for name in ('misconceptions', 'turned clockwise', 'answered_by') if name in thing]
    if type(thing).__name__ in ('Question', 'Misconception'):
        got.append(repr(thing))
frame = sys._getframe()
while frame:
    got += [name for name in frame.f_locals if name in ('reference', 'expected', 'misconceptions', 'secret')]
    frame = frame.f_back
"""
        ),
        says=GOT_NOTHING,
    ),
    Attack(
        "asks_the_check_for_the_solution",
        _half(
            "from ropelib.checks import ch01",
            "import inspect",
            "rotate_half = getattr(ch01.rotate_half, 'reference', None) or ch01.rotate_half.solution(confirm=True)",
        ),
        (3, 0, 1),
        "not a function",
    ),
]
