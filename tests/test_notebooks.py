"""The gate: what makes a notebook unfit, each defect planted in a copy of a real chapter and found."""

import importlib
import pkgutil
import re
import subprocess
import sys

import nbformat
import pytest

from ropelib import questions, widgets
from ropelib.course import notebooks
from ropelib.course.notebooks import ROOT, problems
from ropelib.widgets.base import Interactive

CHAPTER = ROOT / "notebooks" / "00_start_here.ipynb"


@pytest.fixture
def copy(tmp_path):
    """Edit a copy of chapter 00: call with a function that changes the notebook, get the file."""

    def edited(change):
        notebook = nbformat.read(CHAPTER, as_version=4)
        change(notebook)
        path = tmp_path / CHAPTER.name
        nbformat.write(notebook, path)
        return path

    return edited


def compared_with_output(notebook):
    return next(cell for cell in notebooks.code_cells(notebook) if not notebooks.is_ignored(cell) and cell.outputs)


def change_a_number(notebook):
    for cell in notebooks.code_cells(notebook):
        for output in cell.outputs:
            if "11.1920" in output.get("text", ""):
                output["text"] = output["text"].replace("11.1920", "11.1921")
                return
    raise AssertionError("chapter 00 prints 11.1920 no longer")


def drop_the_counts(notebook):
    for cell in notebooks.code_cells(notebook):
        cell.execution_count = None


def strip(notebook):
    drop_the_counts(notebook)
    for cell in notebooks.code_cells(notebook):
        cell.outputs = []


def make_it_raise(notebook):
    compared_with_output(notebook).source += "\nraise RuntimeError('planted')"


def nothing(notebook):
    pass


@pytest.mark.slow
@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (nothing, "Everything that ran passed."),
        (change_a_number, "11.1921"),
        (drop_the_counts, "strict nbval compares nothing there"),
        (strip, "strict nbval compares nothing there"),
        (make_it_raise, "planted"),
    ],
)
def test_verification_fails_for_a_corrupted_notebook_and_for_no_other(copy, change, reason):
    command = [sys.executable, "-m", "ropelib.course.verify", str(copy(change))]
    outcome = subprocess.run(command, capture_output=True, text=True, cwd=ROOT)
    assert (outcome.returncode == 0) == (change is nothing), outcome.stdout
    assert reason in outcome.stdout


def ignore(cell):
    cell.metadata["tags"] = [notebooks.IGNORED]


PLANTED = [
    (lambda nb: setattr(compared_with_output(nb), "execution_count", 99), r"execution counts are"),
    (lambda nb: notebooks.code_cells(nb)[-1].outputs[0].update(name="stderr"), r"writes to stderr"),
    (lambda nb: notebooks.code_cells(nb)[-1].outputs[0].update(text="/home/me/x"), r"a path of one machine: /home/m"),
    (
        lambda nb: notebooks.code_cells(nb)[-1].outputs.append(
            nbformat.v4.new_output("error", ename="ValueError", evalue="", traceback=[])
        ),
        r"ends in ValueError",
    ),
    (lambda nb: ignore(notebooks.code_cells(nb)[-1]), r"is not compared, and no compared cell with an assert follows"),
    (lambda nb: notebooks.code_cells(nb)[-1].metadata.update(tags=["nbval-skip"]), r"is skipped by nbval"),
    (lambda nb: nb.cells.append(nbformat.v4.new_markdown_cell("It is 3.14159 long.")), r"states 3\.14159, which no"),
    (lambda nb: nb.cells.extend(nbformat.v4.new_code_cell("1") for _ in range(4)), r"4 code cells follow each other"),
    (
        lambda nb: nb.cells.extend(
            [
                nbformat.v4.new_code_cell(
                    "1", outputs=[nbformat.v4.new_output("display_data", data={"image/png": "AAAA"})]
                ),
                nbformat.v4.new_code_cell("2"),
            ]
        ),
        r"has no words beside it",
    ),
]


@pytest.mark.parametrize(("plant", "sentence"), PLANTED)
def test_each_defect_is_named(copy, plant, sentence):
    assert any(re.search(sentence, found) for found in problems(copy(plant)))


@pytest.mark.parametrize("path", notebooks.find(), ids=lambda path: path.name)
def test_the_course_has_none_of_them(path):
    assert problems(path) == []


@pytest.mark.parametrize("path", notebooks.find(), ids=lambda path: path.name)
def test_saved_widgets_run_the_scripts_of_today(path):
    """A widget's script is saved with its state: whoever edits it must run `make execute`."""
    saved = nbformat.read(path, as_version=4).metadata.get("widgets", {}).get(notebooks.WIDGET_STATE, {})
    states = [model["state"] for model in saved.get("state", {}).values() if "_esm" in model["state"]]
    for module in pkgutil.iter_modules(widgets.__path__):
        importlib.import_module(f"{widgets.__name__}.{module.name}")
    today = {(str(kind._esm), str(kind._css)) for kind in Interactive.__subclasses__()}
    assert {(state["_esm"], state["_css"]) for state in states} <= today


@pytest.mark.parametrize("path", notebooks.find(), ids=lambda path: path.name)
def test_every_citation_and_link_leads_somewhere(path):
    text = "\n".join(cell.source for cell in nbformat.read(path, as_version=4).cells if cell.cell_type == "markdown")
    anchors = set(re.findall(r'<a id="([^"]+)"', (ROOT / "notebooks" / "references.md").read_text()))
    for target in re.findall(r"\]\(([^)]+)\)", text):
        if target.startswith("http"):
            continue
        file, _, anchor = target.partition("#")
        assert (path.parent / file).exists(), target
        assert not anchor or anchor in anchors, target


@pytest.mark.parametrize("path", notebooks.find(), ids=lambda path: path.name)
def test_every_chapter_asks_before_it_tells(path):
    if path.parent.name != "notebooks":
        return
    chapter = path.name[:2]
    code = "\n".join(cell.source for cell in notebooks.code_cells(nbformat.read(path, as_version=4)))
    asked, again = (re.findall(rf'^{name}\("([^"]+)"\)', code, re.MULTILINE) for name in ("predict", "ask_again"))
    assert asked == questions.keys(chapter) and len(asked) >= 3
    assert all(key in questions.keys(key[:2]) and key[:2] < chapter for key in again)
    assert again or chapter < "02"


def test_running_an_unchanged_notebook_leaves_the_file_alone(tmp_path):
    path = tmp_path / "n.ipynb"
    nbformat.write(nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("print('a')\nprint('b')")]), path)
    notebooks.execute(path)
    first, stamp = path.read_bytes(), path.stat().st_mtime_ns
    notebooks.execute(path)
    assert path.read_bytes() == first and path.stat().st_mtime_ns == stamp
    assert problems(path) == []


def with_widgets(path):
    sources = [
        "from ropelib.widgets.rotation import RotationVisualiser\nRotationVisualiser()",
        "import ipywidgets\nipywidgets.HBox([ipywidgets.IntSlider(), RotationVisualiser(n=7)])",
    ]
    nbformat.write(nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(source) for source in sources]), path)
    notebooks.execute(path)


@pytest.mark.slow
def test_running_a_notebook_with_widgets_again_leaves_the_file_alone(tmp_path):
    path = tmp_path / "n.ipynb"
    with_widgets(path)
    first = path.read_bytes()
    notebooks.execute(path)
    assert path.read_bytes() == first


@pytest.mark.slow
def test_widgets_are_committed_with_their_state_and_pass_strict_nbval(tmp_path):
    path = tmp_path / "n.ipynb"
    with_widgets(path)
    notebook = nbformat.read(path, as_version=4)
    models = notebook.metadata.widgets["application/vnd.jupyter.widget-state+json"].state
    views = [cell.outputs[0].data["application/vnd.jupyter.widget-view+json"].model_id for cell in notebook.cells]
    assert list(models) == [f"model-{number:04}" for number in range(1, len(models) + 1)]
    assert [models[view].state._model_name for view in views] == ["AnyModel", "HBoxModel"]
    children = [models[child.removeprefix("IPY_MODEL_")] for child in models[views[1]].state.children]
    assert [child.model_name for child in children] == ["IntSliderModel", "AnyModel"] and children[1].state.n == 7
    command = [sys.executable, "-m", "ropelib.course.verify", str(path)]
    outcome = subprocess.run(command, capture_output=True, text=True, cwd=ROOT)
    assert "has no words beside it" in outcome.stdout and "of 2 cells 2 ran and agreed" in outcome.stdout, (
        outcome.stdout
    )


def test_an_error_leaves_the_file_alone(tmp_path):
    path = tmp_path / "n.ipynb"
    nbformat.write(nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("1 / 0")]), path)
    before = path.read_bytes()
    with pytest.raises(Exception, match="ZeroDivisionError"):
        notebooks.execute(path)
    assert path.read_bytes() == before


def test_a_chapter_that_does_not_exist_is_refused():
    for module in ("notebooks", "verify"):
        command = [sys.executable, "-m", f"ropelib.course.{module}", "--chapter", "97"]
        outcome = subprocess.run(command, capture_output=True, text=True, cwd=ROOT)
        assert outcome.returncode == 2 and "name" in outcome.stderr
