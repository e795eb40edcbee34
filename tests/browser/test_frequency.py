"""The frequency explorer in JupyterLab: every position, head, base and rule, against NumPy."""

import numpy as np
import pytest
from playwright.sync_api import expect

from ropelib import inverse_frequencies
from ropelib.widgets.frequency import LAST_POSITION, RULES, mean_cosine

from . import checks

pytestmark = pytest.mark.slow

CELLS = (
    "from ropelib.widgets.frequency import FrequencyExplorer\nfirst = FrequencyExplorer()\nfirst",
    "second = FrequencyExplorer(4, 500_000.0, rule='yarn', position=300)\nsecond",
)
START = {"head_dim": 128, "base": 10_000.0, "rule": "none", "position": 4096, "pair": 0}


@pytest.fixture(scope="module")
def notebook(visit):
    return visit("frequency", *CELLS, has_touch=True)


@pytest.fixture
def page(notebook, lab):
    """The notebook with its first widget as it was made."""
    checks.start_again(notebook, lab, START)
    expect(said(notebook)).to_contain_text("At position 4096, 18 of 64 pairs have not completed a turn: 46 to 63.")
    return notebook


def said(page, which=0):
    return page.locator(".rope").first.locator("[role=status]").nth(which)


def kernel(page, lab):
    return checks.state(page, lab, START)


def expected(head_dim, base, rule, position, pair):
    """What the two lines must say, from NumPy."""
    inv_freq, _ = RULES[rule](head_dim, base)
    turns = position * inv_freq / (2 * np.pi)
    cosine = f"{mean_cosine(np.array([position]), inv_freq)[0]:.6f}".replace("-", "−")
    return (
        f"At position {position}, {(turns < 1).sum()} of {len(inv_freq)} pairs have not completed a turn",
        f"Mean cosine at this distance: {cosine}.",
        f"it has turned by {position * inv_freq[pair]:.4f} rad, {turns[pair]:.4f} turns.",
    )


def agrees_with_numpy(page, state):
    first, second, third = expected(*state)
    expect(said(page)).to_contain_text(first)
    expect(said(page)).to_contain_text(second)
    expect(said(page, 1)).to_contain_text(third)


def test_the_slider_is_fine_near_zero_and_coarse_far_away(page, lab):
    slider = page.get_by_role("slider", name="position").first
    slider.press("Home")
    seen = []
    for _ in range(3):
        slider.press("ArrowRight")
        seen.append(kernel(page, lab)[3])
    slider.press("End")
    seen.append(kernel(page, lab)[3])
    slider.press("ArrowLeft")
    seen.append(kernel(page, lab)[3])
    assert seen == [1, 2, 3, LAST_POSITION, LAST_POSITION - 1024]
    agrees_with_numpy(page, kernel(page, lab))


def test_dragging_the_slider(page, lab):
    slider = page.get_by_role("slider", name="position").first
    box = slider.bounding_box()
    page.mouse.move(*checks.center(slider))
    page.mouse.down()
    page.mouse.move(box["x"] + 0.2 * box["width"], box["y"] + 5, steps=10)
    page.mouse.up()
    state = kernel(page, lab)
    assert 100 < state[3] < 400
    agrees_with_numpy(page, state)


def test_every_rule_head_and_base_shows_its_own_frequencies(page, lab):
    page.get_by_label("position, as a number").first.fill("10007")
    page.get_by_label("position, as a number").first.press("Enter")
    for head_dim, base, rule in [("4", "500 000", "ntk"), ("64", "1 000 000", "llama3"), ("128", "10 000", "yarn")]:
        page.get_by_label("head_dim").first.select_option(head_dim)
        page.get_by_label("base").first.select_option(base.replace(" ", "\u202f"))
        page.get_by_label("scaling").first.select_option(index=list(RULES).index(rule))
        state = kernel(page, lab)
        assert state[:4] == [int(head_dim), float(base.replace(" ", "")), rule, 10007]
        agrees_with_numpy(page, state)
        assert page.locator(".rope").first.get_by_role("option", name="wavelength").count() == int(head_dim) // 2
    expect(said(page)).to_contain_text("multiplies scores by 1.4591")


def test_faces_say_by_shape_which_pairs_have_not_turned(page):
    faces = page.locator(".rope").first.locator(".rope-face")
    dashed = faces.evaluate_all("(all) => all.map((face) => getComputedStyle(face).strokeDasharray !== 'none')")
    assert dashed == [False] * 46 + [True] * 18
    hands = page.locator(".rope").first.locator(".rope-hand")
    angles = hands.evaluate_all("(all) => all.map((hand) => -Number(hand.getAttribute('transform').slice(7, -1)))")
    turns = np.exp(1j * np.radians(angles)) / np.exp(1j * 4096 * inverse_frequencies(128))
    assert np.abs(np.angle(turns)).max() < 1e-9


def test_arrow_keys_and_clicks_choose_a_pair_and_nothing_of_jupyterlab(page, lab):
    before = checks.layout(page)
    clocks = page.get_by_role("listbox").first
    clocks.focus()
    for key in ("End", "ArrowRight", "ArrowLeft", "a", "b", "d", "d"):
        page.keyboard.press(key)
    assert kernel(page, lab)[4] == 62
    expect(said(page, 1)).to_contain_text("Pair 62: wavelength 47\u202f117 tokens")
    page.locator(".rope").first.get_by_role("option", name="pair 46,").tap()
    state = kernel(page, lab)
    assert state[4] == 46
    agrees_with_numpy(page, state)
    page.get_by_label("position, as a number").first.focus()
    page.keyboard.press("ArrowUp")
    assert kernel(page, lab)[3] == 4097
    assert checks.layout(page) == before


def test_a_head_with_fewer_pairs_chooses_its_last(page, lab):
    page.locator(".rope").first.get_by_role("option", name="pair 46,").click()
    page.get_by_label("head_dim").first.select_option("4")
    assert kernel(page, lab) == [4, 10_000.0, "none", 4096, 1]


def test_copies_do_not_interfere(page, lab):
    shown = page.locator(".rope").nth(1).inner_text()
    page.get_by_role("slider", name="position").first.press("End")
    page.locator(".rope").first.get_by_role("option", name="pair 5,").click()
    assert page.locator(".rope").nth(1).inner_text() == shown
    assert lab.value(page, "[second.position, second.pair]") == [300, 0]


@pytest.mark.parametrize("theme", ["JupyterLab Dark", "JupyterLab Light"])
def test_it_can_be_read_in_both_themes_and_on_a_phone(page, lab, theme):
    assert checks.offences(page, lab, theme, 1280, 390) == []


def test_what_was_chosen_is_there_after_saving_and_opening_again(page, lab):
    page.get_by_label("position, as a number").first.fill("777")
    page.get_by_label("position, as a number").first.press("Enter")
    page.get_by_label("scaling").first.select_option(index=1)
    state = kernel(page, lab)
    lab.save(page)
    lab.open(page, "frequency.ipynb")
    assert state == [128, 10_000.0, "linear", 777, 0]
    agrees_with_numpy(page, state)


def test_the_stops_of_the_slider_reach_every_power_of_two(javascript):
    positions = javascript(["frequency"], "positionAt", *[(stop,) for stop in range(769)])
    assert positions[:129] == list(range(129)) and positions[-1] == LAST_POSITION
    assert positions == sorted(set(positions))
    assert {2**power for power in range(18)} <= set(positions)
    assert javascript(["frequency"], "stopAt", *[(position,) for position in positions]) == list(range(769))


@pytest.mark.parametrize("count", [1, 16, 256])
def test_the_drawn_waves_are_numpys(javascript, count):
    for theta in (1.0, 0.37, 1.5e-4):
        wave = np.cos(theta * np.arange(1000, 1000 + count))
        [found] = javascript(["frequency"], "meanWave", (theta, 1000, count))
        assert abs(found - wave.mean()) < 1e-12
        [[low, high]] = javascript(["frequency"], "waveRange", (theta, 1000, 1000 + count - 1))
        fine = np.cos(theta * np.linspace(1000, 1000 + count - 1, 20_001))
        assert abs(low - fine.min()) < 1e-4 and abs(high - fine.max()) < 1e-4


def test_the_mean_cosine_is_numpys(javascript):
    inv_freq, distances = inverse_frequencies(128), np.array([0, 1, 4096, 99_991, LAST_POSITION])
    calls = [(inv_freq.tolist(), distance) for distance in distances.tolist()]
    found = javascript(["frequency"], "meanCosine", *calls)
    assert np.allclose(found, mean_cosine(distances, inv_freq), rtol=0, atol=1e-12)
    for distance, fewer in zip(distances, javascript(["frequency"], "withoutTurn", *calls), strict=True):
        assert fewer == np.flatnonzero(distance * inv_freq < 2 * np.pi).tolist()
    assert javascript(["frequency"], "spans", ([0, 2, 3, 4, 9],)) == ["0, 2 to 4, 9"]
