"""The factor that NTK-aware scaling needs to carry every pair to a wanted length."""

from collections.abc import Callable

import numpy as np

from ropelib.checks.core import ROOMS, Misconception, Question
from ropelib.checks.inputs import generator
from ropelib.checks.observe import Case


def ntk_factor_for(head_dim: int, base: float, trained: int, wanted: int) -> float:
    wavelengths = 2 * np.pi * base ** (2 * np.arange(head_dim // 2) / head_dim)
    unfinished = np.flatnonzero(wavelengths > trained)
    last = head_dim // 2 - 1
    return (wanted / trained) ** (last / unfinished[0]) if len(unfinished) else 1.0


def _cases(seed: int) -> list[Case]:
    rng = generator(9, 2, seed)
    trained = int(rng.integers(2000, 9000))
    return [
        Case("four pairs", (8, 10_000.0, 1000, 4000)),
        Case("a head of Llama 2", (128, 10_000.0, 4096, 16_384)),
        Case("every pair goes round", (64, 100.0, 4096, 16_384)),
        Case("only the last pairs do not", (64, 10_000.0, 40_000, 100_000)),
        Case(
            "any head", (int(2 * rng.integers(20, 60)), 50_000.0, trained, trained * int(rng.integers(2, 9))), weight=2
        ),
    ]


def _with(
    divided: Callable[[int, int], float], bound: Callable[[int, int], float] = lambda trained, wanted: trained
) -> Callable[[int, float, int, int], float]:
    """Another power than last/first, or unfinished measured by another length."""

    def program(d: int, base: float, trained: int, wanted: int) -> float:
        wavelengths = 2 * np.pi * base ** (np.arange(0, d, 2) / d)
        unfinished = np.flatnonzero(wavelengths > bound(trained, wanted))
        return (wanted / trained) ** divided(d // 2, int(unfinished[0])) if len(unfinished) else 1.0

    return program


def _always(d: int, base: float, trained: int, wanted: int) -> float:
    needed = ntk_factor_for(d, base, trained, wanted)
    return needed if needed > 1 else wanted / trained


def _new_base(d: int, base: float, trained: int, wanted: int) -> float:
    return base * ntk_factor_for(d, base, trained, wanted) ** (d / (d - 2))


QUESTION = Question(
    name="ntk_factor_for",
    title="The factor that is needed",
    objective="find the pair that limits NTK-aware scaling, and the factor that carries it far enough",
    difficulty="moderate",
    minutes=15,
    points=4,
    reference=ntk_factor_for,
    cases=_cases,
    misconceptions=[
        Misconception(
            "quotient of the lengths",
            lambda d, base, trained, wanted: wanted / trained,
            "That factor carries the last pair to the wanted length. All others are divided by less: which unfinished "
            "pair is divided the least?",
        ),
        Misconception(
            "pairs that need nothing",
            _always,
            "Right, except for a head in which every pair goes round within the trained length. Which new angles does "
            "a longer text bring there?",
        ),
        Misconception(
            "d/2 for the last pair",
            _with(lambda pairs, first: pairs / first),
            "Your exponent runs over head_dim/2 steps. Counting starts at 0: what is the number of the last pair?",
        ),
        Misconception(
            "last finished pair",
            _with(lambda pairs, first: (pairs - 1) / max(first - 1, 1)),
            "You carry the pair before the first unfinished one. It has gone round: does it need to be carried?",
        ),
        Misconception(
            "2π forgotten",
            _with(lambda pairs, first: (pairs - 1) / first, lambda trained, wanted: 2 * np.pi * trained),
            "Your first unfinished pair comes too late: it is the first that does not complete one radian. When is a "
            "pair back where it began?",
        ),
        Misconception(
            "exponent upside down",
            _with(lambda pairs, first: first / (pairs - 1)),
            "That is how much the first unfinished pair is divided by if the factor is wanted/trained. Here that pair "
            "has to be divided by wanted/trained: which factor does it?",
        ),
        Misconception(
            "measured by the wanted length",
            _with(lambda pairs, first: (pairs - 1) / first, lambda trained, wanted: wanted),
            "You ask which pairs go round within the wanted length. The model was never shown that length: which one "
            "decides what it knows?",
        ),
        Misconception(
            "base returned",
            _new_base,
            "That is the new base. The question is about the factor from which the rule computes it.",
        ),
        Misconception(
            "middle of the head",
            _with(lambda pairs, first: (pairs - 1) / (pairs // 2)),
            "You carry the pair in the middle of the head. Which pair is the first with a wavelength above the trained "
            "length?",
        ),
    ],
    hints=[
        "Pair i is divided by factor ** (i / last), where last = head_dim/2 − 1 is the last pair.",
        "Among the pairs with a wavelength above `trained`, the fastest is divided least. It must be divided by "
        "wanted / trained.",
        "Solve factor ** (first / last) = wanted / trained for the factor. If no pair is unfinished, factor 1 will do.",
    ],
    answered_by=(*ROOMS, "ropelib.scaling", "ropelib.rules"),
    explanation="The larger the base for a given trained length, the earlier the first unfinished pair comes, and the "
    "more the factor has to exceed the stretch.",
)
