"""The students' bundle: complete enough to work in, and without anything that answers a question."""

import ast
import inspect
import json
import os
import re
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from ropelib.grading import release
from ropelib.grading.assignment import of_the_course
from ropelib.grading.inside.notebook import without_magics
from ropelib.grading.recorded import load, record

pytestmark = pytest.mark.slow

ROOT = Path(__file__).resolve().parents[1]
QUESTIONS = [question for assignment in of_the_course() for question in assignment.questions]


@pytest.fixture(scope="module")
def bundle(tmp_path_factory):
    """The unpacked bundle."""
    folder = tmp_path_factory.mktemp("release")
    release.build(folder / "course.zip")
    with zipfile.ZipFile(folder / "course.zip") as archive:
        archive.extractall(folder)
    return folder / release.TOP


def names(folder):
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}


def code_of(program):
    """The lines of a program that say something, without its signature and docstring."""
    lines = inspect.getsource(program).strip().splitlines()[1:]
    return {line.strip() for line in lines if len(line.strip()) > 25 and not line.strip().startswith(('"""', "#"))}


def test_nothing_of_the_instructors_is_in_it(bundle):
    found = names(bundle)
    assert not [name for name in found if re.search(r"solution|test_|tests/|seed|\.ci|verify|CONTRIBUTING", name)]
    assert not [name for name in found if re.search(r"benchmarks/(?!results/\w+\.json)", name)]
    assert {name for name in found if name.startswith("ropelib/grading/")} == {
        *("ropelib/grading/__init__.py", "ropelib/grading/recorded.py"),
        *("ropelib/grading/inside/__init__.py", "ropelib/grading/inside/codec.py"),
    }


def test_everything_a_student_works_with_is_in_it(bundle):
    packages = [f"ropelib/{name}/*.*" for name in ("questions", "tracing", "widgets")]
    course = ("notebooks/*.ipynb", "exercises/*.ipynb", "requirements/*", "benchmarks/results/*.json", "ropelib/*.py")
    for pattern in (*course, "Makefile", *packages):
        assert {path.name for path in ROOT.glob(pattern)} == {path.name for path in bundle.glob(pattern)}, pattern


def imported(notebook):
    """Each import statement of a notebook, by itself."""
    cells = json.loads(notebook.read_text())["cells"]
    for cell in (cell for cell in cells if cell["cell_type"] == "code"):
        for node in ast.walk(ast.parse(without_magics("".join(cell["source"])))):
            if isinstance(node, (ast.Import, ast.ImportFrom)):
                yield ast.unparse(node)


def in_the_bundle(bundle, program, *arguments):
    environment = {**os.environ, "PYTHONPATH": "", "MPLBACKEND": "Agg"}
    command = [sys.executable, "-W", "ignore", "-c", f"import sys; sys.path.insert(0, '.')\n{program}", *arguments]
    done = subprocess.run(command, cwd=bundle, capture_output=True, text=True, env=environment)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_every_import_of_every_notebook_is_found_inside_it(bundle):
    notebooks = [path for path in sorted(bundle.rglob("*.ipynb"))]
    statements = sorted({statement for path in notebooks for statement in imported(path)})
    assert len(notebooks) > 10 and "from ropelib.widgets.card import ask_again, predict" in statements
    program = "\n".join(
        [*statements, "found = [m.__file__ for n, m in sys.modules.items() if n.startswith('ropelib')]"]
    )
    files = in_the_bundle(bundle, f"{program}\nprint(*found, sep='\\n')").split()
    assert files and all(not Path(file).is_absolute() or Path(file).is_relative_to(bundle) for file in files)


def test_what_a_package_loads_by_name_is_in_it(bundle):
    program = "import ropelib, ropelib.questions as q; print([getattr(ropelib, n) for n in ropelib.__all__][0])\n"
    program += "print(*(key for chapter in q.chapters() for key in q.keys(chapter)))"
    assert "01-" in in_the_bundle(bundle, program)


def test_a_chapter_runs_from_it(bundle):
    cells = json.loads((bundle / "notebooks" / "01_rotation_identity.ipynb").read_text())["cells"]
    sources = ["".join(cell["source"]) for cell in cells if cell["cell_type"] == "code"]
    assert len(sources) > 10
    in_the_bundle(bundle, "\n".join(["from IPython.display import display", *sources]))


def test_its_makefile_offers_what_works_in_it(bundle):
    listed = subprocess.run(["make"], cwd=bundle, capture_output=True, text=True)
    targets = [line.split()[0] for line in listed.stdout.splitlines() if line.startswith("  ")]
    assert targets == ["help", "lab", "clean"] and listed.returncode == 0
    assert not re.search(r"make (?!lab)[a-z]+|tests|grade|NB", listed.stdout + (bundle / "Makefile").read_text())
    dry = subprocess.run(["make", "--dry-run", "lab", "clean"], cwd=bundle, capture_output=True, text=True)
    assert dry.returncode == 0 and "requirements/install.py lab" in dry.stdout and "-m jupyter lab" in dry.stdout
    for module in re.findall(r"-m (ropelib[\w.]+)", dry.stdout):
        assert (bundle / f"{module.replace('.', '/')}.py").exists()


def test_every_link_in_it_leads_somewhere(bundle):
    for path in [*bundle.rglob("*.md"), *bundle.rglob("*.ipynb")]:
        text = path.read_text()
        if path.suffix == ".ipynb":
            cells = json.loads(text)["cells"]
            text = "\n".join("".join(cell["source"]) for cell in cells if cell["cell_type"] == "markdown")
        for link in re.findall(r"\]\(([^)\s#]+)", text):
            assert re.match(r"\w+:", link) or (path.parent / link).exists(), (path.name, link)


def test_its_readme_is_the_students(bundle):
    readme = (bundle / "README.md").read_text()
    assert not re.search(r"make (test|check|grade|release)|nbgrader|nbval|git |\{chapters\}", readme)
    for path in (bundle / "exercises").glob("*.ipynb"):
        assert f"[exercises](exercises/{path.name})" in readme


def test_what_it_does_not_have_is_not_promised(bundle):
    for path in [*bundle.rglob("*.md"), *(bundle / "exercises").glob("*.ipynb")]:
        assert ".solution(" not in path.read_text(), path.name
        assert "olutions are with your instructor." in path.read_text() or path.name == "references.md", path.name


def test_no_program_behind_a_check_is_in_it(bundle):
    shown = "\n".join(path.read_text() for path in bundle.rglob("*.py"))
    for question in QUESTIONS:
        programs = [question.reference, *(m.wrong for m in question.misconceptions if inspect.isfunction(m.wrong))]
        for program in programs:
            leaked = [line for line in code_of(program) if line in shown and line not in LIBRARY]
            assert leaked == [], (question.name, leaked)


SHARED = [*(ROOT / "ropelib").glob("*.py"), *(ROOT / "ropelib" / "checks").glob("*.py")]
LIBRARY = "\n".join(path.read_text() for path in SHARED)


def test_no_solution_is_in_its_exercises(bundle):
    for path in bundle.rglob("*.ipynb"):
        assert "BEGIN SOLUTION" not in path.read_text() and "HIDDEN TESTS" not in path.read_text()


@pytest.mark.parametrize("question", QUESTIONS, ids=lambda question: question.name)
def test_a_recorded_question_judges_as_the_original_does(question):
    recorded = load(record(question))
    reference = question.reference if question.cases(0)[0].calls else question.reference()
    answers = [reference, None, ..., *(misconception.wrong for misconception in question.misconceptions)]
    for answer in answers:
        assert str(recorded.check(answer)) == str(question.check(answer))
    assert str(recorded.check()) == str(question.check()) and repr(recorded) == repr(question)
    assert len(repr(recorded)) < 120 and len(repr(recorded.reference)) < 120
    assert recorded.closed == question.closed
    assert str(recorded.hint(1)) == str(question.hint(1))
    assert str(recorded.solution()) == str(recorded.solution(confirm=True))
    assert "not in this release" in str(recorded.solution())


@pytest.mark.slow
def test_the_exercises_run_in_it_and_solutions_are_right(bundle):
    """Each notebook in a process that sees the bundle's ropelib and no other."""
    program = (
        "import json, sys; sys.path.insert(0, '.'); space = {}\n"
        "for cell in json.load(open(sys.argv[1]))['cells']:\n"
        "    if cell['cell_type'] == 'code': exec(''.join(cell['source']), space)\n"
        "from ropelib.checks import ch%s as questions\n"
        "print(questions.__file__, [q.check(space[q.name]).outcome for q in questions.QUESTIONS])"
    )
    for path in sorted((ROOT / "solutions").glob("*.ipynb")):
        for kind, outcome in (("solutions", "correct"), ("exercises", "not attempted")):
            command = [sys.executable, "-c", program % path.name[:2], str(ROOT / kind / path.name)]
            done = subprocess.run(command, cwd=bundle, capture_output=True, text=True)
            assert done.returncode == 0, done.stderr
            assert str(bundle) in done.stdout or done.stdout.startswith("."), done.stdout
            assert set(re.findall(r"'([^']+)'", done.stdout.split("[")[1])) == {outcome}, (path.name, done.stdout)


def test_the_same_tree_gives_the_same_bundle(tmp_path):
    for name in ("one.zip", "other.zip"):
        release.build(tmp_path / name)
    assert (tmp_path / "one.zip").read_bytes() == (tmp_path / "other.zip").read_bytes()
