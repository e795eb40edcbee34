"""What a learner sees of a chapter before and after committing, in JupyterLab as it is set for learners."""

import shutil

import pytest

from ropelib.course import workspace
from ropelib.course.notebooks import ROOT, find

from . import lab as driver
from .conftest import watched

pytestmark = pytest.mark.slow

SOURCES = (
    "() => jupyterapp.shell.currentWidget.content.widgets.map(({ model }) => [model.type, model.sharedModel.source])"
)
SELECT = """(index) => {
  const { content } = jupyterapp.shell.currentWidget;
  content.deselectAll();
  content.activeCellIndex = index;
  content.mode = 'command';
  content.activate();
}"""
HAS_RUN = """(index) => {
  const { model } = jupyterapp.shell.currentWidget.content.widgets[index];
  return model.type !== 'code' || (model.executionCount > 0 && model.executionState !== 'running');
}"""
# Top and bottom of the card of a cell and of another cell, measured from the top of what is seen of the notebook.
PLACES = """([asking, after]) => {
  const { widgets, node } = jupyterapp.shell.currentWidget.content;
  const view = node.querySelector('.jp-WindowedPanel-outer').getBoundingClientRect();
  const place = (node) => {
    const { top, bottom } = node.getBoundingClientRect();
    return { top: Math.round(top - view.top), bottom: Math.round(bottom - view.top) };
  };
  const card = place(widgets[asking].node.querySelector('.rope-card'));
  return { card, words: place(widgets[after].node), height: view.height };
}"""


@pytest.fixture(scope="module")
def learners(tmp_path_factory):
    """JupyterLab on a learner's copies, its cells loaded as it likes → it, and the file of answers."""
    if driver.chromium() is None:
        pytest.skip("NOT RUN: no browser; install Chromium (on Debian: apt-get install chromium)")
    root = tmp_path_factory.mktemp("course")
    shutil.copytree(ROOT / "notebooks", root / "notebooks")
    workspace.refresh(root)
    with driver.serve(root / "work", tmp_path_factory.mktemp("lab"), without=[driver.WINDOWING]) as lab:
        yield lab, root / "work" / ".course" / "answers.jsonl"


@pytest.mark.parametrize(("chapter", "width", "height"), [("00", 1280, 900), ("01", 390, 844)])
def test_the_words_after_a_question_are_below_the_screen_and_committing_moves_no_card(
    learners, chrome, chapter, width, height
):
    lab, answers = learners
    answers.unlink(missing_ok=True)
    notebook = next(path.name for path in find(chapter) if path.parent.name == "notebooks")
    with watched(chrome, lab, viewport={"width": width, "height": height}) as page:
        lab.open(page, f"notebooks/{notebook}", "lab/tree" if width > 1000 else "")
        sources = page.evaluate(SOURCES)
        asked = 0
        for index, (kind, source) in enumerate(sources):
            page.evaluate(SELECT, index)
            page.keyboard.press("Shift+Enter")
            page.wait_for_function(HAS_RUN, arg=index)
            if kind != "code" or not source.startswith("predict("):
                continue
            asked += 1
            page.wait_for_timeout(1000)
            code = next(place for place in range(index + 1, len(sources)) if sources[place][0] == "code")
            before = page.evaluate(PLACES, [index, code + 1])
            assert before["card"]["top"] >= -1 and before["words"]["top"] > before["height"], source
            card = page.locator(f"[data-windowed-list-index='{index}'] .rope-card")
            card.get_by_role("radio").last.check()
            there = page.evaluate(PLACES, [index, code + 1])["card"]["top"]
            card.get_by_role("button", name="Commit").click()
            page.wait_for_timeout(600)
            after = page.evaluate(PLACES, [index, code + 1])["card"]
            assert after["top"] == pytest.approx(there, abs=2) and after["top"] < before["height"] - 200, source
        assert asked == sum(source.startswith("predict(") for _, source in sources) > 2
