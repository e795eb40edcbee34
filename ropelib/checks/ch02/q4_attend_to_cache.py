"""One decoding step: a new query meets a cache of rotated keys."""

from collections.abc import Callable

import numpy as np

from ropelib.checks.core import Misconception, Question
from ropelib.checks.inputs import generator, halves
from ropelib.checks.observe import Case
from ropelib.reference import Floats, cos_sin, inverse_frequencies, rotate, rotation_angles


def attend_to_cache(q: Floats, rotated_keys: Floats, position: int, base: float) -> Floats:
    head_dim = len(q)
    half = head_dim // 2
    angles = position * base ** (-np.arange(0, head_dim, 2) / head_dim)
    cos, sin = np.cos(angles), np.sin(angles)
    turned = np.concatenate([q[:half] * cos - q[half:] * sin, q[:half] * sin + q[half:] * cos])
    scaled = rotated_keys @ turned / np.sqrt(head_dim)
    exponentials = np.exp(scaled - scaled.max())
    return exponentials / exponentials.sum()


def _at(x: Floats, positions: Floats, base: float, pairing: str = "half") -> Floats:
    return rotate(x, *cos_sin(rotation_angles(positions, inverse_frequencies(x.shape[-1], base))), pairing=pairing)


def _case(label: str, q: Floats, k: Floats, first: int, base: float = 10_000.0, weight: float = 1.0) -> Case:
    """The keys stand at first, first + 1, …; the query stands with the last of them."""
    keys = _at(k, np.arange(first, first + len(k)), base)
    return Case(label, (q, keys, first + len(k) - 1, base), weight=weight)


def _cases(seed: int) -> list[Case]:
    rng = generator(2, 4, seed)
    first = int(rng.integers(10, 500))
    return [
        _case("a cache of three from the start", np.array([1.0, 0, 1, 0]), np.eye(4)[:3], 0),
        _case("a cache of one", halves(rng, 4), halves(rng, 1, 4), 0, weight=0),
        _case("a cache from the start", halves(rng, 4), halves(rng, 5, 4), 0, weight=2),
        _case("the start of the text was dropped", halves(rng, 6), halves(rng, 4, 6), first, weight=2),
        _case("another base", halves(rng, 8), halves(rng, 3, 8), first, 500_000.0, weight=2),
        _case("large scores", np.array([90.0, 30, -60, 30]), np.array([[60.0, 30, 0, 30], [-60, -30, 60, 0]]), 5),
    ]


def _softmax(scaled: Floats) -> Floats:
    return np.exp(scaled - scaled.max()) / np.exp(scaled - scaled.max()).sum()


def _turned_by(
    position: Callable[[int, int], int], pairing: str = "half"
) -> Callable[[Floats, Floats, int, float], Floats]:
    """The right program with the query at another position, or with another pairing."""

    def program(q: Floats, keys: Floats, here: int, base: float) -> Floats:
        turned = _at(q[None], [position(here, len(keys))], base, pairing)[0]
        return _softmax(keys @ turned / np.sqrt(len(q)))

    return program


def _keys_again(q: Floats, keys: Floats, position: int, base: float) -> Floats:
    positions = np.arange(position - len(keys) + 1, position + 1)
    return attend_to_cache(q, _at(keys, positions, base), position, base)


def _keys_again_from_zero(q: Floats, keys: Floats, position: int, base: float) -> Floats:
    return attend_to_cache(q, _at(keys, np.arange(len(keys)), base), position, base)


def _scaled(q: Floats, keys: Floats, position: int, base: float) -> Floats:
    return keys @ _at(q[None], [position], base)[0] / np.sqrt(len(q))


def _overflowing(q: Floats, keys: Floats, position: int, base: float) -> Floats:
    with np.errstate(over="ignore", invalid="ignore"):
        exponentials = np.exp(_scaled(q, keys, position, base))
        return exponentials / exponentials.sum()


QUESTION = Question(
    name="attend_to_cache",
    title="One decoding step",
    objective="rotate a new query to where it stands and leave a cache of rotated keys alone",
    difficulty="demanding",
    minutes=20,
    points=4,
    reference=attend_to_cache,
    cases=_cases,
    misconceptions=[
        Misconception(
            "query not rotated",
            _turned_by(lambda here, n: 0),
            "The query stands at position 0 here. The keys in the cache were turned by their positions: what must the "
            "query be turned by, for the offset to come out right?",
        ),
        Misconception(
            "position counted from the cache",
            _turned_by(lambda here, n: n - 1),
            "The query is turned by the length of the cache. That is its position only as long as nothing was dropped "
            "from the front. Where does your program use `position`?",
        ),
        Misconception(
            "one position too far",
            _turned_by(lambda here, n: here + 1),
            "The query is turned one step too far. `position` is where it stands, counted from 0.",
        ),
        Misconception(
            "one position short",
            _turned_by(lambda here, n: here - 1),
            "The query is turned one step too little. `position` is where it stands, counted from 0.",
        ),
        Misconception(
            "keys rotated twice",
            _keys_again,
            "The keys are turned by their positions a second time. They came out of the cache rotated.",
        ),
        Misconception(
            "keys rotated again, from 0",
            _keys_again_from_zero,
            "The keys are turned again, as if they stood at 0, 1, 2, … They came out of the cache rotated.",
        ),
        Misconception(
            "clockwise",
            _turned_by(lambda here, n: -here),
            "The query turns the other way than the keys in the cache did, so offsets become sums of positions.",
        ),
        Misconception(
            "neighbours paired",
            _turned_by(lambda here, n: here, "interleaved"),
            "The query is rotated in pairs of neighbours, the keys in the cache in halves. What do their angles "
            "cancel?",
        ),
        Misconception(
            "not scaled",
            lambda q, k, m, b: _softmax(_scaled(q, k, m, b) * np.sqrt(len(q))),
            "The weights are too sharp: the division by √head_dim is missing.",
        ),
        Misconception(
            "no softmax",
            _scaled,
            "These are the scaled scores. Weights are positive and sum to 1.",
        ),
        Misconception(
            "softmax overflows",
            _overflowing,
            "Right, until a score is large: np.exp(800) is infinite, and infinity by infinity is NaN. What can be "
            "subtracted from all scores without changing a weight?",
        ),
        Misconception(
            "base ignored",
            lambda q, k, m, b: attend_to_cache(q, k, m, 10_000.0),
            "The query turns with base 10 000 whatever `base` says.",
        ),
        Misconception(
            "divided by head_dim",
            lambda q, k, m, b: _softmax(_scaled(q, k, m, b) / np.sqrt(len(q))),
            "The weights are too flat: the scores are divided by head_dim. Which function of head_dim is missing?",
        ),
    ],
    hints=[
        "Only one vector has to be rotated, and by one position.",
        "Rotate q as the chapter rotates a row, at `position`. Then: dot products, division by √head_dim, softmax.",
        "np.exp of a large score overflows. Subtract the largest score first: the weights do not change.",
    ],
    explanation="A rotated key never has to be touched again: only offsets count, and each side brings its own "
    "position. "
    "Chapter 07 will be about caches.",
)
