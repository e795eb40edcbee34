"""Cards and progress when nobody in the kernel listens: they say so, and say what to do; and their links and keys."""

import shutil

import pytest
from playwright.sync_api import expect

from ropelib.course.notebooks import ROOT

from . import checks
from .test_card import CLOCKWISE, IMPORTS, KEY, RIGHT, button, card, choose, kept

pytestmark = pytest.mark.slow

CELLS = (IMPORTS, f'predict("{KEY}")', "progress()")


@pytest.fixture(scope="module")
def folder(course):
    """A learner's folder with one chapter."""
    folder = course / "unheard"
    (folder / ".course").mkdir(parents=True)
    shutil.copy(ROOT / "notebooks" / "01_rotation_identity.ipynb", folder)
    return folder


@pytest.fixture(scope="module")
def notebook(visit, folder):
    return visit("unheard/card", *CELLS)


@pytest.fixture
def page(notebook, lab, folder):
    """The notebook, run afresh, with no answer kept."""
    (folder / ".course" / "answers.jsonl").unlink(missing_ok=True)
    assert lab.run_all(notebook) == []
    expect(room(notebook)).to_be_visible()
    return notebook


def room(page):
    return page.locator(".rope-ahead")


def progress(page):
    return page.locator(".rope-progress")


def nobody_listens(page, folder):
    """What card and progress say then."""
    choose(page, RIGHT)
    expect(card(page)).to_contain_text("Right. A quarter turn sends (x, y) to (−y, x)")
    expect(card(page)).to_contain_text("Not kept: the kernel did not answer. Run this cell again")
    progress(page).get_by_role("button").click()
    expect(progress(page)).to_contain_text("The kernel did not answer: run this cell again")
    assert not (folder / ".course" / "answers.jsonl").exists()


def test_after_a_restart_an_answer_that_is_not_kept_says_so(page, lab, folder):
    lab.restart(page)
    nobody_listens(page, folder)
    assert lab.run_all(page) == []
    choose(page, CLOCKWISE)
    assert kept(page, folder / ".course" / "answers.jsonl", 1) == [("(1, −2)", False)]
    page.wait_for_timeout(2500)
    expect(card(page)).not_to_contain_text("Not kept")


SLOW = """
import time
from ropelib import answers
keep = answers.keep
answers.keep = lambda *values, **names: time.sleep(4) or keep(*values, **names)
"""


def test_a_kernel_that_answers_late_takes_it_back(page, lab, folder):
    lab.start(page, SLOW)
    choose(page, CLOCKWISE)
    expect(card(page)).to_contain_text("Not kept")
    expect(card(page)).not_to_contain_text("Not kept")
    assert kept(page, folder / ".course" / "answers.jsonl", 1) == [("(1, −2)", False)]
    lab.start(page, "answers.keep = keep")


def test_the_room_under_a_card_goes_with_the_answer_and_comes_back_for_another(page):
    box = room(page).bounding_box()
    assert box["height"] == pytest.approx(450, abs=1)
    choose(page, RIGHT)
    expect(room(page)).to_be_hidden()
    button(page, "Answer again").click()
    expect(room(page)).to_be_visible()
    expect(room(page)).to_have_text("Commit first: the result is further down.")


def test_an_answered_card_that_is_run_again_shows_no_room_for_a_moment(page, lab, folder):
    choose(page, RIGHT)
    kept(page, folder / ".course" / "answers.jsonl", 1)
    page.evaluate("""() => {
      window.flashes = 0;
      const isSeen = () => [...document.querySelectorAll('.rope-ahead')].some((room) => room.offsetHeight);
      new MutationObserver(() => { window.flashes += isSeen(); })
        .observe(document.body, {subtree: true, childList: true, attributes: true});
    }""")
    assert lab.run_all(page) == []
    expect(card(page)).to_contain_text("Your answer from an earlier visit.")
    page.wait_for_timeout(500)
    assert page.evaluate("window.flashes") == 0


def test_shift_enter_commits_to_what_is_chosen_and_runs_the_cell_when_nothing_is(page):
    count = "() => jupyterapp.shell.currentWidget.content.widgets[1].model.executionCount"
    before = page.evaluate(count)
    card(page).get_by_role("radio").nth(RIGHT).check()
    page.keyboard.press("Shift+Enter")
    expect(card(page)).to_contain_text("Right. A quarter turn")
    assert page.evaluate(count) == before
    page.keyboard.press("Shift+Enter")
    page.wait_for_function(f"(before) => ({count})() > before", arg=before)


def test_home_and_end_stay_in_the_card(page):
    card(page).get_by_role("radio").nth(1).check()
    before = checks.layout(page), page.evaluate(SCROLLED)
    for key, place in (("End", 3), ("Home", 0), ("PageDown", 3), ("PageUp", 0)):
        page.keyboard.press(key)
        expect(card(page).get_by_role("radio").nth(place)).to_be_checked()
        expect(card(page).get_by_role("radio").nth(place)).to_be_focused()
    button(page, "Commit").focus()
    for key in ("Home", "End"):
        page.keyboard.press(key)
    page.wait_for_timeout(200)
    assert (checks.layout(page), page.evaluate(SCROLLED)) == before


SCROLLED = "() => document.querySelector('.rope').closest('.jp-WindowedPanel-outer').scrollTop"


def test_a_topic_worth_another_look_leads_to_its_chapter(page, lab):
    lab.open(page, "unheard/card.ipynb", "lab/tree")
    assert lab.run_all(page) == []
    choose(page, CLOCKWISE)
    progress(page).get_by_role("button").click()
    link = progress(page).get_by_role("link", name="a quarter turn, counter-clockwise")
    expect(link).to_have_attribute("href", "01_rotation_identity.ipynb")
    link.focus()
    page.keyboard.press("Enter")
    page.wait_for_function(
        "() => jupyterapp.shell.currentWidget.context?.path === 'unheard/01_rotation_identity.ipynb'"
    )
    assert len(page.context.pages) == 1
    page.evaluate("() => jupyterapp.shell.currentWidget.context.sessionContext.shutdown()")
    page.evaluate("() => jupyterapp.shell.activateById([...jupyterapp.shell.widgets('main')][0].id)")


def test_with_the_kernel_ended_too(page, lab, folder):
    lab.open(page, "unheard/card.ipynb")
    assert lab.run_all(page) == []
    (folder / ".course" / "answers.jsonl").unlink(missing_ok=True)
    if button(page, "Answer again").is_visible():
        button(page, "Answer again").click()
    lab.close(page)
    nobody_listens(page, folder)
