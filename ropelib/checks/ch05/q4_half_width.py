"""Read a half-width table, and the pairing, out of a full-width table."""

from collections.abc import Callable

import numpy as np

from ropelib.checks.core import ROOMS, Misconception, Question
from ropelib.checks.inputs import generator
from ropelib.checks.observe import Case
from ropelib.reference import Floats, cos_sin, inverse_frequencies, rotation_angles

Found = tuple[Floats, str]


def half_width(table: Floats) -> Found:
    width = table.shape[1]
    tiled = np.array_equal(table[:, : width // 2], table[:, width // 2 :])
    columns = slice(width // 2) if tiled else slice(None, None, 2)
    return table[:, columns].copy(), "half" if tiled else "interleaved"


def _case(label: str, positions: Floats, head_dim: int, dtype: str = "float64", weight: float = 1.0) -> Case:
    """The word before the first comma says which table, the last word how it is doubled."""
    cos, sin = cos_sin(rotation_angles(positions, inverse_frequencies(head_dim)))
    table = cos if label.startswith("cosines") else sin
    doubled = np.tile(table, 2) if label.endswith("tiled") else np.repeat(table, 2, axis=1)
    return Case(label, (doubled.astype(dtype),), weight=weight)


def _cases(seed: int) -> list[Case]:
    rng = generator(5, 4, seed)
    later = np.sort(rng.choice(np.arange(3, 60), 5, replace=False))
    mixed = rng.permutation(np.append(later, 0))
    return [
        _case("cosines, one position, tiled", np.array([1]), 4),
        _case("cosines, one position, repeated", np.array([1]), 4),
        _case("cosines, from position 0, tiled", np.arange(3), 8, weight=2),
        _case("sines, from position 0, repeated", np.arange(5), 8, weight=2),
        _case("sines, later positions in float32, tiled", later, 6, "float32"),
        _case("cosines, later positions in float32, repeated", later, 6, "float32"),
        _case("sines, any order, tiled", mixed, 16, weight=0),
        _case("cosines, any order, repeated", mixed, 16, weight=0),
    ]


def _cut(table: Floats, pairing: str) -> Found:
    columns = slice(table.shape[1] // 2) if pairing == "half" else slice(None, None, 2)
    return table[:, columns].copy(), pairing


def _other(pairing: str) -> str:
    return "interleaved" if pairing == "half" else "half"


def _by_the_first_row(is_tiled: Callable[[Floats], bool]) -> Callable[[Floats], Found]:
    return lambda table: _cut(table, "half" if is_tiled(table[0]) else "interleaved")


def _tiled(row: Floats) -> bool:
    return np.array_equal(row[: len(row) // 2], row[len(row) // 2 :])


def _not_repeated(row: Floats) -> bool:
    return not np.array_equal(row[::2], row[1::2])


QUESTION = Question(
    name="half_width",
    title="Which pairing is in the table?",
    objective="turn a full-width table of either kind into a half-width one, and say which code it was made for",
    difficulty="moderate",
    minutes=10,
    points=4,
    reference=half_width,
    cases=_cases,
    answered_by=(*ROOMS, "ropelib.pairing"),
    options=("half", "interleaved"),
    misconceptions=[
        Misconception(
            "always tiled",
            lambda table: _cut(table, "half"),
            "Every table is cut in the middle. In a table like (c₀, c₀, c₁, c₁), which columns does that throw away?",
        ),
        Misconception(
            "always repeated",
            lambda table: _cut(table, "interleaved"),
            "Every second column is taken from every table. In a table like (c₀, c₁, c₀, c₁), which cosine is then "
            "missing?",
        ),
        Misconception(
            "first row asked, tiled first",
            _by_the_first_row(_tiled),
            "Tables that start at position 0 are always called half. All angles are 0 in that row: what can it tell "
            "about the doubling?",
        ),
        Misconception(
            "first row asked, repeated first",
            _by_the_first_row(_not_repeated),
            "Tables that start at position 0 are always called interleaved. Every cosine is 1 in that row: which "
            "rows can tell the two apart?",
        ),
        Misconception(
            "names exchanged",
            lambda table: (half_width(table)[0], _other(half_width(table)[1])),
            "The columns are right, the names are exchanged. In a tiled table, columns i and i + d/2 are equal: which "
            "pairing turns those two features by one angle?",
        ),
        Misconception(
            "cut the other way",
            lambda table: (_cut(table, _other(half_width(table)[1]))[0], half_width(table)[1]),
            "The pairing is right, but the columns are those of the other one, so some pairs come twice and some "
            "never. Which columns of (c₀, c₁, c₀, c₁) are different?",
        ),
        Misconception(
            "still full width",
            lambda table: (table.copy(), half_width(table)[1]),
            "The pairing is right, but the table is as wide as it was. How many different columns are in it?",
        ),
        Misconception(
            "name without a table",
            lambda table: half_width(table)[1],
            "The pairing is right, but it comes alone. Return two things: the half-width table and the name.",
        ),
        Misconception(
            "quarter width",
            lambda table: (_cut(table, half_width(table)[1])[0][:, ::2].copy(), half_width(table)[1]),
            "The columns were thinned out twice: the table is a quarter as wide as it was. How many pairs has a head?",
        ),
        Misconception(
            "name first",
            lambda table: half_width(table)[::-1],
            "Both are right and come in the wrong order. Which of the two does the docstring name first?",
        ),
    ],
    hints=[
        "One kind of table repeats its left half on the right. The other has each column twice, side by side.",
        "Compare whole tables, not their first row: at position 0 all cosines are 1 and all sines 0.",
        "If table[:, :half] equals table[:, half:], keep the left half, else table[:, ::2]. Add .copy(): a slice "
        "shares memory with the table it was cut from.",
    ],
    explanation="A half-width table knows no pairing, so one table serves both codes. Converting at the border of "
    "your program leaves one thing less that must agree.",
)
