"""Which position lives in which slot of a ring buffer."""

import numpy as np
from numpy.typing import NDArray

from ropelib.checks.core import Misconception, Question
from ropelib.checks.inputs import generator
from ropelib.checks.observe import Case

Ints = NDArray[np.int64]


def ring_positions(tokens: int, window: int) -> Ints:
    newest, slots = tokens - 1, np.arange(window)
    steps_back = (newest - slots) % window
    return np.maximum(newest - steps_back, -1)


def _cases(seed: int) -> list[Case]:
    rng = generator(7, 4, seed)
    window = int(rng.integers(5, 9))
    rounds, more = int(rng.integers(3, 20)), int(rng.integers(2, window - 1))
    return [
        Case("six tokens, a window of four", (6, 4)),
        Case("the ring has just been filled", (4, 4), weight=0),
        Case("the ring is not full yet", (1, 4)),
        Case("no token yet", (0, 3), weight=0),
        Case("whole rounds", (12, 4)),
        Case("a window of one", (5, 1), weight=0),
        Case("many rounds and some tokens", (rounds * window + more, window), weight=2),
    ]


def _padded(kept: Ints, window: int) -> Ints:
    return np.concatenate([kept, np.full(window - len(kept), -1)])


def _kept(tokens: int, window: int) -> Ints:
    return np.arange(max(tokens - window, 0), tokens)


def _started_from_one(tokens: int, window: int) -> Ints:
    positions = ring_positions(tokens, window)
    return np.where(positions < 0, -1, positions + 1)


def _this_round(tokens: int, window: int) -> Ints:
    return (tokens - 1) // window * window + np.arange(window)


def _without_oldest(tokens: int, window: int) -> Ints:
    positions = ring_positions(tokens, window)
    return np.where(np.arange(window) == tokens % window, -1, positions)


def _empty_slots_left_out(tokens: int, window: int) -> Ints:
    positions = ring_positions(tokens, window)
    return positions[positions >= 0]


def _from_one_to_tokens(tokens: int, window: int) -> Ints:
    positions = ring_positions(tokens + 1, window)
    return np.where(positions == 0, -1, positions)


def _not_marked(tokens: int, window: int) -> Ints:
    return tokens - 1 - (tokens - 1 - np.arange(window)) % window


QUESTION = Question(
    name="ring_positions",
    title="Who lives in which slot?",
    objective="say which positions a ring buffer holds, slot by slot, as a mask or a test of it needs them",
    difficulty="moderate",
    minutes=15,
    points=3,
    reference=ring_positions,
    cases=_cases,
    sequence=True,
    misconceptions=[
        Misconception(
            "oldest first",
            lambda tokens, window: _padded(_kept(tokens, window), window),
            "These are the right positions in the order of the text. The ring keeps position n in slot n mod window: "
            "which one is in slot 0?",
        ),
        Misconception(
            "newest first",
            lambda tokens, window: _padded(_kept(tokens, window)[::-1], window),
            "These are the right positions with the newest first. The ring keeps position n in slot n mod window: "
            "which one is in slot 0?",
        ),
        Misconception(
            "slots instead of positions",
            lambda tokens, window: np.where(np.arange(window) < tokens, np.arange(window), -1),
            "These are the numbers of the slots. They are positions in the first round only: who has overwritten "
            "position 0 since?",
        ),
        Misconception(
            "this round everywhere",
            _this_round,
            "Some of these positions have not been written yet: every slot is given to the present round. What is "
            "still in the slots behind the newest token?",
        ),
        Misconception(
            "the round before everywhere",
            lambda tokens, window: np.maximum(_this_round(tokens, window) - window, -1),
            "Every slot is given to the round before. Which slots has the present round overwritten already?",
        ),
        Misconception(
            "one token too many",
            lambda tokens, window: ring_positions(tokens + 1, window),
            "The token at position `tokens` is in the ring already. Positions count from 0: which is the newest of "
            "that many tokens?",
        ),
        Misconception(
            "one token too few",
            lambda tokens, window: ring_positions(tokens - 1, window),
            "The newest token is missing. Positions count from 0: which is the newest of `tokens` tokens?",
        ),
        Misconception(
            "positions start at 1",
            _started_from_one,
            "Every position is one too large. They count from 0: the token at position 0 was the first in slot 0.",
        ),
        Misconception(
            "oldest given up too early",
            _without_oldest,
            "One slot of a full ring is reported empty: the one that will be overwritten next. Until then, whose key "
            "is in it?",
        ),
        Misconception(
            "empty slots at 0",
            lambda tokens, window: np.maximum(ring_positions(tokens, window), 0),
            "Empty slots are given position 0, which is a position like any other. How are they to be marked?",
        ),
        Misconception(
            "empty slots not marked",
            _not_marked,
            "Full rings are right. In a ring that is not full, empty slots come out with all kinds of negative "
            "numbers. How are they to be marked?",
        ),
        Misconception(
            "empty slots left out",
            _empty_slots_left_out,
            "Empty slots are left out, so the result is shorter than the ring. How are they to be marked?",
        ),
        Misconception(
            "position 0 never written",
            _from_one_to_tokens,
            "The ring is filled with positions 1 to `tokens`, so position 0 was never written. They count from 0: "
            "which is the last of `tokens` of them?",
        ),
    ],
    hints=[
        "The newest token stands at position tokens − 1. Write down by hand what six tokens leave in four slots.",
        "The slot of the newest is (tokens − 1) mod window. One slot before it is one position before it, and so on "
        "round the ring.",
        "Slot s lies (newest − s) % window steps back from the newest. What would lie before position 0 is empty.",
    ],
    explanation="Attention over the ring needs none of these numbers, since each key carries its own. A mask does, and "
    "so does whoever wants to change the base of the keys.",
)
