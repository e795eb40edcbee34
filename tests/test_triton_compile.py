"""The fast kernels, compiled for a GPU where there is none: what they read and write in vectors of 16 bytes.

A kernel that lost track of its alignment is right and several times slower; Triton 3.6 loses it where pointers or
wide strides are chosen in nested branches. Hopper's code is compiled, in a process that does not interpret kernels.
"""

import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow
SCRIPT = Path(__file__).with_name("compiled_kernels.py")


@pytest.fixture(scope="module")
def accesses():
    if importlib.util.find_spec("triton") is None:
        pytest.skip("NOT RUN: no Triton, which there is for Linux on x86-64; run `make test` there")
    environment = {name: value for name, value in os.environ.items() if name != "TRITON_INTERPRET"}
    root = SCRIPT.parent.parent
    ran = subprocess.run(
        [sys.executable, "-m", f"tests.{SCRIPT.stem}"], env=environment, cwd=root, capture_output=True, text=True
    )
    assert ran.returncode == 0, ran.stderr
    return json.loads(ran.stdout)


@pytest.mark.parametrize(
    "kernel", ["rope", "rope, tokens first", "rope, batch of one", "rope, interleaved", "cache", "norm"]
)
def test_elements_travel_in_vectors_of_16_bytes(accesses, kernel):
    found = accesses[kernel]
    assert found["v4"] > 0 and found["two bytes"] == 0, found


def test_strides_of_q_and_k_may_differ_in_width(accesses):
    assert accesses["rope, q beyond 2**31"]["v4"] > 0
