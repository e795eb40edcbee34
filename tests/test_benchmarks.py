"""What the kernel benchmark concludes from its figures."""

import json
from pathlib import Path

import pytest

pytest.importorskip("triton", reason="NOT RUN: no Triton, which there is for Linux on x86-64; run `make test` there")

from benchmarks.report import command_line, compared, markdown, verdicts

RESULTS = Path(__file__).resolve().parents[1] / "benchmarks" / "results"


def test_the_table_is_what_the_figures_say():
    assert (RESULTS / "kernels.md").read_text() == markdown(json.loads((RESULTS / "kernels.json").read_text()))


@pytest.mark.parametrize(
    ("ratios", "text"),
    [
        ([1.05], "1.050"),
        ([1.05, 1.051, 1.052, 1.05, 1.049], "1.050 (1.049 … 1.052): loss"),
        ([1.0, 1.01, 1.3, 1.02, 1.03], "1.020 (0.913 … 1.231)"),
        ([0.99, 0.99, 0.99, 0.99, 0.99], "0.990 (0.990 … 0.990)"),
    ],
)
def test_a_loss_is_an_interval_wholly_beyond_two_percent(ratios, text):
    assert compared(ratios) == text


def result(**medians):
    names = {name.replace("_", " "): {"median": median} for name, median in medians.items()}
    return {"case": {"name": "case"}, "times": names, "wrong": {"fast but wrong": 1.0}, "inplace": ["overwrites"]}


def test_only_correct_peers_count_and_like_is_compared_with_like():
    one = result(ropelib_exact=10.0, fast_but_wrong=1.0, overwrites=2.0, slow=20.0, slower=40.0)
    assert verdicts([one]) == ["- ropelib exact / best peer in fresh memory, slow: 0.500"]
    one["times"]["ropelib exact in place"] = {"median": 3.0}
    assert verdicts([one])[1] == "- ropelib exact in place / best peer in place, overwrites: 1.500"


def test_the_command_does_not_tell_where_results_were_put():
    assert command_line(["--out", "somewhere", "--processes", "5"]) == "python -m benchmarks.kernels --processes 5"
