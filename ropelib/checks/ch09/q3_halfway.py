"""Where the two ramps of YaRN are half done."""

import numpy as np

from ropelib.checks.core import ROOMS, Misconception, Question
from ropelib.checks.inputs import generator
from ropelib.checks.observe import Case
from ropelib.reference import Floats


def halfway(trained: int, slow: float, fast: float) -> Floats:
    paper = trained / ((slow + fast) / 2)
    code = trained / np.sqrt(slow * fast)
    return np.array([paper, code])


def _cases(seed: int) -> list[Case]:
    rng = generator(9, 3, seed)
    return [
        Case("easy numbers", (1200, 2.0, 8.0)),
        Case("SmolLM2 with the usual bounds", (8192, 1.0, 32.0)),
        Case("Llama 3's bounds", (8192, 1.0, 4.0)),
        Case("any", (int(rng.integers(2000, 9000)), float(rng.integers(1, 4)), float(rng.integers(20, 50))), weight=2),
    ]


QUESTION = Question(
    name="halfway",
    title="Half done",
    objective="say at which wavelength the paper's ramp and the code's ramp have done half of their work",
    difficulty="moderate",
    minutes=15,
    points=4,
    reference=halfway,
    cases=_cases,
    sequence=True,
    misconceptions=[
        Misconception(
            "paper and code exchanged",
            lambda *case: halfway(*case)[::-1],
            "The two are exchanged. The code divides less in the middle: is its ramp half done at the shorter or at "
            "the longer wavelength?",
        ),
        Misconception(
            "both straight in turns",
            lambda n, slow, fast: halfway(n, slow, fast)[[0, 0]],
            "The first is right. The second ramp is straight in the index of the pair, and turns are no straight line "
            "in the index: what are they?",
        ),
        Misconception(
            "both straight in the index",
            lambda n, slow, fast: halfway(n, slow, fast)[[1, 1]],
            "The second is right. The paper's ramp is straight in the turns themselves: which number lies halfway from "
            "`slow` to `fast`?",
        ),
        Misconception(
            "turns returned",
            lambda n, slow, fast: np.array([(slow + fast) / 2, np.sqrt(slow * fast)]),
            "These are turns. How long is a wave that goes round so many times within the trained length?",
        ),
        Misconception(
            "middle of the wavelengths",
            lambda n, slow, fast: np.array([(n / slow + n / fast) / 2, n / np.sqrt(slow * fast)]),
            "The second is right. For the first you went halfway between the two wavelengths; the paper's ramp is "
            "straight in the turns. Go halfway first, and turn that into a wavelength then.",
        ),
        Misconception(
            "middle of the wavelengths for the code",
            lambda n, slow, fast: np.array([2 * n / (slow + fast), (n / slow + n / fast) / 2]),
            "The first is right. The code goes halfway between two *indices*. From one pair to the next the wavelength "
            "grows by the same factor, not by the same number of tokens.",
        ),
        Misconception(
            "square root forgotten",
            lambda n, slow, fast: np.array([2 * n / (slow + fast), n / (slow * fast)]),
            "The first is right, and the product of the bounds is on the right track. Halfway in the index means equal "
            "factors on both sides: slow · x · x = fast. What is slow · x?",
        ),
        Misconception(
            "sum not halved",
            lambda n, slow, fast: np.array([n / (slow + fast), n / np.sqrt(slow * fast)]),
            "The second is right. The first takes the sum of the bounds: which number lies halfway between them?",
        ),
        Misconception(
            "half of the distance alone",
            lambda n, slow, fast: np.array([2 * n / (fast - slow), n / np.sqrt(slow * fast)]),
            "The second is right. For the first you took half of the way from `slow` to `fast`. From where does that "
            "way begin?",
        ),
        Misconception(
            "radians for turns",
            lambda *case: halfway(*case) / (2 * np.pi),
            "These are wavelengths divided by 2π. The bounds count turns, and a wavelength is the length of one turn: "
            "where does a 2π come in?",
        ),
    ],
    hints=[
        "A pair that turns r times within the trained length has the wavelength trained / r.",
        "The paper's ramp is straight in r, so it is half done where r lies halfway between the bounds.",
        "The index of a pair grows with the logarithm of its wavelength. Halfway between two logarithms lies the "
        "logarithm of the geometric mean.",
    ],
    answered_by=(*ROOMS, "ropelib.scaling", "ropelib.rules"),
    explanation="With the bounds 1 and 32 the paper is half done at 16.5 turns and the code at 5.66. Neither head_dim "
    "nor base plays a part, as long as the ends of the ramp are not rounded to whole pairs.",
)
