"""Every matrix of the worked example against values computed with 50 digits."""

import json
from pathlib import Path

import numpy as np
import pytest

from ropelib.worked_example import TOKENS, K, PositionFreeAttention, Q, RotaryPositionAttention, V

CASES = json.loads((Path(__file__).parent / "data" / "golden.json").read_text())["cat_sat"]
ROTARY = {"base10000_half": 10_000.0, "base100000_half": 100_000.0}


def equal(actual, expected):
    np.testing.assert_allclose(actual, expected, rtol=0, atol=1e-12)


def test_the_inputs_are_the_shared_ones():
    assert CASES["tokens"] == TOKENS
    for name, matrix in {"Q": Q, "K": K, "V": V}.items():
        np.testing.assert_array_equal(matrix, CASES[name])


@pytest.mark.parametrize("name", ROTARY)
def test_every_rotary_matrix(name):
    case, attention = CASES[name], RotaryPositionAttention(4, ROTARY[name])
    angles = attention.compute_angles(5)
    equal(angles, case["angles"])
    equal(np.cos(angles), case["cos"])
    equal(np.sin(angles), case["sin"])
    rotated_q, rotated_k = attention.apply_rotation(Q, angles), attention.apply_rotation(K, angles)
    equal(rotated_q, case["Q_rot"])
    equal(rotated_k, case["K_rot"])
    equal(rotated_q[:, :2], case["Q_rotated_first_half"])
    equal(rotated_k[:, 2:], case["K_rotated_second_half"])
    raw = attention.compute_scores(rotated_q, rotated_k)
    equal(raw, case["raw"])
    equal(attention.scale_scores(raw), case["scaled"])
    equal(attention.compute_weights(attention.scale_scores(raw)), case["weights"])
    output, weights = attention.forward(Q, K, V)
    equal(weights, case["weights"])
    equal(output, case["output"])


@pytest.mark.parametrize(
    ("name", "attention"),
    [
        ("no_rope", PositionFreeAttention(4)),
        ("base10000_half", RotaryPositionAttention(4)),
        ("base100000_half", RotaryPositionAttention(4, 100_000.0)),
    ],
)
def test_with_and_without_the_future(name, attention):
    output, weights = attention.forward(Q, K, V)
    equal(weights, CASES[name]["weights"])
    equal(output, CASES[name]["output"])
    attention.causal = True
    output, weights = attention.forward(Q, K, V)
    equal(weights, CASES[name]["causal_weights"])
    equal(output, CASES[name]["causal_output"])


def test_a_shuffled_sentence_gives_shuffled_outputs_only_without_positions():
    order = [4, 2, 0, 3, 1]
    plain, _ = PositionFreeAttention(4).forward(Q, K, V)
    shuffled, _ = PositionFreeAttention(4).forward(Q[order], K[order], V[order])
    equal(shuffled, plain[order])
    rotary, _ = RotaryPositionAttention(4).forward(Q, K, V)
    moved, _ = RotaryPositionAttention(4).forward(Q[order], K[order], V[order])
    assert np.abs(moved - rotary[order]).max() > 0.01


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: PositionFreeAttention(0), "d_model must be a positive integer, but got 0"),
        (lambda: RotaryPositionAttention(3), "head_dim must be a positive even integer, but got 3"),
        (lambda: RotaryPositionAttention(4).forward(Q[:4], K, V), r"\(4, 4\) and \(5, 4\)"),
        (lambda: RotaryPositionAttention(6).forward(Q, K, V), r"d_model=6.*\(5, 4\)"),
        (lambda: PositionFreeAttention(4).forward(Q, K, V[:3]), r"\(5, any\), but its shape is \(3, 4\)"),
    ],
)
def test_what_does_not_fit_is_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call()
