import shutil
from collections.abc import Iterator

import pytest

from ropelib.course.notebooks import ROOT

from . import lab as driver


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
    """A page that fails its test on a script error and on any request that leaves this machine."""
    context = chrome.new_context(viewport={"width": 1280, "height": 1000})
    page, problems = context.new_page(), []
    page.on("pageerror", lambda error: _is_labs_own(error.stack) or problems.append(error.stack))
    page.on("request", lambda request: _is_local(request.url) or problems.append(f"request to {request.url}"))
    yield page
    lab.close(page)
    context.close()
    assert problems == []


def _is_local(url):
    return not url.startswith("http") or url.startswith("http://127.0.0.1:")


def _is_labs_own(stack):
    """JupyterLab 4.6 now and then raises in its own bundle, in mid-render; our scripts never load from there."""
    frames = [line for line in stack.splitlines() if line.strip().startswith("at ")]
    return bool(frames) and all("/static/lab/jlab_core" in line for line in frames)
