"""A rotation from its specification: neighbours paired, rows counted, an odd feature left alone, a flat list."""

from collections.abc import Callable
from typing import Any

import numpy as np

from ropelib.checks.core import ROOMS, Misconception, Question
from ropelib.checks.inputs import generator, halves
from ropelib.checks.observe import Case
from ropelib.reference import Floats


def rope_apply(seed: int, x: Any, base: float) -> list[float]:
    x = np.asarray(x, dtype=float)
    rows, width = x.shape
    positions = np.arange(rows)
    angles = positions[:, None] * base ** (-np.arange(0, width - 1, 2) / width)
    cos, sin = np.cos(angles), np.sin(angles)
    first, second = x[:, 0:-1:2], x[:, 1::2]
    rotated = x.copy()
    rotated[:, 0:-1:2] = first * cos - second * sin
    rotated[:, 1::2] = first * sin + second * cos
    return rotated.ravel().tolist()


def _cases(seed: int) -> list[Case]:
    rng = generator(5, 1, seed)
    base = float(rng.integers(20, 500))
    return [
        Case("two equal rows", (3, [[1.0, 0.0, 0.0, 1.0], [1.0, 0.0, 0.0, 1.0]], 10_000.0)),
        Case("whole numbers", (0, [[1, 2], [3, 1], [-2, 5]], 10_000.0), weight=0),
        Case("six features", (7, halves(rng, 5, 6).tolist(), 10_000.0), weight=2),
        Case("an odd width", (5, halves(rng, 4, 5).tolist(), 10_000.0), weight=2),
        Case("an array, another base", (11, halves(rng, 6, 8), base), weight=2),
    ]


def _program(
    exponents: Callable[[Floats, int], Floats] = lambda pairs, width: -2 * pairs / width,
    sign: int = 1,
    start: Callable[[int], int] = lambda seed: 0,
    places: Callable[[Floats, int], tuple[Floats, Floats]] = lambda pairs, width: (2 * pairs, 2 * pairs + 1),
    targets: Callable[[Floats, int], tuple[Floats, Floats]] | None = None,
    minus: int = -1,
) -> Callable[[int, Any, float], Floats]:
    """The right program with one thing exchanged; it returns the rows, not flat."""

    def rows(seed: int, x: Any, base: float) -> Floats:
        x = np.array(x, dtype=float)
        width = x.shape[1]
        pairs = np.arange(width // 2)
        angles = sign * (np.arange(len(x)) + start(seed))[:, None] * base ** exponents(pairs, width)
        a, b = (x[:, place] for place in places(pairs, width))
        to_a, to_b = (targets or places)(pairs, width)
        x[:, to_a] = a * np.cos(angles) + minus * b * np.sin(angles)
        x[:, to_b] = a * np.sin(angles) + b * np.cos(angles)
        return x

    return rows


def _halves(pairs: Floats, width: int) -> tuple[Floats, Floats]:
    return pairs, pairs + width // 2


def _flat(rows: Callable[[int, Any, float], Floats]) -> Callable[[int, Any, float], list[float]]:
    return lambda seed, x, base: rows(seed, x, base).ravel().tolist()


def _cut_off(seed: int, x: Any, base: float) -> list[float]:
    rotated = np.array(x)
    rotated[:] = _program()(seed, x, base)
    return rotated.ravel().tolist()


def _last_is_zero(seed: int, x: Any, base: float) -> list[float]:
    rotated = _program()(seed, x, base)
    rotated[:, 2 * (rotated.shape[1] // 2) :] = 0
    return rotated.ravel().tolist()


QUESTION = Question(
    name="rope_apply",
    title="A practice problem, corrected",
    objective="write a rotation from its specification alone, down to the feature that has no partner",
    difficulty="moderate",
    minutes=15,
    points=5,
    reference=rope_apply,
    cases=_cases,
    answered_by=(*ROOMS, "ropelib.pairing"),
    misconceptions=[
        Misconception(
            "halves paired",
            _flat(_program(places=_halves)),
            "Feature i turns with the one half a row later. Here neighbours are pairs: which columns does the first "
            "row of a pair come from, and which the second?",
        ),
        Misconception(
            "neighbours read, halves written",
            _flat(_program(targets=_halves)),
            "The pairs are the right ones, but they come back at other places: all first numbers, then all second "
            "ones. Where does each result belong?",
        ),
        Misconception(
            "exponent without minus",
            _flat(_program(lambda pairs, width: 2 * pairs / width)),
            "The frequencies grow from pair to pair. Which sign has the exponent if pair 0 is to be the fastest?",
        ),
        Misconception(
            "exponent -i",
            _flat(_program(lambda pairs, width: -1.0 * pairs)),
            "Pair i turns by base^(−i) here, and that is the printed mistake: 1/10 000 for pair 1 of four features. "
            "Which exponent does the formula give for i = 1 and d = 4?",
        ),
        Misconception(
            "exponent -i/d",
            _flat(_program(lambda pairs, width: -pairs / width)),
            "The exponent is −i/d here, where i counts pairs. What happened to the 2 of −2i/d?",
        ),
        Misconception(
            "exponent -2i/(d-1) for an odd d",
            _flat(_program(lambda pairs, width: -pairs / (width // 2))),
            "Right for an even d. For an odd one, the exponent was divided by d − 1, the number of features that "
            "turn. Which d does the statement divide by?",
        ),
        Misconception(
            "clockwise",
            _flat(_program(sign=-1)),
            "Every pair turns clockwise. Where does (1, 0) go after a counter-clockwise quarter turn, and in which of "
            "the two rows is the minus?",
        ),
        Misconception(
            "positions start at 1",
            _flat(_program(start=lambda seed: 1)),
            "Row 0 has been turned. Its position is its index: by which angle does it turn?",
        ),
        Misconception(
            "seed added to the position",
            _flat(_program(start=lambda seed: seed)),
            "The rows stand at seed, seed + 1, … here. `seed` means nothing in this problem: what is the position of "
            "row 0?",
        ),
        Misconception(
            "minus missing",
            _flat(_program(minus=1)),
            "Lengths change, so this is no rotation: both rows have a plus. Where does (0, 1) go after a quarter turn?",
        ),
        Misconception(
            "base ignored",
            lambda seed, x, base: rope_apply(seed, x, 10_000.0),
            "This turns with base 10 000 whatever `base` says. Where does your program use it?",
        ),
        Misconception(
            "last feature dropped",
            lambda seed, x, base: _program()(seed, x, base)[:, : 2 * (len(x[0]) // 2)].ravel().tolist(),
            "Right for an even d. With an odd one, the last number of each row is gone: how many numbers should come "
            "back?",
        ),
        Misconception(
            "last feature set to zero",
            _last_is_zero,
            "Right for an even d. With an odd one, the last number of each row has become 0. What should happen to a "
            "feature without a partner?",
        ),
        Misconception(
            "decimals cut off",
            _cut_off,
            "Right for decimals, wrong for whole numbers: the results went into an array of integers. Which line "
            "makes that array, and with which dtype?",
        ),
        Misconception(
            "column after column",
            lambda seed, x, base: _program()(seed, x, base).T.ravel().tolist(),
            "The numbers are right, in another order: column after column. The list should hold row 0 first, then "
            "row 1: which axis runs fastest?",
        ),
        Misconception(
            "not flat",
            lambda seed, x, base: _program()(seed, x, base).tolist(),
            "The rows are right, but they come back as rows. How do you make one flat list of T·d numbers from them?",
        ),
        Misconception(
            "exponent doubled",
            _flat(_program(lambda pairs, width: -4 * pairs / width)),
            "The exponent falls twice as fast as it should: np.arange(0, d, 2) has the 2 of −2i/d in it already. "
            "What is the exponent of pair 1?",
        ),
    ],
    hints=[
        "np.asarray(x, dtype=float) makes an array of either kind of input. Its shape is (T, d).",
        "The angles have the shape (T, d // 2): the row's index times base ** (-2i / d), for i = 0 … d // 2 − 1.",
        "Columns 0, 2, 4, … hold the first numbers of the pairs, columns 1, 3, 5, … the second. Start from x.copy(), "
        "write the rotated pairs into it, and an odd last column stays by itself. Then .ravel().tolist().",
    ],
    explanation="Row 1 of the example becomes [0.5403, 0.8415, −0.0100, 0.99995]. The answer that goes round with "
    "this problem has −0.0001 there: it computed θ₁ as base^(−1) instead of base^(−2/4).",
)
