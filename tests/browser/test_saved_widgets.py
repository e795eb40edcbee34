"""Committed notebooks: live in a trusted notebook before anything has run, a picture in one that is not trusted."""

import importlib.util

import pytest
from playwright.sync_api import expect

from ropelib.course import notebooks

from . import checks
from . import lab as driver
from .conftest import watched, write

pytestmark = pytest.mark.slow

CELLS = (
    "from ropelib.widgets.rotation import RotationVisualiser\nRotationVisualiser(m=2, n=2)",
    "from ropelib.widgets.heat_map import AttentionHeatMap\nAttentionHeatMap()",
    "from ropelib.widgets.frequency import FrequencyExplorer\nFrequencyExplorer()",
)


@pytest.fixture(scope="module")
def committed(course):
    """A notebook as it lies in the repository: executed, with state, never run by this reader."""
    write(course / "committed.ipynb", *CELLS)
    notebooks.execute(course / "committed.ipynb")
    return course / "committed.ipynb"


def play_with_all_three(page):
    page.get_by_role("slider", name="shift both").press("ArrowRight")
    expect(page.locator("[role=status]").first).to_contain_text("m = 3, n = 3, offset n − m = 0")
    page.get_by_label("RoPE, 5 by 5").press("ArrowRight")
    expect(page.locator(".rope").nth(1).locator(".rope-readout")).to_contain_text(
        "key 1 (cat), 1 token after the query: weight 0.338"
    )
    page.get_by_role("slider", name="position").press("ArrowLeft")
    expect(page.locator(".rope").nth(2).locator(".rope-readout").first).to_contain_text("At position 4064")


def test_without_trust_there_are_pictures(page, lab, committed):
    lab.open(page, committed.name)
    expect(page.locator(".jp-RenderedImage img")).to_have_count(3)
    assert page.locator(".rope").count() == 0


def test_trusted_they_are_live_before_anything_has_run(page, lab, committed):
    lab.trust(committed)
    lab.open(page, committed.name)
    expect(page.locator(".rope")).to_have_count(3)
    play_with_all_three(page)


def test_with_its_kernel_shut_down_a_notebook_of_ones_own_reads_as_chapter_00_says(chrome, lab, course):
    card = "from ropelib.widgets.card import predict\npredict('01-quarter-turn')"
    write(course / "own.ipynb", card, CELLS[0])
    with watched(chrome, lab) as page:
        lab.open(page, "own.ipynb")
        assert lab.run_all(page) == []
        lab.save(page)
        lab.close(page)
        lab.open(page, "own.ipynb")
        message = "Error displaying widget: model not found"
        expect(page.get_by_text(message)).to_have_count(2)
        assert f"*{message}*" in (notebooks.ROOT / "notebooks" / "00_start_here.ipynb").read_text(encoding="utf-8")
        assert lab.run_all(page) == []
        expect(page.locator(".rope")).to_have_count(2)


def test_notebook_7_runs_them_too(course, chrome, tmp_path_factory):
    if importlib.util.find_spec("notebook") is None:
        pytest.skip("NOT RUN: no Notebook 7; add notebook to requirements/test.txt")
    write(course / "seven.ipynb", *CELLS)
    with driver.serve(course, tmp_path_factory.mktemp("notebook"), "notebook") as lab, watched(chrome, lab) as page:
        lab.open(page, "seven.ipynb")
        assert lab.run_all(page) == []
        before = checks.layout(page)
        play_with_all_three(page)
        for widget, keys in ((".rope-handle", "abdd"), (".rope-box", "xyc"), (".rope-clocks", "mdd")):
            page.locator(widget).first.focus()
            page.keyboard.type(keys)
        page.keyboard.press("ArrowDown")
        assert checks.layout(page) == before
        model = "jupyterapp.shell.currentWidget.context.model"
        page.evaluate(f"() => {{ {model}.dirty = true; }}")
        page.keyboard.press("Control+s")
        page.wait_for_function(f"() => !{model}.dirty")
