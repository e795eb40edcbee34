"""What a learner sees of a check: an exercise in JupyterLab, answered wrongly, in both themes."""

import pytest

pytestmark = pytest.mark.slow

# A slip that the bank knows: the minus in the wrong row.
CLOCKWISE = """
    angles = positions * theta * (-1 if clockwise else 1)
    x, y = points.T
    return np.stack([x * np.cos(angles) + y * np.sin(angles), y * np.cos(angles) - x * np.sin(angles)], axis=1)"""
TYPE = """answer => {
  const cells = jupyterapp.shell.currentWidget.content.widgets;
  const cell = cells.find(cell => cell.model.sharedModel.getSource().startsWith('def rotate_2d'));
  cell.model.sharedModel.setSource(cell.model.sharedModel.getSource() + answer);
}"""


def test_a_check_names_the_mistake(page, lab):
    lab.open(page, "exercises/01_rotation_identity.ipynb")
    assert lab.run_all(page) == []
    boxes = page.get_by_role("region", name="Result of the check")
    assert boxes.count() == 5
    assert all("Not attempted yet" in text for text in boxes.all_inner_texts())
    page.evaluate(TYPE, CLOCKWISE)
    assert lab.run_all(page) == []
    box = boxes.first
    assert "Not yet, and the mistake has a name" in box.inner_text() and "turns the other way" in box.inner_text()
    for theme in ("JupyterLab Dark", "JupyterLab Light"):
        lab.set_theme(page, theme)
        ground = page.evaluate("getComputedStyle(document.querySelector('.jp-Notebook')).backgroundColor")
        colors = [
            page.evaluate("e => getComputedStyle(e).color", box.locator(tag).first.element_handle())
            for tag in ("strong", "pre")
        ]
        assert all(contrast(color, ground) >= 4.5 for color in colors), theme


def contrast(color, ground):
    light, dark = sorted((luminance(color), luminance(ground)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def luminance(color):
    channels = [float(part) / 255 for part in color[color.index("(") + 1 :].rstrip(")").split(",")[:3]]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
