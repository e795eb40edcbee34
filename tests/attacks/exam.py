"""A small assignment for testing the grader: a function, another one with closed rooms of its own, and a value."""

import numpy as np

from ropelib.checks.core import Misconception, Question
from ropelib.checks.observe import Case
from ropelib.reference import rotate

NAME = "90_exam"
PRELOAD = ("numpy",)


def turn(x, angle):
    a, b = x[..., 0], x[..., 1]
    return np.stack([a * np.cos(angle) - b * np.sin(angle), a * np.sin(angle) + b * np.cos(angle)], axis=-1)


def _turn_cases(seed):
    rng = np.random.default_rng(seed)
    return [Case(f"{rows} rows", (rng.normal(size=(rows, 2)), float(rng.uniform(0.3, 2.5)))) for rows in (1, 3, 5)]


def rotate_half(x, cos, sin):
    return rotate(x, cos, sin)


def _half_cases(seed):
    angles = np.random.default_rng(seed).uniform(0.3, 2.5, size=(2, 3, 2))
    x = np.random.default_rng(seed + 1).normal(size=(2, 3, 4))
    return [Case("a head", (x[i], np.cos(angles[i]), np.sin(angles[i]))) for i in range(2)]


def _question(name, points, reference, cases, **more):
    facts = {"objective": "test the grader", "difficulty": "warm-up", "minutes": 1, "hints": ["None."]}
    return Question(name, name, points=points, reference=reference, cases=cases, **facts, **more)


def _clockwise(x, angle):
    return turn(x, -angle)


def _interleaved(x, cos, sin):
    return rotate(x, cos, sin, pairing="interleaved")


QUESTIONS = [
    _question(
        "turn",
        3,
        turn,
        _turn_cases,
        misconceptions=[
            Misconception("turned clockwise", _clockwise, "This turns clockwise. Which sine has the minus?")
        ],
    ),
    _question(
        "rotate_half",
        2,
        rotate_half,
        _half_cases,
        misconceptions=[
            Misconception("mixed the two pairings", _interleaved, "These are neighbours. Which are halves?")
        ],
    ),
    _question(
        "period",
        1,
        lambda: 8.0,
        lambda seed: [Case("the number", calls=False)],
        misconceptions=[Misconception("half a turn", 4.0, "After 4 the hand points the other way.")],
    ),
]
