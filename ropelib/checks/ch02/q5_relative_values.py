"""Rotate the values after all, and make the output relative again."""

from collections.abc import Callable

import numpy as np

from ropelib.checks.core import Misconception, Question
from ropelib.checks.inputs import generator, halves
from ropelib.checks.observe import Case
from ropelib.reference import Floats, cos_sin, inverse_frequencies, rotate, rotation_angles


def relative_values(weights: Floats, V: Floats, positions: Floats, base: float) -> Floats:
    half = V.shape[1] // 2
    angles = positions[:, None] * base ** (-np.arange(half) / half)
    cos, sin = np.cos(angles), np.sin(angles)
    first, second = V[:, :half], V[:, half:]
    mean = weights @ np.concatenate([first * cos - second * sin, first * sin + second * cos], axis=1)
    first, second = mean[:, :half], mean[:, half:]
    return np.concatenate([first * cos + second * sin, second * cos - first * sin], axis=1)


def _softmax(scores: Floats) -> Floats:
    return np.exp(scores) / np.exp(scores).sum(axis=1, keepdims=True)


def _cases(seed: int) -> list[Case]:
    rng = generator(2, 5, seed)
    first = int(rng.integers(10, 500))
    order = rng.permutation(60)[:4]
    one_each = np.array([[0.0, 1.0], [1.0, 0.0]])
    return [
        Case("each token looks at the other", (one_each, np.array([[1.0, 0.0], [0.0, 2.0]]), np.arange(2), 10_000.0)),
        Case("a sentence", (_softmax(halves(rng, 3, 3)), halves(rng, 3, 4), np.arange(3), 10_000.0)),
        Case(
            "a sentence that starts later",
            (_softmax(halves(rng, 4, 4)), halves(rng, 4, 4), np.arange(first, first + 4), 10_000.0),
            weight=2,
        ),
        Case(
            "positions in any order, another base",
            (_softmax(halves(rng, 4, 4)), halves(rng, 4, 6), order, 500.0),
            weight=2,
        ),
    ]


def _turn(x: Floats, positions: Floats, base: float, pairing: str = "half") -> Floats:
    return rotate(x, *cos_sin(rotation_angles(positions, inverse_frequencies(x.shape[1], base))), pairing=pairing)


def _turned(before: float, after: float, pairing: str = "half") -> Callable[[Floats, Floats, Floats, float], Floats]:
    """Values turned by before · position, averages by after · position; the right program has +1 and −1."""
    return lambda w, v, m, b: _turn(w @ _turn(v, before * m, b, pairing), after * m, b, pairing)


def _counted(w: Floats, v: Floats, m: Floats, b: float) -> Floats:
    return relative_values(w, v, np.arange(len(v)), b)


QUESTION = Question(
    name="relative_values",
    title="Rotated values, done right",
    objective="say what makes an output absolute, and repair it",
    difficulty="demanding",
    minutes=20,
    points=3,
    reference=relative_values,
    cases=_cases,
    misconceptions=[
        Misconception(
            "not turned back",
            _turned(1, 0),
            "This is the chapter's mistake itself: the output still contains the angle nθ of every value. Which "
            "turn, by "
            "something that the query's token knows, leaves (n − m)θ?",
        ),
        Misconception(
            "values not rotated",
            _turned(0, 0),
            "This is attention as usual. Here the values are rotated first, each by its own position.",
        ),
        Misconception(
            "only turned back",
            _turned(0, -1),
            "The average is turned back by m, but nobody has turned the values by n.",
        ),
        Misconception(
            "turned on instead of back",
            _turned(1, 1),
            "Now the angles add up: the output contains (n + m)θ. In which direction does the average have to turn?",
        ),
        Misconception(
            "both directions reversed",
            _turned(-1, 1),
            "The output is relative, but mirrored: it contains (m − n)θ. The values turn forwards by their position.",
        ),
        Misconception(
            "rows counted instead of positions",
            _counted,
            "The tokens are treated as if they stood at 0, 1, 2, … For neighbours in order nobody notices, because "
            "only "
            "differences count. Where does your program use `positions`?",
        ),
        Misconception(
            "neighbours paired",
            _turned(1, -1, "interleaved"),
            "This pairs neighbours. The chapter pairs feature i with feature i + head_dim/2.",
        ),
        Misconception(
            "weights transposed",
            lambda w, v, m, b: relative_values(w.T, v, m, b),
            "Row m of the weights belongs to query m, and its columns to the values. Here it is the other way round.",
        ),
        Misconception(
            "base ignored",
            lambda w, v, m, b: relative_values(w, v, m, 10_000.0),
            "This turns with base 10 000 whatever `base` says.",
        ),
    ],
    hints=[
        "After the average, row m contains each value turned by nθ. It should contain it turned by (n − m)θ.",
        "An average of turned vectors can be turned as a whole: R(−mθ) Σ wₙ R(nθ) vₙ = Σ wₙ R((n − m)θ) vₙ.",
    ],
    explanation="Turning back by the query's position makes the output relative again, at the price of a third "
    "rotation. "
    "Leaving V alone is relative for free.",
)
