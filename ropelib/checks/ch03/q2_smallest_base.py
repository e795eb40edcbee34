"""The smallest base with which the slowest pair does not come round within a text."""

import numpy as np

from ropelib.checks.core import Misconception, Question
from ropelib.checks.inputs import generator
from ropelib.checks.observe import Case


def smallest_base(head_dim: int, tokens: int) -> float:
    return (tokens / (2 * np.pi)) ** (head_dim / (head_dim - 2))


def _cases(seed: int) -> list[Case]:
    rng = generator(3, 2, seed)
    return [
        Case("two pairs", (4, 100)),
        Case("three pairs", (6, int(rng.integers(50, 500)))),
        Case("a head of Llama 2", (128, 4096)),
        Case("any head", (int(2 * rng.integers(8, 60)), int(rng.integers(1000, 100_000))), weight=2),
    ]


QUESTION = Question(
    name="smallest_base",
    title="The base for a given length",
    objective="turn the formula of the wavelengths round: from a length to a base",
    difficulty="moderate",
    minutes=10,
    points=3,
    reference=smallest_base,
    cases=_cases,
    misconceptions=[
        Misconception(
            "exponent reaches 1",
            lambda d, n: n / (2 * np.pi),
            "This would be right if the slowest pair had θ = 1/base. Its exponent is −(d − 2)/d: the last pair is "
            "number "
            "d/2 − 1.",
        ),
        Misconception(
            "exponent upside down",
            lambda d, n: (n / (2 * np.pi)) ** ((d - 2) / d),
            "Almost: solve λ = 2π · base^((d − 2)/d) for the base. Which power undoes a power?",
        ),
        Misconception(
            "2π forgotten",
            lambda d, n: float(n) ** (d / (d - 2)),
            "Here the slowest pair turns by one radian within the text. A whole turn is 2π of them.",
        ),
        Misconception(
            "2π on the wrong side",
            lambda d, n: (2 * np.pi * n) ** (d / (d - 2)),
            "The 2π multiplies where it should divide: wavelength = 2π · base^((d − 2)/d).",
        ),
        Misconception(
            "half a turn",
            lambda d, n: (n / np.pi) ** (d / (d - 2)),
            "Here the slowest pair makes half a turn within the text. It may make a whole one.",
        ),
        Misconception(
            "exponent d/2",
            lambda d, n: (n / (2 * np.pi)) ** (d / 2),
            "This is the base that makes pair *1* so slow. The slowest is the last pair.",
        ),
    ],
    hints=[
        "Write down the wavelength of the last pair, number d/2 − 1. Its exponent is 2(d/2 − 1)/d = (d − 2)/d.",
        "tokens = 2π · base^((d − 2)/d). Divide by 2π, then raise both sides to the power d/(d − 2).",
    ],
    explanation="A necessary condition for telling all positions apart by one pair, and no promise that a model "
    "reads them.",
)
