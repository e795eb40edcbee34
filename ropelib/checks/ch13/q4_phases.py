"""Exact phases with integers, for distances of either sign."""

import numpy as np

from ropelib.checks.ch13.rooms import ANSWERED_BY
from ropelib.checks.core import Misconception, Question
from ropelib.checks.inputs import fair, generator
from ropelib.checks.observe import Case
from ropelib.reference import Floats


def phases(distances: Floats, high: Floats, low: Floats) -> Floats:
    rows = distances[:, None]
    return np.mod(rows * high + (rows * low >> 32), 2**32)


def _cases(seed: int) -> list[Case]:
    rng = generator(13, 4, seed)

    def turns(pairs: int) -> tuple[Floats, Floats]:
        high, low = rng.integers(2**28, 2**31, pairs), rng.integers(2**30, 2**32, pairs)
        return high, low | 1

    def backwards() -> Case:
        return Case("backwards", (-np.arange(1, 5), *turns(3)), weight=2)

    near = np.array([0, 1, 2, 3])
    far = np.sort(rng.integers(2**20, 2**31 - 1, 5))
    return [
        Case("half a turn and a bit", (near, np.array([2**31]), np.array([3 * 2**30]))),
        Case("a few tokens", (near + int(rng.integers(3, 9)), *turns(3)), weight=0),
        Case("far away", (far, *turns(4)), weight=2),
        fair(backwards, phases, [_rounded]),
        Case("far backwards", (-far, *turns(4))),
    ]


def _wide(distances: Floats, high: Floats, low: Floats) -> list[list[int]]:
    """The products in Python's integers, which never overflow."""
    turns = [int(upper) * 2**32 + int(lower) for upper, lower in zip(high, low, strict=True)]
    return [[int(distance) * turn for turn in turns] for distance in distances]


def _of_floats(distances: Floats, high: Floats, low: Floats) -> Floats:
    turns = (high + low / 2**32) / 2**32
    return np.floor(distances[:, None] * turns.astype(np.float32) % 1 * 2**32).astype(np.int64) % 2**32


def _rounded(distances: Floats, high: Floats, low: Floats) -> Floats:
    return np.array([[(product + 2**31 >> 32) % 2**32 for product in row] for row in _wide(distances, high, low)])


QUESTION = Question(
    name="phases",
    title="A clock of integers",
    objective="keep a phase exact at any distance, forwards and backwards, with integers that overflow",
    difficulty="demanding",
    minutes=20,
    points=6,
    reference=phases,
    cases=_cases,
    answered_by=ANSWERED_BY,
    misconceptions=[
        Misconception(
            "lower half dropped",
            lambda n, high, low: n[:, None] * high % 2**32,
            "This uses the upper 32 bits only. At a distance of a million, what have a million forgotten fractions "
            "become?",
        ),
        Misconception(
            "lower half of the product",
            lambda n, high, low: (n[:, None] * high + n[:, None] * low % 2**32) % 2**32,
            "You add the part of the product that lies *below* the unit. Which bits of distance · low reach into the "
            "upper half?",
        ),
        Misconception(
            "no overflow",
            lambda n, high, low: n[:, None] * high + (n[:, None] * low >> 32),
            "Right but for whole turns. A result must lie between 0 and 2³² − 1: which operation removes turns?",
        ),
        Misconception(
            "half turns removed",
            lambda n, high, low: phases(n, high, low) % 2**31,
            "This keeps 31 bits and so loses half a turn here and there. How many units has a whole one?",
        ),
        Misconception(
            "sign lost",
            lambda n, high, low: phases(np.abs(n), high, low),
            "Backwards comes out as forwards. Where does the sign of the distance go?",
        ),
        Misconception(
            "turned back after cutting off",
            lambda n, high, low: np.where(n[:, None] < 0, -phases(-n, high, low), phases(n, high, low)) % 2**32,
            "Right forwards, one unit too far backwards: the digits are cut off first, and then the sign is turned. "
            "What does >> do with a negative number?",
        ),
        Misconception(
            "float32",
            _of_floats,
            "This multiplies in float32, with 24 bits. How many bits does a distance of a million leave for the angle?",
        ),
        Misconception(
            "rounded instead of cut off",
            _rounded,
            "You round to the nearest unit. Asked are the leading 32 bits, cut off as `umulhi` does.",
        ),
    ],
    hints=[
        "Write the turn as high · 2³² + low, in units of 2⁻⁶⁴ turns. What is distance times that, divided by 2³²?",
        "distance · high counts in full. Of distance · low, only what reaches beyond 32 bits counts: >> 32.",
        "The sum modulo 2³². In NumPy, >> and % round towards −∞, so negative distances need nothing special.",
    ],
    explanation="distance · low is below 2⁶³, so int64 holds it. A GPU's 32-bit integers need `umulhi` for it, and get "
    "the modulo for nothing.",
)
