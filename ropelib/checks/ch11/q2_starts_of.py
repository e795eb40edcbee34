"""From a table of scores, the position at which every device began to count."""

from functools import partial

import numpy as np

from ropelib.checks.core import Misconception, Question
from ropelib.checks.inputs import fair, generator
from ropelib.checks.observe import Case
from ropelib.reference import Floats

INV_FREQ = np.array([1.0, 0.4, 0.15, 0.05])


def starts_of(found: Floats, expected: Floats, share: int) -> np.ndarray:
    starts = []
    for first in range(0, len(found), share):
        seen = found[:share, first : first + share]
        matches = (c for c in range(len(found)) if np.allclose(seen, expected[:share, c : c + share]))
        starts.append(next(matches))
    return np.array(starts)


def _case(label: str, rng: np.random.Generator, share: int, starts: list[int], weight: float) -> Case:
    """One query and one key on every token, with devices that begin to count at starts."""
    # No pair all but vanishes, so that every offset has a score of its own.
    content = rng.uniform(0.6, 1.4, 4) * np.exp(1j * rng.uniform(0.3, 2.8, 4))
    believed = np.concatenate([start + np.arange(share) for start in starts])

    def scores(positions: np.ndarray) -> Floats:
        turns = np.exp(1j * positions[:, None] * INV_FREQ)
        return ((content * turns).conj() @ turns.T).real

    return Case(label, (scores(believed), scores(np.arange(len(believed))), share), weight=weight)


def _cases(seed: int) -> list[Case]:
    rng = generator(11, 2, seed)
    return [
        fair(partial(_case, label, rng, share, starts, weight), starts_of, [_keys_for_queries, _queries_for_keys])
        for label, share, starts, weight in [
            # Six tokens: a table that a message can show whole.
            ("all right", 2, [0, 2, 4], 1),
            ("one token too late", 2, [0, 3, 4], 1),
            ("two devices one share too early", 2, [0, 0, 2], 1),
            ("two devices from zero", 3, [0, 3, 0, 0], 1),
            ("two devices with the same shift", 2, [0, 3, 5, 6, 8], 2),
            ("one token too early and one too late", 4, [0, 3, 9, 12], 2),
        ]
    ]


def _from_zero(found: Floats, expected: Floats, share: int) -> np.ndarray:
    return np.zeros(len(found) // share, dtype=int)


def _all_right(found: Floats, expected: Floats, share: int) -> np.ndarray:
    return np.arange(0, len(found), share)


def _by_the_neighbour(found: Floats, expected: Floats, share: int) -> np.ndarray:
    starts = starts_of(found, expected, share)
    # The step from the device before, counted from where that one should have begun.
    return share * (np.arange(len(starts)) - 1) + np.diff(starts, prepend=-share)


def _keys_for_queries(found: Floats, expected: Floats, share: int) -> np.ndarray:
    return np.abs(found[::share, :1] - expected[0]).argmin(axis=1)


def _queries_for_keys(found: Floats, expected: Floats, share: int) -> np.ndarray:
    return np.abs(found[0, ::share, None] - expected[:, 0]).argmin(axis=1)


def _right_or_zero(found: Floats, expected: Floats, share: int) -> np.ndarray:
    starts = starts_of(found, expected, share)
    right = share * np.arange(len(starts))
    return np.where(starts == right, right, 0)


def _shifts(found: Floats, expected: Floats, share: int) -> np.ndarray:
    starts = starts_of(found, expected, share)
    return starts - share * np.arange(len(starts))


QUESTION = Question(
    name="starts_of",
    title="Where did they begin to count?",
    objective="read off a table of scores at which position every device began to count",
    difficulty="demanding",
    minutes=25,
    points=4,
    reference=starts_of,
    cases=_cases,
    sequence=True,
    misconceptions=[
        Misconception(
            "scores within a share",
            _from_zero,
            "Every device is said to begin at 0. A device's scores with itself say so wherever it begins, and so does "
            "a search that finds nothing and falls back to 0. With whose tokens is it compared here, and where do the "
            "scores of the same queries and keys stand in the expected table?",
        ),
        Misconception(
            "scores within a share, at their place",
            _all_right,
            "Every device is said to be right. Its scores with itself do stand where they should, whatever it counts: "
            "with whose tokens must it be compared?",
        ),
        Misconception(
            "compared with the neighbour",
            _by_the_neighbour,
            "After a device that is wrong, the next one is misjudged too: you took the device before it for a "
            "yardstick. Which device is known to be right?",
        ),
        Misconception(
            "column looked up in a row",
            _keys_for_queries,
            "The scores of a device's *queries* with the key of token 0 stand in column 0. You look for them in row 0, "
            "where the keys move and the query stays: is the score the same when the two change places?",
        ),
        Misconception(
            "row looked up in a column",
            _queries_for_keys,
            "The scores of the query of token 0 with a device's *keys* stand in row 0. You look for them in column 0, "
            "where the queries move and the key stays: is the offset the same, or its opposite?",
        ),
        Misconception(
            "right or from zero",
            _right_or_zero,
            "A device that is not right is said to begin at 0. There are other ways to be wrong: which position "
            "explains its scores?",
        ),
        Misconception(
            "by how much they are off",
            _shifts,
            "These are the errors, 0 where a device is right. Asked for are the positions at which the devices begin.",
        ),
        Misconception(
            "numbers of shares",
            lambda found, expected, share: starts_of(found, expected, share) // share,
            "These count in shares. A device may begin in the middle of one: at which *token* did it begin?",
        ),
        Misconception(
            "counted from one",
            lambda found, expected, share: starts_of(found, expected, share) + 1,
            "All are one too far. Device 0 begins at position 0.",
        ),
    ],
    hints=[
        "Within a device all scores are right, wherever it begins. Device 0 begins at 0, so look at the scores of its "
        "queries with the keys of the others.",
        "If a device begins at c, then its block, found[:share, first : first + share], is the block of the expected "
        "table that begins in column c, in the same rows.",
        "Go through the devices, and for each through all c. np.allclose compares two blocks.",
    ],
    explanation="Two devices with the same wrong shift have right scores between them: a single right block proves "
    "nothing. All must agree with one device whose zero is known.",
)
