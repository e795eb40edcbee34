"""Permute the rows of a fused projection: those of queries and keys, head by head, and not those of the values."""

from collections.abc import Callable

import numpy as np

from ropelib.checks.core import ROOMS, Misconception, Question
from ropelib.checks.inputs import generator
from ropelib.checks.observe import Case
from ropelib.reference import Floats


def interleave_qkv(weight: Floats, heads: int, kv_heads: int) -> Floats:
    head_dim = len(weight) // (heads + 2 * kv_heads)
    places = np.arange(head_dim).reshape(2, head_dim // 2).T.ravel()
    starts = head_dim * np.arange(heads + kv_heads)
    rotating = (starts[:, None] + places).ravel()
    return np.concatenate([weight[rotating], weight[len(rotating) :]])


def _case(label: str, rng: np.random.Generator, heads: int, kv_heads: int, head_dim: int, weight: float) -> Case:
    size = (heads + 2 * kv_heads) * head_dim
    return Case(label, (rng.integers(-99, 100, (size, size)) / 2, heads, kv_heads), weight=weight)


def _cases(seed: int) -> list[Case]:
    rng = generator(8, 1, seed)
    rows = 10.0 * np.arange(18)[:, None] + np.arange(18)
    return [
        Case("one head of each, six features", (rows, 1, 1), weight=1),
        _case("four query heads, two key heads", rng, 4, 2, 12, 2),
        _case("three query heads, one key head", rng, 3, 1, 6, 2),
        _case("six query heads, two key heads", rng, 6, 2, 12, 2),
    ]


def _to_neighbours(width: int) -> Floats:
    return np.arange(width).reshape(2, -1).T.ravel()


def _to_halves(width: int) -> Floats:
    return np.r_[0:width:2, 1:width:2]


def _parts(weight: Floats, heads: int, kv_heads: int) -> list[Floats]:
    head_dim = len(weight) // (heads + 2 * kv_heads)
    return np.split(weight, [heads * head_dim, (heads + kv_heads) * head_dim])


def _within(rows: Floats, parts: int, places: Callable[[int], Floats] = _to_neighbours) -> Floats:
    """The rows, cut into this many parts, each in the order of places."""
    size = len(rows) // parts
    return rows[(size * np.arange(parts)[:, None] + places(size)).ravel()]


def _with(
    q: Callable[[Floats, int, int], Floats] = lambda rows, heads, kv_heads: _within(rows, heads),
    k: Callable[[Floats, int, int], Floats] = lambda rows, heads, kv_heads: _within(rows, kv_heads),
    v: Callable[[Floats, int, int], Floats] = lambda rows, heads, kv_heads: rows,
) -> Callable[[Floats, int, int], Floats]:
    """The right program with what it does to one of the three parts exchanged."""

    def program(weight: Floats, heads: int, kv_heads: int) -> Floats:
        changes = zip((q, k, v), _parts(weight, heads, kv_heads), strict=True)
        return np.concatenate([change(rows, heads, kv_heads) for change, rows in changes])

    return program


def _as_it_is(rows: Floats, heads: int, kv_heads: int) -> Floats:
    return rows


def _value_heads_forgotten(weight: Floats, heads: int, kv_heads: int) -> Floats:
    head_dim = len(weight) // (heads + kv_heads)
    places = [i // 2 + i % 2 * (head_dim // 2) for i in range(head_dim)]
    starts = head_dim * np.arange(heads + kv_heads)
    moved = (starts[:, None] + places).ravel()
    return np.concatenate([weight[moved], weight[len(moved) :]])


QUESTION = Question(
    name="interleave_qkv",
    title="One matrix for queries, keys and values",
    objective="convert a fused projection between the pairings, with fewer key heads than query heads",
    difficulty="moderate",
    minutes=15,
    points=4,
    reference=interleave_qkv,
    cases=_cases,
    answered_by=(*ROOMS, "ropelib.pairing"),
    misconceptions=[
        Misconception(
            "values permuted too",
            _with(v=lambda rows, heads, kv_heads: _within(rows, kv_heads)),
            "Queries and keys are right, and the rows of the values are reordered as well. Nothing rotates a value: "
            "which matrix, further on, expects its numbers in the old order?",
        ),
        Misconception(
            "value heads not counted",
            _value_heads_forgotten,
            "The number of rows was divided by heads + kv_heads, which makes a head too large. How many heads are "
            "stacked here, of all three kinds?",
        ),
        Misconception(
            "queries only",
            _with(k=_as_it_is),
            "The queries are reordered and the keys are not, so a dot product meets numbers in two orders. Which rows "
            "belong to the keys?",
        ),
        Misconception(
            "keys only",
            _with(q=_as_it_is),
            "The keys are reordered and the queries are not, so a dot product meets numbers in two orders. Which rows "
            "belong to the queries?",
        ),
        Misconception(
            "keys cut into query heads",
            _with(k=lambda rows, heads, kv_heads: _within(rows, heads)),
            "The rows of the keys were cut into as many parts as there are query heads. A converter did this in "
            "earnest, and no shape complained. How many features has one key head?",
        ),
        Misconception(
            "other direction",
            _with(
                q=lambda rows, heads, kv_heads: _within(rows, heads, _to_halves),
                k=lambda rows, heads, kv_heads: _within(rows, kv_heads, _to_halves),
            ),
            "This leads from neighbours to halves. Here the weights pair halves: which old row must become row 1, the "
            "neighbour of row 0?",
        ),
        Misconception(
            "across heads",
            _with(
                q=lambda rows, heads, kv_heads: _within(rows, 1),
                k=lambda rows, heads, kv_heads: _within(rows, 1),
            ),
            "All queries were reordered in one go, and all keys, so numbers moved from one head to another. What is "
            "the widest block within which a row may move?",
        ),
        Misconception(
            "columns instead of rows",
            lambda weight, heads, kv_heads: interleave_qkv(weight.T, heads, kv_heads).T.copy(),
            "The columns are reordered. A query is this matrix times the embedding: which index is that of the "
            "query's features?",
        ),
        Misconception(
            "nothing permuted",
            lambda weight, heads, kv_heads: weight.copy(),
            "The rows are in their old order. Features 0 and head_dim/2 were trained as a pair: where must they stand "
            "for code that pairs neighbours?",
        ),
    ],
    hints=[
        "How many heads are stacked in this matrix, of all three kinds? That gives head_dim.",
        "For one head of six features the old rows come in the order 0, 3, 1, 4, 2, 5: two halves, read alternately.",
        "Queries and keys lie next to each other, so the first heads + kv_heads heads are treated alike. What follows "
        "stays.",
    ],
    explanation="GPT-NeoX, Phi-3 and others store queries, keys and values in one matrix, each in an arrangement of "
    "its own. Here the three stand one below the other. Whoever converts must know three numbers: heads, key heads, "
    "features of a head.",
)
