"""Into which of Llama 3's three bands the pairs of a head fall."""

import numpy as np
from numpy.typing import NDArray

from ropelib.checks.core import ROOMS, Misconception, Question
from ropelib.checks.inputs import fair, generator
from ropelib.checks.observe import Case
from ropelib.reference import Floats

Ints = NDArray[np.int64]


def bands(head_dim: int, base: float, trained: int, low: float, high: float) -> Ints:
    inv_freq = base ** (-2 * np.arange(head_dim // 2) / head_dim)
    turns = trained * inv_freq / (2 * np.pi)
    kept, divided = (turns > high).sum(), (turns < low).sum()
    return np.array([kept, len(turns) - kept - divided, divided])


def _cases(seed: int) -> list[Case]:
    rng = generator(9, 1, seed)

    def any_head(label: str, low: float, high: float, weight: float = 1.0) -> Case:
        def draw() -> Case:
            head_dim, base = 2 * int(rng.integers(30, 60)), 1000.0 * int(rng.integers(20, 900))
            return Case(label, (head_dim, base, int(rng.integers(3000, 9000)), low, high), weight=weight)

        return fair(draw, bands, [_exchanged, _to_the_end])

    return [
        Case("four pairs", (8, 10_000.0, 1000, 1.0, 16.0)),
        Case("a head of Llama 3.1", (128, 500_000.0, 8192, 1.0, 4.0)),
        Case("Llama 4 Scout: no ramp", (128, 500_000.0, 8192, 1.0, 1.0)),
        any_head("any head", 1.0, 4.0, weight=2),
        any_head("other bounds", 2.0, 32.0),
    ]


def _sorted_by(turns: Floats, low: float, high: float) -> Ints:
    return np.array([(turns > high).sum(), ((turns >= low) & (turns <= high)).sum(), (turns < low).sum()])


def _turns(head_dim: int, base: float, trained: int) -> Floats:
    return trained * base ** (-np.arange(0, head_dim, 2) / head_dim) / (2 * np.pi)


def _exchanged(*case: float) -> Ints:
    return bands(*case)[::-1]


def _to_the_end(d: int, base: float, trained: int, low: float, high: float) -> Ints:
    return _sorted_by(trained / (2 * np.pi) * base ** -np.linspace(0, 1, d // 2), low, high)


def _no_ramp(where: str) -> object:
    def program(d: int, base: float, trained: int, low: float, high: float) -> Ints:
        bound = low if where == "low" else high
        return _sorted_by(_turns(d, base, trained), bound, bound)

    return program


QUESTION = Question(
    name="bands",
    title="Three bands",
    objective="sort the pairs of any head by Llama 3's rule: stay, blend, divide",
    difficulty="warm-up",
    minutes=10,
    points=3,
    reference=bands,
    cases=_cases,
    sequence=True,
    misconceptions=[
        Misconception(
            "fast and slow exchanged",
            _exchanged,
            "The first and the last count are exchanged. A pair that turns often within the trained length knows its "
            "whole circle: does it have to be slowed down?",
        ),
        Misconception(
            "2π forgotten",
            lambda d, base, n, low, high: _sorted_by(2 * np.pi * _turns(d, base, n), low, high),
            "trained · θ is an angle in radians. How many radians are one turn?",
        ),
        Misconception(
            "2π on the wrong side",
            lambda d, base, n, low, high: _sorted_by(4 * np.pi**2 * _turns(d, base, n), low, high),
            "The angle is multiplied by 2π where it should be divided by it. A turn is many radians: are there more "
            "turns or more radians?",
        ),
        Misconception(
            "wavelengths multiplied",
            lambda d, base, n, low, high: _sorted_by(1 / _turns(d, base, n), low, high)[::-1],
            "You compare λ with trained · low and trained · high. A pair that turns four times within the trained "
            "length: is its wavelength four times as long, or a quarter?",
        ),
        Misconception(
            "features counted",
            lambda *case: 2 * bands(*case),
            "The three counts add up to head_dim. That counts features: how many of them share a frequency?",
        ),
        Misconception(
            "exponent reaches 1",
            _to_the_end,
            "Your last pair has θ = 1/base. The exponent of pair i is 2i/head_dim: what is it for the last pair?",
        ),
        Misconception(
            "no ramp, cut at low",
            _no_ramp("low"),
            "Everything above `low` stays here, and nothing is blended. What does the rule do between the two bounds?",
        ),
        Misconception(
            "no ramp, cut at high",
            _no_ramp("high"),
            "Everything below `high` is divided here, and nothing is blended. What does the rule do between the two "
            "bounds?",
        ),
    ],
    hints=[
        "How often does pair i turn within the trained length? Length divided by wavelength.",
        "turns = trained · θᵢ / (2π), with θᵢ = base ** (−2i / head_dim) for i from 0 to head_dim/2 − 1.",
        "More than `high` turns: stays. Fewer than `low`: divided. The rest is blended.",
    ],
    answered_by=(*ROOMS, "ropelib.scaling", "ropelib.rules"),
    explanation="The factor plays no part in the sorting: Llama 3.1 and 3.2 divide by 8 and by 32, and the same pairs.",
)
