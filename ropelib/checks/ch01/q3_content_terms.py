"""Split a score into what the content fixes and what the offset changes."""

import numpy as np

from ropelib.checks.core import Misconception, Question
from ropelib.checks.inputs import generator, halves
from ropelib.checks.observe import Case
from ropelib.reference import Floats


def content_terms(q: Floats, k: Floats) -> tuple[float, float]:
    return q[0] * k[0] + q[1] * k[1], q[1] * k[0] - q[0] * k[1]


def _any_two(rng: np.random.Generator, sign: int) -> tuple[Floats, Floats]:
    """A query and a key with a B of this sign, of another size than A: a slip in B costs the same with every seed."""
    while True:
        a, b = content_terms(*(pair := halves(rng, 2, 2)))
        if abs(b) not in (0, abs(a)):
            return tuple(pair[:: 1 if b * sign > 0 else -1])


def _cases(seed: int) -> list[Case]:
    rng = generator(1, 3, seed)
    return [
        Case("query and key alike", (np.array([2.0, 1.0]), np.array([2.0, 1.0]))),
        Case("a quarter turn apart", (np.array([1.0, 0.0]), np.array([0.0, 2.0]))),
        Case("nothing special", (np.array([2.0, -1.5]), np.array([-0.5, 3.0]))),
        *(Case("any two", _any_two(rng, sign), weight=2) for sign in (1, -1, -1)),
    ]


QUESTION = Question(
    name="content_terms",
    title="What does the content contribute?",
    objective="split a score into what the content fixes and what the offset changes",
    difficulty="moderate",
    minutes=10,
    points=4,
    reference=content_terms,
    cases=_cases,
    misconceptions=[
        Misconception(
            "offset m − n",
            lambda q, k: (q @ k, q[0] * k[1] - q[1] * k[0]),
            "A is right, and B has the other sign: this is the score for Δ = m − n. Δ is the key's position minus the "
            "query's. On whose side does R(Δθ) stand?",
        ),
        Misconception(
            "A and B exchanged",
            lambda q, k: content_terms(q, k)[::-1],
            "The two numbers are right and in the wrong order. At Δ = 0 only A is left: what is the score there?",
        ),
        Misconception(
            "conjugate forgotten",
            lambda q, k: (q[0] * k[0] - q[1] * k[1], q[0] * k[1] + q[1] * k[0]),
            "These are the two parts of the product z·w. The dot product needs z̄·w: one of the two is mirrored first.",
        ),
        Misconception(
            "plus inside B",
            lambda q, k: (q @ k, q[1] * k[0] + q[0] * k[1]),
            "A is right. B has a plus where a minus belongs: write R(Δθ)k in full, and look at the sign of each sine.",
        ),
        Misconception(
            "lengths for A",
            lambda q, k: (np.linalg.norm(q) * np.linalg.norm(k), content_terms(q, k)[1]),
            "A is the product of the lengths here. That is the score of two vectors that point the same way only.",
        ),
        Misconception(
            "no sine term",
            lambda q, k: (q @ k, 0.0),
            "Without B the score would be the same at Δ and at −Δ. That holds for a key equal to its query. For "
            "others?",
        ),
        Misconception(
            "sign of B lost",
            lambda q, k: (q @ k, abs(content_terms(q, k)[1])),
            "A is right, and B has lost its sign. A root of squares is never negative: what in B tells a key on the "
            "left of its query from a key on the right?",
        ),
    ],
    hints=[
        "At Δ = 0 the score is A. At a quarter turn, Δθ = π/2, it is B: what does R(π/2) make of k?",
        "R(π/2) turns (k₀, k₁) into (−k₁, k₀).",
    ],
    explanation="A is the dot product. B is the part that lets a score prefer what comes before to what comes after.",
)
