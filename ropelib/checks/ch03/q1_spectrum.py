"""Four numbers that say what a head with a very large base can and cannot do."""

import numpy as np

from ropelib.checks.core import Misconception, Question
from ropelib.checks.observe import Case
from ropelib.reference import Floats, inverse_frequencies

HEAD_DIM, BASE, TOKENS = 128, 1_000_000.0, 32_768


def spectrum() -> dict[str, float]:
    inv_freq = 1_000_000.0 ** (-np.arange(0, 128, 2) / 128)
    turns = 32_768 * inv_freq / (2 * np.pi)
    return {
        "slowest_wavelength": 2 * np.pi / inv_freq[-1],
        "turns_of_first": turns[0],
        "turns_of_last": turns[-1],
        "pairs_without_a_turn": int((turns < 1).sum()),
    }


def _numbers(inv_freq: Floats) -> dict[str, float]:
    turns = TOKENS * inv_freq / (2 * np.pi)
    return {
        "slowest_wavelength": 2 * np.pi / inv_freq[-1],
        "turns_of_first": turns[0],
        "turns_of_last": turns[-1],
        "pairs_without_a_turn": int((turns < 1).sum()),
    }


def _with_exponents(exponents: Floats) -> dict[str, float]:
    return _numbers(BASE**-exponents)


def _in_radians() -> dict[str, float]:
    angles = TOKENS * inverse_frequencies(HEAD_DIM, BASE)
    return {
        "slowest_wavelength": TOKENS / angles[-1],
        "turns_of_first": angles[0],
        "turns_of_last": angles[-1],
        "pairs_without_a_turn": int((angles < 1).sum()),
    }


def _complement() -> dict[str, float]:
    return {"pairs_without_a_turn": HEAD_DIM // 2 - spectrum()["pairs_without_a_turn"]}


def _half_a_turn() -> dict[str, float]:
    turns = TOKENS * inverse_frequencies(HEAD_DIM, BASE) / (2 * np.pi)
    return {"pairs_without_a_turn": int((turns < 0.5).sum())}


PAIRS = np.arange(HEAD_DIM // 2)

QUESTION = Question(
    name="spectrum",
    title="A head with a base of a million",
    objective="compute wavelengths and turns of a real head, and read off which pairs never come round",
    difficulty="warm-up",
    minutes=10,
    points=4,
    reference=spectrum,
    cases=lambda seed: [Case(name, calls=False, entry=name) for name in spectrum()],
    tolerance=5e-3,
    misconceptions=[
        Misconception(
            "radians for turns",
            _in_radians,
            "That leaves out the 2π: θ is in radians per token, and a whole turn has 2π of them.",
        ),
        Misconception(
            "exponent reaches 1",
            lambda: _with_exponents((PAIRS + 1) * 2 / HEAD_DIM),
            "This numbers the pairs from 1, so the slowest has θ = 1/base. Pairs count from 0, and the exponent "
            "stops one "
            "step before 1.",
        ),
        Misconception(
            "the chapter's base",
            lambda: _numbers(inverse_frequencies(HEAD_DIM, 10_000.0)),
            "That is the value for base 10 000. This head has a base of 1 000 000.",
        ),
        Misconception(
            "exponent -i/d",
            lambda: _with_exponents(PAIRS / HEAD_DIM),
            "The exponent is −i/d here. i counts pairs, and there are d/2 of them: which exponent has the last?",
        ),
        Misconception(
            "frequency for wavelength",
            lambda: {"slowest_wavelength": inverse_frequencies(HEAD_DIM, BASE)[-1]},
            "That is a frequency, in radians per token. A wavelength is in tokens: how many make a whole turn?",
        ),
        Misconception(
            "wavelength of the fastest pair",
            {"slowest_wavelength": 2 * np.pi},
            "That is the wavelength of pair 0, the fastest. The last pair is asked for.",
        ),
        Misconception(
            "pairs that do come round",
            _complement,
            "That counts the pairs that complete at least one turn. The others are asked for.",
        ),
        Misconception(
            "half a turn",
            _half_a_turn,
            "That counts the pairs that complete less than half a turn.",
        ),
        Misconception(
            "features instead of pairs",
            lambda: {"pairs_without_a_turn": 2 * spectrum()["pairs_without_a_turn"]},
            "That counts features. Two of them make one pair.",
        ),
    ],
    hints=[
        "inv_freq = base ** (-np.arange(0, 128, 2) / 128). Everything else follows from it.",
        "A pair that turns by θ radians per token makes tokens · θ / 2π turns, and needs 2π/θ tokens for one.",
    ],
    explanation="24 of the 64 pairs show only a part of their circle in 32 768 tokens. That is what a large "
    "base buys: "
    "many pairs that are unambiguous over the whole text.",
)
