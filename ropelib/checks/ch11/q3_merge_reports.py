"""Join what many devices report about the same queries: largest score, sum, and weighted values."""

import numpy as np

from ropelib.checks.core import Misconception, Question
from ropelib.checks.inputs import generator
from ropelib.checks.observe import Case
from ropelib.reference import Floats


def merge_reports(largest: Floats, sums: Floats, values: Floats) -> Floats:
    weights = np.exp(largest - largest.max(axis=0))
    numerator = (weights[..., None] * values).sum(axis=0)
    return numerator / (weights * sums).sum(axis=0)[:, None]


def _reports(rng: np.random.Generator, keys: list[int], queries: int, level: float = 0.0) -> tuple[Floats, ...]:
    """What devices with so many keys report; a device without keys reports −inf, 0 and zeros."""
    largest, sums, values = [], [], []
    for device, count in enumerate(keys):
        # The largest scores differ by more than one, so that nobody may forget them.
        scores = rng.uniform(-1, 1, (queries, count)) + level + 1.5 * (-1) ** device + 0.2 * device
        top = scores.max(axis=1, initial=-np.inf)
        powers = np.exp(scores - top[:, None])
        largest.append(top)
        sums.append(powers.sum(axis=1))
        values.append(powers @ rng.uniform(0.5, 3.0, (count, 3)))
    return np.array(largest), np.array(sums), np.array(values)


def _far_apart(rng: np.random.Generator) -> tuple[Floats, ...]:
    """Two devices with one key each, and two queries whose scores lie far apart."""
    # The second device counts for nothing with the first query, so that no order of adding changes its last digit.
    values = rng.uniform(0.5, 3.0, (2, 1, 1)).round(1) * np.ones((2, 2, 1))
    return np.array([[900.0, -900.0], [100.0, -901.0]]), np.ones((2, 2)), values


def _cases(seed: int) -> list[Case]:
    rng = generator(11, 3, seed)
    one = (np.array([[0.0], [2.0]]), np.array([[1.0], [1.0]]), np.array([[[1.0]], [[3.0]]]))
    return [
        Case("two devices with one key each", one),
        Case("three devices, two queries", _reports(rng, [3, 2, 4], 2), weight=2),
        Case("one device has seen nothing", _reports(rng, [2, 0, 4, 3], 5), weight=2),
        Case("scores about 900", _reports(rng, [4, 2, 3], 4, level=900.0)),
        Case("one query about 900, one about −900", _far_apart(rng), weight=2),
    ]


def _means(sums: Floats, values: Floats) -> Floats:
    """The output of every device alone; 0 where it has seen nothing."""
    return values / np.where(sums > 0, sums, 1.0)[..., None]


def _weights(largest: Floats) -> Floats:
    return np.exp(largest - largest.max(axis=0))


def _one_largest(largest: Floats, sums: Floats, values: Floats) -> Floats:
    weights = np.exp(largest - largest.max())
    return (weights[..., None] * values).sum(axis=0) / (weights * sums).sum(axis=0)[:, None]


def _not_rescaled(largest: Floats, sums: Floats, values: Floats) -> Floats:
    return values.sum(axis=0) / sums.sum(axis=0)[:, None]


def _values_only(largest: Floats, sums: Floats, values: Floats) -> Floats:
    return (_weights(largest)[..., None] * values).sum(axis=0) / sums.sum(axis=0)[:, None]


def _sums_only(largest: Floats, sums: Floats, values: Floats) -> Floats:
    return values.sum(axis=0) / (_weights(largest) * sums).sum(axis=0)[:, None]


def _mean_of_outputs(largest: Floats, sums: Floats, values: Floats) -> Floats:
    return _means(sums, values).mean(axis=0)


def _best_device(largest: Floats, sums: Floats, values: Floats) -> Floats:
    best = largest.argmax(axis=0)
    return _means(sums, values)[best, np.arange(len(best))]


def _without_sums(largest: Floats, sums: Floats, values: Floats) -> Floats:
    weights = _weights(largest)
    return (weights[..., None] * _means(sums, values)).sum(axis=0) / weights.sum(axis=0)[:, None]


def _not_divided(largest: Floats, sums: Floats, values: Floats) -> Floats:
    return (_weights(largest)[..., None] * values).sum(axis=0)


def _twice(largest: Floats, sums: Floats, values: Floats) -> Floats:
    weights = _weights(largest) * sums
    return (weights[..., None] * values).sum(axis=0) / weights.sum(axis=0)[:, None]


QUESTION = Question(
    name="merge_reports",
    title="Many reports, one output",
    objective="join the partial results of any number of devices, without an overflow",
    difficulty="moderate",
    minutes=15,
    points=4,
    reference=merge_reports,
    cases=_cases,
    misconceptions=[
        Misconception(
            "one largest score for all queries",
            _one_largest,
            "One number is taken off for all queries, the largest of the whole table. A query whose scores all lie far "
            "below it is left with zeros only, and 0 / 0: over which axis is the largest score to be taken?",
        ),
        Misconception(
            "not rescaled",
            _not_rescaled,
            "Sums and values are added as they come. Each device has divided by exp of its own largest score: what "
            "must its report be multiplied by before it is added to another one?",
        ),
        Misconception(
            "values rescaled, sums not",
            _values_only,
            "The values are brought to a common scale and the sums are not. Which scale were the sums taken on?",
        ),
        Misconception(
            "sums rescaled, values not",
            _sums_only,
            "The sums are brought to a common scale and the values are not. Which scale were the values weighted on?",
        ),
        Misconception(
            "mean of the outputs",
            _mean_of_outputs,
            "Every device counts the same here. Should one whose keys hardly match count as much as one whose keys do?",
        ),
        Misconception(
            "best device only",
            _best_device,
            "The device with the largest score decides alone. What became of the others' keys?",
        ),
        Misconception(
            "number of keys forgotten",
            _without_sums,
            "The outputs are weighted by exp of the largest scores alone. A device with many good keys should count "
            "more than one with a single one: which of its numbers knows that?",
        ),
        Misconception(
            "not divided",
            _not_divided,
            "This is the sum over all keys on a common scale. The weights of a softmax add up to 1: what is missing?",
        ),
        Misconception(
            "sums multiplied in twice",
            _twice,
            "The values are weighted by the sums. They are not divided by them yet, so the sums are in them already: "
            "where do the sums belong?",
        ),
    ],
    hints=[
        "If a device had subtracted another number c in place of its largest score m, its sum and its values would be "
        "larger by the factor exp(m − c). Bring all devices to one c.",
        "With c the largest score over all devices, no exponent is positive, and exp(−inf) is 0 for a device that has "
        "seen nothing.",
        "weights = np.exp(largest - largest.max(axis=0)) has the shape (devices, queries), and weights[..., None] fits "
        "the values. Add up over the devices, then divide.",
    ],
    explanation="Two numbers and a vector for each query are all that a share of any size leaves behind, and they may "
    "be joined in any order. That is why keys need not travel to the query.",
)
