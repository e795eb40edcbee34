"""By how much a key leads when only the fastest pairs turn: which pairs decide?"""

from collections.abc import Callable

import numpy as np

from ropelib.checks.core import Misconception, Question
from ropelib.checks.inputs import fair, generator
from ropelib.checks.observe import Case
from ropelib.reference import Floats


def lead(q: Floats, keys: Floats, base: float, wanted: int) -> Floats:
    half = len(q) // 2
    distances = np.arange(len(keys))[::-1]
    angles = distances[:, None] * base ** (-np.arange(half) / half)
    still = q[:half] * keys[:, :half] + q[half:] * keys[:, half:]
    turned = still * np.cos(angles) + (q[:half] * keys[:, half:] - q[half:] * keys[:, :half]) * np.sin(angles)
    scores = np.array([turned[:, :n].sum(axis=1) + still[:, n:].sum(axis=1) for n in range(half + 1)])
    return scores[:, wanted] - np.delete(scores, wanted, axis=1).max(axis=1)


def _case(label: str, rng: np.random.Generator, half: int, count: int, base: float, weight: float) -> Case:
    def draw() -> Case:
        q, keys = rng.normal(0, 1, 2 * half).round(2), rng.normal(0, 1, (count, 2 * half)).round(2)
        return Case(label, (q, keys, base, int(rng.integers(0, count - 1))), weight=weight)

    # The key has to lead somewhere: else it does not show that it is among its own rivals.
    return fair(draw, lead, [_among_its_rivals])


def _cases(seed: int) -> list[Case]:
    rng = generator(8, 5, seed)
    return [
        Case("one pair, two keys", (np.array([1.0, 0.0]), np.array([[0.0, 1.0], [1.0, 0.0]]), 100.0, 0)),
        _case("three pairs, four keys", rng, 3, 4, 100.0, 1),
        _case("four pairs, six keys", rng, 4, 6, float(rng.integers(50, 500)), 2),
        _case("eight pairs, nine keys", rng, 8, 9, 10_000.0, 2),
    ]


def _program(
    distances: Callable[[int], Floats] = lambda count: np.arange(count)[::-1],
    split: Callable[[Floats], tuple[Floats, Floats]] = lambda x: np.split(x, 2, axis=-1),
    add: Callable[[Floats, Floats, int], Floats] = lambda turned, still, n: turned[:, :n].sum(1) + still[:, n:].sum(1),
    compare: Callable[[Floats, int], Floats] = lambda s, wanted: s[:, wanted] - np.delete(s, wanted, 1).max(axis=1),
    exponent: Callable[[int], Floats] = lambda half: -np.arange(half) / half,
) -> Callable[[Floats, Floats, float, int], Floats]:
    """The right program with one thing exchanged."""

    def program(q: Floats, keys: Floats, base: float, wanted: int) -> Floats:
        half = len(q) // 2
        angles = distances(len(keys))[:, None] * base ** exponent(half)
        (q1, q2), (k1, k2) = split(q), split(keys)
        still, crossed = q1 * k1 + q2 * k2, q1 * k2 - q2 * k1
        turned = still * np.cos(angles) + crossed * np.sin(angles)
        return compare(np.array([add(turned, still, n) for n in range(half + 1)]), wanted)

    return program


_among_its_rivals = _program(compare=lambda s, wanted: s[:, wanted] - s.max(axis=1))


def _slowest(turned: Floats, still: Floats, n: int) -> Floats:
    return turned[:, turned.shape[1] - n :].sum(axis=1) + still[:, : still.shape[1] - n].sum(axis=1)


QUESTION = Question(
    name="lead",
    title="How many pairs does a head need?",
    objective="measure which pairs decide where a head looks, by letting more and more of them turn",
    difficulty="demanding",
    minutes=20,
    points=6,
    reference=lead,
    cases=_cases,
    sequence=True,
    misconceptions=[
        Misconception(
            "stopped pairs left out",
            _program(add=lambda turned, still, n: turned[:, :n].sum(axis=1)),
            "Pairs that stand still are missing from the score. A stopped pair knows nothing about distance, but it "
            "still compares contents: what does it add?",
        ),
        Misconception(
            "slowest pairs first",
            _program(add=_slowest),
            "The n slowest pairs turn. Which end of the spectrum is pair 0?",
        ),
        Misconception(
            "n pairs stopped",
            _program(add=lambda turned, still, n: still[:, :n].sum(axis=1) + turned[:, n:].sum(axis=1)),
            "The first n pairs stand still and the others turn. In entry 0 nothing should turn: does it?",
        ),
        Misconception(
            "only one pair turns",
            _program(
                add=lambda turned, still, n: still.sum(axis=1) + (turned - still)[:, max(n - 1, 0) : n].sum(axis=1)
            ),
            "In entry n only pair n − 1 turns, by itself. How many pairs should turn there?",
        ),
        Misconception(
            "turned the other way",
            _program(distances=lambda count: -np.arange(count)[::-1]),
            "Everything turns the other way: earlier keys are taken for later ones. The score contains "
            "cos((m − n)θ) and, with which sign, sin((m − n)θ)?",
        ),
        Misconception(
            "query at position 0",
            _program(distances=lambda count: -np.arange(count)),
            "The keys are turned by their positions, and the query stands at 0. Where does it stand, if it is the "
            "newest token?",
        ),
        Misconception(
            "query one position further",
            _program(distances=lambda count: np.arange(count)[::-1] + 1),
            "The query stands one position after the last key. It belongs to the same token: at which distance is "
            "its own key?",
        ),
        Misconception(
            "neighbours paired",
            _program(split=lambda x: (x[..., 0::2], x[..., 1::2])),
            "Neighbours are paired. Here feature i belongs to feature i + head_dim/2: which two slices are that?",
        ),
        Misconception(
            "exponent -i/d",
            _program(exponent=lambda half: -np.arange(half) / (2 * half)),
            "The exponent is −i/d, where i counts pairs. What happened to the 2 of −2i/d?",
        ),
        Misconception(
            "divided by √d",
            lambda *given: lead(*given) / np.sqrt(len(given[0])),
            "These leads are divided by √head_dim. What does the question say about the scores?",
        ),
        Misconception(
            "mean of the rivals",
            _program(compare=lambda s, wanted: s[:, wanted] - np.delete(s, wanted, 1).mean(axis=1)),
            "The wanted key is compared with the average of the others. Which of them must it beat to win?",
        ),
        Misconception(
            "wanted key among its rivals",
            _among_its_rivals,
            "The lead is never above 0: the wanted key is among its own rivals. How do you leave it out?",
        ),
    ],
    hints=[
        "Write the score as a sum over pairs, and compute each pair's share twice: turned by its angle, and not "
        "turned. Both are arrays of shape (keys, pairs).",
        "With the query's pair (q₁, q₂) and the key's (k₁, k₂), the share is (q₁k₁ + q₂k₂)·cos + (q₁k₂ − q₂k₁)·sin of "
        "distance times frequency, distance = query's position minus key's.",
        "Entry n: the first n columns of the turned shares, plus the other columns of the unturned ones. Then the "
        "wanted key's score minus the largest of the others: np.delete takes the wanted one out.",
    ],
    explanation="Where the lead becomes positive, and stays so, the head has the pairs it needs. For a positional "
    "head that is after a few fast pairs. For a semantic one it is positive from entry 0 on.",
)
