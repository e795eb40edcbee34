"""Attention of one query over two keys, for scores of any size."""

import numpy as np

from ropelib.checks.core import Misconception, Question
from ropelib.checks.inputs import generator
from ropelib.checks.observe import Case


def attend_once(q: float, k1: float, k2: float, v1: float, v2: float) -> float:
    scores = q * np.array([k1, k2])
    exponentials = np.exp(scores - scores.max())
    return exponentials @ np.array([v1, v2]) / exponentials.sum()


def _cases(seed: int) -> list[Case]:
    rng = generator(0, 1, seed)
    better, worse = (float(k) for k in (rng.integers(3, 6) / 2, rng.choice([-1.0, -0.5, 0.5])))
    # Values that are compared in the place of keys choose the other one: v1 is larger, and by more than the keys are.
    v1, v2 = float(rng.integers(14, 30)), float(rng.integers(2, 10))
    return [
        Case("the numbers of the chapter", (2.0, 1.0, 0.0, 10.0, 20.0)),
        Case("two equal keys", (3.0, better, better, v1, v2), weight=0),
        Case("the second key fits better", (0.5, worse, better, v1, v2), weight=2),
        Case("a negative query", (-1.5, worse, better, v2, v1), weight=2),
        Case("large scores", (1000.0, better, better + 0.001, v1, v2)),
        Case("large scores, far apart", (1000.0, worse, better, v1, v2)),
        Case("large negative scores", (-1000.0, better, better + 0.001, v1, v2)),
    ]


def _overflowing(q: float, k1: float, k2: float, v1: float, v2: float) -> float:
    with np.errstate(all="ignore"):
        exponentials = np.exp(q * np.array([k1, k2]))
        return exponentials @ np.array([v1, v2]) / exponentials.sum()


def _smallest_subtracted(q: float, k1: float, k2: float, v1: float, v2: float) -> float:
    scores = q * np.array([k1, k2])
    with np.errstate(all="ignore"):
        exponentials = np.exp(scores - scores.min())
        return exponentials @ np.array([v1, v2]) / exponentials.sum()


def _not_normalised(q: float, k1: float, k2: float, v1: float, v2: float) -> float:
    with np.errstate(all="ignore"):
        return np.exp(q * np.array([k1, k2])) @ np.array([v1, v2])


def _divided_by_scores(q: float, k1: float, k2: float, v1: float, v2: float) -> float:
    return _not_normalised(q, k1, k2, v1, v2) / (q * k1 + q * k2)


QUESTION = Question(
    name="attend_once",
    title="Attention in one function",
    objective="compute attention from scores to output, also where np.exp of a score is too large for a number",
    difficulty="warm-up",
    minutes=8,
    points=4,
    reference=attend_once,
    cases=_cases,
    misconceptions=[
        Misconception(
            "softmax overflows",
            _overflowing,
            "Right, until the scores are large: np.exp(1000) is infinite and np.exp(−1000) is 0, and neither can be "
            "divided by itself. What can you subtract from both scores without changing a weight?",
        ),
        Misconception(
            "smallest score subtracted",
            _smallest_subtracted,
            "Right, until the scores lie far apart: without the smaller one, the larger can still be 1000, and "
            "np.exp(1000) is infinite. Which of the two must be subtracted so that nothing above 0 is left?",
        ),
        Misconception(
            "winner takes all",
            lambda q, k1, k2, v1, v2: v1 if q * k1 >= q * k2 else v2,
            "This returns the value of the better key and nothing of the other. Softmax never gives a key everything: "
            "how large is its weight here?",
        ),
        Misconception(
            "plain average",
            lambda q, k1, k2, v1, v2: (v1 + v2) / 2,
            "Both values get one half, whatever the keys are. Where do the scores enter the weights?",
        ),
        Misconception(
            "weights exchanged",
            lambda q, k1, k2, v1, v2: attend_once(q, k1, k2, v2, v1),
            "The better key gets the smaller weight. Is there a minus in the exponent, or does a weight meet the "
            "value of the other key?",
        ),
        Misconception(
            "weights do not sum to 1",
            _not_normalised,
            "The exponentials are used as they are, so the output can lie outside the two values. What do you divide "
            "them by, so that they sum to 1?",
        ),
        Misconception(
            "divided by the sum of the scores",
            _divided_by_scores,
            "The exponentials are divided by the sum of the scores. Weights must sum to 1: whose sum do you need?",
        ),
        Misconception(
            "no exponential",
            lambda q, k1, k2, v1, v2: (k1 * v1 + k2 * v2) / (k1 + k2),
            "The scores themselves, divided by their sum, are the weights here. They can be negative, or divide by 0. "
            "Which function makes every number positive first?",
        ),
        Misconception(
            "query left out",
            lambda q, k1, k2, v1, v2: attend_once(1.0, k1, k2, v1, v2),
            "The keys themselves serve as scores. What does the query do to them?",
        ),
        Misconception(
            "query compared with the values",
            lambda q, k1, k2, v1, v2: attend_once(q, v1, v2, v1, v2),
            "The scores are products of the query and the values. Values are what is mixed: what is compared?",
        ),
    ],
    hints=[
        "Three steps: the two scores q·k1 and q·k2, their softmax, and the mixture of v1 and v2.",
        "Softmax: np.exp of every score, divided by the sum of these exponentials.",
        "np.exp(scores - scores.max()) is never larger than 1. Both exponentials shrink by the same factor, which the "
        "division removes.",
    ],
    explanation="Only differences of scores count in a softmax. That is why attention kernels can subtract the "
    "largest score.",
)
