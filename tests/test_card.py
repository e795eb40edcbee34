"""Prediction cards: sound questions, answers that are never lost, and nothing committed that depends on them."""

import json
import re
from pathlib import Path

import pytest
import traitlets

from ropelib import answers, questions
from ropelib.questions import ask, right, wrong
from ropelib.widgets import card
from ropelib.widgets.card import ask_again, predict
from ropelib.widgets.progress import progress, standing

KEYS = [key for chapter in questions.chapters() for key in questions.keys(chapter)]
KEY = "01-quarter-turn"


def letter(text, key=KEY):
    return card.LETTERS[[option.text for option in questions.find(key).options].index(text)]


CLOCKWISE, RIGHT, HALF_TURN = letter("(1, −2)"), letter("(−1, 2)"), letter("(−2, −1)")


@pytest.fixture
def work(tmp_path, monkeypatch):
    """A learner's folder, with the notebooks' folder as the current one → the file of answers."""
    (tmp_path / ".course").mkdir()
    (tmp_path / "notebooks").mkdir()
    monkeypatch.chdir(tmp_path / "notebooks")
    return tmp_path / ".course" / "answers.jsonl"


@pytest.fixture
def sent(monkeypatch):
    """What cards and progress tables tell the browser."""
    messages = []
    monkeypatch.setattr(card.Interactive, "send", lambda self, content: messages.append(content))
    return messages


@pytest.mark.parametrize("key", KEYS)
def test_every_question_is_complete_and_computes_the_same_twice(key):
    question = questions.find(key)
    assert question == questions.find(key)
    assert question.text.rstrip().endswith(("?", "about?")) and questions.topic(key)
    whys = [option.why for option in question.options]
    assert len(set(whys)) == len(whys) and min(map(len, whys)) > 60
    assert not any(re.search(r"\bnan\b|\binf\b|-\d", option.text + option.why) for option in question.options)


@pytest.mark.parametrize("chapter", questions.chapters())
def test_every_chapter_has_three_questions(chapter):
    keys = questions.keys(chapter)
    assert len(keys) >= 3 and all(key.startswith(chapter) for key in keys)


def test_the_right_answer_is_not_always_in_one_place():
    asked = [questions.find(key).options for key in KEYS]
    for count in (3, 4):
        places = [[option.right for option in options].index(True) for options in asked if len(options) == count]
        assert set(places) == set(range(count)), "every place is right somewhere"
        assert max(map(places.count, places)) < 0.55 * len(places), f"one of {count} places gives the answer away"


OPTIONS = right("1", "because"), wrong("2", "although")


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: ask("?", right("1", "w")), "two to six|2 to 6 options, but this one has 1"),
        (lambda: ask("?", *OPTIONS, wrong("2", "w")), "must differ, but they are"),
        (lambda: ask("?", wrong("1", "w"), wrong("2", "w")), "exactly one option must be right, but 0 are"),
        (lambda: ask("?", *OPTIONS, right("3", "w")), "exactly one option must be right, but 2 are"),
        (lambda: ask("?", *OPTIONS, wrong("3", " ")), "but one is empty"),
        (lambda: questions.question("quarter turn", "t")(lambda: None), "must look like"),
        (lambda: questions.question(KEY, "t")(lambda: None), "is taken"),
        (lambda: predict("01-no-such"), "must be one of 01-quarter-turn, 01-which-angle.*which chapter 01 asks, but"),
        (lambda: predict("00"), "must be one of 00-between, 00-shuffle, 00-four-terms, which chapter 00 asks"),
        (lambda: ask_again("nonsense"), 'such as "00-between", and the chapter one of 00, 01'),
    ],
)
def test_what_is_no_question_is_refused(make, message):
    with pytest.raises(ValueError, match=message):
        make()


def test_an_answer_is_appended_and_the_first_one_kept(work, sent):
    first = predict(KEY)
    first.choice = CLOCKWISE
    first.choice = ""
    first.choice = RIGHT
    again = ask_again(KEY)
    again.choice = RIGHT
    assert sent[0] == {"kind": "kept", "trouble": "", "first": ""}
    assert sent[-1] == {"kind": "kept", "trouble": "", "first": CLOCKWISE}
    lines = [json.loads(line) for line in work.read_text().splitlines()]
    assert [(line["key"], line["text"], line["right"]) for line in lines] == [
        (KEY, "(1, −2)", False),
        (KEY, "(−1, 2)", True),
        (KEY, "(−1, 2)", True),
    ]
    assert all(re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\+00:00", line["at"]) for line in lines)


def test_a_card_recalls_the_latest_answer_and_a_repeated_one_does_not(work, sent):
    predict(KEY).choice = HALF_TURN
    sent.clear()
    predict(KEY)._hear(None, {"kind": "recall"}, None)
    ask_again(KEY)._hear(None, {"kind": "recall"}, None)
    predict("01-which-angle")._hear(None, {"kind": "recall"}, None)
    assert [message["choice"] for message in sent] == [HALF_TURN, "", ""]
    assert {message["kind"] for message in sent} == {"recalled"}


@pytest.mark.parametrize("make", [lambda: predict(KEY), lambda: ask_again(KEY), progress])
def test_what_is_committed_does_not_depend_on_answers(make, work, sent):
    def committed():
        shown = make()
        state = {name: value for name, value in shown.get_state().items() if name != "layout"}
        data, _ = shown._repr_mimebundle_()
        return state, shown.describe(), data["text/plain"], data["image/png"]

    before = committed()
    predict(KEY).choice = CLOCKWISE
    assert committed() == before and answers.history()


def test_nothing_that_is_shown_at_first_tells_the_answer():
    shown = predict(KEY)
    text = shown.describe()
    assert text.startswith("Predict. The arrow (2, 1) is turned") and f"({RIGHT}) (−1, 2)" in text
    assert all(option.why not in text for option in shown.question.options) and "right" not in text
    assert shown.choice == ""


@pytest.mark.parametrize("choice", ["z", "d ", "A", "e"])
def test_a_choice_that_does_not_exist_is_refused(choice, work):
    shown = predict(KEY)
    with pytest.raises(traitlets.TraitError, match="choice must be one of a, b, c, d, but got"):
        shown.choice = choice
    assert not work.exists() and shown.choice == ""


DAMAGE = [
    b"not json\n",
    b'{"key": "01-quarter-turn", "text": "(1, ',
    b"\xff\xfe\x00\n[[1]]\nnull\n3\n",
    b'{"key": 1, "text": 2, "right": "yes", "at": 0}\n',
    b"[" * 100_000,
]


@pytest.mark.parametrize("damage", DAMAGE)
def test_a_damaged_file_loses_nothing_and_stops_nobody(damage, work, sent):
    predict(KEY).choice = CLOCKWISE
    whole = work.read_bytes()
    work.write_bytes(whole + damage)
    predict(KEY).choice = RIGHT
    assert work.read_bytes().startswith(whole + damage)
    assert [answer.text for answer in answers.history()] == ["(1, −2)", "(−1, 2)"]
    assert sent[-1]["trouble"] == ""


def test_an_option_that_exists_no_longer_is_kept_but_not_shown(work, sent):
    answers.keep(KEY, "(7, 7)", right=False)
    predict(KEY)._hear(None, {"kind": "recall"}, None)
    assert sent == [{"kind": "recalled", "choice": ""}] and len(answers.history()) == 1


def test_a_place_that_cannot_be_written_is_told_and_raises_nothing(work, sent):
    work.mkdir()
    predict(KEY).choice = CLOCKWISE
    assert sent == [{"kind": "kept", "trouble": "Not saved: Is a directory.", "first": ""}]
    assert answers.history() == [] and standing()[1]["answered"] == 0


def refuse(*arguments, **options):
    raise PermissionError(13, "Permission denied")


def test_a_read_only_file_is_told_and_keeps_what_it_holds(work, sent, monkeypatch):
    predict(KEY).choice = CLOCKWISE
    monkeypatch.setattr(
        type(work), "open", lambda *a, **k: (_ for _ in ()).throw(PermissionError(13, "Permission denied"))
    )
    predict(KEY).choice = RIGHT
    monkeypatch.undo()
    assert sent[-1]["trouble"] == "Not saved: Permission denied."
    assert len(work.read_text().splitlines()) == 1


def test_outside_a_work_folder_nothing_is_kept(tmp_path, monkeypatch, sent):
    monkeypatch.chdir(tmp_path)
    if answers.file() is not None:
        pytest.skip("NOT RUN: a folder above this one has a .course; run the tests elsewhere")
    predict(KEY).choice = CLOCKWISE
    assert sent[0]["trouble"].startswith("Not saved: this notebook is not in your work folder")
    assert not list(tmp_path.iterdir())


def test_a_deleted_current_folder_raises_nothing(tmp_path, monkeypatch, sent):
    (tmp_path / "gone").mkdir()
    monkeypatch.chdir(tmp_path / "gone")
    (tmp_path / "gone").rmdir()
    predict(KEY).choice = CLOCKWISE
    assert sent[0]["trouble"].startswith("Not saved")


def test_progress_counts_first_answers_and_lists_what_is_still_wrong(work, sent):
    given = [(KEY, "(1, −2)"), (KEY, "(−1, 2)"), ("01-which-angle", "α + β"), ("01-how-many", "11")]
    Path("01_turned.ipynb").touch()
    for key, text in given:
        predict(key).choice = letter(text, key)
    sent.clear()
    progress()._hear(None, {"kind": "recall"}, None)
    rows = {row["chapter"]: row for row in sent[0]["rows"]}
    assert rows["01"] == {
        "chapter": "01",
        "answered": 3,
        "right": 1,
        "revisit": ["the angle that is left in a dot product"],
        "notebook": "01_turned.ipynb",
    }
    assert rows["00"] == {"chapter": "00", "answered": 0, "right": 0, "revisit": [], "notebook": ""}


def test_progress_tells_the_number_of_questions():
    lines = progress().describe().splitlines()
    assert lines[0].split() == ["chapter", "questions"]
    assert [line.split() for line in lines[1:]] == [[c, str(len(questions.keys(c)))] for c in questions.chapters()]


def test_messages_of_another_form_are_ignored(work, sent):
    for message in ({"kind": "other"}, "recall", None, {"kind": "recall", "more": 1}):
        predict(KEY)._hear(None, message, None)
        progress()._hear(None, message, None)
    assert sent == []
