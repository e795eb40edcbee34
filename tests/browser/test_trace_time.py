"""The trace in time, in JupyterLab: buttons, the line that calls, steps left out, long lines, and nothing to show."""

import re

import pytest
from playwright.sync_api import expect

from . import checks

pytestmark = pytest.mark.slow

LONG = "total = total + i * (i - 1) * (i + 1) - (i - 2) * (i + 2) + (i - 3) * (i + 3) - (i - 4) * (i + 4) + (i - 5)"
CELLS = (
    "from ropelib import trace_lines\n\n\ndef factorial(n):\n    if n < 2:\n        return 1\n"
    "    return n * factorial(n - 1)\n\n\nfirst = trace_lines(factorial, 3)\nfirst",
    f"def sums(n):\n    total = 0\n    for i in range(n):\n        {LONG}\n    return total\n\n\n"
    "trace_lines(sums, 20_000)",
    "def numbers(n):\n    for i in range(n):\n        yield i\n\n\ntrace_lines(numbers, 3)",
    "trace_lines(sums)",
    "%%trace\n# no statement",
)


@pytest.fixture(scope="module")
def notebook(visit):
    return visit("trace_time", *CELLS)


@pytest.fixture
def page(notebook):
    for number in (1, 0):
        source(notebook, number).press("Home")
    return notebook


def trace(page, number=0):
    return page.locator(".rope-trace").nth(number)


def source(page, number=0):
    return trace(page, number).locator(".trace-source")


def said(page, number=0):
    return trace(page, number).locator("[role=status]").inner_text()


def button(page, name, number=0):
    return trace(page, number).get_by_role("button", name=name)


def test_the_buttons_step_through_time(page):
    following, previous = button(page, "next step"), button(page, "previous step")
    expect(previous).to_have_attribute("aria-disabled", "true")
    where = following.bounding_box()
    for number in range(2, 10):
        following.click()
        assert f"step {number} of 9" in said(page)
    assert following.bounding_box() == where, "a second press in place meets the same button"
    expect(following).to_have_attribute("aria-disabled", "true")
    following.press("Enter")
    assert "step 9 of 9" in said(page)
    previous.focus()
    page.keyboard.press("Enter")
    page.keyboard.press("ArrowLeft")
    assert "step 7 of 9" in said(page)
    before = checks.layout(page)
    page.keyboard.press("End")
    page.keyboard.press("a")
    assert "step 9 of 9" in said(page) and checks.layout(page) == before


def test_a_line_that_calls_is_marked_while_its_call_runs_and_comes_after_it(page):
    expect(source(page).locator(".trace-caller")).to_have_count(0)
    for _ in range(4):
        button(page, "next step").click()
    assert re.match(r"Line 4, step 5 of 9, factorial, call 3, called by line 7: n: int 1, new", said(page))
    expect(source(page).locator(".trace-caller")).to_have_text(re.compile("return n"))
    for result in (1, 2, 6):
        source(page).press("ArrowRight")
        while "returns" not in said(page):
            source(page).press("ArrowRight")
        assert said(page).endswith(f"returns int {result}")
    expect(source(page).locator(".trace-caller")).to_have_count(0)


def test_steps_that_are_not_kept_have_an_entry(page):
    expect(trace(page, 1)).to_contain_text("40 004 steps in 1 call")
    for _ in range(81):
        source(page, 1).press("ArrowRight")
    assert "step 82 of 40\u202f004" in said(page, 1)
    source(page, 1).press("ArrowRight")
    assert said(page, 1) == "Steps 83 to 39\u202f983 of 40\u202f004 are not kept."
    assert source(page, 1).locator(".trace-here").count() == 0
    expect(trace(page, 1).get_by_role("slider", name="visit")).to_be_hidden()
    source(page, 1).press("ArrowRight")
    assert "step 39\u202f984 of 40\u202f004" in said(page, 1)
    source(page, 1).press("End")
    assert "step 40\u202f004 of 40\u202f004" in said(page, 1)


CUT = """(list) => [...list.querySelectorAll('.trace-line')]
  .filter((line) => line.scrollWidth > line.clientWidth + 1).map((line) => line.textContent)"""


@pytest.mark.parametrize("width", [1280, 390])
def test_a_long_line_goes_on_below(page, width):
    page.set_viewport_size({"width": width, "height": 1000})
    try:
        assert source(page, 1).evaluate(CUT) == []
        assert source(page, 1).evaluate("(list) => list.scrollWidth - list.clientWidth") <= 0
        rows = [button(page, name, 1).bounding_box()["y"] for name in ("previous step", "next step")]
        assert rows[0] == rows[1]
    finally:
        page.set_viewport_size({"width": 1280, "height": 1000})


def test_the_lines_use_the_width_there_is(page):
    wide = "(node) => node.getBoundingClientRect().width / node.closest('.jp-OutputArea-output').clientWidth"
    page.set_viewport_size({"width": 1600, "height": 1000})
    try:
        assert trace(page).evaluate(wide) > 0.9
    finally:
        page.set_viewport_size({"width": 1280, "height": 1000})


@pytest.mark.parametrize(
    ("number", "words"),
    [
        (2, "no line of it ran. It returned a generator, whose lines run when it is consumed"),
        (3, "no line of it ran, because calling it raised TypeError: sums() missing 1 required positional argument"),
        (4, "Trace of this cell: no line of it ran."),
    ],
)
def test_where_nothing_ran_the_page_says_why(page, number, words):
    expect(trace(page, number).locator(".trace-headline")).to_contain_text(words)
    expect(trace(page, number).locator(".trace-headline")).to_be_visible()
    expect(trace(page, number).locator(".trace-side")).to_have_count(0)


@pytest.mark.parametrize("theme", ["JupyterLab Dark", "JupyterLab Light"])
def test_it_can_be_read_in_both_themes_and_on_a_phone(page, lab, theme):
    for _ in range(5):
        source(page).press("ArrowRight")
    assert checks.offences(page, lab, theme, 1280, 390) == []
