"""How much attention falls on which distances, from a matrix of scores."""

from collections.abc import Callable, Sequence
from itertools import pairwise

import numpy as np

from ropelib.checks.core import Misconception, Question
from ropelib.checks.inputs import generator
from ropelib.checks.observe import Case
from ropelib.reference import Floats


def mass_by_distance(scores: Floats, edges: Sequence[int]) -> Floats:
    tokens = np.arange(len(scores))
    distances = tokens[:, None] - tokens
    exponentials = np.where(distances < 0, 0.0, np.exp(scores))
    weights = exponentials / exponentials.sum(axis=1, keepdims=True)
    groups = np.searchsorted(edges, distances, side="right") - 1
    masses = [np.where(groups == group, weights, 0.0).sum(axis=1) for group in range(len(edges) - 1)]
    return np.stack(masses)[:, edges[-1] :].mean(axis=1)


def _cases(seed: int) -> list[Case]:
    rng = generator(8, 4, seed)
    return [
        Case("four equal scores in a row", (np.zeros((4, 4)), [0, 1, 2])),
        Case("seven tokens, two groups", (rng.normal(0, 1, (7, 7)).round(2), [0, 1, 4])),
        Case("nine tokens, not from distance 0 on", (rng.normal(0, 1, (9, 9)).round(2), [1, 2, 5]), weight=2),
        Case("twelve tokens, three groups", (rng.normal(0, 2, (12, 12)).round(2), [0, 2, 3, 7]), weight=2),
    ]


def _softmax(scores: Floats, hidden: Floats) -> Floats:
    exponentials = np.where(hidden, 0.0, np.exp(scores))
    return exponentials / exponentials.sum(axis=1, keepdims=True)


def _distances(scores: Floats) -> Floats:
    tokens = np.arange(len(scores))
    return tokens[:, None] - tokens


def _masses(
    weights: Callable[[Floats], Floats] = lambda scores: _softmax(scores, _distances(scores) < 0),
    queries: Callable[[Sequence[int]], slice] = lambda edges: slice(edges[-1], None),
    inside: Callable[[Floats, int, int], Floats] = lambda distances, low, high: (distances >= low) & (distances < high),
    average: Callable[[Floats, Floats], Floats] = lambda weights, marked: (weights * marked).sum(axis=1).mean(),
) -> Callable[[Floats, Sequence[int]], Floats]:
    """The right program with one of its steps exchanged."""

    def program(scores: Floats, edges: Sequence[int]) -> Floats:
        chosen = queries(edges)
        seen, distances = weights(scores)[chosen], _distances(scores)[chosen]
        return np.array([average(seen, inside(distances, a, b)) for a, b in pairwise(edges)])

    return program


def _sums_to_one(scores: Floats, edges: Sequence[int]) -> Floats:
    masses = mass_by_distance(scores, edges)
    return masses / masses.sum()


QUESTION = Question(
    name="mass_by_distance",
    title="Where does the attention go?",
    objective="measure how far back a head looks, without being fooled by the first tokens of a text",
    difficulty="moderate",
    minutes=20,
    points=4,
    reference=mass_by_distance,
    cases=_cases,
    sequence=True,
    misconceptions=[
        Misconception(
            "future not hidden",
            _masses(weights=lambda scores: _softmax(scores, np.zeros(scores.shape, dtype=bool))),
            "The softmax runs over all keys, those after the query included. Which keys may a query of a language "
            "model see?",
        ),
        Misconception(
            "masked with 0",
            _masses(weights=lambda scores: _softmax(np.tril(scores), np.zeros(scores.shape, dtype=bool))),
            "The scores of later keys were set to 0 before the softmax, and e⁰ is 1: they still get attention. Which "
            "score becomes a weight of 0?",
        ),
        Misconception(
            "without the first token",
            _masses(weights=lambda scores: _softmax(scores, (_distances(scores) < 0) | (np.arange(len(scores)) == 0))),
            "The first token was taken out before the softmax, so that the others share its attention. It should keep "
            "what it draws: which queries have it further back than all distances asked for?",
        ),
        Misconception(
            "first row and column cut away",
            lambda scores, edges: mass_by_distance(scores[1:, 1:], edges),
            "The first token's row and column were cut away before the softmax, so the others share its attention, and "
            "each query counts as the one before it. Which queries have all these distances without any cut?",
        ),
        Misconception(
            "all queries",
            _masses(queries=lambda edges: slice(None)),
            "All queries are averaged. The first ones have few keys and no far ones at all, which makes every head "
            "look short-sighted. From which query on are there keys at all these distances?",
        ),
        Misconception(
            "one query too early",
            _masses(queries=lambda edges: slice(edges[-1] - 1, None)),
            "Query edges[-1] − 1 is included. Its key at the largest distance is the first token of the text: what is "
            "special about that one?",
        ),
        Misconception(
            "mean of the keys, not their sum",
            _masses(average=lambda weights, marked: weights[marked].mean()),
            "This is the attention of an average key of the group. How much attention does the whole group get from "
            "one query?",
        ),
        Misconception(
            "upper edge included",
            _masses(inside=lambda distances, low, high: (distances >= low) & (distances <= high)),
            "A distance on an edge is counted in two groups. To which of them does edges[g + 1] belong?",
        ),
        Misconception(
            "lower edge left out",
            _masses(inside=lambda distances, low, high: (distances > low) & (distances <= high)),
            "Each group begins one distance too late. Is edges[g] itself in group g?",
        ),
        Misconception(
            "renormalised",
            _sums_to_one,
            "The masses were made to sum to 1. What is missing from 1 went to keys further back, and you want to see "
            "that: which division can go?",
        ),
        Misconception(
            "softmax over the queries",
            _masses(weights=lambda scores: _softmax(scores.T, _distances(scores).T < 0).T),
            "The weights of a key sum to 1 over the queries. Over which index does each query share out its attention?",
        ),
        Misconception(
            "scores not made into weights",
            _masses(weights=lambda scores: np.where(_distances(scores) < 0, 0.0, scores)),
            "These are sums of scores. Which function makes weights of them that are positive and sum to 1?",
        ),
    ],
    hints=[
        "Three steps: the causal softmax of each row, the matrix of distances (query minus key), and for each group "
        "the sum of the weights whose distance lies in it.",
        "Query i has keys at the distances 0 to i. The key at distance i is token 0.",
        "Sum over the keys of a group first, then take the mean over the queries from edges[-1] on.",
    ],
    explanation="In the chapter a third of all attention went to the first token. A plot that averages over all "
    "queries counts it as attention to some distance, and to a different one for each query.",
)
