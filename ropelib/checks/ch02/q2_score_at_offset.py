"""The score of a query and a key at an offset, without rotating either."""

from collections.abc import Callable

import numpy as np

from ropelib.checks.core import Misconception, Question
from ropelib.checks.inputs import fair, generator, halves
from ropelib.checks.observe import Case
from ropelib.reference import Floats


def score_at_offset(q: Floats, k: Floats, offset: int, base: float) -> float:
    head_dim = len(q)
    half = head_dim // 2
    angles = offset * base ** (-np.arange(0, head_dim, 2) / head_dim)
    along = q[:half] * k[:half] + q[half:] * k[half:]
    across = q[half:] * k[:half] - q[:half] * k[half:]
    return np.sum(along * np.cos(angles) + across * np.sin(angles))


def _cases(seed: int) -> list[Case]:
    rng = generator(2, 2, seed)
    ones = np.ones(4)
    later, earlier = int(rng.integers(2, 50)), -int(rng.integers(2, 50))

    def any_two(label: str, head_dim: int, offset: int, base: float) -> Case:
        def draw() -> Case:
            return Case(label, (halves(rng, head_dim), halves(rng, head_dim), offset, base), weight=2)

        return fair(draw, score_at_offset, [_mirrored, _no_sine, _interleaved])

    return [
        Case("all ones, two tokens later", (ones, ones, 2, 10_000.0)),
        Case("no offset", (halves(rng, 4), halves(rng, 4), 0, 10_000.0), weight=0),
        any_two("the key comes later", 4, later, 10_000.0),
        any_two("the key comes earlier", 6, earlier, 10_000.0),
        any_two("far apart, another base", 8, 1000 + later, 500_000.0),
    ]


def _with(
    exponent: Callable[[Floats, int], Floats] = lambda i, d: -2 * i / d, along: float = 1.0, across: float = 1.0
) -> Callable[[Floats, Floats, int, float], float]:
    """The right program with another exponent, or with its two terms weighted."""

    def program(q: Floats, k: Floats, offset: int, base: float) -> float:
        half = len(q) // 2
        angles = offset * base ** exponent(np.arange(half), len(q))
        same = q[:half] * k[:half] + q[half:] * k[half:]
        crossed = q[half:] * k[:half] - q[:half] * k[half:]
        return np.sum(along * same * np.cos(angles) + across * crossed * np.sin(angles))

    return program


def _mirrored(q: Floats, k: Floats, offset: int, base: float) -> float:
    return score_at_offset(q, k, -offset, base)


_no_sine = _with(across=0.0)


def _interleaved(q: Floats, k: Floats, offset: int, base: float) -> float:
    order = np.r_[0 : len(q) : 2, 1 : len(q) : 2]
    return score_at_offset(q[order], k[order], offset, base)


QUESTION = Question(
    name="score_at_offset",
    title="A score without rotating",
    objective="compute what RoPE makes of a score from the two vectors and their offset alone",
    difficulty="moderate",
    minutes=15,
    points=4,
    reference=score_at_offset,
    cases=_cases,
    misconceptions=[
        Misconception(
            "offset m − n",
            _mirrored,
            "This is the score at the mirrored offset. n − m is the key's position minus the query's: whose side does "
            "R((n − m)θ) stand on?",
        ),
        Misconception(
            "distance without its sign",
            lambda q, k, o, b: score_at_offset(q, k, abs(o), b),
            "Offsets −3 and +3 give the same score here. When is that true, and for which queries and keys is it not?",
        ),
        Misconception(
            "not rotated",
            lambda q, k, o, b: q @ k,
            "This is the plain dot product: the score at offset 0.",
        ),
        Misconception(
            "no sine term",
            _no_sine,
            "Only the cosines are there. They are all that is left where key and query are alike; in general a term "
            "with "
            "the sine joins them, and it changes its sign with the offset.",
        ),
        Misconception(
            "neighbours paired",
            _interleaved,
            "Here the pairs are neighbours. The chapter pairs feature i with feature i + head_dim/2.",
        ),
        Misconception(
            "scaled",
            lambda q, k, o, b: score_at_offset(q, k, o, b) / np.sqrt(len(q)),
            "This is the score divided by √head_dim. The score itself is asked for.",
        ),
        Misconception(
            "exponent -i/d",
            _with(exponent=lambda i, d: -i / d),
            "The exponent of the base is −i/d here; it is −2i/d, where i counts pairs.",
        ),
        Misconception(
            "exponent -i",
            _with(exponent=lambda i, d: -1.0 * i),
            "The exponent of the base is −i here; it is −2i/d. What is θ₁ for d = 4 and base 10 000?",
        ),
        Misconception(
            "one frequency for all pairs",
            _with(exponent=lambda i, d: 0.0 * i),
            "All pairs turn with θ = 1. Each pair has its own frequency.",
        ),
        Misconception(
            "base ignored",
            lambda q, k, o, b: score_at_offset(q, k, o, 10_000.0),
            "This is the score for base 10 000, whatever `base` says.",
        ),
    ],
    hints=[
        "A score is a sum over pairs, and one pair is an arrow of chapter 01: score = A cos(Δθ) + B sin(Δθ), Δ = n − "
        "m.",
        "Pair i is (q[i], q[i + half]). A is the dot product of the two pairs; B is q[i + half]·k[i] − q[i]·k[i + "
        "half].",
    ],
    explanation="With all ones: 2 cos 2 + 2 cos 0.02, at positions 0 and 2 as at 3 and 5. Two rotations can be "
    "saved, but "
    "a model rotates all the same: one rotation a token is cheaper than one angle a pair of tokens.",
)
