"""What is left of decay when a key resembles its query only partly."""

import numpy as np

from ropelib.checks.core import Misconception, Question
from ropelib.checks.inputs import generator
from ropelib.checks.observe import Case


def expected_score(correlation: float, distance: int, head_dim: int, base: float) -> float:
    inv_freq = base ** (-np.arange(0, head_dim, 2) / head_dim)
    return correlation * 2 * np.sum(np.cos(distance * inv_freq))


def _cases(seed: int) -> list[Case]:
    rng = generator(3, 5, seed)
    near, far = int(rng.integers(2, 30)), int(rng.integers(100, 5000))
    part = rng.integers(2, 9) / 10
    return [
        Case("key equal to query, distance 0", (1.0, 0, 4, 10_000.0)),
        Case("nothing in common", (0.0, near, 64, 10_000.0), weight=0),
        Case("a part in common", (part, near, 64, 10_000.0), weight=2),
        Case("opposed", (-part, near, 16, 500.0), weight=2),
        Case("a part in common, far apart", (part, far, 128, 500_000.0), weight=2),
    ]


def _plain(c: float, n: int, d: int, b: float) -> float:
    return expected_score(1.0, n, d, b)


QUESTION = Question(
    name="expected_score",
    title="How much of it decays?",
    objective="separate the part of a score that falls with distance from the part that distance leaves alone",
    difficulty="demanding",
    minutes=15,
    points=3,
    reference=expected_score,
    cases=_cases,
    misconceptions=[
        Misconception(
            "correlation ignored",
            _plain,
            "This is the chapter's special case, a key equal to its query. Here only a part of the key is the query.",
        ),
        Misconception(
            "correlation squared",
            lambda c, n, d, b: c**2 * _plain(c, n, d, b),
            "The correlation enters twice. In q · (c·q + noise), how often does c occur?",
        ),
        Misconception(
            "noise adds its strength",
            lambda c, n, d, b: (c + np.sqrt(1 - c**2)) * _plain(c, n, d, b),
            "The noise is counted as if it pointed along the query. What is the mean of q · noise?",
        ),
        Misconception(
            "noise does not turn",
            lambda c, n, d, b: c * _plain(c, n, d, b) + np.sqrt(1 - c**2) * d,
            "A constant has been added for the noise. What is the mean of q · noise, at any distance?",
        ),
        Misconception(
            "pairs counted once",
            lambda c, n, d, b: c * _plain(c, n, d, b) / 2,
            "Half of it is there. A pair has two members, each with variance 1: what is the mean of q_a² + q_b²?",
        ),
        Misconception(
            "mean over pairs",
            lambda c, n, d, b: c * _plain(c, n, d, b) / d,
            "This is the mean over the pairs. A score is a sum over all features.",
        ),
        Misconception(
            "distance ignored",
            lambda c, n, d, b: c * d,
            "This is the value at distance 0. Each pair turns: what does its share get multiplied by?",
        ),
        Misconception(
            "exponent -i/d",
            lambda c, n, d, b: 2 * c * np.sum(np.cos(n * b ** (-np.arange(d // 2) / d))),
            "The exponent of the base is −i/d here; it is −2i/d, where i counts pairs.",
        ),
        Misconception(
            "divided by the root of d",
            lambda c, n, d, b: c * _plain(c, n, d, b) / np.sqrt(d),
            "This is the score divided by √d, as attention scales it. Which score does the docstring ask for?",
        ),
    ],
    hints=[
        "The key is c·q + √(1 − c²)·noise. A mean of a sum is the sum of the means: take the two parts one by one.",
        "The noise has mean 0 and does not know q: its part is 0. What q does with itself at a distance, the chapter "
        "has "
        "measured and put into a formula.",
    ],
    explanation="Only the common part falls with distance. With nothing in common the mean is 0 at every distance.",
)
