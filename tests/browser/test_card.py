"""Prediction cards in JupyterLab: committed to by keyboard, explained, kept in the learner's folder, compared later."""

import json

import nbformat
import pytest
from nbclient import NotebookClient
from playwright.sync_api import expect

from ropelib import questions

from . import checks
from .conftest import watched

pytestmark = pytest.mark.slow

KEY = "01-quarter-turn"
TEXTS = [option.text for option in questions.find("01-quarter-turn").options]
CLOCKWISE, RIGHT, HALF_TURN, MIRRORED = map(TEXTS.index, ("(1, −2)", "(−1, 2)", "(−2, −1)", "(1, 2)"))
IMPORTS = "from ropelib.widgets.card import ask_again, predict\nfrom ropelib.widgets.progress import progress"
CELLS = (IMPORTS, f'first = predict("{KEY}")\nfirst', 'predict("00-shuffle")', f'ask_again("{KEY}")', "progress()")


@pytest.fixture(scope="module")
def answers(course):
    """The file of answers of a learner who has a folder of their own."""
    folder = course / "cards" / ".course"
    folder.mkdir(parents=True)
    return folder / "answers.jsonl"


@pytest.fixture(scope="module")
def notebook(visit, answers):
    return visit("cards/card", *CELLS)


@pytest.fixture
def page(notebook, answers):
    """The notebook with every card unanswered and no answer kept."""
    for number in range(3):
        again = button(notebook, "Answer again", number)
        if again.is_visible():
            again.click()
        expect(button(notebook, "Commit", number)).to_be_visible()
    notebook.wait_for_timeout(200)
    answers.unlink(missing_ok=True)
    return notebook


def card(page, number=0):
    return page.locator(".rope-card").nth(number)


def button(page, name, number=0):
    return card(page, number).get_by_role("button", name=name)


def choose(page, option, number=0):
    card(page, number).get_by_role("radio", name=f"({'abcd'[option]})").check()
    button(page, "Commit", number).click()


def kept(page, answers, count):
    """The answers in the file, once there are as many as expected."""
    for _ in range(50):
        lines = answers.read_text().splitlines() if answers.exists() else []
        if len(lines) >= count:
            break
        page.wait_for_timeout(50)
    return [(json.loads(line)["text"], json.loads(line)["right"]) for line in lines]


def test_before_commitment_the_page_tells_no_answer(page):
    markup = card(page).evaluate("(node) => node.outerHTML")
    assert not any(option.why[:30] in markup for option in questions.find(KEY).options)
    assert "right" not in card(page).inner_text() and "right" not in markup.replace("card-right", "")
    assert "card-right" not in markup and button(page, "Commit").is_disabled()


def test_by_keyboard_alone_nothing_of_jupyterlab_moves(page, answers):
    card(page).get_by_role("radio").first.focus()
    before = checks.layout(page)
    for key in ("Space", *["ArrowDown"] * (RIGHT + 1), "ArrowUp", "a", "b", "d", "d"):
        page.keyboard.press(key)
    expect(card(page).get_by_role("radio").nth(RIGHT)).to_be_checked()
    page.keyboard.press("Enter")
    expect(card(page).locator("output")).to_contain_text("Right. A quarter turn sends (x, y) to (−y, x)")
    expect(button(page, "Answer again")).to_be_focused()
    page.keyboard.press("Enter")
    expect(card(page).get_by_role("radio").first).to_be_focused()
    assert checks.layout(page) == before
    assert kept(page, answers, 1) == [("(−1, 2)", True)]


@pytest.mark.parametrize("number", range(4))
def test_every_option_is_explained_and_so_is_the_right_one(page, number):
    options = questions.find(KEY).options
    choose(page, number)
    said = card(page).locator("output")
    plain = [option.why.replace("*", "").replace("`", "") for option in options]
    expect(said).to_contain_text(plain[number])
    expect(said).to_contain_text(plain[RIGHT])
    others = set(plain) - {plain[number], plain[RIGHT]}
    card(page).locator("summary").click()
    for why in others:
        expect(card(page).locator("details")).to_contain_text(why)
    assert card(page).get_by_text("✓ right").count() == 1
    assert card(page).get_by_text("✗ your answer").count() == (number != RIGHT)


def test_answers_are_kept_compared_and_counted(page, answers):
    choose(page, CLOCKWISE)
    assert kept(page, answers, 1) == [("(1, −2)", False)]
    assert button(page, "Commit", 1).is_visible() and button(page, "Commit", 2).is_visible(), "the others are untouched"
    progress = page.locator(".rope-progress")
    progress.get_by_role("button").click()
    expect(progress.locator("tbody tr").nth(1)).to_contain_text("a quarter turn, counter-clockwise")
    choose(page, RIGHT, 2)
    expect(card(page, 2)).to_contain_text(f"The first time, you chose ({'abcd'[CLOCKWISE]}).")
    progress.get_by_role("button").click()
    expect(progress.locator("tbody tr").nth(1)).to_contain_text("1 of 4")
    expect(progress.locator("tbody tr").nth(1)).to_contain_text("0 of 1")
    expect(progress.locator("tbody tr").nth(1)).not_to_contain_text("a quarter turn")
    assert kept(page, answers, 2) == [("(1, −2)", False), ("(−1, 2)", True)]


def test_a_file_that_cannot_be_written_is_told(page, answers):
    answers.mkdir()
    try:
        choose(page, HALF_TURN)
        expect(card(page)).to_contain_text("Not saved: Is a directory.")
    finally:
        answers.rmdir()


@pytest.mark.parametrize("theme", ["JupyterLab Dark", "JupyterLab Light"])
def test_it_can_be_read_in_both_themes_and_on_a_phone(page, lab, theme):
    choose(page, HALF_TURN)
    card(page).locator("summary").click()
    card(page, 1).get_by_role("radio").first.check()
    assert checks.offences(page, lab, theme, 1280, 390) == []


def test_an_answer_is_there_after_saving_opening_again_and_running_afresh(page, lab, answers):
    choose(page, HALF_TURN)
    kept(page, answers, 1)
    lab.save(page)
    lab.open(page, "cards/card.ipynb")
    expect(card(page)).to_contain_text("✗ your answer")
    assert lab.run_all(page) == []
    expect(card(page)).to_contain_text("Your answer from an earlier visit.")
    expect(card(page)).to_contain_text("You turned by π, and that is half a turn")
    expect(button(page, "Commit", 2)).to_be_visible()
    assert len(kept(page, answers, 1)) == 1


def test_without_a_kernel_cards_and_traces_are_live(chrome, lab, course):
    """A committed notebook, trusted, before anything is run: the kernel that JupyterLab starts knows no widget."""
    kernel = {"kernelspec": {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"}}
    cells = [IMPORTS, f'predict("{KEY}")', "progress()", "import ropelib, json\nropelib.trace_lines(json.dumps, [1])"]
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells], metadata=kernel)
    NotebookClient(notebook).execute()
    nbformat.write(notebook, course / "saved.ipynb")
    lab.trust(course / "saved.ipynb")
    with watched(chrome, lab) as page:
        lab.open(page, "saved.ipynb")
        expect(button(page, "Commit")).to_be_visible()
        lab.close(page)
        choose(page, MIRRORED)
        expect(card(page)).to_contain_text("That is the arrow mirrored at the diagonal")
        expect(card(page)).to_contain_text("Not kept: the kernel did not answer. Run this cell again")
        expect(page.locator(".rope-progress")).to_contain_text("Run this cell to see your answers.")
        page.locator(".trace-source").press("ArrowDown")
        expect(page.locator(".rope-trace [role=status]")).to_contain_text("step 2 of")
