"""Bring the rows of a shuffled attention back into the order of the sentence."""

import numpy as np

from ropelib.checks.core import Misconception, Question
from ropelib.checks.inputs import fair, generator
from ropelib.checks.observe import Case
from ropelib.reference import Floats


def undo_shuffle(rows: Floats, order: Floats) -> Floats:
    return rows[np.argsort(order)]


def _one_cycle(rng: np.random.Generator, n: int) -> Floats:
    """An order that goes round all n places, so that it is neither its own inverse nor any other simple order."""
    places = rng.permutation(n)
    order = np.empty(n, dtype=int)
    order[places] = np.roll(places, 1)
    return order


def _rows(rng: np.random.Generator, n: int) -> Floats:
    """(n, 2), no number twice."""
    return rng.permutation(np.arange(1, 2 * n + 1)).reshape(n, 2) / 2


def _cases(seed: int) -> list[Case]:
    rng = generator(0, 2, seed)

    def shuffled(label: str, order: Floats) -> Case:
        return fair(
            lambda: Case(label, (_rows(rng, len(order)), order), weight=2),
            undo_shuffle,
            [_by_numbers, _column_by_column],
        )

    return [
        Case("three tokens", (np.array([[3.0, 2.0], [5.0, 0.0], [1.0, 4.0]]), np.array([2, 0, 1]))),
        Case("two tokens that changed places", (_rows(rng, 2), np.array([1, 0])), weight=0),
        shuffled("the order of the chapter", np.array([4, 2, 0, 3, 1])),
        shuffled("another order", _one_cycle(rng, 5)),
        shuffled("seven tokens", _one_cycle(rng, 7)),
    ]


def _by_numbers(rows: Floats, order: Floats) -> Floats:
    return rows[np.argsort(rows[:, 0])]


def _column_by_column(rows: Floats, order: Floats) -> Floats:
    return np.sort(rows, axis=0)


QUESTION = Question(
    name="undo_shuffle",
    title="Put the sentence back in order",
    objective="tell an order from its inverse, and undo a shuffle",
    difficulty="warm-up",
    minutes=5,
    points=3,
    reference=undo_shuffle,
    cases=_cases,
    misconceptions=[
        Misconception(
            "shuffled once more",
            lambda rows, order: rows[order],
            "rows[order] shuffles a second time. It would undo a swap of two, but not a longer round. If row i came "
            "from place order[i], where must it go?",
        ),
        Misconception(
            "left as it is",
            lambda rows, order: rows.copy(),
            "The rows come back in their shuffled order. Which row belongs to token 0, and where does `order` say so?",
        ),
        Misconception(
            "read backwards",
            lambda rows, order: rows[::-1].copy(),
            "This turns the rows upside down, whatever `order` is. Which row belongs to token 0?",
        ),
        Misconception(
            "undone twice",
            lambda rows, order: undo_shuffle(undo_shuffle(rows, order), order),
            "The shuffle is undone, and then undone again. Once is enough: are both an argsort and an assignment at "
            "work here?",
        ),
        Misconception(
            "right, then reversed",
            lambda rows, order: undo_shuffle(rows, order)[::-1].copy(),
            "The order is right, but it runs from the last token to the first. Which row should come first?",
        ),
        Misconception(
            "one place off",
            lambda rows, order: np.roll(undo_shuffle(rows, order), 1, axis=0),
            "Every row is one place too far down. Tokens and rows count from 0: does yours begin with 1?",
        ),
        Misconception(
            "rows sorted by their numbers",
            _by_numbers,
            "The rows are sorted by what is in them. `order` holds the places, so that is what to sort by.",
        ),
        Misconception(
            "columns sorted",
            _column_by_column,
            "Each column is sorted for itself, which tears the rows apart. A row belongs to one token: move it whole.",
        ),
    ],
    hints=[
        "Row i of `rows` belongs to token order[i]. Follow one row by hand: order = [2, 0, 1] sends row 0 to place 2.",
        "Either fill an empty array: restored[order] = rows. Or ask at which i order[i] is 0, then 1, then 2 …",
        "np.argsort(order) answers exactly that: it is the inverse order. Index the rows with it.",
    ],
    explanation="An order and its inverse agree for swaps only, so test with a round of three or more. "
    "Whoever reorders a batch or a cache of keys needs to know which of the two is at hand.",
)
