"""What is written for people: a table no spreadsheet executes, pages no browser executes, a line of progress."""

import csv
import io
import os
from html.parser import HTMLParser
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ropelib.grading import page, report, store
from ropelib.grading.assignment import Assignment
from ropelib.grading.feedback import feedback
from ropelib.grading.gradebook import Entry, as_csv, harmless
from ropelib.grading.overrides import Override
from ropelib.grading.progress import Progress
from ropelib.grading.runner import clean
from tests.attacks import exam

pytestmark = pytest.mark.slow

ASSIGNMENT = Assignment(exam.NAME, "tests.attacks.exam")
NASTY = '</pre></title><script>alert(1)</script><img src="x" onerror=alert(1)>\x00\x1b[2J\u202e\ud800&"\''


def entry(student="ada", points=(3, 2, 1), misconception="", status="graded", text="", overrides=None):
    questions = {
        question.name: {
            "outcome": "correct" if got == question.points else "wrong, recognised",
            "points": got,
            "of": question.points,
            "title": text or question.title,
            "message": text,
            "misconception": misconception if question.name == "turn" else "",
            "example": {"call": text, "got": text},
        }
        for question, got in zip(exam.QUESTIONS, points, strict=True)
    }
    record = {"questions": questions, "notes": [text] if text else []}
    return Entry(student, ASSIGNMENT, status, "" if status == "graded" else text or "lost", record, overrides or {})


def rows(*entries):
    return list(csv.reader(io.StringIO(as_csv([ASSIGNMENT], [[one] for one in entries]))))


def test_no_grade_is_not_a_grade_of_zero():
    table = rows(entry(points=(0, 0, 0)), entry("bob", status="missing"))
    assert table[1][1:] == ["0", "6", "0", "0", "0", "graded"]
    assert table[2][1:] == ["", "6", "", "", "", f"{exam.NAME}: missing, lost"]


def test_an_override_gives_points_to_what_could_not_be_graded():
    overrides = {("ada", exam.NAME, "turn"): Override(2.0, "read on paper")}
    assert rows(entry(status="unreadable", overrides=overrides))[1][1:6] == ["2", "6", "2", "", ""]


@given(st.text())
def test_no_field_is_a_formula_or_two_lines(name):
    field = harmless(name)
    assert field[:1] not in ("=", "+", "-", "@", "\t", "\r") and "\n" not in field and "\r" not in field
    assert rows(entry(name))[1][0] == field
    field.encode()


class Markup(HTMLParser):
    """The tags and attributes of a page."""

    def __init__(self):
        super().__init__()
        self.tags, self.attributes = set(), set()

    def handle_starttag(self, tag, attrs):
        self.tags.add(tag)
        self.attributes |= {name for name, _ in attrs}


def markup(html):
    html.encode()
    parser = Markup()
    parser.feed(html)
    return parser.tags, parser.attributes


@pytest.mark.parametrize("status", ["graded", "unreadable"])
def test_hostile_text_adds_no_tag_and_no_attribute(status):
    overrides = {("ada", exam.NAME, "turn"): Override(2.0, "because")}
    nasty_overrides = {(NASTY, exam.NAME, "turn"): Override(2.0, NASTY)}
    tame = entry(text="x", status=status, points=(0, 1, 1), misconception="x", overrides=overrides)
    nasty = entry(NASTY, text=NASTY, status=status, points=(0, 1, 1), misconception=NASTY, overrides=nasty_overrides)
    assert markup(feedback([nasty])) == markup(feedback([tame]))
    whole = [report.report([ASSIGNMENT], [[one]], [text]) for one, text in ((nasty, NASTY), (tame, "x"))]
    assert markup(whole[0]) == markup(whole[1])
    assert "script" not in markup(whole[0])[0] and page.POLICY.startswith("default-src 'none'")


def test_the_report_says_how_many_made_which_mistake():
    made = [entry(f"s{n}", (0, 2, 1), "mixed the two pairings") for n in range(7)]
    right = [entry(f"t{n}") for n in range(23)]
    html = report.report([ASSIGNMENT], [[one] for one in made + right], [])
    assert "<li>7 of 30: mixed the two pairings</li>" in html
    assert "Points of 30 submissions, median 6 of 6." in html
    assert "Mean 2.30 of 3 points: 23 correct; 7 wrong, recognised." in html
    assert report.mistakes("rotate_half", [*made, *right]) == []


def test_names_of_files_are_safe_and_all_different():
    names = [
        "ada",
        "ada.b",
        "a/../b",
        "..",
        "",
        "a b",
        "a-b",
        "x" * 300,
        "é",
        "\udcff",
        "ada-0123456789ab",
        ".ada",
        "-x",
    ]
    files = [store.file_name(name) for name in names]
    assert len(set(files)) == len(files) and files[:2] == ["ada", "ada.b"]
    for file in files:
        assert not set("/\\\0:*?<>|\"'") & set(file) and file[0] not in ".-" and len(os.fsencode(file)) < 120


@given(st.text(), st.text())
def test_different_names_have_different_files(one, other):
    assert (store.file_name(one) == store.file_name(other)) == (one == other)


def test_text_is_made_printable():
    assert clean("a\x00b\x1b[1m\u202ec\ud800\nd") == "a�b�[1m�c�\nd" and clean("x" * 9999, 10) == "x" * 10


def test_the_progress_line_tells_rate_and_time_left():
    written = io.StringIO()
    progress = Progress(
        40, already=20, stream=SimpleNamespace(write=written.write, flush=written.flush, isatty=lambda: True)
    )
    for _ in range(10):
        progress.advance()
    assert progress.line(5.0) == "[########----------------------] 10 of 40 graded, 20 kept, 2.0/s, 0:15 left"
    assert written.getvalue().count("\r") == 10
    assert Progress(0).line(0.0).endswith("0 of 0 graded, 0.0/s, 0:00 left")
