"""The students' bundle: complete enough to work in, and without anything that answers a question."""

import inspect
import re
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from ropelib.grading import release
from ropelib.grading.assignment import of_the_course
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
    assert not [name for name in found if re.search(r"solution|test_|tests/|benchmarks/\w+\.py|seed|\.ci|verify", name)]
    assert {name for name in found if name.startswith("ropelib/grading/")} == {
        *("ropelib/grading/__init__.py", "ropelib/grading/recorded.py"),
        *("ropelib/grading/inside/__init__.py", "ropelib/grading/inside/codec.py"),
    }


def test_everything_a_student_works_with_is_in_it(bundle):
    packages = [f"ropelib/{name}/*.*" for name in ("kernels", "questions", "tracing", "widgets")]
    course = ("notebooks/*.ipynb", "exercises/*.ipynb", "requirements/*", "benchmarks/results/*.json", "ropelib/*.py")
    for pattern in (*course, "Makefile", *packages):
        assert {path.name for path in ROOT.glob(pattern)} == {path.name for path in bundle.glob(pattern)}, pattern


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
    assert str(recorded.hint(1)) == str(question.hint(1))
    assert "not in this release" in str(recorded.solution(confirm=True))


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
