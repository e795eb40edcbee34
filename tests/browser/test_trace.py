"""The line-by-line trace in JupyterLab: every line by keyboard, its numbers against NumPy, its speed."""

import json
import re

import numpy as np
import pytest
from playwright.sync_api import expect

from ropelib.widgets.base import module_source
from ropelib.widgets.trace import trace_lines
from ropelib.worked_example import K, Q, RotaryPositionAttention, V

from . import checks

pytestmark = pytest.mark.slow

CELLS = (
    "import numpy as np\nimport ropelib.widgets.trace\nfrom ropelib.worked_example import *\n"
    "first = ropelib.trace_lines(RotaryPositionAttention(4).forward, Q, K, V)\nfirst",
    "%%trace\nx = np.zeros((3, 4))\nfor i in range(3):\n    x[i] = i\n    even = x[:, ::2]\n    even[i] += 0.25\n"
    "total = np.sum(\n    x,\n    axis=0,\n)",
    "def wide(n):\n    x = np.random.default_rng(0).standard_normal((64, 128))\n    for i in range(n):\n"
    "        x[i % 16] *= 2\n    return x @ np.ones(3)\n\n\nropelib.trace_lines(wide, 30)",
)


@pytest.fixture(scope="module")
def notebook(visit):
    return visit("trace", *CELLS)


@pytest.fixture
def page(notebook):
    """The notebook with each trace at its first step, the first one focused."""
    for number in (2, 1, 0):
        source(notebook, number).press("Home")
    return notebook


def source(page, number=0):
    return page.locator(".trace-source").nth(number)


def said(page, number=0):
    return page.locator(".rope-trace").nth(number).locator("[role=status]").inner_text()


def values(page, number=0):
    return page.locator(".trace-values").nth(number)


def line_of(sentence):
    return int(re.match(r"Line (\d+), step", sentence).group(1))


def matrix(block):
    return np.array([line.split() for line in block.inner_text().strip().splitlines()], dtype=float)


def test_down_walks_over_every_line_that_ran_and_up_comes_back(page):
    shown = trace_lines(RotaryPositionAttention(4).forward, Q, K, V)
    number_of = [section["first"] + n for section in shown.sections for n in range(len(section["lines"]))]
    expected = [number_of[row] for row in sorted({step["row"] for step in shown.steps})]
    walked = [line_of(said(page))]
    for _ in expected[1:]:
        page.keyboard.press("ArrowDown")
        walked.append(line_of(said(page)))
    assert walked == expected
    page.keyboard.press("ArrowDown")
    assert line_of(said(page)) == expected[-1], "there is nothing below"
    for _ in expected[1:]:
        page.keyboard.press("ArrowUp")
    assert line_of(said(page)) == expected[0]


def test_right_walks_through_time(page):
    steps = trace_lines(RotaryPositionAttention(4).forward, Q, K, V).steps
    for number, step in enumerate(steps, 1):
        assert f"step {number} of {len(steps)}, {step['function']}, call {step['call']}" in said(page)
        page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowLeft")
    assert f"step {len(steps) - 1} of" in said(page)


def test_the_numbers_are_numpys(page):
    output, weights = RotaryPositionAttention(4).forward(Q, K, V)
    page.get_by_text("weights = self.compute_weights(scaled)").click()
    expect(values(page)).to_contain_text("weights array (5, 5) float64 · new")
    np.testing.assert_allclose(matrix(values(page).locator("pre")), weights, rtol=0, atol=0.5e-4)
    page.keyboard.press("ArrowDown")
    expect(values(page)).to_contain_text("returns tuple")
    np.testing.assert_allclose(matrix(values(page).locator("pre").first), output, rtol=0, atol=0.5e-4)


def test_every_visit_of_a_loop_marks_what_changed(page):
    page.get_by_text("even[i] += 0.25").last.click()
    visits = page.locator(".rope-trace").nth(1).get_by_role("slider", name="visit")
    for visit in range(3):
        expect(page.locator(".rope-trace").nth(1)).to_contain_text(f"{visit + 1} of 3")
        marked = values(page, 1).locator(".trace-change").nth(1).locator("mark").all_inner_texts()
        assert marked == [f"{visit + 0.25:.4f}"] * 2
        if visit < 2:
            visits.press("ArrowRight")
    source(page, 1).press("PageUp")
    expect(page.locator(".rope-trace").nth(1)).to_contain_text("2 of 3")
    expect(values(page, 1)).to_contain_text("x array (3, 4) float64 · changed, 2 of 12 entries")


def test_a_statement_over_several_lines_is_one_stop(page):
    source(page, 1).press("End")
    assert line_of(said(page, 1)) == 6
    assert source(page, 1).locator(".trace-here").count() == 4
    source(page, 1).get_by_text("axis=0,").click()
    assert line_of(said(page, 1)) == 6
    np.testing.assert_array_equal(matrix(values(page, 1).locator("pre")), [[3.75, 3.0, 3.75, 3.0]])


def test_an_exception_stands_at_its_line(page):
    trace = page.locator(".rope-trace").nth(2)
    expect(trace).to_contain_text("ended by ValueError: matmul")
    source(page, 2).press("End")
    assert line_of(said(page, 2)) == 5 and "raises ValueError: matmul" in said(page, 2)
    expect(trace.locator(".trace-raised")).to_have_text(re.compile("✗.*return x @ np.ones"))


def test_its_keys_are_no_keys_of_jupyterlab(page):
    before = checks.layout(page)
    for key in ("ArrowDown", "ArrowUp", "a", "b", "d", "d", "x", "Enter", "PageDown", "End", "Home"):
        page.keyboard.press(key)
    assert checks.layout(page) == before and line_of(said(page)) == 96
    for name in ("◀ previous step", "next step ▶", "trace-values"):
        page.keyboard.press("Tab")
        assert page.evaluate("document.activeElement.className || document.activeElement.textContent") == name


def test_copies_do_not_interfere(page):
    before = said(page, 1), said(page, 2)
    page.keyboard.press("End")
    assert (said(page, 1), said(page, 2)) == before
    names = page.evaluate("[...document.querySelectorAll('.rope-trace [id]')].map((node) => node.id)")
    assert len(names) == len(set(names)) > 50


TOO_WIDE = """(root) => [...root.children, ...root.querySelector('.trace-side').children]
  .filter((node) => node.getBoundingClientRect().right > root.parentElement.getBoundingClientRect().right + 1)
  .map((node) => node.outerHTML)"""


def too_wide(widget):
    """Code and numbers scroll within their own boxes; the boxes themselves must fit."""
    return widget.evaluate(TOO_WIDE)


@pytest.mark.parametrize("theme", ["JupyterLab Dark", "JupyterLab Light"])
def test_it_can_be_read_in_both_themes_and_on_a_phone(page, lab, theme):
    source(page, 1).press("End")
    source(page, 1).press("ArrowLeft")
    source(page, 1).press("ArrowLeft")
    expect(values(page, 1).locator("mark").first).to_be_visible()
    assert checks.offences(page, lab, theme, 1280, 390, beyond_the_edge=too_wide) == []


# From a real key press to the change of the page, in milliseconds.
WATCH = """(trace) => {
  let pressed = null;
  window.took = [];
  trace.addEventListener('keydown', () => (pressed = performance.now()), true);
  new MutationObserver(() => {
    if (pressed !== null) window.took.push(performance.now() - pressed);
    pressed = null;
  }).observe(trace, {subtree: true, childList: true, characterData: true, attributes: true});
}"""


@pytest.mark.parametrize("number", [0, 2], ids=["worked example", "128 columns"])
def test_a_key_is_answered_within_one_frame(page, number, record_property):
    source(page, number).focus()
    page.locator(".rope-trace").nth(number).evaluate(WATCH)
    rounds = []
    # Whatever else the machine does only ever adds to a time, so the best of three rounds counts.
    while len(rounds) < 3 and not (rounds and rounds[-1][0] <= 2 and rounds[-1][1] <= 8):
        page.evaluate("window.took = []")
        for key in ["ArrowRight"] * 25 + ["ArrowLeft"] * 25:
            page.keyboard.press(key)
        took = np.array(page.evaluate("window.took"))
        assert len(took) == 50
        rounds.append(np.percentile(took, [50, 95]))
    median, slow = rounds[-1]
    record_property("milliseconds", f"median {median:.2f}, 95th percentile {slow:.2f}, {len(rounds)} rounds")
    print(f"trace {number}: median {median:.2f} ms, 95th percentile {slow:.2f} ms, {len(rounds)} rounds")
    assert median <= 2 and slow <= 8


RENDER = """async ([source, state]) => {
  const module = await import(URL.createObjectURL(new Blob([source], {type: 'text/javascript'})));
  const model = { get: (name) => state[name], set() {}, on() {}, off() {}, send() {}, save_changes() {} };
  const place = document.body.appendChild(document.createElement('div'));
  const began = performance.now();
  module.default.render({ model, el: place });
  place.getBoundingClientRect();
  const took = performance.now() - began;
  place.remove();
  return took;
}"""


def test_the_first_picture_takes_less_than_300_ms(page):
    state = trace_lines(RotaryPositionAttention(4).forward, Q, K, V).get_state()
    kept = {name: state[name] for name in ("headline", "sections", "steps", "values", "step", "palette")}
    took = page.evaluate(RENDER, [module_source("trace"), json.loads(json.dumps(kept))])
    print(f"first render: {took:.0f} ms")
    assert took < 300


def test_the_step_shown_is_there_after_saving_and_opening_again(page, lab):
    for _ in range(7):
        page.keyboard.press("ArrowRight")
    before = said(page)
    assert checks.state(page, lab, ["step"]) == [7]
    lab.save(page)
    lab.open(page, "trace.ipynb")
    expect(page.locator(".rope-trace").first.locator("[role=status]")).to_have_text(before)
