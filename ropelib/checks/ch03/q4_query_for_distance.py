"""Build a query that looks a chosen distance back."""

from collections.abc import Callable

import numpy as np

from ropelib.checks.core import Misconception, Question
from ropelib.checks.inputs import fair, generator, halves
from ropelib.checks.observe import Case
from ropelib.reference import Floats, cos_sin, inverse_frequencies, rotate, rotation_angles


def query_for_distance(key: Floats, distance: int, base: float) -> Floats:
    head_dim = len(key)
    half = head_dim // 2
    angles = -distance * base ** (-np.arange(0, head_dim, 2) / head_dim)
    cos, sin = np.cos(angles), np.sin(angles)
    first, second = key[:half], key[half:]
    return np.concatenate([first * cos - second * sin, first * sin + second * cos])


def _cases(seed: int) -> list[Case]:
    rng = generator(3, 4, seed)
    near, far = int(rng.integers(3, 20)), int(rng.integers(100, 2000))

    def few_tokens_back() -> Case:
        return Case("a few tokens back", (halves(rng, 4), near, 10_000.0), weight=2)

    return [
        Case("two numbers, one token back", (np.array([1.0, 0.0]), 1, 10_000.0)),
        Case("the token itself", (halves(rng, 4), 0, 10_000.0), weight=0),
        fair(few_tokens_back, query_for_distance, [_normalised]),
        Case("a few tokens ahead", (halves(rng, 6), -near, 10_000.0), weight=2),
        Case("far back, another base", (halves(rng, 16), far, 500_000.0), weight=2),
    ]


def _turned(
    turn: Callable[[int], float] = lambda distance: -distance, pairing: str = "half", pairs: slice = slice(None)
) -> Callable[[Floats, int, float], Floats]:
    """The right program with another turn, another pairing, or with some pairs only."""

    def program(key: Floats, distance: int, base: float) -> Floats:
        inv_freq = np.zeros(len(key) // 2)
        inv_freq[pairs] = inverse_frequencies(len(key), base)[pairs]
        return rotate(key[None], *cos_sin(rotation_angles([turn(distance)], inv_freq)), pairing=pairing)[0]

    return program


def _normalised(key: Floats, distance: int, base: float) -> Floats:
    return query_for_distance(key, distance, base) / np.linalg.norm(key)


QUESTION = Question(
    name="query_for_distance",
    title="A query that looks back",
    objective="build a query whose best score lies at a chosen signed distance: nothing in RoPE makes the near win",
    difficulty="demanding",
    minutes=15,
    points=6,
    reference=query_for_distance,
    cases=_cases,
    misconceptions=[
        Misconception(
            "turned forwards",
            _turned(lambda distance: distance),
            "This query has its best score for a key as far ahead. The chapter turned a key forwards; the query "
            "sits on "
            "the other side of the dot product.",
        ),
        Misconception(
            "not turned",
            _turned(lambda distance: 0),
            "This is the key itself: its best score is at distance 0.",
        ),
        Misconception(
            "normalised",
            _normalised,
            "The direction is right and the length is not: the query should be as long as the key.",
        ),
        Misconception(
            "one token too far",
            _turned(lambda distance: -(distance + 1)),
            "The best score lies one token farther back. Test distance 0: the query should be the key itself.",
        ),
        Misconception(
            "distance without its sign",
            _turned(lambda distance: -abs(distance)),
            "A negative distance means a key that comes later. Here it is treated as a positive one.",
        ),
        Misconception(
            "first pair only",
            _turned(pairs=slice(0, 1)),
            "Only the fast pair is turned. The others vote for distance 0.",
        ),
        Misconception(
            "fast pair left out",
            _turned(pairs=slice(1, None)),
            "The first pair is not turned. It votes for distance 0, and changes fastest.",
        ),
        Misconception(
            "neighbours paired",
            _turned(pairing="interleaved"),
            "This turns pairs of neighbours. The chapter pairs feature i with feature i + head_dim/2.",
        ),
        Misconception(
            "points away",
            lambda k, n, b: -query_for_distance(k, n, b),
            "This query has its worst score there: it points the other way.",
        ),
        Misconception(
            "base ignored",
            lambda k, n, b: query_for_distance(k, n, 10_000.0),
            "This turns with base 10 000 whatever `base` says.",
        ),
    ],
    hints=[
        "The score is q · R((n − m)θ) k. For which q of a given length is a dot product largest?",
        "At distance m − n = D the angle is −Dθ. So q should be R(−Dθ) k, in every pair.",
    ],
    explanation="Its score there is |key|², the largest that any position can give. Decay is not built in.",
)
