"""Measure what a ten times larger base changes in five tokens."""

import numpy as np

from ropelib.checks.core import Misconception, Question
from ropelib.checks.observe import Case
from ropelib.reference import Floats, cos_sin, inverse_frequencies, rotate, rotation_angles
from ropelib.worked_example import K, PositionFreeAttention, Q, RotaryPositionAttention, V


def base_change() -> dict[str, float]:
    weights = []
    for base in (10_000.0, 100_000.0):
        inv_freq = base ** (-np.arange(0, 4, 2) / 4)
        angles = np.arange(5)[:, None] * inv_freq
        turns = np.exp(1j * angles)
        q, k = ((x[:, :2] + 1j * x[:, 2:]) * turns for x in (Q, K))
        exponentials = np.exp((q @ k.conj().T).real / 2)
        weights.append(exponentials / exponentials.sum(axis=1, keepdims=True))
    change = np.abs(weights[1] - weights[0])
    return {"theta_0": inv_freq[0], "theta_1": inv_freq[1], "on": change[3].max(), "anywhere": change.max()}


def _largest(new: Floats, old: Floats) -> dict[str, float]:
    return {"on": np.abs(new - old)[3].max(), "anywhere": np.abs(new - old).max()}


def _scores(base: float, pairing: str = "half") -> Floats:
    cos, sin = cos_sin(rotation_angles(np.arange(5), inverse_frequencies(4, base)))
    return rotate(Q, cos, sin, pairing=pairing) @ rotate(K, cos, sin, pairing=pairing).T


def _softmax(scores: Floats) -> Floats:
    return np.exp(scores) / np.exp(scores).sum(axis=1, keepdims=True)


def _weights(base: float, *, causal: bool = False) -> Floats:
    return RotaryPositionAttention(4, base, causal=causal).forward(Q, K, V)[1]


def _outputs(base: float) -> Floats:
    return RotaryPositionAttention(4, base).forward(Q, K, V)[0]


def _largest_loss() -> dict[str, float]:
    loss = _weights(10_000.0) - _weights(100_000.0)
    return {"on": loss[3].max(), "anywhere": loss.max()}


def _against_no_rope() -> dict[str, float]:
    return _largest(_weights(100_000.0), PositionFreeAttention(4).forward(Q, K, V)[1])


QUESTION = Question(
    name="base_change",
    title="A larger base, and what “on” notices",
    objective="predict which frequencies a larger base changes, and measure how little five tokens notice",
    difficulty="moderate",
    minutes=10,
    points=3,
    reference=base_change,
    cases=lambda seed: [Case(name, calls=False, entry=name) for name in ("theta_0", "theta_1", "on", "anywhere")],
    tolerance=5e-3,
    misconceptions=[
        Misconception(
            "base divides every frequency",
            {"theta_0": 0.1, "theta_1": 0.001},
            "A base ten times larger does not make every pair ten times slower. θᵢ is base to the power −2i/d: which "
            "power "
            "is that for pair 0, and for pair 1 of two?",
        ),
        Misconception(
            "exponent -i",
            {"theta_1": 1e-5},
            "θ₁ is base to the power −2·1/4 here, not to the power −1.",
        ),
        Misconception(
            "the old base",
            {"theta_1": 0.01},
            "That is θ₁ for base 10 000. It does change with the base.",
        ),
        Misconception(
            "square root of ten on the wrong side",
            {"theta_1": 0.01 * np.sqrt(10)},
            "θ₁ changes by the right factor, √10, in the wrong direction: a larger base makes pairs slower.",
        ),
        Misconception(
            "scores instead of weights",
            lambda: _largest(_scores(100_000.0), _scores(10_000.0)),
            "That is the change of the raw scores. Scale and softmax them first: weights are asked for.",
        ),
        Misconception(
            "not scaled",
            lambda: _largest(_softmax(_scores(100_000.0)), _softmax(_scores(10_000.0))),
            "The division by √d is missing before the softmax.",
        ),
        Misconception(
            "future hidden",
            lambda: _largest(_weights(100_000.0, causal=True), _weights(10_000.0, causal=True)),
            "That is the change with a causal mask. The five tokens attend freely here.",
        ),
        Misconception(
            "neighbours paired",
            lambda: _largest(*(_softmax(_scores(base, "interleaved") / 2) for base in (100_000.0, 10_000.0))),
            "That is the change where neighbours are paired. The chapter pairs columns 0, 2 and 1, 3.",
        ),
        Misconception(
            "compared with no RoPE",
            _against_no_rope,
            "That compares base 100 000 with no positions at all. Compare it with base 10 000.",
        ),
        Misconception(
            "largest loss only",
            _largest_loss,
            "That is the largest loss of a weight. Another one gains more: take absolute values before the maximum.",
        ),
        Misconception(
            "output instead of weights",
            lambda: _largest(_outputs(100_000.0), _outputs(10_000.0)),
            "That is the change of the outputs. The weights are asked for.",
        ),
    ],
    hints=[
        "The chapter's functions do it all, once they take the base as an argument.",
        "Compute the 5 × 5 weights twice, subtract, take np.abs, then the largest number of row 3, and of all rows.",
    ],
    explanation="Pair 0 does not change, and pair 1 hardly turns within five tokens with either base: at position 4 it "
    "stands at 0.04 or at 0.013 rad. A larger base matters to long texts.",
)
