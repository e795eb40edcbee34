"""What a learner sees first: chapter 00 in JupyterLab, run from top to bottom, in both themes."""

import pytest

pytestmark = pytest.mark.slow


def test_chapter_00_runs_in_jupyterlab(page, lab):
    lab.open(page, "notebooks/00_start_here.ipynb")
    assert lab.run_all(page) == []
    assert page.locator(".jp-OutputArea-output", has_text="ready for chapters 00 to 03").count() == 1
    assert page.locator(".jp-RenderedImage img").count() == 1
    for theme in ("JupyterLab Dark", "JupyterLab Light"):
        lab.set_theme(page, theme)
