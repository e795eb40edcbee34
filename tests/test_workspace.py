"""The learner's copies: refreshed when untouched, kept when edited, never lost."""

import json

import pytest

from ropelib.course.workspace import refresh


def notebook(source, output=None):
    outputs = [{"output_type": "stream", "name": "stdout", "text": output}] if output else []
    cell = {"cell_type": "code", "source": source, "outputs": outputs, "metadata": {}, "execution_count": None}
    return json.dumps({"cells": [cell], "metadata": {}, "nbformat": 4, "nbformat_minor": 5})


@pytest.fixture
def course(tmp_path):
    for folder, name in (("notebooks", "01_a.ipynb"), ("exercises", "01_b.ipynb")):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / name).write_text(notebook("x = 1"))
    (tmp_path / "notebooks" / "references.md").write_text("references")
    assert refresh(tmp_path) == []
    return tmp_path


BOTH = ["notebooks/01_a.ipynb", "exercises/01_b.ipynb"]


def test_the_first_launch_copies_everything(course):
    for name in BOTH:
        assert json.loads((course / "work" / name).read_text()) == json.loads((course / name).read_text())
    assert (course / "work" / "notebooks" / "references.md").read_text() == "references"
    assert refresh(course) == [], "nothing to do, nothing to say"


def test_copies_come_without_the_results_that_a_reader_is_asked_to_predict(course):
    (course / "notebooks" / "01_a.ipynb").write_text(notebook("x = 1", output="the answer"))
    refresh(course)
    copy = (course / "work" / "notebooks" / "01_a.ipynb").read_text()
    assert "x = 1" in copy and "the answer" not in copy


@pytest.mark.parametrize("name", BOTH)
def test_an_untouched_copy_is_refreshed(course, name):
    (course / name).write_text(notebook("x = 2"))
    assert refresh(course) == [f"work/{name} was updated."]
    assert "x = 2" in (course / "work" / name).read_text()


@pytest.mark.parametrize("name", BOTH)
def test_an_edited_copy_is_kept_and_reported_as_often_as_it_takes(course, name):
    mine = notebook("x = 'my answer'")
    (course / "work" / name).write_text(mine)
    assert refresh(course) == [], "edited, but the course has nothing newer"
    (course / name).write_text(notebook("x = 2"))
    for _ in range(2):
        (message,) = refresh(course)
        assert name in message and "yours stays" in message
        assert (course / "work" / name).read_text() == mine
    (course / "work" / name).rename(course / "work" / "mine.ipynb")
    assert refresh(course) == []
    assert "x = 2" in (course / "work" / name).read_text(), "renaming yours brings the new one"


def test_a_copy_that_was_only_run_is_refreshed_and_the_run_is_kept(course):
    name = "notebooks/01_a.ipynb"
    for number in (1, 2):
        ran = notebook(f"x = {number}", output=f"my timing {number}")
        (course / "work" / name).write_text(ran)
        (course / name).write_text(notebook(f"x = {number + 1}"))
        (message,) = refresh(course)
        kept = course / "work" / ".course" / "replaced" / f"01_a-{number}.ipynb"
        assert str(kept.relative_to(course)) in message and kept.read_text() == ran
        assert f"x = {number + 1}" in (course / "work" / name).read_text()


@pytest.mark.parametrize("damage", ["not json", "[]", '{"notebooks/01_a.ipynb": 3}', ""])
def test_a_damaged_ledger_never_costs_an_edit(course, damage):
    mine = notebook("mine")
    (course / "work" / "notebooks" / "01_a.ipynb").write_text(mine)
    (course / "work" / ".course" / "copied.json").write_text(damage)
    (course / "notebooks" / "01_a.ipynb").write_text(notebook("x = 2"))
    assert any("yours stays" in message for message in refresh(course))
    assert (course / "work" / "notebooks" / "01_a.ipynb").read_text() == mine


def test_files_of_the_learner_are_left_alone(course):
    own = course / "work" / "notebooks" / "scratch.ipynb"
    own.write_text("whatever")
    (course / "notebooks" / "01_a.ipynb").unlink()
    assert refresh(course) == []
    assert own.read_text() == "whatever" and (course / "work" / "notebooks" / "01_a.ipynb").exists()


def test_an_unreadable_copy_counts_as_edited(course):
    (course / "work" / "notebooks" / "01_a.ipynb").write_bytes(b"\xff\x00 half saved")
    (course / "notebooks" / "01_a.ipynb").write_text(notebook("x = 2"))
    assert "yours stays" in refresh(course)[0]
    assert (course / "work" / "notebooks" / "01_a.ipynb").read_bytes() == b"\xff\x00 half saved"
