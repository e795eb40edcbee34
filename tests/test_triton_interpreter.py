"""The Triton kernels on the CPU, through Triton's interpreter.

Triton decides at its import whether kernels are interpreted, and other tests of this process may have imported it. So
interpreted_kernels.py runs in a process of its own, once, and each test here is one of its functions.
"""

import ast
import importlib.util
import os
import subprocess
import sys
import xml.etree.ElementTree as ElementTree
from collections import Counter
from pathlib import Path

import pytest

CASES = Path(__file__).with_name("interpreted_kernels.py")
NAMES = [node.name for node in ast.parse(CASES.read_text()).body if getattr(node, "name", "").startswith("test_")]

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def outcomes(tmp_path_factory):
    if importlib.util.find_spec("triton") is None:
        pytest.skip("NOT RUN: no Triton, which there is for Linux on x86-64; run `make test` there")
    report = tmp_path_factory.mktemp("interpreter") / "report.xml"
    command = [sys.executable, "-m", "pytest", str(CASES), "-q", "-o", "addopts=", "-p", "no:cacheprovider"]
    environment = os.environ | {"TRITON_INTERPRET": "1", "CUDA_VISIBLE_DEVICES": ""}
    ran = subprocess.run(
        [*command, f"--junitxml={report}"], env=environment, cwd=CASES.parent.parent, capture_output=True, text=True
    )
    assert report.exists(), ran.stdout + ran.stderr
    return _outcomes(report), ran.stdout


def _outcomes(report):
    """{function: {outcome: count}} of a JUnit report."""
    counts = {name: Counter() for name in NAMES}
    for case in ElementTree.parse(report).iter("testcase"):
        tags = {child.tag for child in case}
        outcome = "failed" if tags & {"failure", "error"} else "skipped" if "skipped" in tags else "passed"
        counts[case.attrib["name"].split("[")[0]][outcome] += 1
    return counts


@pytest.mark.parametrize("name", NAMES)
def test_in_the_interpreter(outcomes, name, record_property):
    counts, output = outcomes
    record_property("cases passed in the interpreter", counts[name]["passed"])
    assert counts[name]["failed"] == 0, output
    assert counts[name]["passed"] > 0, f"no case of {name} ran:\n{output}"


def test_without_the_interpreter_the_cpu_is_refused_with_the_way_out():
    if importlib.util.find_spec("triton") is None:
        pytest.skip("NOT RUN: no Triton, which there is for Linux on x86-64; run `make test` there")
    code = (
        "import torch\n"
        "from ropelib.ops import apply_rope, build_rope_cache\n"
        "q = torch.ones(1, 1, 3, 4)\n"
        "apply_rope(q, q, *build_rope_cache(3, 4), use_triton=True)"
    )
    environment = {name: value for name, value in os.environ.items() if name != "TRITON_INTERPRET"}
    ran = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True)
    assert "ValueError: a Triton kernel runs on a GPU, or anywhere where TRITON_INTERPRET=1 was set" in ran.stderr
