"""What YaRN's temperature does to scores, in one place, in two, and backwards."""

import numpy as np

from ropelib.checks.core import Misconception, Question
from ropelib.checks.observe import Case


def temperature() -> dict[str, float]:
    tables = 0.1 * np.log(32) + 1
    return {
        "tables": tables,
        "scores": tables**2,
        "deepseek": (0.1 * np.log(40) + 1) ** 2,
        "twice": tables**4,
        "doubled_at": np.exp((np.sqrt(2) - 1) / 0.1),
    }


def _with(tables: float) -> dict[str, float]:
    return {"tables": tables, "scores": tables**2, "twice": tables**4}


QUESTION = Question(
    name="temperature",
    title="Twice as sharp",
    objective="follow YaRN's factor from the tables to the scores, and notice when it is applied twice",
    difficulty="warm-up",
    minutes=10,
    points=3,
    reference=temperature,
    cases=lambda seed: [Case(name, calls=False, entry=name) for name in temperature()],
    misconceptions=[
        Misconception(
            "common logarithm",
            lambda: {**_with(0.1 * np.log10(32) + 1), "deepseek": (0.1 * np.log10(40) + 1) ** 2},
            "That takes the logarithm to base 10. What does ln stand for?",
        ),
        Misconception(
            "logarithm to base 2",
            lambda: {**_with(0.1 * np.log2(32) + 1), "deepseek": (0.1 * np.log2(40) + 1) ** 2},
            "That takes the logarithm to base 2. What does ln stand for?",
        ),
        Misconception(
            "1 forgotten",
            lambda: {**_with(0.1 * np.log(32)), "deepseek": (0.1 * np.log(40)) ** 2},
            "With factor 1 nothing is stretched, and your cos and sin would be multiplied by 0. What is missing?",
        ),
        Misconception(
            "lengths instead of the factor",
            lambda: {**_with(0.1 * np.log(131_072) + 1), "deepseek": (0.1 * np.log(163_840) + 1) ** 2},
            "That puts the extended length into the logarithm. Which number does the rule take?",
        ),
        Misconception(
            "square forgotten",
            lambda: {"scores": 0.1 * np.log(32) + 1, "deepseek": 0.1 * np.log(40) + 1},
            "That is the factor of one vector. A score is a product of two of them: which ones are rotated?",
        ),
        Misconception(
            "divided",
            lambda: {"scores": (0.1 * np.log(32) + 1) ** -2, "deepseek": (0.1 * np.log(40) + 1) ** -2},
            "That makes scores smaller, and attention flatter. It was to become sharper: in which direction?",
        ),
        Misconception(
            "twice is doubled",
            lambda: {"twice": 2 * (0.1 * np.log(32) + 1) ** 2},
            "Twice the factor of the scores. Both places multiply: what becomes of a product that is multiplied by the "
            "same number a second time?",
        ),
        Misconception(
            "cubed",
            lambda: {"twice": (0.1 * np.log(32) + 1) ** 3},
            "You let the tables count once. They serve queries and keys, and the scores are multiplied on top of that.",
        ),
        Misconception(
            "tables doubled",
            lambda: {"doubled_at": np.exp(10)},
            "There cos and sin are doubled, and the scores are four times as large. How large are cos and sin when the "
            "scores have doubled?",
        ),
        Misconception(
            "logarithm undone with base 10",
            lambda: {"doubled_at": 10 ** ((np.sqrt(2) - 1) / 0.1)},
            "You undid the logarithm with a power of 10. Of which number is ln the logarithm?",
        ),
        Misconception(
            "logarithm undone to base 2",
            lambda: {"doubled_at": 2 ** ((np.sqrt(2) - 1) / 0.1)},
            "You undid the logarithm with a power of 2. Of which number is ln the logarithm?",
        ),
        Misconception(
            "1 not subtracted",
            lambda: {"doubled_at": np.exp(np.sqrt(2) / 0.1)},
            "Almost: cos and sin have to grow to √2. Which part of that is there without any stretching?",
        ),
        Misconception(
            "square taken for a half",
            lambda: {"doubled_at": np.exp(0.5 / 0.1)},
            "There cos and sin grow to 1.5. What is 1.5 squared, and what should it be?",
        ),
    ],
    hints=[
        "cos and sin are multiplied by 0.1 · ln(factor) + 1, and ln is the natural logarithm.",
        "Query and key are rotated with the same tables, so a score gets that number twice, as a square.",
        "For the last one: the tables need √2. Solve 0.1 · ln(factor) + 1 = √2 for the factor.",
    ],
    tolerance=1e-3,
    explanation="Up to a stretch of 60 or so, YaRN does not even double a score. Applied twice, as happens when the "
    "tables and the softmax both do it, a stretch of 32 more than triples it, and nothing looks wrong in the code.",
)
