"""How far each head of an ALiBi model sees."""

import numpy as np

from ropelib.checks.core import ROOMS, Misconception, Question
from ropelib.checks.inputs import generator
from ropelib.checks.observe import Case
from ropelib.reference import Floats


def windows(heads: int, share: float) -> Floats:
    slopes = 2.0 ** (-8 * np.arange(1, heads + 1) / heads)
    return np.ceil(-np.log(1 - share) / slopes).astype(int)


def _cases(seed: int) -> list[Case]:
    rng = generator(4, 4, seed)
    first, second = rng.choice([0.6, 0.7, 0.8, 0.85], 2, replace=False)
    return [
        Case("one head", (1, 0.5)),
        Case("four heads, as in the chapter", (4, 0.9)),
        Case("two heads", (2, float(first)), weight=2),
        Case("many heads", (int(rng.choice([12, 16, 24, 32])), float(second)), weight=2),
        Case("nearly everything", (8, 0.99)),
    ]


def _slopes(heads: int) -> Floats:
    return 2.0 ** (-8 * np.arange(1, heads + 1) / heads)


QUESTION = Question(
    name="windows",
    title="The window of a slope",
    objective="turn a slope into the number of tokens that a head can see, and compare heads",
    difficulty="moderate",
    minutes=10,
    points=3,
    reference=windows,
    cases=_cases,
    sequence=True,
    answered_by=(*ROOMS, "ropelib.tiny_model", "ropelib.tiny_training"),
    misconceptions=[
        Misconception(
            "slopes from the wrong end",
            lambda h, s: windows(h, s)[::-1].copy() if h > 1 else np.ceil(-np.log(1 - s) * _slopes(h)).astype(int),
            "The heads are in the wrong order, or the slope has become its inverse. Which head has the steepest "
            "slope, and does it see far?",
        ),
        Misconception(
            "first slope is 1",
            lambda h, s: np.ceil(-np.log(1 - s) / 2.0 ** (-8 * np.arange(h) / h)).astype(int),
            "The first head was given the slope 1. Heads are counted from 1 in 2^(−8·head/heads).",
        ),
        Misconception(
            "slopes of eight heads",
            lambda h, s: np.ceil(-np.log(1 - s) * 2.0 ** np.arange(1, h + 1)).astype(int),
            "Every head halves the slope of the one before. So it is with 8 heads; with others the exponent is "
            "−8·head/heads.",
        ),
        Misconception(
            "rounded down",
            lambda h, s: windows(h, s) - 1,
            "This window holds a little less than the share, or leaves out the token itself. How many tokens does it "
            "take to hold *at least* the share?",
        ),
        Misconception(
            "the share left over",
            lambda h, s: np.ceil(-np.log(s) / _slopes(h)).astype(int),
            "These windows leave the share *outside*. What is left outside should be 1 − share.",
        ),
        Misconception(
            "logarithm to base 2",
            lambda h, s: np.ceil(-np.log2(1 - s) / _slopes(h)).astype(int),
            "This logarithm belongs to powers of 2. Softmax makes powers of e.",
        ),
        Misconception(
            "a slope of weights",
            lambda h, s: np.ceil(s / _slopes(h)).astype(int),
            "This lets the *weight* fall along a line. The bias does, the weight does not: what does softmax make of "
            "a line?",
        ),
        Misconception(
            "share counted twice",
            lambda h, s: np.ceil(-np.log((1 - s) * (1 - np.exp(-_slopes(h)))) / _slopes(h)).astype(int),
            "The single weights, which sum to 1 only after they have been divided by their sum, were compared with "
            "1 − share. What is the sum of all weights beyond the window?",
        ),
        Misconception(
            "not rounded",
            lambda h, s: -np.log(1 - s) / _slopes(h),
            "Right, but a number of tokens is a whole number. Which way must it be rounded?",
        ),
    ],
    hints=[
        "With equal scores the weights at distances 0, 1, 2, … are r⁰, r¹, r², … times a constant; r = e^(−slope).",
        "The first W of them hold 1 − r^W of the whole. When is that at least the share?",
        "W ≥ −ln(1 − share)/slope. np.ceil rounds up.",
    ],
    explanation="What lies beyond W tokens weighs as much, of the whole, as one token W steps back weighs against the "
    "nearest one. The windows of an ALiBi model differ by a factor of 2^(8 − 8/heads) from the first head to the last: "
    "128 with eight heads.",
)
