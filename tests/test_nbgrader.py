"""The same notebooks go through nbgrader: release, autograde, feedback."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest

from ropelib.checks import ch00, ch01, ch02, ch03, ch05, ch06, ch07, ch08
from ropelib.course.notebooks import ROOT

pytestmark = pytest.mark.slow

ASSIGNMENT = "rope"
# Ten of the twenty points of each notebook.
HALF = {
    "terms_of_a_layer",
    "alibi_weights",
    "rotate_2d",
    "offset_between",
    "rotate_interleaved",
    "score_at_offset",
    "spectrum",
    "query_for_distance",
    "rope_apply",
    "pairing_of",
    "rotate_by_ids",
    "rope_backward",
    "padded_positions",
    "attend_chunk",
    "interleave_qkv",
    "lead",
}
CHAPTERS = (ch00, ch01, ch02, ch03, ch05, ch06, ch07, ch08)
EVERYTHING = {question.name for chapter in CHAPTERS for question in chapter.QUESTIONS}
SUBMISSIONS = {"blank": set(), "full": EVERYTHING, "half": HALF}


def nbgrader(folder, *command):
    outcome = subprocess.run(
        [sys.executable, "-m", "nbgrader", *command],
        cwd=folder,
        capture_output=True,
        text=True,
        # nbgrader calls `alembic` by its name.
        env={**os.environ, "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"},
    )
    assert outcome.returncode == 0, outcome.stderr
    return outcome


def notebooks(folder):
    return {path.name: nbformat.read(path, as_version=4) for path in sorted(folder.glob("*.ipynb"))}


def solved(released, answers):
    """The released notebook with the answers of the solution typed into some of its cells."""
    sources = {
        cell.metadata.nbgrader.grade_id: cell.source
        for solution in notebooks(ROOT / "solutions").values()
        for cell in solution.cells
        if cell.metadata.get("nbgrader", {}).get("solution")
    }
    for cell in released.cells:
        if cell.metadata.get("nbgrader", {}).get("grade_id") in answers:
            cell.source = sources[cell.metadata.nbgrader.grade_id]
    return released


@pytest.fixture(scope="module")
def course(tmp_path_factory):
    pytest.importorskip("nbgrader", reason="NOT RUN: no nbgrader; `make test` installs it")
    folder = tmp_path_factory.mktemp("course")
    shutil.copytree(ROOT / "solutions", folder / "source" / ASSIGNMENT, ignore=shutil.ignore_patterns("*.py", ".*"))
    shutil.copy(ROOT / "solutions" / "nbgrader_config.py", folder)
    nbgrader(folder, "generate_assignment", ASSIGNMENT, "--create")
    for student, answers in SUBMISSIONS.items():
        target = folder / "submitted" / student / ASSIGNMENT
        target.mkdir(parents=True)
        for name, released in notebooks(folder / "release" / ASSIGNMENT).items():
            nbformat.write(solved(released, answers), target / name)
    nbgrader(folder, "autograde", ASSIGNMENT, "--create")
    nbgrader(folder, "generate_feedback", ASSIGNMENT)
    return folder


def test_its_release_has_the_cells_of_our_exercises(course):
    theirs, ours = notebooks(course / "release" / ASSIGNMENT), notebooks(ROOT / "exercises")
    assert list(theirs) == list(ours)
    for name in ours:
        assert [cell.source for cell in theirs[name].cells] == [cell.source for cell in ours[name].cells]


def test_blank_half_and_full_submissions_score_nothing_half_and_all(course):
    code = f"""
import json
from nbgrader.api import Gradebook
with Gradebook("sqlite:///gradebook.db") as book:
    print(json.dumps({{student: [[n.name, n.score, n.max_score, n.needs_manual_grade] for n in
        book.find_submission({ASSIGNMENT!r}, student).notebooks] for student in {list(SUBMISSIONS)}}}))
"""
    shown = subprocess.run([sys.executable, "-W", "ignore", "-c", code], cwd=course, capture_output=True, text=True)
    scores = json.loads(shown.stdout)
    for student, part in {"blank": 0, "half": 0.5, "full": 1}.items():
        assert len(scores[student]) == len(notebooks(ROOT / "solutions"))
        for name, score, most, by_hand in scores[student]:
            assert (score, most, by_hand) == (20 * part, 20, False), (student, name)


def test_the_feedback_shows_what_the_checks_said(course):
    for student, words in {
        "blank": "Not attempted yet",
        "half": "Correct: Turn many points",
        "full": "Correct",
    }.items():
        pages = list((course / "feedback" / student / ASSIGNMENT).glob("*.html"))
        assert len(pages) == len(notebooks(ROOT / "solutions"))
        assert words in (course / "feedback" / student / ASSIGNMENT / "01_rotation_identity.html").read_text()
