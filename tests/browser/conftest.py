import contextlib
import shutil
from collections.abc import Iterator

import nbformat
import pytest

from ropelib.course.notebooks import ROOT
from ropelib.widgets.base import module_source

from . import lab as driver

STATIC = "/static/lab/", "/static/notebook/", "/lab/extensions/@jupyter-widgets/"
BUNDLES = "/static/lab/jlab_core", "/static/notebook/notebook_core"


@pytest.fixture(scope="session")
def course(tmp_path_factory):
    """A copy of the chapters and exercises, as `make lab` makes one for a learner."""
    folder = tmp_path_factory.mktemp("work")
    for name in ("notebooks", "exercises"):
        shutil.copytree(ROOT / name, folder / name)
    return folder


@pytest.fixture(scope="session")
def lab(course, tmp_path_factory):
    if driver.chromium() is None:
        pytest.skip("NOT RUN: no browser; install Chromium (on Debian: apt-get install chromium)")
    with driver.serve(course, tmp_path_factory.mktemp("lab")) as served:
        yield served


@pytest.fixture(scope="session")
def chrome(lab):
    with driver.browser() as opened:
        yield opened


@pytest.fixture
def page(chrome, lab) -> Iterator:
    with watched(chrome, lab) as page:
        yield page


@pytest.fixture(scope="module")
def visit(chrome, lab, course):
    """Write a notebook of these cells, open and run it → its page, which lasts as long as the test module."""
    with contextlib.ExitStack() as pages:

        def visit(name, *cells, **options):
            write(course / f"{name}.ipynb", *cells)
            page = pages.enter_context(watched(chrome, lab, **options))
            lab.open(page, f"{name}.ipynb")
            assert lab.run_all(page) == []
            return page

        yield visit


@pytest.fixture(scope="session")
def javascript(chrome):
    """Call a function that a widget's module exports, once for each tuple of arguments → all results.

    javascript(["rotation"], "turn", ([1, 0], 0.5), ([1, 0], 0.7))
    """
    page = chrome.new_page()
    yield lambda modules, name, *calls: page.evaluate(CALL, [module_source(*modules), name, calls])
    page.close()


CALL = """async ([source, name, calls]) => {
  const module = await import(URL.createObjectURL(new Blob([source], {type: 'text/javascript'})));
  const plain = (key, value) => ArrayBuffer.isView(value) ? Array.from(value) : value;
  return JSON.parse(JSON.stringify(calls.map((values) => module[name](...values)), plain));
}"""


def write(path, *cells):
    # Without a kernel's name JupyterLab asks for one, and waits.
    kernel = {"kernelspec": {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"}}
    cells = [nbformat.v4.new_code_cell(cell) for cell in cells]
    nbformat.write(nbformat.v4.new_notebook(cells=cells, metadata=kernel), path)


@contextlib.contextmanager
def watched(chrome, lab, **options):
    """A page that fails its tests on an error in a script or the console, and on a request that leaves this machine."""
    context = chrome.new_context(**{"viewport": {"width": 1280, "height": 1000}, **options})
    context.set_default_timeout(10_000)
    page, problems = context.new_page(), []
    page.on("pageerror", lambda error: _is_labs_own(error.stack) or problems.append(error.stack))
    page.on("console", lambda message: _is_labs_own_message(message) or problems.append(message.text))
    page.on("request", lambda request: _is_local(request.url) or problems.append(f"request to {request.url}"))
    yield page
    lab.close(page)
    context.close()
    assert problems == []


def _is_local(url):
    return not url.startswith("http") or url.startswith("http://127.0.0.1:")


def _is_labs_own_message(message):
    """A word of warning, or Jupyter about itself: a debugger it could not restore while a page closes."""
    return message.type != "error" or any(folder in message.location["url"] for folder in STATIC)


def _is_labs_own(stack):
    """JupyterLab 4.6 and Notebook 7 now and then raise in their own bundles; our scripts never load from there."""
    lines = [line.strip() for line in stack.splitlines()]
    frames = [line for line in lines if line.startswith("at ") and not line.startswith("at async Promise.all")]
    return bool(frames) and all(any(bundle in line for bundle in BUNDLES) for line in frames)
