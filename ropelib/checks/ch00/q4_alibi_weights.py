"""Causal attention weights with a bias that grows with the distance."""

import numpy as np

from ropelib.checks.core import Misconception, Question
from ropelib.checks.inputs import generator, halves
from ropelib.checks.observe import Case
from ropelib.reference import Floats


def alibi_weights(scores: Floats, slope: float) -> Floats:
    token = np.arange(len(scores))
    steps_back = token[:, None] - token
    biased = np.where(steps_back < 0, -np.inf, scores - slope * steps_back)
    exponentials = np.exp(biased - biased.max(axis=1, keepdims=True))
    return exponentials / exponentials.sum(axis=1, keepdims=True)


def _cases(seed: int) -> list[Case]:
    rng = generator(0, 4, seed)
    slope = float(rng.choice([0.125, 0.25, 0.75]))
    return [
        Case("equal scores, and each step back halves", (np.zeros((3, 3)), float(np.log(2)))),
        Case("one token", (halves(rng, 1, 1), slope), weight=0),
        Case("four tokens", (halves(rng, 4, 4), slope), weight=2),
        Case("six tokens, a steep slope", (halves(rng, 6, 6), 1.5), weight=2),
        Case("large scores", (halves(rng, 3, 3) + 1000, slope)),
    ]


def _steps_back(scores: Floats) -> Floats:
    return np.subtract.outer(np.arange(len(scores)), np.arange(len(scores)))


def _softmax(biased: Floats, axis: int = 1) -> Floats:
    exponentials = np.exp(biased - biased.max(axis=axis, keepdims=True))
    return exponentials / exponentials.sum(axis=axis, keepdims=True)


def _biased(scores: Floats, slope: float) -> Floats:
    return scores - slope * np.abs(_steps_back(scores))


def _hidden(scores: Floats, slope: float, instead: float = -np.inf) -> Floats:
    return np.where(_steps_back(scores) < 0, instead, _biased(scores, slope))


def _past_hidden(scores: Floats, slope: float) -> Floats:
    return _softmax(np.where(_steps_back(scores) > 0, -np.inf, _biased(scores, slope)))


def _itself_hidden(scores: Floats, slope: float) -> Floats:
    with np.errstate(invalid="ignore"):
        return _softmax(np.where(_steps_back(scores) <= 0, -np.inf, _biased(scores, slope)))


def _overflowing(scores: Floats, slope: float) -> Floats:
    with np.errstate(over="ignore", invalid="ignore"):
        exponentials = np.exp(_hidden(scores, slope))
        return exponentials / exponentials.sum(axis=1, keepdims=True)


QUESTION = Question(
    name="alibi_weights",
    title="A bias, and no view of the future",
    objective="bias scores by the distance, hide later tokens, and know in which order that and softmax happen",
    difficulty="moderate",
    minutes=12,
    points=5,
    reference=alibi_weights,
    cases=_cases,
    misconceptions=[
        Misconception(
            "future not hidden",
            lambda s, a: _softmax(_biased(s, a)),
            "Every token sees the ones after it. Row m may give weight to columns 0 to m only: what must be in the "
            "others before softmax, so that 0 comes out?",
        ),
        Misconception(
            "future rewarded",
            lambda s, a: _softmax(s - a * _steps_back(s)),
            "The future is not hidden, and it even gets a bonus: there m − n is negative, and minus a negative number "
            "adds. Which columns of row m should count at all?",
        ),
        Misconception(
            "past hidden",
            _past_hidden,
            "The mask is upside down: tokens see what comes after them and not what came before. On which side of the "
            "diagonal is the future, when the row is the query?",
        ),
        Misconception(
            "token cannot see itself",
            _itself_hidden,
            "The diagonal is hidden too, so the first token sees nothing and its weights are NaN. A token may see "
            "itself.",
        ),
        Misconception(
            "bias adds",
            lambda s, a: alibi_weights(s, -a),
            "Keys gain weight the farther back they are. What is the sign of the bias, if distance is to cost?",
        ),
        Misconception(
            "no bias",
            lambda s, a: alibi_weights(s, 0.0),
            "The future is hidden, but the distance costs nothing. Where does your program use `slope`?",
        ),
        Misconception(
            "slope taken for 1",
            lambda s, a: alibi_weights(s, 1.0),
            "The distance is subtracted as it is, whatever the slope. What does one step cost?",
        ),
        Misconception(
            "hidden scores are 0",
            lambda s, a: _softmax(_hidden(s, a, 0.0)),
            "The future has the score 0, and softmax gives a score of 0 a weight like any other: e⁰ is 1. Which score "
            "has the exponential 0?",
        ),
        Misconception(
            "hidden after softmax",
            lambda s, a: np.tril(_softmax(_biased(s, a))),
            "The future was in the softmax and was set to 0 afterwards, so rows do not sum to 1. Which comes first, "
            "hiding or softmax?",
        ),
        Misconception(
            "softmax over columns",
            lambda s, a: _softmax(_hidden(s, a), axis=0),
            "Here the columns sum to 1. A row belongs to one query, which shares out its attention: which axis is "
            "summed over?",
        ),
        Misconception(
            "no softmax",
            _hidden,
            "These are the biased scores with their future hidden. Weights are positive and sum to 1 in each row.",
        ),
        Misconception(
            "softmax overflows",
            _overflowing,
            "Right, until scores are large: np.exp(1000) is infinite, and infinity by infinity is NaN. What did you "
            "subtract in the first exercise?",
        ),
    ],
    hints=[
        "Make the table m − n first: np.arange(N)[:, None] - np.arange(N). It is positive where the key is in the "
        "past.",
        "Subtract slope · (m − n) from the scores. Then np.where(m − n < 0, -np.inf, …) hides the future.",
        "Softmax each row last, with axis=1 and keepdims=True, and subtract the largest of the row before np.exp.",
    ],
    explanation="This is how ALiBi works in a causal model. As softmax ignores what a whole row shares, adding "
    "slope · n to column n would give the same weights.",
)
