"""Add a bias from a table that tells before from after and ends at a farthest distance."""

from collections.abc import Callable

import numpy as np

from ropelib.checks.core import ROOMS, Misconception, Question
from ropelib.checks.inputs import generator, halves
from ropelib.checks.observe import Case
from ropelib.reference import Floats


def clipped_bias(scores: Floats, table: Floats) -> Floats:
    reach = len(table) // 2
    tokens = np.arange(len(scores))
    ahead = np.clip(tokens - tokens[:, None], -reach, reach)
    return scores + table[reach + ahead]


def _table(rng: np.random.Generator, reach: int) -> Floats:
    """2·reach + 1 different numbers."""
    return rng.permutation(np.arange(1, 2 * reach + 2)) / 4 + rng.integers(1, 5)


def _cases(seed: int) -> list[Case]:
    rng = generator(4, 1, seed)
    return [
        Case("three tokens, one step of reach", (np.zeros((3, 3)), np.array([-1.0, 0.0, -2.0]))),
        Case("two tokens, reach to spare", (halves(rng, 2, 2), _table(rng, 3))),
        Case("six tokens, two steps of reach", (halves(rng, 6, 6), _table(rng, 2)), weight=2),
        Case("eight tokens, three steps of reach", (halves(rng, 8, 8), _table(rng, 3)), weight=2),
        Case("no reach at all", (halves(rng, 3, 3), _table(rng, 0))),
    ]


def _ahead(scores: Floats) -> Floats:
    return np.subtract.outer(np.arange(len(scores)), np.arange(len(scores))).T


def _with(place: Callable[[Floats, int], Floats]) -> Callable[[Floats, Floats], Floats]:
    """The right program with another way from offset and reach to a place in the table."""
    return lambda scores, table: scores + table[place(_ahead(scores), len(table) // 2)]


def _nothing_beyond(scores: Floats, table: Floats) -> Floats:
    reach = len(table) // 2
    return np.where(np.abs(_ahead(scores)) <= reach, clipped_bias(scores, table), scores)


def _future_hidden(scores: Floats, table: Floats) -> Floats:
    return np.where(_ahead(scores) > 0, -np.inf, clipped_bias(scores, table))


QUESTION = Question(
    name="clipped_bias",
    title="A bias that knows before from after",
    objective="add a bias from a table of signed offsets, and say what it gives beyond its last entry",
    difficulty="moderate",
    minutes=15,
    points=4,
    reference=clipped_bias,
    cases=_cases,
    answered_by=(*ROOMS, "ropelib.tiny_model", "ropelib.tiny_training"),
    misconceptions=[
        Misconception(
            "before and after exchanged",
            _with(lambda ahead, reach: reach - np.clip(ahead, -reach, reach)),
            "Keys that come later get the numbers meant for earlier ones. Which of row and column is the query, and "
            "what is the sign of n − m for a key behind it?",
        ),
        Misconception(
            "direction ignored",
            _with(lambda ahead, reach: reach + np.minimum(np.abs(ahead), reach)),
            "Both directions get the numbers for keys ahead. Where does your program keep the sign of n − m?",
        ),
        Misconception(
            "nothing beyond the reach",
            _nothing_beyond,
            "Beyond the reach of the table nothing is added. The last entry of that side should go on for ever: which "
            "function cuts a number off at a smallest and a largest value?",
        ),
        Misconception(
            "wraps round",
            _with(lambda ahead, reach: (reach + ahead) % (2 * reach + 1)),
            "Beyond its end the table begins anew, so a key far behind gets a number meant for keys ahead. What "
            "should happen to an offset larger than the reach?",
        ),
        Misconception(
            "cut off one step early",
            _with(lambda ahead, reach: reach + np.clip(ahead, min(1 - reach, 0), max(reach - 1, 0))),
            "The outermost entries of the table are never used. For 2r + 1 entries, what is the largest offset with "
            "an entry of its own?",
        ),
        Misconception(
            "not centred",
            _with(lambda ahead, reach: np.clip(ahead, 0, 2 * reach)),
            "A token's own bias is taken from the first entry of the table. Which entry stands for n − m = 0?",
        ),
        Misconception(
            "future hidden",
            _future_hidden,
            "Keys ahead of the query are −∞ here. No mask is asked for: a table that tells before from after has "
            "entries for both. Which entries of yours are never used?",
        ),
        Misconception(
            "bias subtracted",
            lambda scores, table: 2 * scores - clipped_bias(scores, table),
            "The bias is subtracted. The table's numbers carry their own sign: what should happen to them?",
        ),
        Misconception(
            "bias alone",
            lambda scores, table: clipped_bias(scores, table) - scores,
            "This is the bias by itself. Where are the scores?",
        ),
        Misconception(
            "bias multiplied",
            lambda scores, table: scores * (clipped_bias(scores, table) - scores),
            "The scores are multiplied by the bias, so that its effect depends on the content. A bias is added.",
        ),
    ],
    hints=[
        "Make the table of offsets n − m first: np.arange(N) - np.arange(N)[:, None]. Rows are queries.",
        "np.clip(offsets, -r, r) cuts them off; adding r makes places in the table of them.",
    ],
    explanation="What is far is all alike to such a bias, in each direction. T5 makes it coarse on the way there, and "
    "the first relative positions in a Transformer were clipped exactly like this.",
)
