"""The times that chapter 12 shows are those of the committed measurement."""

import ast
import json
from statistics import median

import nbformat

from ropelib.course.notebooks import ROOT, code_cells

CASES = {"half": "bf16 half bshd 128", "interleaved": "bf16 interleaved bshd 128"}
NAMES = {"this kernel": "ropelib chapter 12", "PyTorch's operations": "PyTorch eager"}


def shown():
    """name → microseconds, from the cell of the chapter that prints them."""
    for cell in code_cells(nbformat.read(ROOT / "notebooks" / "12_a_first_triton_kernel.ipynb", as_version=4)):
        for node in ast.parse(cell.source).body:
            if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "measured":
                return ast.literal_eval(node.value)
    raise AssertionError("chapter 12 has no cell with measured = {...}")


def recorded(name):
    """The median over the runs on the machine that the chapter names."""
    runs = json.loads((ROOT / "benchmarks" / "results" / "kernels.json").read_text(encoding="utf-8"))
    contestant, _, pairing = name.partition(", ")
    results = [
        result
        for run in runs
        if run["machine"]["GPU"] == "NVIDIA H200"
        for result in run["results"]
        if result["case"]["name"] == CASES[pairing or "half"] and not result["case"]["backward"]
    ]
    if not pairing:
        return median(result["copy"] for result in results)
    return median(result["times"][NAMES[contestant]]["median"] for result in results)


def test_the_times_of_chapter_12_are_the_measured_ones():
    assert len(shown()) == 5
    for name, microseconds in shown().items():
        assert abs(microseconds / recorded(name) - 1) < 0.02, f"{name}: shown {microseconds}, measured {recorded(name)}"
