"""Name the pairing of a black box from what it makes of the unit vectors."""

from collections.abc import Callable

import numpy as np

from ropelib.checks.core import ROOMS, Misconception, Question
from ropelib.checks.inputs import generator
from ropelib.checks.observe import Case
from ropelib.reference import Floats, cos_sin, inverse_frequencies, rotate, rotation_angles

HALF, INTERLEAVED, MOVED, NONE = "half", "interleaved", "reads neighbours, writes halves", "not a rotation"


def pairing_of(outputs: Floats) -> str:
    if not np.allclose(outputs @ outputs.T, np.eye(len(outputs))):
        return "not a rotation"
    first, second = (set(np.flatnonzero(np.abs(row) > 1e-6)) for row in outputs[:2])
    if first == {0, 1}:
        return "interleaved"
    return "reads neighbours, writes halves" if first == second else "half"


def _turned(head_dim: int, position: float, pairing: str) -> Floats:
    cos, sin = cos_sin(rotation_angles(np.full(head_dim, position), inverse_frequencies(head_dim)))
    return rotate(np.eye(head_dim), cos, sin, pairing=pairing)


def _moved(head_dim: int, position: float) -> Floats:
    return _turned(head_dim, position, INTERLEAVED)[:, np.r_[0:head_dim:2, 1:head_dim:2]]


def _tiled_with_neighbours(head_dim: int, position: float) -> Floats:
    angles = np.tile(position * inverse_frequencies(head_dim), 2)
    x = np.eye(head_dim)
    swapped = np.stack([-x[:, 1::2], x[:, 0::2]], axis=-1).reshape(x.shape)
    return x * np.cos(angles) + swapped * np.sin(angles)


def _without_minus(head_dim: int, position: float) -> Floats:
    return np.abs(_turned(head_dim, position, HALF))


def _cases(seed: int) -> list[Case]:
    rng = generator(5, 2, seed)
    # Less than a quarter turn: cosines positive, and neither cosine nor sine near 0 in pairs 0 and 1.
    turns = rng.integers(5, 14, 10) / 10
    noise = rng.uniform(-1e-12, 1e-12, (8, 8))
    return [
        Case("a small half", (_turned(4, 1.0, HALF),)),
        Case("a small interleaved", (_turned(4, 1.0, INTERLEAVED),)),
        Case("a third way", (_moved(4, 1.0),), weight=2),
        Case("clockwise half", (_turned(8, -turns[0], HALF),)),
        Case("clockwise interleaved", (_turned(6, -turns[1], INTERLEAVED),)),
        Case("a third way, clockwise", (_moved(8, -turns[2]),), weight=2),
        Case("half, with rounding errors", (_turned(8, turns[3], HALF) + noise,)),
        Case("interleaved, with rounding errors", (_turned(8, turns[4], INTERLEAVED) + noise,)),
        Case("a box that mixes", (_tiled_with_neighbours(8, turns[5]),)),
        Case("a box that keeps the length of unit vectors", (_without_minus(6, turns[6]),), weight=2),
        Case("a box that makes everything longer", (1.25 * _turned(8, turns[7], INTERLEAVED),)),
    ]


def _columns(row: Floats) -> set[int]:
    return set(np.flatnonzero(np.abs(row) > 1e-6))


def _landing(outputs: Floats, columns: Callable[[Floats], set[int]] = _columns) -> str:
    first, second = columns(outputs[0]), columns(outputs[1])
    if first == {0, 1}:
        return INTERLEAVED
    return MOVED if first == second else HALF


def _gram(outputs: Floats) -> Floats:
    return outputs @ outputs.T


def _unit_lengths_only(outputs: Floats) -> str:
    return _landing(outputs) if np.allclose(np.diag(_gram(outputs)), 1) else NONE


def _right_angles_only(outputs: Floats) -> str:
    products = _gram(outputs)
    return _landing(outputs) if np.allclose(products, np.diag(np.diag(products))) else NONE


def _first_vector_only(outputs: Floats) -> str:
    found = pairing_of(outputs)
    return HALF if found == MOVED else found


def _if_rotation(columns: Callable[[Floats], set[int]]) -> Callable[[Floats], str]:
    return lambda outputs: NONE if pairing_of(outputs) == NONE else _landing(outputs, columns)


def _counter_clockwise_only(outputs: Floats) -> str:
    partner = np.flatnonzero(np.abs(outputs[0]) > 1e-6)[-1]
    return pairing_of(outputs) if outputs[0, partner] > 0 else NONE


def _renamed(names: dict[str, str]) -> Callable[[Floats], str]:
    return lambda outputs: names.get(pairing_of(outputs), pairing_of(outputs))


QUESTION = Question(
    name="pairing_of",
    title="Which pairing is in the box?",
    objective="tell the pairing of code that you cannot read from what it makes of unit vectors",
    difficulty="demanding",
    minutes=15,
    points=5,
    reference=pairing_of,
    cases=_cases,
    answered_by=(*ROOMS, "ropelib.pairing"),
    options=("half", "interleaved", "reads neighbours, writes halves", "not a rotation"),
    misconceptions=[
        Misconception(
            "one unit vector only",
            _first_vector_only,
            "The third way is reported as half. The first unit vector lands in columns 0 and d/2 with both: which "
            "second vector tells them apart?",
        ),
        Misconception(
            "third way taken for interleaved",
            _renamed({MOVED: INTERLEAVED}),
            "The third way does turn neighbours, but it writes them half a head apart. In which columns does the "
            "first unit vector land?",
        ),
        Misconception(
            "third way taken for no rotation",
            _renamed({MOVED: NONE}),
            "The third way is reported as no rotation. It keeps every length and every right angle, and its scores "
            "are those of the interleaved pairing. What does your test for a rotation ask?",
        ),
        Misconception(
            "names exchanged",
            _renamed({HALF: INTERLEAVED, INTERLEAVED: HALF}),
            "Half and interleaved are exchanged. Which of them turns features 0 and 1 with each other?",
        ),
        Misconception(
            "never no rotation",
            _landing,
            "A pairing is named for boxes that change lengths. What must hold for all rows before it makes sense to "
            "ask for a pairing?",
        ),
        Misconception(
            "lengths of unit vectors only",
            _unit_lengths_only,
            "One box keeps the length of each unit vector and is still no rotation: its minus is missing, and it maps "
            "two of them into nearly the same direction. What besides the lengths must a rotation keep?",
        ),
        Misconception(
            "right angles only",
            _right_angles_only,
            "One box makes every vector a quarter longer, and you call it a rotation. Right angles are kept: what is "
            "not?",
        ),
        Misconception(
            "exact zeros",
            _if_rotation(lambda row: set(np.flatnonzero(row))),
            "A number of the size 10⁻¹³ was counted as a place where something landed. From which size on do you "
            "want to count a number?",
        ),
        Misconception(
            "negative numbers overlooked",
            _if_rotation(lambda row: set(np.flatnonzero(row > 1e-6))),
            "Only positive numbers were counted as landed. A sine can be negative: what should be compared with the "
            "threshold?",
        ),
        Misconception(
            "clockwise taken for no rotation",
            _counter_clockwise_only,
            "A box that turns clockwise is reported as no rotation. It keeps all lengths and angles: which property "
            "should decide?",
        ),
    ],
    hints=[
        "Two questions, one after the other: is it a rotation at all, and where do the first two rows land?",
        "The rows of a rotation have length 1 and are at right angles to each other: outputs @ outputs.T is then the "
        "identity, up to rounding.",
        "set(np.flatnonzero(np.abs(row) > 1e-6)) says where a row landed. (0, 1) and (0, 1): interleaved. (0, d/2) "
        "and (1, 1 + d/2): half. (0, d/2) twice: the third way.",
    ],
    explanation="Two rows give the pairing, but all rows are needed to know that it is a rotation. A missing minus "
    "keeps the length of every unit vector: only the angle between two of them shows it.",
)
