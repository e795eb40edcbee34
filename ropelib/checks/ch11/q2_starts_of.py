"""From a table of scores, the position at which every device began to count."""

import numpy as np

from ropelib.checks.core import Misconception, Question
from ropelib.checks.inputs import generator
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


def _case(label: str, rng: np.random.Generator, share: int, starts: list[int], weight: float = 1.0) -> Case:
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
        _case("all right", rng, 2, [0, 2, 4]),
        _case("one device from zero", rng, 3, [0, 0, 6]),
        _case("two devices from zero", rng, 3, [0, 3, 0, 0], weight=2),
        _case("two devices with the same shift", rng, 2, [0, 5, 7, 6, 8], weight=2),
        _case("one token too early and one too late", rng, 4, [0, 3, 9, 12], weight=2),
    ]


def _from_zero(found: Floats, expected: Floats, share: int) -> np.ndarray:
    return np.zeros(len(found) // share, dtype=int)


def _all_right(found: Floats, expected: Floats, share: int) -> np.ndarray:
    return np.arange(0, len(found), share)


def _by_the_neighbour(found: Floats, expected: Floats, share: int) -> np.ndarray:
    starts = starts_of(found, expected, share)
    # The step from the device before, counted from where that one should have begun.
    believed = share * (np.arange(len(starts)) - 1) + np.diff(starts, prepend=-share)
    return np.clip(believed, 0, len(found) - share)


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
            "Every device is said to begin at 0. You looked at the scores of a device with itself, and those are the "
            "same wherever it begins: with whose tokens must it be compared?",
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
