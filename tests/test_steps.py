"""The figures of chapter 13: they are those of the kernels that it prints, and learners get the same as developers."""

import importlib.util
import subprocess
import sys

import pytest

from benchmarks import publish
from ropelib.course.notebooks import ROOT
from ropelib.measured import measured

RESULTS = ROOT / "benchmarks" / "results"
STEPS = measured("steps")


def test_the_page_shows_what_was_measured():
    assert publish.markdown(STEPS) == (RESULTS / "steps.md").read_text(encoding="utf-8")
    assert publish.rounded(publish.fusions()) == STEPS["fusions"], "benchmarks.kernels has measured the fusions anew"


def test_the_kernels_of_the_chapter_are_those_that_were_measured():
    cells = publish.kernel_cells()
    assert publish.fingerprint(cells) == STEPS["kernels"], "a kernel has changed: measure again"
    assert publish.fingerprint(f"# a comment\n{cells}") == STEPS["kernels"]
    assert publish.fingerprint(cells.replace("a * s + b * c", "a * c + b * s")) != STEPS["kernels"]


@pytest.mark.slow
def test_the_kernels_are_compared_before_they_are_measured():
    if importlib.util.find_spec("triton") is None:
        pytest.skip("NOT RUN: no Triton, which there is for Linux on x86-64; run `make test` there")
    command = [sys.executable, "-m", "benchmarks.steps", "--check"]
    ran = subprocess.run(command, capture_output=True, text=True, cwd=ROOT)
    assert ran.returncode == 0 and "agree with NumPy's float64" in ran.stdout, ran.stderr
