"""Permute the rows of W_q or W_k for a head that rotates only in part."""

from collections.abc import Callable

import numpy as np

from ropelib.checks.core import ROOMS, Misconception, Question
from ropelib.checks.inputs import generator
from ropelib.checks.observe import Case
from ropelib.reference import Floats


def interleave_rows(weight: Floats, head_dim: int, rotary_dim: int) -> Floats:
    places = np.arange(head_dim)
    places[:rotary_dim] = np.arange(rotary_dim).reshape(2, rotary_dim // 2).T.ravel()
    heads = np.arange(0, len(weight), head_dim)
    return weight[(heads[:, None] + places).ravel()]


def _case(label: str, rng: np.random.Generator, heads: int, head_dim: int, rotary_dim: int, weight: float) -> Case:
    size = heads * head_dim
    return Case(label, (rng.integers(-99, 100, (size, size)) / 2, head_dim, rotary_dim), weight=weight)


def _cases(seed: int) -> list[Case]:
    rng = generator(5, 3, seed)
    rows = 10.0 * np.arange(6)[:, None] + np.arange(6)
    return [
        Case("one head, four of six features rotate", (rows, 6, 4), weight=1),
        _case("one head, all features rotate", rng, 1, 6, 6, 1),
        _case("two heads, half of each rotates", rng, 2, 8, 4, 2),
        _case("three heads, six of eight features rotate", rng, 3, 8, 6, 2),
        _case("two heads, eight of twelve features rotate", rng, 2, 12, 8, 2),
    ]


def _with(places: Callable[[int, int], Floats]) -> Callable[[Floats, int, int], Floats]:
    """Every head's rows in the order of these places."""

    def program(weight: Floats, head_dim: int, rotary_dim: int) -> Floats:
        heads = np.arange(0, len(weight), head_dim)
        return weight[(heads[:, None] + places(head_dim, rotary_dim)).ravel()]

    return program


def _places(head_dim: int, rotary_dim: int) -> Floats:
    return np.concatenate([_interleaved(rotary_dim), np.arange(rotary_dim, head_dim)])


def _interleaved(width: int) -> Floats:
    return np.arange(width).reshape(2, -1).T.ravel()


def _other_direction(head_dim: int, rotary_dim: int) -> Floats:
    return np.r_[0:rotary_dim:2, 1:rotary_dim:2, rotary_dim:head_dim]


def _half_a_head_apart(head_dim: int, rotary_dim: int) -> Floats:
    return np.concatenate([_interleaved(head_dim)[:rotary_dim], np.arange(rotary_dim, head_dim)])


def _last_features(head_dim: int, rotary_dim: int) -> Floats:
    still = head_dim - rotary_dim
    return np.concatenate([np.arange(still), still + _interleaved(rotary_dim)])


def _first_head_only(weight: Floats, head_dim: int, rotary_dim: int) -> Floats:
    return np.concatenate([interleave_rows(weight[:head_dim], head_dim, rotary_dim), weight[head_dim:]])


QUESTION = Question(
    name="interleave_rows",
    title="A head that rotates in part",
    objective="permute the rows of W_q and W_k within each head, and only those that rotate",
    difficulty="moderate",
    minutes=15,
    points=4,
    reference=interleave_rows,
    cases=_cases,
    answered_by=(*ROOMS, "ropelib.pairing"),
    misconceptions=[
        Misconception(
            "other direction",
            _with(_other_direction),
            "This leads from interleaved to half, as in the chapter. Here the weights were trained with halves: which "
            "old row must become row 1, the neighbour of row 0?",
        ),
        Misconception(
            "rotary_dim ignored",
            _with(lambda head_dim, rotary_dim: _interleaved(head_dim)),
            "All rows of a head are reordered. Only the first rotary_dim of them belong to pairs: what should happen "
            "to the others?",
        ),
        Misconception(
            "partners half a head apart",
            _with(_half_a_head_apart),
            "Row i was taken for the partner of row i + head_dim/2. The halves are those of the part that rotates: "
            "how far apart are two partners?",
        ),
        Misconception(
            "last features",
            _with(_last_features),
            "The last rotary_dim rows of each head are reordered. Which ones rotate: the first or the last?",
        ),
        Misconception(
            "first head only",
            _first_head_only,
            "The first head is right, and the others are as they were. How many heads has this matrix?",
        ),
        Misconception(
            "all rows at once",
            lambda w, head_dim, rotary_dim: w[_places(len(w), len(w) // head_dim * rotary_dim)],
            "The rows were reordered across the whole matrix, so numbers moved from one head to another. How do you "
            "reorder within each head?",
        ),
        Misconception(
            "columns instead of rows",
            lambda w, head_dim, rotary_dim: interleave_rows(w.T, head_dim, rotary_dim).T.copy(),
            "The columns are reordered. A query is W_q times the embedding: which index of W_q is that of the query's "
            "features?",
        ),
        Misconception(
            "still rows dropped",
            _with(lambda head_dim, rotary_dim: _interleaved(rotary_dim)),
            "The rows that do not rotate are gone. They are a part of every score: where do they belong?",
        ),
        Misconception(
            "rotating rows moved to the end",
            _with(lambda head_dim, rotary_dim: np.roll(_places(head_dim, rotary_dim), -rotary_dim)),
            "The rows that do not rotate now stand first in each head. The code rotates the first rotary_dim "
            "features: which rows will it turn?",
        ),
        Misconception(
            "nothing permuted",
            lambda w, head_dim, rotary_dim: w.copy(),
            "The rows are in their old order. Features 0 and rotary_dim/2 were trained as a pair: where must they "
            "stand for code that pairs neighbours?",
        ),
    ],
    hints=[
        "Write down, for one head with rotary_dim 6, which old row stands at each new place: 0, 3, 1, 4, 2, 5.",
        "np.arange(rotary_dim).reshape(2, -1) has one half in each row. Read it column by column.",
        "Add the start of each head, 0, head_dim, 2·head_dim, …, to the places of one head, and index the rows "
        "with all of them at once.",
    ],
    explanation="GPT-NeoX and Pythia rotate a quarter of each head, GLM-4 half of it. The rows that do not rotate keep "
    "their places, since no code pairs them.",
)
