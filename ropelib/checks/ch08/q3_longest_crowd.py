"""How many tokens share one position once positions are rounded."""

from collections.abc import Callable

import numpy as np

from ropelib.checks.core import ROOMS, Misconception, Question
from ropelib.checks.inputs import fair, generator
from ropelib.checks.observe import Case
from ropelib.reference import Floats


def longest_crowd(first: int, count: int, bits: int) -> int:
    positions = np.arange(first, first + count)
    spacing = 2.0 ** (np.floor(np.log2(positions)) - bits + 1)
    rounded = np.round(positions / spacing) * spacing
    return int(np.unique(rounded, return_counts=True)[1].max())


def _cases(seed: int) -> list[Case]:
    rng = generator(8, 3, seed)

    def across() -> Case:
        first = 2 ** int(rng.integers(9, 13)) - int(rng.integers(20, 40))
        return Case("across a power of two", (first, int(rng.integers(60, 90)), 6), weight=2)

    def four_bits() -> Case:
        return Case("only four bits", (int(rng.integers(40, 60)), int(rng.integers(100, 140)), 4), weight=2)

    noticed = [_cut_off, _half_up, _step_of_the_format, _one_bit_less, _one_spacing(0), _one_spacing(-1), _distinct]
    return [
        Case("two tokens from 256 on, 8 bits", (256, 2, 8)),
        Case("two tokens from 257 on, 8 bits", (257, 2, 8)),
        Case("two tokens from 258 on, 8 bits", (258, 2, 8)),
        Case("across 256, 8 bits", (248, 14, 8)),
        Case("up to 256, 8 bits", (254, 3, 8)),
        Case("across 512, 8 bits", (510, 5, 8)),
        Case("positions that all fit", (1, 64, 8)),
        Case("from 1000 on, 8 bits", (1000, 512, 8), weight=2),
        Case("half precision, 11 bits", (4095, 40, 11)),
        fair(across, longest_crowd, noticed),
        fair(four_bits, longest_crowd, noticed),
    ]


def _positions(first: int, count: int) -> Floats:
    return np.arange(first, first + count, dtype=float)


def _spacing(positions: Floats, bits: int) -> Floats:
    return 2.0 ** (np.floor(np.log2(positions)) - bits + 1)


def _rounded(first: int, count: int, bits: int) -> Floats:
    positions = _positions(first, count)
    spacing = _spacing(positions, bits)
    return np.round(positions / spacing) * spacing


def _largest_group(values: Floats) -> int:
    return int(np.unique(values, return_counts=True)[1].max())


def _cut_off(first: int, count: int, bits: int) -> int:
    positions = _positions(first, count)
    spacing = _spacing(positions, bits)
    return _largest_group(np.floor(positions / spacing) * spacing)


def _half_up(first: int, count: int, bits: int) -> int:
    positions = _positions(first, count)
    spacing = _spacing(positions, bits)
    return _largest_group(np.floor(positions / spacing + 0.5) * spacing)


def _one_spacing(of: int) -> Callable[[int, int, int], int]:
    """All positions rounded with the spacing of one of them."""

    def program(first: int, count: int, bits: int) -> int:
        positions = _positions(first, count)
        spacing = _spacing(positions[of], bits)
        return _largest_group(np.round(positions / spacing) * spacing)

    return program


def _one_bit_less(first: int, count: int, bits: int) -> int:
    return longest_crowd(first, count, bits - 1)


def _step_of_the_format(first: int, count: int, bits: int) -> int:
    return int(max(1, _spacing(_positions(first, count), bits).max()))


def _distinct(first: int, count: int, bits: int) -> int:
    return len(np.unique(_rounded(first, count, bits)))


def _moved(first: int, count: int, bits: int) -> int:
    return int((_rounded(first, count, bits) != _positions(first, count)).sum())


QUESTION = Question(
    name="longest_crowd",
    title="How many tokens in one place?",
    objective="predict what rounding to a number format does to positions, ties included",
    difficulty="moderate",
    minutes=15,
    points=3,
    reference=longest_crowd,
    cases=_cases,
    answered_by=(*ROOMS, "torch"),
    misconceptions=[
        Misconception(
            "cut off",
            _cut_off,
            "Digits were cut off. Formats round to the nearest number they have: where does 259 go, if 258 and 260 "
            "exist, and where 263, if 260 and 264 do?",
        ),
        Misconception(
            "ties always up",
            _half_up,
            "Positions halfway between two numbers all went up. Ties go to the even mantissa: 257 lies between 256 "
            "and 258, 259 between 258 and 260. Which one takes two tokens from its neighbours?",
        ),
        Misconception(
            "distance between two numbers",
            _step_of_the_format,
            "This is the distance between two neighbouring numbers of the format. Ties go to every other number, so "
            "some get more tokens than others: write down where 256 to 262 go with 8 bits, and count.",
        ),
        Misconception(
            "one bit too few",
            _one_bit_less,
            "The crowd is twice too large, as if one bit were missing. The leading 1 counts among the significant "
            "bits: from which whole number on do 8 of them not suffice?",
        ),
        Misconception(
            "one bit too many",
            lambda first, count, bits: longest_crowd(first, count, bits + 1),
            "This keeps one bit more than there is. With 8 significant bits, 256 is 1.0000000 times 2⁸: how far is "
            "the next number?",
        ),
        Misconception(
            "spacing of the first position",
            _one_spacing(0),
            "The text crosses a power of two, and there the format gets coarser. Which spacing does each position "
            "have?",
        ),
        Misconception(
            "spacing of the last position",
            _one_spacing(-1),
            "All positions are rounded as coarsely as the last one. Below a power of two the format is finer: which "
            "spacing do the positions there have?",
        ),
        Misconception(
            "different positions counted",
            _distinct,
            "This is the number of different positions that are left. How many tokens are at the one that has most?",
        ),
        Misconception(
            "moved tokens counted",
            _moved,
            "This counts the tokens that were moved. A token that stays also shares its place with those that come "
            "to it: how many are in the fullest place?",
        ),
    ],
    hints=[
        "Between 2ᵉ and 2ᵉ⁺¹, a format with b significant bits has 2ᵇ⁻¹ numbers. How far apart are they?",
        "np.round rounds to whole numbers, halves to the even one. Divide by the spacing, round, multiply by the "
        "spacing.",
        "np.unique(values, return_counts=True) says how often each value occurs.",
    ],
    explanation="With a spacing of s, every other number of the format gets s + 1 tokens and those between get s − 1, "
    "as long as s is 2 or more. The model of the chapter sees such a crowd as one place.",
)
