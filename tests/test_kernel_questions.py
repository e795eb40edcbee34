"""The kernels of chapter 12's exercises: right as shown, noticed when a slip is in them, and graded in a sandbox."""

import importlib.util
import sys

import nbformat
import numpy as np
import pytest
import torch

from ropelib.checks import ch12
from ropelib.checks.ch12 import q3_rotate_partial, q4_rotate_rows
from ropelib.checks.kernel import ONLY_STRAYED, changed, compiled
from ropelib.checks.observe import observe
from ropelib.course.notebooks import ROOT, code_cells
from ropelib.grading import probe
from ropelib.grading.assignment import of_the_course
from ropelib.grading.inside.isolation import Limits
from ropelib.grading.lane import Lane
from ropelib.grading.runner import Grading, Seconds
from ropelib.launch import FIRST_FILL, launch
from ropelib.reference import rotate

from .mutants import mutants

pytestmark = pytest.mark.skipif(
    importlib.util.find_spec("triton") is None,
    reason="NOT RUN: no Triton, which there is for Linux on x86-64; run `make test` there",
)

NAME = "12_a_first_triton_kernel.ipynb"
LAUNCHED = {"rotate_partial": q3_rotate_partial.launched, "rotate_rows": q4_rotate_rows.launched}
QUESTIONS = {name: getattr(ch12, name) for name in LAUNCHED}
# Slips that change no answer, each with its reason.
SINE = "tl.load(sin + ids * PAIRS + pairs, mask=inside, other=0.0)"
STAND_IN = "what a masked load returns outside is never stored"
EQUIVALENT = {
    "rotate_partial": {
        "constant off by one: 0.0 → 1.0": STAND_IN,
        "constant off by one: 0.0 → -1.0": STAND_IN,
    },
    "rotate_rows": {
        "constant off by one: 0.0 → 1.0": STAND_IN,
        "constant off by one: 0.0 → -1.0": STAND_IN,
        "constant off by one: 0 → 1": STAND_IN,
        "constant off by one: 0 → -1": STAND_IN,
        "position one short: tokens → tokens - 1": "in the mask of the ids: one more is read, and not used",
        "position negated: tokens → -tokens": "in the mask of the ids: all are read, and those outside not used",
        "position ignored: tokens → tokens * 0": "in the mask of the ids: all are read, and those outside not used",
        f"operator: {SINE} * SIGN → {SINE} / SIGN": "SIGN is 1 or −1",
    },
}
RNG = np.random.default_rng(12)


def killed(name, source, seed=0):
    question, program = QUESTIONS[name], LAUNCHED[name](source)
    cases = reversed(question.cases(seed))
    return any(question.judge(case, observe(program, case)).outcome != "correct" for case in cases)


@pytest.mark.parametrize("name", LAUNCHED)
@pytest.mark.parametrize("seed", [0, 1, 2, 2**31])
def test_the_kernel_and_the_reference_say_the_same(name, seed):
    assert not killed(name, QUESTIONS[name].kernel, seed)


@pytest.mark.slow
@pytest.mark.parametrize("name", LAUNCHED)
def test_slips_in_the_kernel_are_noticed(name):
    slips = mutants(QUESTIONS[name].kernel.strip())
    survivors = {mutant.slip for mutant in slips if not killed(name, mutant.source)}
    assert len(slips) > 300
    assert survivors == set(EQUIVALENT[name])


def test_rotate_partial_is_the_rotation_of_its_front():
    x, angles = RNG.standard_normal((2, 5, 9)), RNG.uniform(0, 6, (5, 3))
    found, overwritten = ch12.rotate_partial.reference(x, np.cos(angles), np.sin(angles), 4)
    np.testing.assert_allclose(found[..., :6], rotate(x[..., :6], np.cos(angles), np.sin(angles)), atol=1e-14)
    assert np.array_equal(found[..., 6:], x[..., 6:]) and overwritten == 0


def test_rotate_rows_is_the_rotation_and_the_gradient_of_it():
    x, upstream, angles, ids = *RNG.standard_normal((2, 5, 3, 8)), RNG.uniform(0, 6, (10, 4)), np.array([7, 8, 0, 1, 2])
    cos, sin = np.cos(angles), np.sin(angles)
    found, gradient, _ = ch12.rotate_rows.reference(x, upstream, cos, sin, ids, 4)
    expected = rotate(x.swapaxes(0, 1), cos[ids], sin[ids], pairing="interleaved").swapaxes(0, 1)
    np.testing.assert_allclose(found, expected, atol=1e-14)
    leaf, c, s = torch.from_numpy(x).requires_grad_(), *(torch.from_numpy(t[ids])[:, None] for t in (cos, sin))
    even, odd = leaf[..., 0::2], leaf[..., 1::2]
    turned = torch.stack([even * c - odd * s, even * s + odd * c], dim=-1).flatten(-2)
    (by_autograd,) = torch.autograd.grad(turned, leaf, torch.from_numpy(upstream))
    np.testing.assert_allclose(gradient, by_autograd, atol=1e-14)


def chapter_kernel():
    """The source of the chapter's rotate_kernel."""
    for cell in code_cells(nbformat.read(ROOT / "notebooks" / NAME, as_version=4)):
        if "def rotate_kernel(" in cell.source:
            return cell.source
    raise AssertionError("chapter 12 has no rotate_kernel")


CHANGES = {
    "A": [("element_ty), mask=inside)", "element_ty))")],
    "B": [("tokens * x_strides[2]", "tokens * 2 * PAIRS"), ("tokens * out_strides[2]", "tokens * 2 * PAIRS")],
    "C": [("tl.program_id(1) % heads", "tl.program_id(1) // heads")],
    "D": [("a * s + b * c", "a * c + b * s")],
    "E": [("x_strides[3], mask=inside, other=0.0", "x_strides[3], mask=inside, other=1.0")],
    "F": [("x_strides[3], mask=inside, other=0.0", "x_strides[3]")],
}
TESTS = {"plain": (64, 1, False), "odd size": (50, 1, False), "heads": (64, 3, False), "strides": (64, 3, True)}


def passes(kernel, seq, heads, by_token):
    """Whether a kernel rotates seq tokens of some heads, in one of two memory orders, and writes nowhere else."""
    x = torch.from_numpy(RNG.standard_normal((1, heads, seq, 16))).float()
    angles = torch.from_numpy(RNG.uniform(0, 6, (seq, 8)))
    cos, sin = angles.cos().float(), angles.sin().float()
    order = (1, 2) if by_token else (1, 1)
    kept = x.transpose(*order).contiguous()
    out = torch.full_like(kept, 99)
    strides = kept.transpose(*order).stride()
    shape = {"PAIRS": 8, "INTERLEAVED": False, "BLOCK": 32, "BLOCK_PAIRS": 8}
    strayed = launch(kernel, (-(-seq // 32), heads), kept, out, cos, sin, seq, heads, strides, strides, **shape)
    expected = torch.from_numpy(rotate(x.double().numpy(), cos.double().numpy(), sin.double().numpy()))
    return strayed == 0 and torch.allclose(out.transpose(*order).double(), expected, atol=1e-5)


@pytest.mark.parametrize("name", CHANGES)
def test_the_first_alarm_is_the_one_that_sounds(name):
    kernel = compiled(changed(chapter_kernel(), *CHANGES[name]))
    alarms = [test for test, sizes in TESTS.items() if not passes(kernel, *sizes)]
    assert (alarms or ["none"])[0] == ch12.first_alarm.reference()[name]
    assert all(passes(compiled(chapter_kernel()), *sizes) for sizes in TESTS.values())


def test_a_change_of_a_kernel_must_begin_in_it():
    with pytest.raises(ValueError, match="must begin with a text of the kernel, but 'no such line' is none"):
        changed(q3_rotate_partial.KERNEL, ("no such line", ""))


def test_without_triton_a_wrong_kernel_explains_nothing_and_the_reference_still_decides(monkeypatch):
    monkeypatch.setitem(sys.modules, "triton.language", None)
    compiled.cache_clear()
    question = ch12.rotate_partial
    case = question.cases(9)[0]
    assert question.judge(case, observe(question.reference, case)).outcome == "correct"
    result = question.judge(case, observe(lambda *given: (given[0] + 1, 0), case))
    assert (result.outcome, result.misconception) == ("wrong", "")


@pytest.mark.slow
def test_right_values_beside_overwritten_memory_are_told_so_without_the_arrays():
    question = ch12.rotate_rows
    without = changed(q4_rotate_rows.KERNEL, ("a * s + b * c, mask=inside)", "a * s + b * c)"))
    result = question.check(q4_rotate_rows.launched(without))
    assert (result.outcome, result.misconception) == ("wrong, recognised", ONLY_STRAYED)
    assert result.message.startswith("All values are right, but 24 elements outside of the tensors were overwritten")
    assert result.example.call and not (result.example.expected or result.example.got) and 0 < result.fraction < 1

    def also_wrong(*given):
        forward, backward, strayed = question.reference(*given)
        return forward + 1, backward, strayed + 1

    assert question.check(also_wrong).misconception == ""


# ── launch ──────────────────────────────────────────────────────────────────

STRAY = """
def stray_kernel(x, out):
    tl.store(out + tl.arange(0, 4) - 1, tl.load(x + tl.arange(0, 4)) + 1)
"""
BEHIND = """
def behind_kernel(x, out, n):
    tl.store(out + tl.arange(0, 2), tl.load(x + n + tl.arange(0, 2)))
"""
IDLE = """
def idle_kernel(x):
    tl.load(x)
"""
BROKEN = """
def broken_kernel(x):
    tl.store(x, 1 // 0)
"""


def floats(*values):
    return torch.tensor(values, dtype=torch.float32)


def test_launch_counts_what_is_written_outside_and_leaves_the_neighbours_alone():
    x, out = floats(0, 1, 2, 3), floats(0, 0)
    assert launch(compiled(STRAY), (1,), x, out) == 2
    assert out.tolist() == [2, 3] and x.tolist() == [0, 1, 2, 3]


def test_launch_fills_the_memory_around_each_array_with_a_number_of_its_own():
    out = floats(0, 0)
    assert launch(compiled(BEHIND), (1,), floats(1, 1, 1), out, 3) == 0 and out.tolist() == [FIRST_FILL] * 2
    assert launch(compiled(STRAY), (1,), floats(*[FIRST_FILL - 2] * 4), out) == 0
    assert launch(compiled(STRAY), (1,), floats(*[FIRST_FILL - 1] * 4), out) == 2


def test_launch_says_when_nothing_was_stored_and_raises_what_the_kernel_raises():
    with pytest.raises(NotImplementedError, match="stored nothing"):
        launch(compiled(IDLE), (1,), floats(1))
    with pytest.raises(ZeroDivisionError):
        launch(compiled(BROKEN), (1,), floats(1))


# ── in a sandbox ────────────────────────────────────────────────────────────


@pytest.fixture(scope="module")
def grade():
    isolation = probe.isolation_or_reason()[0]
    if isolation is None:
        pytest.skip("NOT RUN: no bubblewrap; install it (on Debian: apt-get install bubblewrap)")
    (assignment,) = (found for found in of_the_course() if found.name == NAME.removesuffix(".ipynb"))
    lane = Lane(isolation, Limits())
    yield lambda content: Grading(content, assignment, 7, Seconds(), lane).record()
    lane.close()


def points(record):
    return {name: question["points"] for name, question in record["questions"].items()}


@pytest.mark.slow
def test_the_solution_earns_everything_and_the_exercise_nothing(grade):
    solved = grade((ROOT / "solutions" / NAME).read_bytes())
    assert sum(points(solved).values()) == 20 and solved["notes"] == []
    untouched = grade((ROOT / "exercises" / NAME).read_bytes())
    assert {question["outcome"] for question in untouched["questions"].values()} == {"not attempted"}


@pytest.mark.slow
def test_a_wrong_kernel_is_named_and_a_wild_one_costs_only_itself(grade):
    solution = (ROOT / "solutions" / NAME).read_text(encoding="utf-8")
    record = grade(solution.replace("inside = (tokens < seq) & (pairs < PAIRS)", "inside = pairs < PAIRS").encode())
    found = [record["questions"][name]["misconception"] for name in LAUNCHED]
    assert found == ["rotated part not masked by token", "tokens not masked"]
    wild = solution.replace("tl.store(out + rows + 2 * pairs,", "tl.store(out + (1 << 40) + rows + 2 * pairs,")
    earned = points(grade(wild.encode()))
    assert earned.pop("rotate_rows") == 0 and sum(earned.values()) == 15


@pytest.mark.slow
@pytest.mark.parametrize("room", ["ropelib.triton_kernel", "ropelib.triton_fast", "ropelib.ops"])
def test_the_ready_made_kernels_are_closed(grade, room):
    solution = (ROOT / "solutions" / NAME).read_text(encoding="utf-8")
    line = '"from ropelib.launch import launch"'
    taken = solution.replace(line, f'{line[:-1]}\\n", "import {room} as ready\\n", "ready.rotate(1)"')
    assert taken != solution
    record = grade(taken.encode())
    assert any("which is closed here" in note for note in record["notes"]), record["notes"]
