"""Rotate with rows that position_ids pick from a table, where the sequence comes before the heads."""

import numpy as np
from numpy.typing import NDArray

from ropelib.checks.core import ROOMS, Misconception, Question
from ropelib.checks.inputs import generator, halves
from ropelib.checks.observe import Case
from ropelib.reference import Floats, cos_sin, inverse_frequencies, rotation_angles

Ids = NDArray[np.int64]


def rotate_by_ids(x: Floats, cos: Floats, sin: Floats, position_ids: Ids) -> Floats:
    cos, sin = cos[position_ids][:, :, None], sin[position_ids][:, :, None]
    a, b = np.split(x, 2, axis=-1)
    return np.concatenate([a * cos - b * sin, a * sin + b * cos], axis=-1)


def _case(label: str, rng: np.random.Generator, heads: int, pairs: int, ids: list[list[int]], weight: float) -> Case:
    x = halves(rng, len(ids), len(ids[0]), heads, 2 * pairs)
    cos, sin = cos_sin(rotation_angles(np.arange(12), inverse_frequencies(2 * pairs, 100.0)))
    return Case(label, (x, cos, sin, np.array(ids)), weight=weight)


def _cases(seed: int) -> list[Case]:
    rng = generator(6, 1, seed)
    quarter = np.array([[1.0], [0.0], [-1.0]]), np.array([[0.0], [1.0], [0.0]])
    one = np.array([[[[2.0, 1.0]], [[2.0, 1.0]]]])
    start, gap = (int(number) for number in rng.integers(2, 5, 2))
    left_padded = [[0, 0, 0, 1], [0, 1, 2, 3]]
    later = [[start, start + 1, start + 1 + gap], [start + 4, start + 3, start]]
    return [
        Case("one head, quarter turns", (one, *quarter, np.array([[2, 1]]))),
        _case("ids that count from 0", rng, 2, 2, [[0, 1, 2], [0, 1, 2]], 0),
        _case("two texts packed into one row", rng, 3, 2, [[0, 1, 2, 0, 1]], 1),
        _case("a batch padded on the left", rng, 2, 1, left_padded, 2),
        _case("as many heads as tokens", rng, 3, 2, later, 2),
    ]


def _with(cos: Floats, sin: Floats, x: Floats) -> Floats:
    """The rotation with tables that already have four axes, or broadcast against four."""
    a, b = np.split(x, 2, axis=-1)
    return np.concatenate([a * cos - b * sin, a * sin + b * cos], axis=-1)


def _neighbours(x: Floats, cos: Floats, sin: Floats, ids: Ids) -> Floats:
    in_halves = np.concatenate([x[..., 0::2], x[..., 1::2]], axis=-1)
    a, b = np.split(rotate_by_ids(in_halves, cos, sin, ids), 2, axis=-1)
    return np.stack([a, b], axis=-1).reshape(x.shape)


def _one_after_the_other(x: Floats, cos: Floats, sin: Floats, ids: Ids) -> Floats:
    cos, sin = cos[ids][:, :, None], sin[ids][:, :, None]
    a, b = np.split(x, 2, axis=-1)
    a = a * cos - b * sin
    return np.concatenate([a, a * sin + b * cos], axis=-1)


QUESTION = Question(
    name="rotate_by_ids",
    title="The rows that position_ids name",
    objective="rotate a batch whose rows stand at different positions, in the memory order that puts tokens before "
    "heads",
    difficulty="warm-up",
    minutes=10,
    points=4,
    reference=rotate_by_ids,
    cases=_cases,
    answered_by=(*ROOMS, "ropelib.ops", "ropelib.rotation", "ropelib.module"),
    misconceptions=[
        Misconception(
            "position_ids ignored",
            lambda x, cos, sin, ids: rotate_by_ids(x, cos, sin, np.broadcast_to(np.arange(x.shape[1]), x.shape[:2])),
            "Every text is rotated as if it started at position 0 and had no padding. Where does your program use "
            "`position_ids`?",
        ),
        Misconception(
            "rotated by head number",
            lambda x, cos, sin, ids: _with(cos[: x.shape[2]], sin[: x.shape[2]], x),
            "Each vector turns by the number of its head: the two-axis table meets the last two axes of x, and these "
            "are (heads, head_dim). On which axis do the tokens stand here?",
        ),
        Misconception(
            "gathered rows laid along the heads",
            lambda x, cos, sin, ids: _with(cos[ids][:, None], sin[ids][:, None], x),
            "The right rows are gathered, but head 1 gets the row of token 1. cos[position_ids] has the axes (batch, "
            "seq, pairs): where must the axis of length 1 stand to meet (batch, seq, heads, pairs)?",
        ),
        Misconception(
            "ids of the first text for all",
            lambda x, cos, sin, ids: rotate_by_ids(x, cos, sin, np.broadcast_to(ids[0], ids.shape)),
            "All texts of the batch are rotated by the ids of the first. Which shape has `position_ids`, and does your "
            "program keep its batch axis?",
        ),
        Misconception(
            "counted on from the first id",
            lambda x, cos, sin, ids: rotate_by_ids(x, cos, sin, (ids[:, :1] + np.arange(ids.shape[1])) % len(cos)),
            "Only the first id of each text is used, and then counted on from. Ids may repeat (padding), start again "
            "(two texts in one row) or jump. Which row belongs to the last token?",
        ),
        Misconception(
            "only cos gathered",
            lambda x, cos, sin, ids: _with(cos[ids][:, :, None], sin[: x.shape[1], None], x),
            "The cosines come from the rows in `position_ids`, the sines from rows 0, 1, 2, … Both tables need the "
            "same rows.",
        ),
        Misconception(
            "ids start at 1",
            lambda x, cos, sin, ids: rotate_by_ids(x, cos, sin, ids - 1),
            "Every token gets the row above its own. Row 0 belongs to position 0: who subtracts 1?",
        ),
        Misconception(
            "direction reversed",
            lambda x, cos, sin, ids: rotate_by_ids(x, cos, -sin, ids),
            "Everything turns the other way. The first half becomes a·cos − b·sin: where is your minus?",
        ),
        Misconception(
            "neighbours paired",
            _neighbours,
            "Features 2i and 2i + 1 are paired here. This chapter's models pair feature i with i + head_dim/2.",
        ),
        Misconception(
            "new first half used for the second",
            _one_after_the_other,
            "The second half is computed from the first half after its turn. Keep the old one until both are done.",
        ),
        Misconception(
            "axes exchanged in the result",
            lambda x, cos, sin, ids: rotate_by_ids(x, cos, sin, ids).swapaxes(1, 2),
            "The result comes back as (batch, heads, seq, head_dim). x came as (batch, seq, heads, head_dim), and who "
            "calls this expects it in the same order.",
        ),
    ],
    hints=[
        "cos[position_ids] picks one row for every token: its shape is (batch, seq, head_dim/2).",
        "x has one axis more, the heads, in third place. Give the gathered tables an axis of length 1 there.",
        "cos = cos[position_ids][:, :, None], sin likewise; then split x into halves a and b, and rotate as ever.",
    ],
    explanation="All heads of a token share a row, and every text of the batch brings its own rows: that is all that "
    "padding, packing and decoding ask of RoPE.",
)
