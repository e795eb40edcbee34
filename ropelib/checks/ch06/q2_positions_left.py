"""Count the positions that survive a cast to a format with few bits."""

import numpy as np

from ropelib.checks.core import Misconception, Question
from ropelib.checks.inputs import generator
from ropelib.checks.observe import Case


def positions_left(seq_len: int, precision: int) -> int:
    fractions, exponents = np.frexp(np.arange(seq_len))
    kept = np.rint(fractions * 2**precision) * 2.0**exponents
    return len(np.unique(kept))


def _cases(seed: int) -> list[Case]:
    rng = generator(6, 2, seed)
    few = int(rng.integers(4, 7))
    # How the last position is rounded tells the roundings apart: 3 (mod 4), three quarters of a step of 4, is cut off
    # or goes up; 4 (mod 16), half of a step of 8, stays with the even digit or goes up.
    many, very_many = 4 * int(rng.integers(150, 250)), 16 * int(rng.integers(563, 1000)) + 5
    return [
        Case("three bits, twelve positions", (12, 3)),
        Case("short enough", (int(rng.integers(40, 120)), 8), weight=0),
        Case("up to the first collision", (2**few + 2, few)),
        Case("up to a power of two", (2 ** (few + 3), few)),
        Case("bfloat16", (many, 8), weight=2),
        Case("float16", (very_many, 11), weight=2),
    ]


def _by_another_rounding(seq_len: int, precision: int, up: float) -> int:
    fractions, exponents = np.frexp(np.arange(seq_len))
    return len(np.unique(np.floor(fractions * 2**precision + up) * 2.0**exponents))


def _with_the_coarsest_step(seq_len: int, precision: int) -> int:
    step = 2 ** max(0, int(seq_len - 1).bit_length() - precision)
    return len(np.unique(np.rint(np.arange(seq_len) / step)))


def _doublings_without_end(seq_len: int, precision: int) -> int:
    """All exact positions, and a full stretch for every doubling that was begun."""
    doublings = max(0, int(seq_len - 1).bit_length() - precision)
    return min(seq_len, 2**precision + 1) + doublings * 2 ** (precision - 1)


QUESTION = Question(
    name="positions_left",
    title="How many positions are left?",
    objective="say for any number format how many positions of a text it can tell apart",
    difficulty="moderate",
    minutes=10,
    points=4,
    reference=positions_left,
    cases=_cases,
    misconceptions=[
        Misconception(
            "none lost",
            lambda n, p: n,
            "This says that all positions stay different. With 3 bits, 9 = 1001₂ has no number of its own: which one "
            "does it become?",
        ),
        Misconception(
            "nothing beyond 2^p",
            lambda n, p: min(n, 2**p + 1),
            "You stop at the last position before the first collision. Beyond it every second number still exists, "
            "then every fourth: with every doubling, the exponent adds some.",
        ),
        Misconception(
            "as many as bit patterns",
            lambda n, p: min(n, 2**p),
            "2 to the power of the precision counts patterns of digits. A float has an exponent too, and 2^p itself is "
            "exact: its digits are 1 and zeros.",
        ),
        Misconception(
            "one bit too few",
            lambda n, p: positions_left(n, p - 1),
            "That is the count with one bit less. `precision` counts all significant bits, the leading 1 that is not "
            "stored among them.",
        ),
        Misconception(
            "one bit too many",
            lambda n, p: positions_left(n, p + 1),
            "That is the count with one bit more. `precision` counts the leading 1 already: do not add it again.",
        ),
        Misconception(
            "digits cut off",
            lambda n, p: _by_another_rounding(n, p, 0.0),
            "Digits are cut off here. A cast rounds to the nearest number, so the last positions before a power of two "
            "are rounded up to it.",
        ),
        Misconception(
            "halves always rounded up",
            lambda n, p: _by_another_rounding(n, p, 0.5),
            "A position halfway between two numbers goes up here. A cast takes the neighbour whose last digit is even: "
            "with 3 bits, 9 becomes 8, and 11 becomes 12.",
        ),
        Misconception(
            "coarsest step for all",
            _with_the_coarsest_step,
            "All positions are rounded to the step that holds at the end of the text. A float has a finer step for "
            "smaller numbers: 1, 2 and 3 are exact in any of these formats.",
        ),
        Misconception(
            "last stretch taken for complete",
            _doublings_without_end,
            "Every stretch between two powers of two is counted in full, the last one too. Where in it does the text "
            "end?",
        ),
        Misconception(
            "positions lost",
            lambda n, p: n - positions_left(n, p),
            "That is how many positions were lost. Asked is how many different numbers are left.",
        ),
    ],
    hints=[
        "Cast and count. np.unique(...) counts; what is missing is a cast to a format that NumPy may not have.",
        "np.frexp(m) writes m as fraction · 2^exponent with a fraction from ½ to 1. Which fractions have p bits?",
        "np.rint(fraction * 2**precision) keeps p bits and rounds halves to even, as a cast does. Multiply it with "
        "2.0**exponent, so that numbers of different size stay different, and count.",
    ],
    explanation="Positions are exact up to 2^p; every doubling after that adds 2^(p−1) numbers. 11 bits tell all "
    "positions from 0 to 2048 apart, and of the next 2048 only half.",
)
