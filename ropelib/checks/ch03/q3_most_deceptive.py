"""The distance that looks most like no distance, for pairs of unequal strength."""

import numpy as np

from ropelib.checks.core import Misconception, Question
from ropelib.checks.inputs import fair, generator
from ropelib.checks.observe import Case
from ropelib.reference import Floats, inverse_frequencies


def most_deceptive(strengths: Floats, inv_freq: Floats, nearest: int, farthest: int) -> int:
    distances = np.arange(nearest, farthest + 1)
    scores = np.cos(distances[:, None] * inv_freq) @ strengths
    return distances[scores.argmax()]


def _cases(seed: int) -> list[Case]:
    rng = generator(3, 3, seed)

    def unequal() -> Case:
        sizes = rng.integers(1, 9, 8) / 4, inverse_frequencies(16, 100.0), 5, int(rng.integers(60, 200))
        return Case("pairs of unequal strength", sizes, weight=2)

    def farther() -> Case:
        return Case("the same, farther", (np.ones(1), np.array([0.5]), 10, int(rng.integers(60, 200))))

    noticed = [_strengths_ignored, _strengths_squared, _largest_size]
    # In the last case equal strengths, the given ones and their squares choose three different distances.
    return [
        Case("one pair, up to 44", (np.ones(1), np.ones(1), 2, 44)),
        Case("one pair, up to 43", (np.ones(1), np.ones(1), 2, 43)),
        Case("one pair, from 10 on", (np.ones(1), np.array([0.5]), 10, 16)),
        fair(farther, most_deceptive, [_largest_size], [_last_left_out, _one_too_many]),
        *(fair(unequal, most_deceptive, noticed, [_last_left_out, _one_too_many]) for _ in range(3)),
        Case("one pair, very far", (np.ones(1), np.array([0.7]), 1_000_000, 1_000_300)),
        Case("fast and strong, slow and weak", (np.array([4.0, 1.0]), np.array([1.0, 0.02]), 3, 300), weight=2),
    ]


def _chosen(scores: Floats, nearest: int) -> int:
    return nearest + scores.argmax()


def _scores(strengths: Floats, inv_freq: Floats, nearest: int, farthest: int) -> Floats:
    return np.cos(np.arange(nearest, farthest + 1)[:, None] * inv_freq) @ strengths


def _last_left_out(strengths: Floats, inv_freq: Floats, nearest: int, farthest: int) -> int:
    return most_deceptive(strengths, inv_freq, nearest, farthest - 1)


def _one_too_many(strengths: Floats, inv_freq: Floats, nearest: int, farthest: int) -> int:
    return most_deceptive(strengths, inv_freq, nearest, farthest + 1)


def _strengths_ignored(strengths: Floats, inv_freq: Floats, nearest: int, farthest: int) -> int:
    return most_deceptive(np.ones(len(strengths)), inv_freq, nearest, farthest)


def _strengths_squared(strengths: Floats, inv_freq: Floats, nearest: int, farthest: int) -> int:
    return most_deceptive(strengths**2, inv_freq, nearest, farthest)


def _largest_size(strengths: Floats, inv_freq: Floats, nearest: int, farthest: int) -> int:
    return _chosen(np.abs(_scores(strengths, inv_freq, nearest, farthest)), nearest)


QUESTION = Question(
    name="most_deceptive",
    title="The most deceptive distance",
    objective="find where a head is fooled when its pairs are not equally strong, as in every trained model",
    difficulty="moderate",
    minutes=10,
    points=4,
    reference=most_deceptive,
    cases=_cases,
    misconceptions=[
        Misconception(
            "index instead of distance",
            lambda a, f, near, far: most_deceptive(a, f, near, far) - near,
            "argmax gives a place in the array. Which distance stands at that place?",
        ),
        Misconception(
            "last distance left out",
            _last_left_out,
            "The farthest distance is never looked at: np.arange stops before its end.",
        ),
        Misconception(
            "one distance too many",
            _one_too_many,
            "This looks one distance beyond `farthest`.",
        ),
        Misconception(
            "strengths ignored",
            _strengths_ignored,
            "All pairs count alike here. A strong pair should count more: where do the strengths enter?",
        ),
        Misconception(
            "from distance 0",
            lambda a, f, near, far: most_deceptive(a, f, 0, far),
            "Of course distance 0 looks most like distance 0. Begin at `nearest`.",
        ),
        Misconception(
            "from distance 1",
            lambda a, f, near, far: most_deceptive(a, f, 1, far),
            "This looks at nearer distances than `nearest`, and the neighbour wins.",
        ),
        Misconception(
            "largest size, whatever the sign",
            _largest_size,
            "A score that is strongly negative does not look like distance 0. Leave out the absolute value.",
        ),
        Misconception(
            "least deceptive",
            lambda a, f, near, far: _chosen(-_scores(a, f, near, far), near),
            "This is the distance with the lowest score.",
        ),
        Misconception(
            "sine for cosine",
            lambda a, f, near, far: _chosen(np.sin(np.arange(near, far + 1)[:, None] * f) @ a, near),
            "At distance 0 a sine is 0, and the score is at its best. Which function is 1 there?",
        ),
        Misconception(
            "strengths squared",
            _strengths_squared,
            "The strengths are counted twice, as squares. They are already the products of query and key.",
        ),
        Misconception(
            "score instead of distance",
            lambda a, f, near, far: _scores(a, f, near, far).max(),
            "This is how large the score becomes. At which distance does it become that? np.max tells a size: what "
            "tells a place?",
        ),
    ],
    hints=[
        "A table with a row for each distance and a column for each pair holds the cosines; weigh its columns.",
        "np.cos(distances[:, None] * inv_freq) @ strengths are the scores. Mind both ends of the distances.",
    ],
    explanation="Two strong fast pairs can fool a head that 64 equal pairs protect. What protects is not their "
    "number but "
    "that several frequencies carry weight.",
)
