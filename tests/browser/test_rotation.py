"""The rotation visualiser in JupyterLab: by mouse, touch and keyboard, against NumPy."""

import math
import re

import numpy as np
import pytest
from playwright.sync_api import expect

from ropelib.reference import rotation_matrix

from . import checks

pytestmark = pytest.mark.slow

CELLS = (
    "from ropelib.widgets.rotation import RotationVisualiser\nfirst = RotationVisualiser()\nfirst",
    "second = RotationVisualiser(q=(1, 2), k=(3, -1), m=4, n=0, inv_freq=0.7, direction=-1)\nsecond",
)
START = {"q": (1.2, 0.3), "k": (0.5, 1.0), "m": 1, "n": 3, "inv_freq": 0.5, "direction": 1}


@pytest.fixture(scope="module")
def notebook(visit):
    return visit("rotation", *CELLS, has_touch=True)


@pytest.fixture
def page(notebook, lab):
    """The notebook with its first widget as it was made."""
    checks.start_again(notebook, lab, START)
    expect(out(notebook)).to_contain_text("m = 1, n = 3, offset n − m = 2: angle between 1.8622 rad")
    return notebook


def out(page):
    return page.locator(".rope").first.locator("[role=status]")


def reads(page):
    names = "m", "n", "offset", "between", "score"
    numbers = re.findall(r"(?<=[= n])−?\d+(?:\.\d+)?", out(page).inner_text())
    return dict(zip(names, map(checks.number, numbers), strict=False))


def score(q, k, m, n, inv_freq, direction):
    theta = inv_freq * direction
    return (rotation_matrix(m * theta) @ np.array(q)) @ (rotation_matrix(n * theta) @ np.array(k))


def kernel(page, lab):
    return checks.state(page, lab, START)


def drag(page, handle, x, y):
    from_x, from_y = checks.center(handle)
    page.mouse.move(from_x, from_y)
    page.mouse.down()
    page.mouse.move(from_x + x, from_y + y, steps=8)
    page.mouse.up()


def type_in(field, text):
    field.fill(text)
    field.press("Enter")


def test_moving_both_changes_no_score_and_moving_one_does(page, lab):
    before = reads(page)
    page.get_by_role("slider", name="shift both").first.press("ArrowRight")
    assert reads(page) == before | {"m": 2, "n": 4}
    expect(out(page)).to_contain_text("unchanged")
    page.get_by_role("radio", name="mat").nth(1).check()
    assert reads(page)["n"] == 4 and "unchanged" in out(page).inner_text()
    page.get_by_role("radio", name="cat").nth(1).check()
    after = reads(page)
    assert (after["m"], after["n"], after["offset"]) == (2, 1, -1) and abs(after["score"] - before["score"]) > 0.1
    expect(out(page)).to_contain_text("it was −0.397272")
    assert math.isclose(after["score"], score(*kernel(page, lab)), abs_tol=1e-6)


@pytest.mark.parametrize("name", ["query arrow; arrow", "query arrow, turned", "key arrow; arrow", "key arrow, turned"])
def test_every_arrow_can_be_dragged(page, lab, name):
    drag(page, page.get_by_label(name).first, -40, -70)
    state = kernel(page, lab)
    assert state[:2] != [[1.2, 0.3], [0.5, 1.0]]
    assert math.isclose(reads(page)["score"], score(*state), abs_tol=1e-6)


def test_the_turned_arrow_follows_the_finger(page, lab):
    handle = page.get_by_label("query arrow, turned").first
    x, y = checks.center(handle)
    touch = page.context.new_cdp_session(page)
    for kind, points in (
        ("touchStart", [{"x": x, "y": y}]),
        ("touchMove", [{"x": x - 60, "y": y - 20}]),
        ("touchMove", [{"x": x - 90, "y": y - 30}]),
        ("touchEnd", []),
    ):
        touch.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})
    state = kernel(page, lab)
    assert checks.center(handle) == pytest.approx((x - 90, y - 30), abs=2)
    assert math.isclose(reads(page)["score"], score(*state), abs_tol=1e-6)


def test_keys_move_the_arrows_and_nothing_of_jupyterlab(page, lab):
    before = checks.layout(page)
    handle = page.get_by_label("key arrow; arrow").first
    handle.focus()
    for key in ("ArrowRight", "ArrowRight", "ArrowUp", "ArrowDown", "Shift+ArrowDown", "a", "b", "d", "d", "Enter"):
        page.keyboard.press(key)
    assert kernel(page, lab)[1] == [0.6, 0.75]
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.closest('.rope') !== null")
    page.get_by_role("radio", name="cat").first.focus()
    page.keyboard.press("ArrowRight")
    assert reads(page)["m"] == 2
    assert checks.layout(page) == before


def test_a_busy_kernel_neither_holds_up_the_reader_nor_undoes_a_step(page, lab):
    shift = page.get_by_role("slider", name="shift both").first
    shift.press("ArrowRight")
    lab.start(page, "__import__('time').sleep(1)")
    seen = []
    for _ in range(12):
        shift.press("ArrowRight")
        page.wait_for_timeout(120)
        seen.append(reads(page)["m"])
    assert seen == list(range(3, 15))
    page.wait_for_timeout(1000)
    assert reads(page)["m"] == 14 and kernel(page, lab)[2:4] == [14, 16]


def test_saving_stays_jupyterlabs_own_key(page):
    model = "jupyterapp.shell.currentWidget.context.model"
    page.evaluate(f"() => {{ {model}.dirty = true; }}")
    page.get_by_role("slider", name="frequency θ").first.press("Control+s")
    page.wait_for_function(f"() => !{model}.dirty")


def test_any_position_frequency_and_direction(page, lab):
    type_in(page.get_by_label("position n of the key").first, "131072")
    type_in(page.get_by_label("frequency θ, as a number").first, "0.01")
    page.get_by_role("combobox", name="turning").first.select_option("clockwise (−)")
    state = kernel(page, lab)
    assert state[2:] == [1, 131072, 0.01, -1]
    assert math.isclose(reads(page)["score"], score(*state), abs_tol=1e-6)
    expect(page.locator(".rope").first).to_contain_text("(equal)")
    type_in(page.get_by_label("position n of the key").first, "131073")
    assert kernel(page, lab) == state, "out of range changes nothing"


def test_playing_shifts_both_until_it_is_paused(page, lab):
    play = page.get_by_role("button", name="play").first
    before = reads(page)
    play.click()
    expect(out(page)).to_contain_text("m = 2, n = 4", timeout=3000)
    page.get_by_role("button", name="pause").click()
    paused = reads(page)
    page.wait_for_timeout(900)
    assert reads(page) == paused == before | {"m": paused["m"], "n": paused["m"] + 2}


def test_with_reduced_motion_a_press_is_one_step(page):
    page.emulate_media(reduced_motion="reduce")
    try:
        page.get_by_role("button", name="play").first.click()
        page.wait_for_timeout(900)
        assert (reads(page)["m"], reads(page)["n"]) == (2, 4)
    finally:
        page.emulate_media(reduced_motion="no-preference")


def test_copies_do_not_interfere(page, lab):
    shown = page.locator(".rope").nth(1).inner_text()
    page.get_by_role("radio", name="mat").first.check()
    page.get_by_role("slider", name="frequency θ").first.press("ArrowRight")
    assert page.locator(".rope").nth(1).inner_text() == shown
    assert lab.value(page, "[second.m, second.n, second.inv_freq]") == [4, 0, 0.7]


@pytest.mark.parametrize("theme", ["JupyterLab Dark", "JupyterLab Light"])
def test_it_can_be_read_in_both_themes_and_on_a_phone(page, lab, theme):
    assert checks.offences(page, lab, theme, 1280, 390) == []


def test_what_was_moved_is_there_after_saving_and_opening_again(page, lab):
    page.get_by_label("query arrow; arrow").first.press("ArrowLeft")
    type_in(page.get_by_label("position n of the key").first, "17")
    text = out(page).inner_text()
    kernel(page, lab)
    lab.save(page)
    lab.open(page, "rotation.ipynb")
    expect(out(page)).to_contain_text(text.partition(";")[0].partition(", unchanged")[0])


def test_the_arithmetic_is_numpys(javascript):
    rng = np.random.default_rng(0)
    states = [
        {"q": q.tolist(), "k": k.tolist(), "m": int(m), "n": int(n), "inv_freq": 0.37, "direction": -1}
        for (q, k), (m, n) in zip(rng.uniform(-1, 1, (20, 2, 2)), rng.integers(0, 131_073, (20, 2)), strict=True)
    ]
    for state, found in zip(states, javascript(["rotation"], "reading", *[(state,) for state in states]), strict=True):
        turned = rotation_matrix(-0.37 * state["m"]) @ state["q"]
        assert math.isclose(found["score"], score(**state), abs_tol=1e-12)
        assert np.allclose(found["turned"]["q"], turned, rtol=0, atol=1e-12)
        # (n − m)θ and mθ, nθ are rounded differently: half a unit in the last place of 131072 · 0.37 is 4e-12.
        assert math.isclose(found["identity"], found["score"], abs_tol=2e-11)
