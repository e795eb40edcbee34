"""What the rotation visualiser tells its reader: true formulas, what a change changed, which numbers it takes."""

import math
import re

import pytest
from playwright.sync_api import expect

from . import checks
from .test_rotation import CELLS, START, drag, kernel, out, reads, score, type_in

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def notebook(visit):
    return visit("reader", *CELLS)


@pytest.fixture
def page(notebook, lab):
    """The notebook with its first widget as it was made."""
    checks.start_again(notebook, lab, START)
    notebook.mouse.move(5, 5)
    expect(out(notebook)).to_contain_text("m = 1, n = 3, offset n − m = 2: angle between 1.8622 rad")
    return notebook


def widget(page):
    return page.locator(".rope").first


def field(page, name):
    return page.get_by_label(name).first


def was(page):
    found = re.search(r"it was (−?\d+\.\d+)", out(page).inner_text())
    return checks.number(found.group(1))


@pytest.mark.parametrize(("index", "direction", "minus"), [(0, 1, ""), (1, -1, "−")])
def test_the_formula_holds_for_the_turning_that_was_chosen(page, index, direction, minus):
    page.get_by_role("combobox", name="turning").first.select_option(index=index)
    shown = score(*list(START.values())[:5], direction)
    text = f"{shown:.6f}".replace("-", "−")
    expect(widget(page)).to_contain_text(f"R({minus}mθ)q · R({minus}nθ)k = {text}")
    expect(widget(page)).to_contain_text(re.compile(rf"q · R\({minus}\(n−m\)θ\)k +=\s{text}  \(equal\)"))


def test_a_drag_is_compared_with_where_it_began(page):
    before = reads(page)["score"]
    drag(page, page.get_by_label("query arrow; arrow").first, -40, -70)
    assert was(page) == before != reads(page)["score"]
    now = reads(page)["score"]
    page.get_by_label("query arrow; arrow").first.press("ArrowLeft")
    assert was(page) == now


def test_a_number_counts_when_it_is_complete_and_is_compared_with_the_one_before(page, lab):
    before = reads(page)["score"]
    place = field(page, "position m of the query")
    place.focus()
    page.keyboard.press("Control+a")
    page.keyboard.type("131072")
    assert reads(page)["m"] == 1, "half a number is none"
    expect(widget(page).locator(".rope-rule").first).to_have_text("then Enter")
    page.keyboard.press("Enter")
    assert reads(page)["m"] == 131072 and was(page) == before
    expect(widget(page).locator(".rope-rule").first).to_have_text("")
    place.press("ArrowDown")
    assert reads(page)["m"] == 131071
    type_in(place, "7")
    assert place.evaluate("(input) => input.clientWidth") >= 80, "six digits and the arrows beside them"
    place.fill("12")
    field(page, "position n of the key").focus()
    assert kernel(page, lab)[2] == 12, "leaving the field is enough"


@pytest.mark.parametrize("text", ["1e9", "2.7", "99999999999999999999", "131073", "-1", ""])
def test_what_is_no_position_changes_nothing_and_the_rule_is_said(page, lab, text):
    place = field(page, "position m of the query")
    place.focus()
    page.keyboard.press("Control+a")
    page.keyboard.type(text) if text else page.keyboard.press("Delete")
    said = widget(page).locator(".rope-rule").first
    expect(said).to_have_text("0 to 131\u202f072, whole numbers")
    page.keyboard.press("Enter")
    expect(said).to_have_text("0 to 131\u202f072, whole numbers")
    page.keyboard.press("Tab")
    expect(said).to_have_text("not taken: 0 to 131\u202f072, whole numbers")
    expect(place).to_have_value("1")
    assert kernel(page, lab) == [[1.2, 0.3], [0.5, 1.0], 1, 3, 0.5, 1]
    place.focus()
    expect(said).to_have_text("")


def test_a_frequency_beyond_the_slider_is_refused_with_its_rule(page, lab):
    type_in(field(page, "frequency θ, as a number"), "131072")
    expect(widget(page).locator(".rope-rule").nth(2)).to_have_text("0 to 3.14")
    assert kernel(page, lab)[4] == 0.5
    type_in(field(page, "frequency θ, as a number"), "0.123")
    assert kernel(page, lab)[4] == 0.123


def test_play_moves_nothing_stops_at_the_end_and_begins_again(page, lab):
    play = page.locator(".rope-play").first
    box = play.bounding_box()
    play.click()
    assert play.inner_text() == "❚❚ pause" and play.bounding_box() == box
    play.press("Escape")
    assert play.inner_text() == "▶ play"
    lab.value(page, "[first.set_trait(name, value) for name, value in (('m', 59), ('n', 61))] and None")
    expect(out(page)).to_contain_text("m = 59, n = 61")
    play.click()
    expect(play).to_have_text("▶ play", timeout=3000)
    assert (reads(page)["m"], reads(page)["n"]) == (60, 62)
    play.click()
    expect(out(page)).to_contain_text("m = 0, n = 2", timeout=3000)
    play.click()


def test_shifting_ends_at_the_last_position(page, lab):
    type_in(field(page, "position n of the key"), "131070")
    shift = page.get_by_role("slider", name="shift both").first
    shift.focus()
    page.keyboard.press("End")
    assert (reads(page)["m"], reads(page)["n"]) == (3, 131072)
    page.keyboard.press("Home")
    assert (reads(page)["m"], reads(page)["n"]) == (0, 131069)
    assert math.isclose(reads(page)["score"], score(*kernel(page, lab)), abs_tol=1e-6)


def test_keys_that_lead_far_stay_in_the_widget(page):
    scrolled = "() => document.querySelector('.rope').closest('.jp-WindowedPanel-outer').scrollTop"
    page.set_viewport_size({"width": 1280, "height": 500})
    page.get_by_label("query arrow; arrow").first.focus()
    before = checks.layout(page), page.evaluate(scrolled)
    for name in ("query arrow; arrow", "key arrow, turned"):
        for key in ("PageDown", "PageUp", "End", "Home"):
            page.get_by_label(name).first.press(key)
    page.wait_for_timeout(200)
    assert (checks.layout(page), page.evaluate(scrolled)) == before
    page.set_viewport_size({"width": 1280, "height": 1000})
    page.locator(".rope-play").first.press("End")
    assert checks.layout(page) == before[0] and reads(page)["m"] == 1
    page.get_by_role("radio", name="cat").first.press("End")
    assert reads(page)["m"] == 4
    page.get_by_role("radio", name="mat").first.press("Home")
    assert reads(page)["m"] == 0


def test_start_again_leads_back_to_where_python_began(page, lab):
    page.get_by_label("query arrow; arrow").first.press("ArrowLeft")
    type_in(field(page, "position n of the key"), "1000")
    page.get_by_role("combobox", name="turning").first.select_option(index=1)
    page.get_by_role("button", name="start again").first.click()
    assert kernel(page, lab) == [[1.2, 0.3], [0.5, 1.0], 1, 3, 0.5, 1]


def test_on_a_phone_the_number_stands_under_the_arrows(page):
    page.set_viewport_size({"width": 390, "height": 844})
    try:
        plane = widget(page).locator(".rope-plane").bounding_box()
        words = out(page).bounding_box()
        assert 0 <= words["y"] - plane["y"] - plane["height"] < 20
        assert words["y"] + words["height"] - plane["y"] < 500, "both on one screen"
        below = page.get_by_role("slider", name="shift both").first.bounding_box()
        page.get_by_role("radio", name="mat").first.check()
        assert page.get_by_role("slider", name="shift both").first.bounding_box() == below, "nothing jumps"
    finally:
        page.set_viewport_size({"width": 1280, "height": 1000})
