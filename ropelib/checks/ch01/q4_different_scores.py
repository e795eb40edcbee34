"""Predict how many different numbers a table of scores holds."""

import numpy as np

from ropelib.checks.core import Misconception, Question
from ropelib.checks.observe import Case


def different_scores() -> int:
    angles = np.arange(8) * np.pi / 6
    scores = np.cos(angles[:, None] - angles)
    return len(np.unique(scores.round(9)))


QUESTION = Question(
    name="different_scores",
    title="How many different scores?",
    objective="predict what a table of scores can hold from symmetry and wavelength, before computing it",
    difficulty="moderate",
    minutes=5,
    points=2,
    reference=different_scores,
    cases=lambda seed: [Case("the number", calls=False)],
    misconceptions=[
        Misconception("every entry counted", 64, "64 is the whole table. Which entries have the same offset n − m?"),
        Misconception(
            "signed offsets, no symmetry",
            15,
            "15 offsets, from −7 to 7, would be right for most queries and keys. What is special where k equals q?",
        ),
        Misconception(
            "the hand never comes round",
            8,
            "8 distances, from 0 to 7, take the symmetry of q = k into account. Now let the hand go round: how many "
            "tokens make a whole turn here, and which two distances look alike because of that?",
        ),
        Misconception(
            "a turn of twelve, no symmetry",
            12,
            "A whole turn takes 12 tokens, so there are 12 offsets that can be told apart. What more does q = k do?",
        ),
        Misconception(
            "unordered pairs counted",
            36,
            "36 counts the entries on one side of the diagonal and on it. Entries along a diagonal are equal, too.",
        ),
        Misconception(
            "distance 0 forgotten",
            6,
            "6 leaves one out. Does the diagonal itself, where the distance is 0, have a number of its own?",
        ),
    ],
    hints=[
        "With q = k the score is |q|² cos(Δθ). Which values of Δ occur?",
        "cos(Δ · 30°) for Δ = 0 … 7. Write the eight angles down. Which two have the same cosine?",
    ],
    explanation="Distances 5 and 7 look alike: 150° and 210° have one cosine. So 0, 1, 2, 3, 4, 5 = 7, and 6.",
)
