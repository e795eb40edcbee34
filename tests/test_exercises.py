"""Exercises come from solutions, give nothing away, and run from top to bottom unsolved."""

import ast
import dataclasses
import importlib
import json
import re
import shutil
from unittest.mock import MagicMock

import nbformat
import numpy as np
import pytest
import torch

from ropelib.course import exercises
from ropelib.course.exercises import EFFORT, STUB, UNTOUCHED, WHAT_IS_OPEN, unsolved
from ropelib.course.notebooks import ROOT, code_cells
from ropelib.course.workspace import refresh
from ropelib.grading.inside.notebook import without_magics

NAMES = sorted(exercises.names())
REGION = re.compile(r"### BEGIN SOLUTION\n(.*?)[ \t]*### END SOLUTION", re.DOTALL)


def read(folder, name):
    return nbformat.read(ROOT / folder / name, as_version=4)


def questions(name):
    return importlib.import_module(f"ropelib.checks.ch{name[:2]}").QUESTIONS


def test_every_chapter_with_questions_has_an_exercise():
    assert [name[:2] for name in NAMES] == sorted(path.name[2:] for path in (ROOT / "ropelib/checks").glob("ch[0-9]*"))
    assert all((ROOT / "notebooks" / name).exists() for name in NAMES)


# ── one source ──────────────────────────────────────────────────────────────


@pytest.mark.parametrize("name", NAMES)
def test_an_exercise_is_its_solution_without_the_answers(name):
    fresh, ours = unsolved(read("solutions", name)), read("exercises", name)
    for mine, yours in zip(fresh.cells, ours.cells, strict=True):
        assert (mine.id, mine.source, mine.metadata) == (yours.id, yours.source, yours.metadata)


@pytest.mark.slow
def test_generating_again_gives_the_same_bytes():
    assert exercises.differences(NAMES) == []


def notebook(*sources, **metadata):
    cells = [nbformat.v4.new_code_cell(source, id=f"c{i}", metadata=metadata) for i, source in enumerate(sources)]
    return nbformat.v4.new_notebook(cells=cells)


@pytest.mark.slow
def test_drift_is_reported(tmp_path):
    for folder in ("solutions", "exercises"):
        (tmp_path / folder).mkdir()
    solution, orphan = tmp_path / "solutions" / "01_a.ipynb", tmp_path / "exercises" / "02_b.ipynb"
    nbformat.write(notebook("x = ...\n### BEGIN SOLUTION\nx = 1\n### END SOLUTION"), solution)
    nbformat.write(notebook("1"), orphan)
    names = exercises.names(tmp_path)
    missing, lonely = exercises.differences(names, tmp_path)
    assert "exercises/01_a.ipynb is not what solutions/01_a.ipynb gives" in missing
    assert lonely == "exercises/02_b.ipynb has no solution: delete it, or write one"
    orphan.unlink()
    exercises.write(solution, tmp_path / "exercises")
    assert exercises.differences({"01_a.ipynb"}, tmp_path) == []
    nbformat.write(notebook("x = ...\n### BEGIN SOLUTION\nx = 1\n### END SOLUTION\nx"), solution)
    assert len(exercises.differences({"01_a.ipynb"}, tmp_path)) == 1


@pytest.mark.slow
def test_an_answer_outside_the_markers_is_reported(tmp_path):
    (tmp_path / "solutions").mkdir()
    cells = "from ropelib.checks import ch01", "different_scores = 7", "ch01.different_scores.check(different_scores)"
    nbformat.write(notebook(*cells), tmp_path / "solutions" / "01_a.ipynb")
    exercises.write(tmp_path / "solutions" / "01_a.ipynb", tmp_path / "exercises")
    (found,) = exercises.differences({"01_a.ipynb"}, tmp_path)
    assert "should say '○ Not attempted yet', but says '✓ Correct" in found


def test_solutions_and_hidden_tests_go_and_the_indentation_stays():
    source = "def f():\n    '''x'''\n    ### BEGIN SOLUTION\n    return 1\n    ### END SOLUTION\ny = 2"
    hidden = "a = 1\n### BEGIN HIDDEN TESTS\nassert f() == 1\n### END HIDDEN TESTS\nb = 2"
    first, second = unsolved(notebook(source, hidden)).cells
    assert first.source == f"def f():\n    '''x'''\n    {STUB}\ny = 2"
    assert second.source == "a = 1\nb = 2"


def test_graded_cells_are_locked_and_the_solution_is_left_as_it_was():
    solution = notebook("1", nbgrader={"grade": True})
    (cell,) = unsolved(solution).cells
    assert (cell.metadata.editable, cell.metadata.deletable) == (False, False)
    assert "editable" not in solution.cells[0].metadata


@pytest.mark.parametrize("source", ["### BEGIN SOLUTION\nx = 1", "x\n### END HIDDEN TESTS"])
def test_a_marker_without_its_partner_is_refused(source):
    with pytest.raises(ValueError, match="every marker must have its partner in the same cell"):
        unsolved(notebook(source))


# ── nothing to copy, nothing given away ─────────────────────────────────────


@pytest.mark.parametrize("name", NAMES)
def test_no_answer_is_in_the_file_of_an_exercise(name):
    raw = json.dumps(json.loads((ROOT / "exercises" / name).read_text(encoding="utf-8")), ensure_ascii=False)
    for cell in code_cells(read("solutions", name)):
        for line in "\n".join(REGION.findall(cell.source)).splitlines():
            if len(line.strip()) > 12:
                assert json.dumps(line.strip(), ensure_ascii=False)[1:-1] not in raw, line
    for question in questions(name):
        texts = [question.explanation, *question.hints, *(wrong.message for wrong in question.misconceptions)]
        assert not [text for text in texts if text in raw]


@pytest.mark.parametrize("name", NAMES)
def test_every_check_of_an_exercise_says_not_attempted_and_every_score_is_nothing(name):
    outputs = {
        cell.source: [o.get("data", {}).get("text/plain", "") for o in cell.outputs]
        for cell in code_cells(read("exercises", name))
    }
    for question in questions(name):
        prefix = f"ch{name[:2]}.{question.name}"
        (said,), (score,) = outputs[f"{prefix}.check({question.name})"], outputs[f"{prefix}.score({question.name})"]
        assert said.startswith(f"{UNTOUCHED}: {question.title}") and score == "0.0"


@pytest.mark.parametrize("name", NAMES)
def test_every_solution_is_correct_and_scores_all(name):
    outputs = {
        cell.source: [o.get("data", {}).get("text/plain", "") for o in cell.outputs]
        for cell in code_cells(read("solutions", name))
    }
    for question in questions(name):
        prefix = f"ch{name[:2]}.{question.name}"
        (said,), (score,) = outputs[f"{prefix}.check({question.name})"], outputs[f"{prefix}.score({question.name})"]
        assert said.startswith(f"✓ Correct: {question.title}") and float(score) == question.points


@pytest.mark.parametrize("name", NAMES)
def test_the_text_and_the_metadata_say_what_the_questions_say(name):
    cells = read("solutions", name).cells
    headings = [cell.source for cell in cells if cell.source.startswith("## ") and "points.*" in cell.source]
    for number, (heading, question) in enumerate(zip(headings, questions(name), strict=True), 1):
        assert heading.startswith(f"## {number} · {question.title}\n")
        effort = f"*{question.difficulty.capitalize()}, {question.minutes} minutes, {question.points} points.*"
        assert f"{effort} You will be able to {question.objective}." in heading
    points = {
        c.metadata.nbgrader.grade_id: c.metadata.nbgrader.points
        for c in cells
        if "points" in c.metadata.get("nbgrader", {})
    }
    assert points == {f"{question.name}_points": question.points for question in questions(name)}
    minutes = sum(question.minutes for question in questions(name))
    assert f"**Time** about {minutes} minutes. **Points** {sum(points.values())}." in cells[0].source


@pytest.mark.parametrize("name", NAMES)
def test_every_question_says_what_is_closed(name):
    solution = read("solutions", name)
    assert exercises.ruled(solution, questions(name)) == solution, "make exercises writes it"
    texts = [cell.source for cell in solution.cells if EFFORT in cell.source]
    for text, question in zip(texts, questions(name), strict=True):
        assert text.count(exercises.rule(question)) == 1 and text.count("for this question") == 1
        assert all(f"`{room}`" in text for room in question.closed)
    assert solution.cells[0].source.count(WHAT_IS_OPEN) == 1


def test_what_is_closed_follows_the_question():
    (question, *_), name = questions("02_a.ipynb"), "02_cat_sat_on_the_mat.ipynb"
    once = exercises.ruled(read("solutions", name), [dataclasses.replace(question, answered_by=["a.b", "c"])])
    text = next(cell.source for cell in once.cells if EFFORT in cell.source)
    assert "\n\n*Closed for this question: `a.b` and `c`.*\n\n" in text and "ropelib.reference" not in text


def printed_in_chapters():
    """Every function that a chapter prints. A kernel among them stays one that cannot be called."""
    namespace = {"np": np, "torch": torch, "triton": MagicMock(), "tl": MagicMock()}
    for path in sorted((ROOT / "notebooks").glob("*.ipynb")):
        for cell in code_cells(nbformat.read(path, as_version=4)):
            for node in ast.walk(ast.parse(without_magics(cell.source))):
                if isinstance(node, ast.FunctionDef):
                    exec(compile(ast.Module([node], []), path.name, "exec"), namespace)
                    yield path.name, node.name, namespace[node.name]


@pytest.mark.slow
def test_no_question_is_answered_by_a_function_that_a_chapter_prints():
    printed = list(printed_in_chapters())
    assert len(printed) > 10
    with np.errstate(all="ignore"):
        for question in [question for name in NAMES for question in questions(name)]:
            for chapter, name, function in printed:
                assert name != question.name
                assert question.check(function).fraction < 0.5, (question.name, chapter, name)


def test_learners_get_copies(tmp_path):
    for folder in ("notebooks", "exercises"):
        shutil.copytree(ROOT / folder, tmp_path / folder)
    refresh(tmp_path)
    for name in NAMES:
        copy, original = (nbformat.read(base / "exercises" / name, as_version=4) for base in (tmp_path / "work", ROOT))
        assert [cell.source for cell in copy.cells] == [cell.source for cell in original.cells]
