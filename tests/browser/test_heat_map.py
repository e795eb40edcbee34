"""The attention heat map in JupyterLab: hover, tap and keys, recomputed in the browser, against NumPy."""

import re

import numpy as np
import pytest
from playwright.sync_api import expect

from ropelib.widgets.heat_map import AttentionHeatMap
from ropelib.worked_example import PositionFreeAttention, RotaryPositionAttention

from . import checks

pytestmark = pytest.mark.slow

CELLS = (
    "from ropelib.widgets.heat_map import AttentionHeatMap\nfirst = AttentionHeatMap()\nfirst",
    "second = AttentionHeatMap(causal=True)\nsecond",
)
START = {"sequence": 0, "seq_len": 5, "base": 10_000.0, "causal": False, "cell": [0, 0], "row": -1}


@pytest.fixture(scope="module")
def notebook(visit):
    return visit("heat_map", *CELLS, has_touch=True)


@pytest.fixture
def page(notebook, lab):
    """The notebook with its first widget as it was made."""
    notebook.mouse.move(0, 0)
    checks.start_again(notebook, lab, START)
    weight = AttentionHeatMap().weights()[0][0, 0]
    expect(out(notebook)).to_contain_text(
        f"query 0 (The) → key 0 (The), at the same position: weight {weight:.6f} with RoPE"
    )
    return notebook


def out(page):
    return page.locator(".rope").first.locator(".rope-readout")


def kernel(page, lab):
    return dict(zip(START, checks.state(page, lab, START), strict=True))


def heat_map(page, title):
    return page.get_by_label(f"{title}, ").first


def point(page, title, row, column, seq=5):
    box = heat_map(page, title).bounding_box()
    return box["x"] + (column + 0.5) * box["width"] / seq, box["y"] + (row + 0.5) * box["height"] / seq


def agrees_with_numpy(page, state):
    """The read-out and the terms behind it say what NumPy computes from the state in the kernel."""
    twin = AttentionHeatMap()
    for name, value in state.items():
        twin.set_trait(name, value)
    (row, column), (rope, plain) = state["cell"], twin.weights()
    wanted = [rope[row, column], plain[row, column], rope[row, column] - plain[row, column]]
    found = [checks.number(number) for number in re.findall(r"[+−]?\d+\.\d{6}", out(page).inner_text())]
    assert found == pytest.approx(wanted, abs=5.1e-7)
    example, seq_len = twin._examples[state["sequence"]], state["seq_len"]
    attention = RotaryPositionAttention(example.queries.shape[1], state["base"])
    angles = attention.compute_angles(seq_len)
    turned = [attention.apply_rotation(x[:seq_len], angles) for x in (example.queries, example.keys)]
    vectors = (turned, (example.queries, example.keys))
    for table, (q, k) in zip(page.locator(".rope").first.get_by_role("table").all(), vectors, strict=True):
        numbers = [checks.number(number) for number in table.locator("td").all_inner_texts()]
        terms = np.stack([q[row], k[column], q[row] * k[column]], axis=1)
        score = terms[:, 2].sum()
        assert numbers[:-1] == pytest.approx([*terms.ravel(), score, score / np.sqrt(len(terms))], abs=5.1e-5)


def test_hovering_shows_the_weight_and_the_terms_behind_it(page, lab):
    for title, row, column in (("RoPE", 4, 3), ("without positions", 1, 0), ("difference", 3, 1)):
        page.mouse.move(*point(page, title, row, column))
        state = kernel(page, lab)
        assert state["cell"] == [row, column]
        agrees_with_numpy(page, state)


def test_a_tap_shows_the_cell_and_the_softmax_of_its_row(page, lab):
    heat_map(page, "RoPE").scroll_into_view_if_needed()
    page.touchscreen.tap(*point(page, "RoPE", 4, 3))
    state = kernel(page, lab)
    assert (state["cell"], state["row"]) == ([4, 3], 4)
    bars = page.locator(".rope").first.locator(".rope-bars")
    shares = bars.locator(".rope-with").evaluate_all("(all) => all.map((bar) => parseFloat(bar.style.height))")
    rope, _ = AttentionHeatMap().weights()
    assert np.allclose(np.array(shares) / sum(shares), rope[4], atol=1e-5)
    expect(page.locator(".rope").first).to_contain_text("the largest weight is on “on” (0.3260) with RoPE")
    page.touchscreen.tap(*point(page, "RoPE", 4, 0))
    expect(bars).to_be_hidden()


def test_a_row_with_two_favourites_names_both(page, lab):
    page.mouse.click(*point(page, "RoPE", 2, 0))
    rope, plain = (weights[2] for weights in AttentionHeatMap().weights())
    assert np.flatnonzero(np.isclose(plain, plain.max())).tolist() == [1, 2]
    shown = page.locator(".rope").first
    expect(shown).to_contain_text(f"the largest weight is on “sat” ({rope.max():.4f}) with RoPE")
    expect(shown).to_contain_text(f"on “cat” and “sat” ({plain.max():.4f} each) without positions")


def test_keys_walk_the_map_and_nothing_of_jupyterlab(page, lab):
    before = checks.layout(page)
    heat_map(page, "difference").focus()
    for key in ("ArrowDown", "ArrowDown", "ArrowRight", "End", "ArrowRight", "ArrowLeft", "a", "b", "d", "d"):
        page.keyboard.press(key)
    state = kernel(page, lab)
    assert state["cell"] == [2, 3] and state["row"] == -1
    agrees_with_numpy(page, state)
    page.keyboard.press("Enter")
    expect(page.locator(".rope").first).to_contain_text("Row of query 2, “sat”")
    for key in ("PageDown", "Home"):
        page.keyboard.press(key)
    assert kernel(page, lab)["cell"] == [4, 0]
    assert checks.layout(page) == before


def test_mask_base_and_length_recompute_every_number(page, lab):
    page.get_by_role("checkbox", name="causal mask").first.check()
    page.get_by_label("base, as a number").first.fill("3")
    page.get_by_label("base, as a number").first.press("Enter")
    page.get_by_role("slider", name="tokens").first.press("ArrowLeft")
    heat_map(page, "RoPE").focus()
    for key in ("PageDown", "ArrowRight"):
        page.keyboard.press(key)
    state = kernel(page, lab)
    assert (state["seq_len"], state["base"], state["causal"], state["cell"]) == (4, 3.0, True, [3, 1])
    agrees_with_numpy(page, state)
    for key in ("ArrowUp", "ArrowUp", "ArrowRight"):
        page.keyboard.press(key)
    expect(out(page)).to_contain_text("query 1 (cat) → key 2 (sat), 1 token after the query: hidden by the causal mask")


def test_sixty_four_tokens(page, lab):
    page.get_by_label("sequence").first.select_option(index=1)
    page.mouse.move(*point(page, "RoPE", 41, 17, seq=64))
    state = kernel(page, lab)
    assert (state["seq_len"], state["cell"]) == (64, [41, 17])
    agrees_with_numpy(page, state)
    page.get_by_role("slider", name="tokens").first.press("Home")
    assert kernel(page, lab)["cell"] == [1, 1], "the cell stays on the map"


def test_copies_do_not_interfere(page, lab):
    shown = page.locator(".rope").nth(1).inner_text()
    page.get_by_role("checkbox", name="causal mask").first.check()
    page.mouse.click(*point(page, "RoPE", 2, 2))
    assert page.locator(".rope").nth(1).inner_text() == shown
    assert lab.value(page, "[second.causal, second.cell, second.row]") == [True, [0, 0], -1]


@pytest.mark.parametrize("theme", ["JupyterLab Dark", "JupyterLab Light"])
def test_it_can_be_read_in_both_themes_and_on_a_phone(page, lab, theme):
    heat_map(page, "RoPE").press("Enter")
    assert checks.offences(page, lab, theme, 1280, 390) == []


def test_running_the_cell_starts_the_figure_afresh_as_its_hint_says(page, lab):
    expect(page.locator(".rope").first).to_contain_text(
        "Running the cell again (Shift+Enter) starts the figure afresh."
    )
    mask = page.get_by_role("checkbox", name="causal mask").first
    mask.check()
    heat_map(page, "RoPE").press("Shift+Enter")
    expect(mask).not_to_be_checked()


def test_what_was_chosen_is_there_after_saving_and_opening_again(page, lab):
    page.mouse.click(*point(page, "RoPE", 3, 4))
    page.get_by_role("checkbox", name="causal mask").first.check()
    state = kernel(page, lab)
    lab.save(page)
    lab.open(page, "heat_map.ipynb")
    assert (state["cell"], state["row"], state["causal"]) == ([3, 4], 3, True)
    expect(out(page)).to_contain_text("query 3 (on) → key 4 (mat), 1 token after the query: hidden by the causal mask")


@pytest.mark.parametrize(
    ("weights", "words"),
    [
        ([0.2, 0.5, 0.3], "“1” (0.5000)"),
        ([0.4, 0.2, 0.4 - 1e-16], "“0” and “2” (0.4000 each)"),
        ([0.25] * 4, "“0”, “1”, “2” and “3” (0.2500 each)"),
        ([0.125] * 8, "“0”, “1”, “2”, “3” and 4 more (0.1250 each)"),
        ([1.0, 0.0], "“0” (1.0000)"),
    ],
)
def test_the_keys_with_the_largest_weight_in_words(javascript, weights, words):
    assert javascript(["weight"], "favourites", (weights, [str(key) for key in range(len(weights))])) == [words]


def test_where_a_key_stands_in_words(javascript):
    words = javascript(["attention", "weight", "heat_map"], "whereOf", (0,), (-1,), (1,), (-3,), (2,))
    near, far = ["1 token before", "1 token after"], ["3 tokens before", "2 tokens after"]
    assert words == ["at the same position", *[f"{place} the query" for place in near + far]]


SIZES = [(2, 4, True), (3, 2, False), (5, 4, False), (62, 8, True), (64, 8, True), (64, 128, False)]


@pytest.mark.parametrize(("seq", "head_dim", "causal"), SIZES)
def test_the_weights_are_numpys(javascript, seq, head_dim, causal):
    q, k = np.random.default_rng(0).standard_normal((2, seq, head_dim))
    found = None
    for base in (3.0, 10_000.0, 1e6):
        arguments = (q.ravel().tolist(), k.ravel().tolist(), seq, head_dim, base, causal)
        # From the second base on, the arrays of the result before are used again.
        [found] = javascript(["attention"], "compare", arguments if found is None else (*arguments, found))
        rope = RotaryPositionAttention(head_dim, base, causal=causal).forward(q, k, q)[1]
        plain = PositionFreeAttention(head_dim, causal=causal).forward(q, k, q)[1]
        for name, wanted in (("rope", rope), ("plain", plain)):
            assert np.allclose(found[name]["weights"], wanted.ravel(), rtol=0, atol=1e-12)
        assert np.allclose(found["change"], (rope - plain).ravel(), rtol=0, atol=1e-12)
