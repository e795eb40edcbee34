"""A run of the grader from the folder of submissions to the gradebook, and what it keeps from one run to the next."""

import csv
import json
import os
import re
import stat
import subprocess
from html import unescape
from pathlib import Path

import pytest

from ropelib.checks.result import shown
from ropelib.grading import command_line
from ropelib.grading.runner import seed_of
from tests.attacks import exam
from tests.attacks.attack import HALF, HONEST, IMPORT, PERIOD, WRONG_TURN, notebook, with_turn
from tests.classroom import CLOCKWISE, FILE

pytestmark = pytest.mark.slow

ROOT = Path(__file__).resolve().parents[1]


def test_one_row_a_student_and_a_column_a_question(classroom):
    classroom.hand_in("ada")
    classroom.hand_in("bob", CLOCKWISE, f"ps1/{FILE}")
    assert classroom.grade() == 0
    rows = classroom.rows()
    questions = ["turn", "rotate_half", "period"]
    assert list(rows["ada"]) == ["student", "total", "out of", *(f"{exam.NAME}/{q}" for q in questions), "status"]
    assert list(rows["ada"].values()) == ["ada", "6", "6", "3", "2", "1", "graded"]
    assert list(rows["bob"].values()) == ["bob", "3", "6", "0", "2", "1", "graded"]


def test_partial_credit_within_a_question(classroom):
    only_one_row = HONEST[1].replace("    a, b", "    if len(x) > 1: return x\n    a, b")
    classroom.hand_in("ada", (IMPORT, only_one_row, HALF, PERIOD))
    assert classroom.grade() == 0
    assert classroom.rows()["ada"][f"{exam.NAME}/turn"] == "1"


def test_an_answer_under_another_name_counts_if_it_was_handed_to_its_check(classroom):
    check = "from ropelib.checks import ch01\nch01.turn.check(mine)"
    classroom.hand_in("ada", (IMPORT, HONEST[1].replace("def turn", "def mine"), check, HALF, PERIOD))
    classroom.hand_in("bob", (IMPORT, HONEST[1].replace("def turn", "def mine"), HALF, PERIOD))
    classroom.grade()
    assert [classroom.rows()[name]["total"] for name in ("ada", "bob")] == ["6", "3"]


def test_the_report_counts_misconceptions_and_the_feedback_names_them(classroom):
    for name in ("ada", "bob"):
        classroom.hand_in(name, CLOCKWISE)
    classroom.hand_in("eve")
    classroom.grade()
    report = (classroom.out / "report.html").read_text()
    assert "2 of 3: turned clockwise" in report and "3 submissions, median 3 of 6" in report
    feedback = (classroom.out / "feedback" / "ada.html").read_text()
    assert "This turns clockwise. Which sine has the minus?" in feedback and "0 of 3 points" in feedback
    assert re.search(r"Content-Security-Policy\" content=\"default-src 'none'", feedback)


def test_the_feedback_does_not_tell_what_was_expected_for_inputs_that_come_again(classroom):
    classroom.hand_in("ada", (IMPORT, WRONG_TURN, HALF, PERIOD))
    classroom.grade("--seed", "5")
    case = exam.QUESTIONS[0].cases(seed_of(5, exam.NAME))[0]
    feedback = unescape((classroom.out / "feedback" / "ada.html").read_text())
    assert shown(case.args[0]) in feedback and shown(case.args[0] + 1) in feedback
    assert shown(exam.turn(*case.args)) not in feedback


def test_only_what_changed_is_graded_again(classroom, capsys):
    for name in ("ada", "bob"):
        classroom.hand_in(name)
    classroom.grade()
    before = classroom.records()
    assert classroom.grade() == 0 and classroom.records() == before
    assert "0 of 0 graded, 2 kept" in capsys.readouterr().err
    classroom.hand_in("bob", CLOCKWISE)
    assert classroom.grade() == 0
    after = classroom.records()
    assert after["ada"] == before["ada"] and after["bob"] != before["bob"]
    assert classroom.rows()["bob"]["total"] == "3"


def test_other_questions_seeds_and_limits_mean_other_grades(classroom, monkeypatch):
    classroom.hand_in("ada")
    classroom.grade("--seed", "5")
    before = classroom.records()
    classroom.grade()
    assert classroom.records() == before, "the seed is remembered"
    for change in (["--seed", "6"], ["--seed", "6", "--seconds-per-call", "4"]):
        classroom.grade(*change)
        assert classroom.records() != before, change
        before = classroom.records()
    monkeypatch.setattr("ropelib.grading.assignment.digest_of_the_library", lambda: "another version")
    classroom.grade("--seconds-per-call", "4")
    assert classroom.records() != before


def test_what_is_withdrawn_is_kept_and_said_and_in_no_table(classroom, capsys):
    for name in ("ada", "bob"):
        classroom.hand_in(name)
    classroom.grade()
    before = classroom.records()
    classroom.submissions.joinpath("bob").rename(classroom.out.parent / "bob")
    assert classroom.grade() == 0
    assert set(classroom.rows()) == {"ada"} and classroom.records() == before
    assert sorted(path.name for path in (classroom.out / "feedback").iterdir()) == ["ada.html", "bob.html"]
    said = "bob: 90_exam was graded and is no longer there"
    assert said in capsys.readouterr().err and said in (classroom.out / "report.html").read_text()
    (classroom.out.parent / "bob").rename(classroom.submissions / "bob")
    assert classroom.grade() == 0 and classroom.records() == before, "it need not be graded again"


def test_another_class_is_refused_in_the_same_folder(classroom, capsys):
    for name in ("ada", "bob"):
        classroom.hand_in(name)
    classroom.grade()
    files = {path: path.read_bytes() for path in classroom.out.rglob("*") if path.is_file()}
    classroom.submissions.rename(classroom.submissions.with_name("others"))
    classroom.submissions.mkdir()
    classroom.hand_in("eve")
    assert classroom.grade() == 2
    assert "holds the results of other students (ada, bob), and of nobody in" in capsys.readouterr().err
    assert {path: path.read_bytes() for path in classroom.out.rglob("*") if path.is_file()} == files


def test_what_counts_is_said_and_can_be_chosen(classroom, capsys):
    classroom.flags += ["--assignment", "91_more=tests.attacks.exam"]
    classroom.hand_in("ada")
    classroom.hand_in("bob")
    classroom.hand_in("bob", place="91_more.ipynb")
    assert classroom.grade() == 0
    assert "because somebody handed them in: 90_exam (by 2), 91_more (by 1)" in capsys.readouterr().err
    assert classroom.rows()["ada"]["out of"] == "12" and "91_more: missing" in classroom.rows()["ada"]["status"]
    assert classroom.grade("--assignments", "90") == 0
    assert "as --assignments asks: 90_exam." in (classroom.out / "report.html").read_text()
    assert {row["out of"] for row in classroom.rows().values()} == {"6"}
    assert {row["status"] for row in classroom.rows().values()} == {"graded"}
    assert classroom.grade("--assignments", "90,92") == 2
    assert "there is no assignment '92' among 90_exam, 91_more" in capsys.readouterr().err


def test_a_notebook_without_time_for_its_answers_is_not_blamed_on_them(classroom):
    classroom.hand_in("ada", (*HONEST, *["import time\ntime.sleep(9)"] * 9))
    assert classroom.grade("--seconds-per-submission", "2") == 1
    row = classroom.rows()["ada"]
    assert row["status"] == f"{exam.NAME}: graded, its 2 seconds were used up; not asked: turn, rotate_half, period"
    report, feedback = ((classroom.out / name).read_text() for name in ("report.html", "feedback/ada.html"))
    assert report.index("Needs a look") < report.index("its 2 seconds were used up")
    assert "It may well be right: which cell takes so long?" in feedback and "cannot end" not in feedback
    assert feedback.count("<li>") == 2, "one cell was interrupted, and the others did not run"


def test_an_error_in_the_cell_of_an_answer_stands_at_its_question(classroom):
    typo = HONEST[1].replace("b = x[..., 0], x[..., 1]", "b = x[..., 0, x[..., 1]")
    classroom.hand_in("ada", (IMPORT, typo, HALF, "period = ...\nperiod = 1 / 0"))
    assert classroom.grade() == 0
    feedback = unescape((classroom.out / "feedback" / "ada.html").read_text())
    turn, _, period = feedback.split("<section")[1:]
    assert "SyntaxError: '[' was never closed (line 3)" in turn and "Not attempted" not in turn
    assert "ZeroDivisionError: division by zero\nin line 2: period = 1 / 0" in period.split("</section>")[0]
    assert "The cell “def turn(x, angle):” raised SyntaxError" in feedback and "Cell 2" not in feedback


def test_a_table_made_with_what_is_closed_is_named_where_it_is_missed(classroom):
    table = "import ropelib\nwaves = ropelib.inverse_frequencies(8)"
    half = HALF.replace("    a, b", "    len(waves)\n    a, b")
    classroom.hand_in("ada", (IMPORT, HONEST[1], table, half, PERIOD))
    assert classroom.grade() == 0
    feedback = unescape((classroom.out / "feedback" / "ada.html").read_text())
    said = (
        "name 'waves' is not defined. The cell that makes it stopped: you called ropelib.reference.inverse_frequencies"
    )
    assert said in feedback and classroom.rows()["ada"][f"{exam.NAME}/rotate_half"] == "0"


def test_a_value_may_be_computed_with_what_is_closed_to_a_program(classroom):
    attempt = "import ropelib\nfrom ropelib.reference import rotate\n"
    lazy = "def rotate_half(x, cos, sin):\n    return rotate(x, cos, sin)"
    period = "period = 8.0 * len(ropelib.inverse_frequencies(2))\nperiod"
    classroom.hand_in("ada", (IMPORT, attempt, HONEST[1], lazy, period))
    assert classroom.grade() == 0
    assert classroom.rows()["ada"][f"{exam.NAME}/period"] == "1"
    feedback = unescape((classroom.out / "feedback" / "ada.html").read_text())
    assert "You called ropelib.reference.rotate, which is closed here: this question asks you to write it." in feedback
    assert "RoomIsClosed" not in feedback
    assert "While your notebook ran" not in feedback, "what fails in the other questions' run is none of this one's"


def test_overrides_count_and_survive(classroom):
    classroom.hand_in("ada", CLOCKWISE)
    classroom.grade()
    overrides = classroom.out / "overrides.csv"
    overrides.write_text(f"student,assignment,question,points,reason\nada,{exam.NAME},turn,2.5,<b>Right idea</b>\n")
    assert classroom.grade() == 0 and classroom.rows()["ada"]["total"] == "5.5"
    classroom.hand_in("ada", (IMPORT, WRONG_TURN, HALF, PERIOD))
    assert classroom.grade() == 0 and classroom.rows()["ada"]["total"] == "5.5"
    feedback = (classroom.out / "feedback" / "ada.html").read_text()
    assert "Set by your instructor: &lt;b&gt;Right idea&lt;/b&gt;" in feedback
    assert overrides.read_text().endswith("<b>Right idea</b>\n")


@pytest.mark.parametrize(
    "line, complaint",
    [
        ("eve,90_exam,turn,1,x", "no such student"),
        ("ada,90_exam,turns,1,x", "no such student"),
        ("ada,90_exam,turn,4,x", "from 0 to 3"),
        ("ada,90_exam,turn,nan,x", "from 0 to 3"),
        ("ada,90_exam,turn", "5 columns"),
        ("ada,90_exam,turn,1,x", "a second line for ada, 90_exam, turn"),
    ],
)
def test_an_override_that_fits_nothing_is_refused(classroom, capsys, line, complaint):
    classroom.hand_in("ada")
    classroom.out.mkdir()
    first = "ada,90_exam,turn,2,x\n" if "second" in complaint else ""
    (classroom.out / "overrides.csv").write_text(f"student,assignment,question,points,reason\n{first}{line}\n")
    assert classroom.grade() == 2
    error = capsys.readouterr().err
    assert complaint in error and ("line 3" if first else "line 2") in error


def test_the_seed_is_the_instructors_alone(classroom):
    classroom.hand_in("ada", with_turn("raise ValueError(sorted(globals()))"))
    classroom.grade()
    private = classroom.out / "private"
    assert stat.S_IMODE(private.stat().st_mode) == 0o700
    seed = str(json.loads((private / "seed.json").read_text())["seed"])
    texts = [path.read_text() for path in classroom.out.rglob("*") if path.is_file() and path.name != "seed.json"]
    assert len(seed) > 10 and not [text for text in texts if seed in text]


def test_folders_that_cannot_be_are_refused(classroom, capsys):
    classroom.hand_in("ada")
    folder, out = classroom.submissions, classroom.out
    file = folder / "ada" / FILE
    beside = classroom.out.with_name("a_file")
    beside.write_text("")
    for submissions, results, complaint in (
        (folder.with_name("nowhere"), out, "there is no folder"),
        (file, out, "is no folder"),
        (folder, folder / "grades", "would be taken for a student"),
        (folder, beside / "grades", "Not a directory"),
    ):
        classroom.submissions, classroom.out = submissions, results
        assert classroom.grade() == 2
        said = capsys.readouterr().err
        assert said.startswith("Refused: ") and complaint in said and "Errno" not in said and not results.exists()


@pytest.mark.parametrize("jobs", ["x", "0", "1.5"])
def test_what_is_no_number_is_refused_in_words(classroom, capsys, jobs):
    with pytest.raises(SystemExit):
        classroom.grade("--jobs", jobs)
    assert f"must be a whole number above 0, but got {jobs}" in capsys.readouterr().err


def test_a_damaged_seed_is_refused_and_not_replaced(classroom, capsys):
    classroom.hand_in("ada")
    classroom.grade()
    (classroom.out / "private" / "seed.json").write_text('{"se')
    assert classroom.grade() == 2 and "seed.json must hold the seed" in capsys.readouterr().err


def test_nothing_to_grade_is_refused(classroom, capsys):
    classroom.hand_in("ada", place="homework.ipynb")
    assert classroom.grade() == 2
    assert f"{exam.NAME}.ipynb" in capsys.readouterr().err


def test_what_is_missing_or_unreadable_is_reported_and_not_guessed(classroom):
    classroom.hand_in("ada")
    classroom.hand_in("bob", place=f"{exam.NAME} (1).ipynb")
    (classroom.submissions / "eve").mkdir()
    (classroom.submissions / "eve" / FILE).write_text("{}")
    (classroom.submissions / "lost.ipynb").write_text(notebook(HONEST))
    assert classroom.grade() == 1
    rows = classroom.rows()
    assert rows["ada"]["total"] == "6" and rows["bob"]["total"] == rows["eve"]["total"] == ""
    renamed = f"{exam.NAME} (1).ipynb was handed in; to be graded it must be called {FILE}"
    assert "missing" in rows["bob"]["status"] and renamed in rows["bob"]["status"]
    assert "not a notebook" in rows["eve"]["status"]
    report = (classroom.out / "report.html").read_text()
    assert "lost.ipynb lies outside" in report and "(1).ipynb has no assignment&#x27;s name" in report


@pytest.mark.slow
def test_make_grade_asks_for_the_folder():
    alone = subprocess.run(
        ["make", "grade"], cwd=ROOT, capture_output=True, text=True, env={**os.environ, "SUBMISSIONS": ""}
    )
    assert alone.returncode != 0 and "make grade SUBMISSIONS=folder" in alone.stdout


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["solutions", "exercises"])
def test_solutions_earn_everything_and_unsolved_exercises_nothing(tmp_path, without_bubblewrap, kind):
    folder = tmp_path / "submitted" / "ada"
    folder.mkdir(parents=True)
    notebooks = sorted((ROOT / kind).glob("*.ipynb"))
    for path in notebooks:
        (folder / path.name).write_bytes(path.read_bytes())
    out = tmp_path / "grades"
    assert notebooks and command_line.main([str(folder.parent), "--out", str(out), *without_bubblewrap]) == 0
    with open(out / "grades.csv", newline="") as file:
        (row,) = csv.DictReader(file)
    assert row["status"] == "graded"
    assert row["total"] == (row["out of"] if kind == "solutions" else "0")
