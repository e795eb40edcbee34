"""Move cached keys from one base to another without their unrotated selves."""

from collections.abc import Callable

import numpy as np

from ropelib.checks.core import Misconception, Question
from ropelib.checks.inputs import generator, halves
from ropelib.checks.observe import Case
from ropelib.reference import Floats, cos_sin, inverse_frequencies, rotate, rotation_angles


def change_base(rotated_keys: Floats, positions: Floats, old_base: float, new_base: float) -> Floats:
    half = rotated_keys.shape[1] // 2
    exponents = -np.arange(half) / half
    angles = positions[:, None] * (new_base**exponents - old_base**exponents)
    cos, sin = np.cos(angles), np.sin(angles)
    first, second = rotated_keys[:, :half], rotated_keys[:, half:]
    return np.concatenate([first * cos - second * sin, first * sin + second * cos], axis=1)


def _at(x: Floats, positions: Floats, base: float, pairing: str = "half") -> Floats:
    return rotate(x, *cos_sin(rotation_angles(positions, inverse_frequencies(x.shape[-1], base))), pairing=pairing)


def _case(label: str, keys: Floats, positions: Floats, old: float, new: float, weight: float = 1.0) -> Case:
    return Case(label, (_at(keys, positions, old), positions, old, new), weight=weight)


def _cases(seed: int) -> list[Case]:
    rng = generator(7, 3, seed)
    some = np.sort(rng.permutation(np.arange(2, 60))[:4])
    larger = 1000.0 * int(rng.integers(20, 90))
    return [
        _case("one key at position 1", np.array([[1.0, 1, 0, 0]]), np.array([1]), 100.0, 10_000.0),
        _case("position 0", halves(rng, 1, 4), np.array([0]), 100.0, 10_000.0, weight=0),
        _case("a cache from the start", halves(rng, 5, 6), np.arange(5), 10_000.0, larger, weight=2),
        _case("a cache with gaps", halves(rng, 4, 8), some, 10_000.0, larger, weight=2),
        _case("a ring: positions out of order", halves(rng, 4, 4), some[[2, 3, 0, 1]], 10_000.0, larger),
        _case("to a smaller base", halves(rng, 3, 6), some[:3], larger, 500.0),
    ]


def _turned_by(inv_freq: Callable[[int, float, float], Floats]) -> Callable[[Floats, Floats, float, float], Floats]:
    """The keys turned on by positions times other frequencies."""

    def program(keys: Floats, positions: Floats, old: float, new: float) -> Floats:
        return rotate(keys, *cos_sin(positions[:, None] * inv_freq(keys.shape[1], old, new)))

    return program


def _neighbours(keys: Floats, positions: Floats, old: float, new: float) -> Floats:
    return _at(_at(keys, -positions, old, "interleaved"), positions, new, "interleaved")


def _without_positions(keys: Floats, positions: Floats, old: float, new: float) -> Floats:
    return change_base(keys, np.ones(len(keys)), old, new)


QUESTION = Question(
    name="change_base",
    title="The base has changed",
    objective="carry a cache of rotated keys over to other frequencies by the difference of two angles",
    difficulty="moderate",
    minutes=15,
    points=4,
    reference=change_base,
    cases=_cases,
    misconceptions=[
        Misconception(
            "difference reversed",
            _turned_by(lambda d, old, new: inverse_frequencies(d, old) - inverse_frequencies(d, new)),
            "The keys turn by the right amount, the wrong way. They stand at the old angle: is old − new or new − old "
            "the way to the new one?",
        ),
        Misconception(
            "new angle on top of the old",
            _turned_by(lambda d, old, new: inverse_frequencies(d, new)),
            "The keys are turned by the new angle, and the old one is still in them. What was to happen to it first?",
        ),
        Misconception(
            "old angle undone only",
            _turned_by(lambda d, old, new: -inverse_frequencies(d, old)),
            "These are the keys before any rotation: the old angle is undone. By what must they be turned now?",
        ),
        Misconception(
            "old angle twice",
            _turned_by(lambda d, old, new: inverse_frequencies(d, old)),
            "The keys are turned by the old angle once more. Should that one go in again, or come out?",
        ),
        Misconception(
            "quotient of the bases",
            _turned_by(lambda d, old, new: inverse_frequencies(d, new / old)),
            "The keys are turned with base new/old. Angles add up, bases do not: compute the two frequencies of a pair "
            "first, and then?",
        ),
        Misconception(
            "nothing changed",
            lambda keys, positions, old, new: 1.0 * keys,
            "The keys come back as they went in. That is right at position 0 and for pair 0 only: why there?",
        ),
        Misconception(
            "rows counted instead of positions",
            lambda keys, positions, old, new: change_base(keys, np.arange(len(keys)), old, new),
            "The rows are turned as if they stood at 0, 1, 2, … A cache may have gaps, and a ring has no order: where "
            "does your program use `positions`?",
        ),
        Misconception(
            "positions start at 1",
            lambda keys, positions, old, new: change_base(keys, positions + 1, old, new),
            "Every key is treated as if it stood one position further. A key at position 0 must not change at all.",
        ),
        Misconception(
            "one position for all",
            lambda keys, positions, old, new: change_base(keys, np.full(len(keys), positions.max()), old, new),
            "All keys are turned by the angle of the newest. Each key had its own old angle: which one?",
        ),
        Misconception(
            "positions not used",
            _without_positions,
            "Every key turns by the difference of the frequencies, as if it stood at position 1. An angle is a "
            "frequency times what?",
        ),
        Misconception(
            "neighbours paired",
            _neighbours,
            "The keys are turned in pairs of neighbours, but they were rotated in halves. Which feature is the partner "
            "of feature 0 in this chapter?",
        ),
    ],
    hints=[
        "Rotations of one pair add up: turn back by the old angle, then forward by the new one. That is one rotation.",
        "At position n, pair i has to turn by n · (new θᵢ − old θᵢ), with θᵢ = base ** (−2i / head_dim).",
        "angles = positions[:, None] * (new frequencies − old frequencies), of shape (n, head_dim / 2). Then rotate.",
    ],
    explanation="Pair 0 never moves: θ₀ is 1 for every base. In low precision a key collects a rounding error with "
    "every such step, so keeping keys before RoPE is the safer way.",
)
