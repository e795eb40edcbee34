"""Rotate the patches of a picture by row and column, from the specification alone."""

from collections.abc import Callable

import numpy as np

from ropelib.checks.core import ROOMS, Misconception, Question
from ropelib.checks.inputs import generator, halves
from ropelib.checks.observe import Case
from ropelib.reference import Floats


def rotate_grid(x: Floats, base: float) -> Floats:
    height, width, d = x.shape
    inv_freq = base ** (-np.arange(0, d // 2, 2) / (d // 2))
    rows, columns = np.indices((height, width))[..., None] * inv_freq
    angles = np.concatenate([rows, columns], axis=-1)
    cos, sin = np.cos(angles), np.sin(angles)
    first, second = x[..., 0::2], x[..., 1::2]
    return np.stack([first * cos - second * sin, first * sin + second * cos], axis=-1).reshape(x.shape)


def _cases(seed: int) -> list[Case]:
    rng = generator(10, 2, seed)
    base = float(rng.integers(20, 500))
    return [
        Case("two by two, one pair an axis", (np.tile([1.0, 0.0, 1.0, 0.0], (2, 2, 1)), 100.0)),
        Case("two by two, two pairs an axis", (np.tile([1.0, 0.0], (2, 2, 4)), 100.0)),
        Case("wider than high", (halves(rng, 2, 3, 8), 100.0), weight=2),
        Case("higher than wide, another base", (halves(rng, 3, 2, 8), base), weight=2),
        Case("the 4×4 grid", (np.tile([1.0, 0.0], (4, 4, 4)), 100.0)),
        Case("4×3, three pairs an axis", (halves(rng, 4, 3, 12), base)),
    ]


def _turned(x: Floats, angles: Floats) -> Floats:
    """x with pair i, of neighbours, turned by angles[..., i]."""
    cos, sin = np.cos(angles), np.sin(angles)
    a, b = x[..., 0::2], x[..., 1::2]
    return np.stack([a * cos - b * sin, a * sin + b * cos], axis=-1).reshape(x.shape)


def _right(rows: Floats, columns: Floats, d: int, base: float) -> Floats:
    inv_freq = base ** (-4 * np.arange(d // 4) / d)
    return np.concatenate([rows * inv_freq, columns * inv_freq], axis=-1)


def _with(angles: Callable[[Floats, Floats, int, float], Floats]) -> Callable[[Floats, float], Floats]:
    """A program that turns neighbours by these angles, a function of rows, columns, d and base."""

    def program(x: Floats, base: float) -> Floats:
        height, width, d = x.shape
        rows, columns = np.indices((height, width), dtype=float)[..., None]
        return _turned(x, angles(rows, columns, d, base))

    return program


def _flat(x: Floats, base: float) -> Floats:
    height, width, d = x.shape
    number = np.arange(height * width).reshape(height, width, 1)
    return _turned(x, number * base ** (-2 * np.arange(d // 2) / d))


def _number_in_both_halves(x: Floats, base: float) -> Floats:
    height, width, d = x.shape
    number = np.arange(height * width).reshape(height, width, 1)
    return _turned(x, _right(number, number, d, base))


def _members_apart(x: Floats, base: float) -> Floats:
    turned = rotate_grid(x, base)
    return np.concatenate([turned[..., 0::2], turned[..., 1::2]], axis=-1)


def _members_apart_within_each_axis(x: Floats, base: float) -> Floats:
    turned = rotate_grid(x, base)
    halves_of_the_head = np.split(turned, 2, axis=-1)
    return np.concatenate([half[..., first::2] for half in halves_of_the_head for first in (0, 1)], axis=-1)


def _dealt(rows: Floats, columns: Floats, d: int, base: float) -> Floats:
    right = _right(rows, columns, d, base)
    return np.stack([right[..., : d // 4], right[..., d // 4 :]], axis=-1).reshape(right.shape)


def _halves_paired(x: Floats, base: float) -> Floats:
    order = np.arange(x.shape[-1]).reshape(2, -1).T.ravel()
    turned = np.empty_like(x)
    turned[..., order] = rotate_grid(x[..., order], base)
    return turned


def _halves_paired_within_each_axis(x: Floats, base: float) -> Floats:
    d = x.shape[-1]
    order = np.concatenate([part.reshape(2, -1).T.ravel() for part in np.arange(d).reshape(2, -1)])
    turned = np.empty_like(x)
    turned[..., order] = rotate_grid(x[..., order], base)
    return turned


def _one_range(rows: Floats, columns: Floats, d: int, base: float) -> Floats:
    inv_freq = base ** (-2 * np.arange(d // 2) / d)
    return np.concatenate([rows * inv_freq[: d // 4], columns * inv_freq[d // 4 :]], axis=-1)


def _fast_half(rows: Floats, columns: Floats, d: int, base: float) -> Floats:
    inv_freq = base ** (-2 * np.arange(d // 4) / d)
    return np.concatenate([rows * inv_freq, columns * inv_freq], axis=-1)


QUESTION = Question(
    name="rotate_grid",
    title="2D RoPE on a grid of patches",
    objective="rotate the patches of a picture by row and column, from the specification alone",
    difficulty="moderate",
    minutes=15,
    points=4,
    reference=rotate_grid,
    cases=_cases,
    answered_by=(*ROOMS, "ropelib.axial"),
    misconceptions=[
        Misconception(
            "axes exchanged",
            _with(lambda rows, columns, d, base: _right(columns, rows, d, base)),
            "The first half of the features turns by the column, the second by the row. Which of the two axes of the "
            "picture does the first half belong to?",
        ),
        Misconception(
            "flat numbering",
            _flat,
            "Every pair turns by the number of the patch, row after row. Here a patch has two positions: which pairs "
            "should turn by which?",
        ),
        Misconception(
            "flat numbering, frequencies of two axes",
            _number_in_both_halves,
            "The frequencies are right, and both halves turn by the number of the patch, row after row. The first half "
            "should see the row alone: what does the second half see?",
        ),
        Misconception(
            "one range for the whole head",
            _with(_one_range),
            "The rows have the fast half of one range, and the columns the slow half. Here each half has a range of "
            "its own: by how much does the first pair of the columns turn from one column to the next?",
        ),
        Misconception(
            "range cut in half",
            _with(_fast_half),
            "Both axes begin with θ = 1, as they should, and then fall too slowly: the exponent is divided by the "
            "width of the whole head. How many features has the head that each axis turns like?",
        ),
        Misconception(
            "row and column added",
            _with(lambda rows, columns, d, base: _right(rows + columns, rows + columns, d, base)),
            "Every pair turns by row + column, so patches (0, 1) and (1, 0) cannot be told apart. Which of the two "
            "numbers should a pair of the first half not see?",
        ),
        Misconception(
            "every pair by both axes",
            _with(lambda rows, columns, d, base: (rows + columns) * base ** (-2 * np.arange(d // 2) / d)),
            "The whole head is turned by the row and then once more by the column, so the two add up in every pair. "
            "Which features does each axis turn?",
        ),
        Misconception(
            "axes dealt out in turn",
            _with(_dealt),
            "Row and column take turns: pair 0 by the row, pair 1 by the column, and so on. Models do that, but here "
            "each axis has half of the features in one piece. Which pairs belong to the row?",
        ),
        Misconception(
            "halves of the head paired",
            _halves_paired,
            "Feature i turns with feature i + d/2, and so with one that belongs to the other axis. Here neighbours are "
            "pairs: which feature turns with feature 0?",
        ),
        Misconception(
            "halves of each axis paired",
            _halves_paired_within_each_axis,
            "Each axis has the right half of the features, but within it feature i turns with the one d/4 later. Here "
            "neighbours are pairs: which feature turns with feature 0?",
        ),
        Misconception(
            "members apart",
            _members_apart,
            "The numbers are right, in another order: first the first members of all pairs, then all second ones. At "
            "which two places do the members of a pair come in, and so go out?",
        ),
        Misconception(
            "members apart within each axis",
            _members_apart_within_each_axis,
            "The numbers are right, in another order: within each half first the first members of its pairs, then the "
            "second ones. At which two places do the members of a pair come in, and so go out?",
        ),
        Misconception(
            "positions start at 1",
            _with(lambda rows, columns, d, base: _right(rows + 1, columns + 1, d, base)),
            "The patch in the upper left corner has been turned. Rows and columns are counted from 0: by which angles "
            "does that patch turn?",
        ),
        Misconception(
            "clockwise",
            _with(lambda rows, columns, d, base: -_right(rows, columns, d, base)),
            "Every pair turns clockwise. Where does (1, 0) go after a counter-clockwise quarter turn, and which of the "
            "two results has the minus?",
        ),
        Misconception(
            "columns not turned",
            _with(lambda rows, columns, d, base: _right(rows, 0 * columns, d, base)),
            "The second half of the features has not been turned, so all patches of a row look alike. What do the "
            "columns turn?",
        ),
    ],
    hints=[
        "Begin with the angles. They have the shape (height, width, d/2): the first d/4 of them know the row, the last "
        "d/4 the column.",
        "Each axis turns like a head with d/2 features, so its frequencies are base ** (-2j / (d/2)) for j = 0 … d/4 − "
        "1. np.indices((height, width)) gives the row and the column of every patch.",
        "x[..., 0::2] and x[..., 1::2] are the first and second members of all pairs. Stack the two results on a new "
        "last axis and reshape to x.shape: then the neighbours stand side by side again.",
    ],
    explanation="For the 4×4 grid and contents (1, 0) the scores of patch (0, 0) are the table of the chapter: a "
    "function of the row plus a function of the column.",
)
