"""Rotate a batch of pairs, in either direction."""

import numpy as np

from ropelib.checks.core import Misconception, Question
from ropelib.checks.inputs import generator, halves
from ropelib.checks.observe import Case
from ropelib.reference import Floats


def rotate_2d(points: Floats, positions: Floats, theta: float, clockwise: bool) -> Floats:
    angles = positions * (-theta if clockwise else theta)
    cos, sin = np.cos(angles), np.sin(angles)
    x, y = points[:, 0], points[:, 1]
    return np.stack([x * cos - y * sin, x * sin + y * cos], axis=1)


def _cases(seed: int) -> list[Case]:
    rng = generator(1, 1, seed)
    positions = rng.permutation(np.arange(2, 40))[:4]
    points, theta = halves(rng, 4, 2), rng.integers(5, 95) / 100
    one, two = np.array([[2.0, 1.0]]), np.array([1])
    return [
        Case("a quarter turn, counter-clockwise", (one, two, np.pi / 2, False)),
        Case("a quarter turn, clockwise", (one, two, np.pi / 2, True)),
        Case("position 0", (halves(rng, 2, 2), np.array([0, 0]), theta, False), weight=0),
        Case("points of whole numbers", (np.array([[3, 1], [-2, 5]]), np.array([0, 1]), 0.5, False), weight=0),
        Case("positions in any order", (points, positions, theta, False), weight=2),
        Case("positions in any order, clockwise", (points, positions, theta, True), weight=2),
    ]


def _without_minus(points: Floats, positions: Floats, theta: float, clockwise: bool) -> Floats:
    angles = positions * (-theta if clockwise else theta)
    x, y = points.T
    return np.stack([x * np.cos(angles) + y * np.sin(angles), x * np.sin(angles) + y * np.cos(angles)], axis=1)


def _one_after_the_other(points: Floats, positions: Floats, theta: float, clockwise: bool) -> Floats:
    angles = positions * (-theta if clockwise else theta)
    x, y = points.T
    x = x * np.cos(angles) - y * np.sin(angles)
    return np.stack([x, x * np.sin(angles) + y * np.cos(angles)], axis=1)


QUESTION = Question(
    name="rotate_2d",
    title="Turn many points, in either direction",
    objective="rotate a batch of pairs by their positions, in the direction that a model was trained with",
    difficulty="warm-up",
    minutes=10,
    points=6,
    reference=rotate_2d,
    cases=_cases,
    misconceptions=[
        Misconception(
            "direction reversed",
            lambda p, m, t, c: rotate_2d(p, m, t, not c),
            "Every point turns the other way: clockwise where it should be counter-clockwise, and the reverse. Is the "
            "minus in the right row? (With points as rows, points @ R turns by the negative angle; R @ point does "
            "not.)",
        ),
        Misconception(
            "always counter-clockwise",
            lambda p, m, t, c: rotate_2d(p, m, t, False),
            "This turns counter-clockwise whatever `clockwise` says. What does the other direction do to the angle?",
        ),
        Misconception(
            "always clockwise",
            lambda p, m, t, c: rotate_2d(p, m, t, True),
            "This turns clockwise whatever `clockwise` says. Where does (1, 0) go after a counter-clockwise quarter?",
        ),
        Misconception(
            "does not turn",
            lambda p, m, t, c: 1.0 * p,
            "The points come back as they went in. That is right at position 0 only.",
        ),
        Misconception(
            "rows counted instead of positions",
            lambda p, m, t, c: rotate_2d(p, np.arange(len(p)), t, c),
            "The rows are turned as if they stood at 0, 1, 2, … Where does your program use `positions`?",
        ),
        Misconception(
            "positions start at 1",
            lambda p, m, t, c: rotate_2d(p, m + 1, t, c),
            "Every point turns one step too far: position 0 must not turn at all. Who adds 1 to the positions?",
        ),
        Misconception(
            "one angle for all rows",
            lambda p, m, t, c: rotate_2d(p, np.full(len(p), m[0]), t, c),
            "All rows turn by the angle of the first. Which shape has your angle, and which shape do the cosines need?",
        ),
        Misconception(
            "degrees",
            lambda p, m, t, c: rotate_2d(p, m, np.deg2rad(t), c),
            "The angle was taken for degrees and converted. θ is in radians per position, as np.cos wants it.",
        ),
        Misconception(
            "minus missing",
            _without_minus,
            "Lengths change, so this is no rotation: both rows have a plus. Where does (0, 1) go after a quarter turn?",
        ),
        Misconception(
            "new x used for y",
            _one_after_the_other,
            "The second coordinate is computed from the first one after its turn. Keep the old x until both are done.",
        ),
        Misconception(
            "coordinates swapped",
            lambda p, m, t, c: rotate_2d(p, m, t, c)[:, ::-1].copy(),
            "The two coordinates come back in the wrong order. Which one belongs into column 0?",
        ),
        Misconception(
            "frequency divides",
            lambda p, m, t, c: rotate_2d(p, m, 1 / t, c),
            "The angle is position / θ here. θ is in radians per position: what do you multiply it with to get "
            "radians?",
        ),
    ],
    hints=[
        "The angle of row i is positions[i] · θ, with a minus in front where clockwise is true.",
        "Split the points into x = points[:, 0] and y = points[:, 1], each of shape (N,), as the angles are.",
        "x · cos − y · sin is the new x, x · sin + y · cos the new y; np.stack([…, …], axis=1) makes rows of them.",
    ],
    explanation="Clockwise is the same rotation by the negative angle. Some trained models are built that way.",
)
