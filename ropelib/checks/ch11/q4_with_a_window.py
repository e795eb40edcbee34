"""Work and traffic of every device where a token sees only the latest ones."""

from collections.abc import Callable

import numpy as np

from ropelib.checks.core import Misconception, Question
from ropelib.checks.inputs import fair, generator
from ropelib.checks.observe import Case

Counts = np.ndarray


def with_a_window(owned: Counts, window: int) -> Counts:
    age = owned[:, :, None] - np.arange(owned.size)
    visible = (age >= 0) & (age < window)
    scores = [seen.sum() for seen in visible]
    foreign = visible.any(axis=1).sum(axis=1) - owned.shape[1]
    return np.stack([scores, foreign])


def _visible(owned: Counts, window: int) -> np.ndarray:
    """(devices, share, tokens): which keys a query sees."""
    age = owned[:, :, None] - np.arange(owned.size)
    return (age >= 0) & (age < window)


def _foreign(visible: np.ndarray, owned: Counts) -> Counts:
    """How many keys of others are seen by any query of a device."""
    own = (owned[:, :, None] == np.arange(owned.size)).any(axis=1)
    return (visible.any(axis=1) & ~own).sum(axis=1)


def _seen(visible: Callable[[Counts, int], np.ndarray]) -> Callable[[Counts, int], Counts]:
    """The right program with another idea of what is visible."""

    def program(owned: Counts, window: int) -> Counts:
        found = visible(owned, window)
        return np.stack([found.sum(axis=(1, 2)), _foreign(found, owned)])

    return program


def _both_sides(owned: Counts, window: int) -> np.ndarray:
    return np.abs(owned[:, :, None] - np.arange(owned.size)) < window


def _by_place(owned: Counts, window: int) -> Counts:
    share = owned.shape[1]
    return with_a_window(np.arange(owned.size).reshape(-1, share), window)


def _own_only(owned: Counts, window: int) -> Counts:
    right = with_a_window(owned, window)
    age = owned[:, :, None] - owned[:, None, :]
    return np.stack([((age >= 0) & (age < window)).sum(axis=(1, 2)), right[1]])


def _own_keys_too(owned: Counts, window: int) -> Counts:
    scores, foreign = with_a_window(owned, window)
    return np.stack([scores, foreign + owned.shape[1]])


def _every_time(owned: Counts, window: int) -> Counts:
    visible = _visible(owned, window)
    own = (owned[:, :, None] == np.arange(owned.size)).any(axis=1)
    foreign = (visible & ~own[:, None]).sum(axis=(1, 2))
    return np.stack([visible.sum(axis=(1, 2)), foreign])


def _everything_travels(owned: Counts, window: int) -> Counts:
    right = with_a_window(owned, window)
    return np.stack([right[0], np.full(len(owned), owned.size - owned.shape[1])])


def _full_windows(owned: Counts, window: int) -> Counts:
    right = with_a_window(owned, window)
    return np.stack([np.full(len(owned), window * owned.shape[1]), right[1]])


BANK = [
    Misconception(
        "window ignored",
        _seen(lambda owned, window: _visible(owned, owned.size)),
        "Every token sees all earlier ones here. How far back does the window reach?",
    ),
    Misconception(
        "window one too long",
        _seen(lambda owned, window: _visible(owned, window + 1)),
        "Each token sees one key too many. With a window of 1 it sees itself: how many earlier ones with a window w?",
    ),
    Misconception(
        "window to both sides",
        _seen(_both_sides),
        "The window reaches into the future as well. Which keys does the causal mask hide?",
    ),
    Misconception(
        "itself not seen",
        _seen(lambda owned, window: _visible(owned, window) & (owned[:, :, None] != np.arange(owned.size))),
        "Tokens do not see themselves here. What is the age of a token's own key, and does the window hold it?",
    ),
    Misconception(
        "places taken for positions",
        _by_place,
        "You counted as if every device held a piece of the text without gaps. Which tokens does it hold? `owned` "
        "says so.",
    ),
    Misconception(
        "own keys only",
        _own_only,
        "The scores with keys of other devices are missing in the first row. Who computes them, if not the device "
        "that has the query?",
    ),
    Misconception(
        "own keys counted as foreign",
        _own_keys_too,
        "The second row counts the device's own keys as well. Which keys must be sent to it?",
    ),
    Misconception(
        "a key for every score",
        _every_time,
        "The second row counts a key once for every query that sees it. How often must it be sent to the device?",
    ),
    Misconception(
        "all keys travel",
        _everything_travels,
        "The second row counts all keys of all others, as in a ring. Which of them does a query of this device see?",
    ),
    Misconception(
        "full windows",
        _full_windows,
        "The first row gives every token a full window. How many keys are there for the first tokens of the text?",
    ),
]


def _cases(seed: int) -> list[Case]:
    rng = generator(11, 4, seed)

    def draw() -> Case:
        owned = np.sort(rng.permutation(15).reshape(3, 5), axis=1)
        return Case("tokens dealt out at random", (owned, int(rng.integers(3, 6))), weight=3)

    places = np.arange(16)
    return [
        Case("two devices, contiguous", (np.arange(6).reshape(2, 3), 2)),
        Case("contiguous, four devices", (places.reshape(4, 4), 3)),
        Case("striped", (places.reshape(4, 4).T.copy(), 3)),
        fair(draw, with_a_window, [wrong.wrong for wrong in BANK]),
    ]


QUESTION = Question(
    name="with_a_window",
    title="A window changes the bill",
    objective="count the work of every device, and the keys that it needs from others, under a sliding window",
    difficulty="moderate",
    minutes=15,
    points=4,
    reference=with_a_window,
    cases=_cases,
    misconceptions=BANK,
    hints=[
        "Begin with the age of every key of the text for every query: position of the query minus position of the "
        "key. owned[:, :, None] - np.arange(owned.size) has the shape (devices, share, tokens).",
        "Visible are the ages 0 to window − 1. Their number is the work of a device.",
        "A key must be on the device if *any* of its queries sees it: visible.any(axis=1). Every token sees itself, so "
        "all of a device's own keys are among these.",
    ],
    explanation="For 16 tokens, four devices and a window of 3, contiguous shares have 9, 12, 12 and 12 scores to "
    "compute and need at most 2 foreign keys each. Zigzag has the same scores and needs up to 4; striped shares have "
    "10, 11, 12 and 12 and need up to 8. With a window of 16, the whole text, contiguous shares have 10 to 58 scores, "
    "striped ones 28 to 40 and zigzag 34 on every device, and with each of the three cuts some device needs 12 foreign "
    "keys. A short window turns the advice of the chapter round: the work is nearly equal anyway, and neighbours "
    "should stay together.",
)
