"""How far cached keys are turned beyond where they belong, under dynamic NTK."""

from collections.abc import Callable

import numpy as np

from ropelib.checks.core import ROOMS, Misconception, Question
from ropelib.checks.inputs import generator
from ropelib.checks.observe import Case
from ropelib.reference import Floats


def stale_angles(head_dim: int, base: float, trained: int, length: int) -> Floats:
    positions = np.arange(length)
    slowest = base ** (-(head_dim - 2) / head_dim)
    then = slowest / np.maximum((positions + 1) / trained, 1)
    now = slowest / max(length / trained, 1)
    return positions * (then - now)


def _cases(seed: int) -> list[Case]:
    rng = generator(9, 4, seed)
    trained = int(rng.integers(12, 20))
    return [
        Case("four tokens trained, six read", (4, 100.0, 4, 6)),
        Case("not longer than trained", (8, 10_000.0, 16, 12), weight=0),
        Case("half as long again", (8, 500.0, 8, 12)),
        Case("four times as long", (64, 100_000.0, 8, 32)),
        Case("any", (int(2 * rng.integers(4, 30)), 1000.0, trained, trained + int(rng.integers(10, 40))), weight=2),
    ]


def _variant(
    then: Callable[[Floats, int, int], Floats] = lambda n, trained, length: np.maximum((n + 1) / trained, 1),
    lever: Callable[[Floats, int], Floats] = lambda n, length: n,
    exponent: Callable[[int], float] = lambda d: (d - 2) / d,
) -> Callable[[int, float, int, int], Floats]:
    """The divisor of each key when it was cached, what multiplies the difference, and the exponent of the pair."""

    def program(d: int, base: float, trained: int, length: int) -> Floats:
        n = np.arange(length)
        slowest = base ** -exponent(d)
        return lever(n, length) * (slowest / then(n, trained, length) - slowest / max(length / trained, 1))

    return program


QUESTION = Question(
    name="stale_angles",
    title="A cache that has gone stale",
    objective="predict by which angle every cached key is wrong once dynamic NTK has changed the frequencies",
    difficulty="demanding",
    minutes=20,
    points=6,
    reference=stale_angles,
    cases=_cases,
    sequence=True,
    misconceptions=[
        Misconception(
            "sign reversed",
            lambda *case: -stale_angles(*case),
            "The amounts are right. The keys were turned with the faster frequencies of a shorter text: are they "
            "turned too far, or not far enough?",
        ),
        Misconception(
            "nothing is stale",
            lambda d, base, trained, length: np.zeros(length),
            "Zero for all keys would hold for a cache that is rotated afresh at every step. These keys were rotated "
            "once, when they arrived: how long was the text then?",
        ),
        Misconception(
            "length taken for the position",
            _variant(then=lambda n, trained, length: np.maximum(n / trained, 1)),
            "Nearly. When the token at position n arrives, the text has more than n tokens: how many?",
        ),
        Misconception(
            "all keys from the trained length",
            _variant(then=lambda n, trained, length: np.ones(length)),
            "You take all keys to have been rotated with the original frequencies. That holds up to the trained "
            "length. With which frequency did a later key come in?",
        ),
        Misconception(
            "distance to the query",
            _variant(lever=lambda n, length: length - 1 - n),
            "You multiply by the distance to the newest token. A key was turned by its own position, and so is its "
            "error: which keys can be far off, those at small or at large positions?",
        ),
        Misconception(
            "position forgotten",
            _variant(lever=lambda n, length: np.ones(length)),
            "These are differences of frequencies. By what is a frequency multiplied to make an angle?",
        ),
        Misconception(
            "exponent reaches 1",
            _variant(exponent=lambda d: 1.0),
            "Your slowest pair has θ = 1/base. The last pair has the number head_dim/2 − 1: what is its exponent?",
        ),
        Misconception(
            "fastest pair",
            _variant(exponent=lambda d: 0.0),
            "You took a frequency of 1, which is that of pair 0, and divided it. NTK-aware scaling leaves that pair "
            "alone; the question is about the last one.",
        ),
        Misconception(
            "positions start at 1",
            _variant(lever=lambda n, length: n + 1),
            "Every key is treated as if it stood one position further. What is the angle of a key at position 0, "
            "whatever the frequency?",
        ),
        Misconception(
            "speeding up below the trained length",
            _variant(then=lambda n, trained, length: (n + 1) / trained),
            "While the text is shorter than the trained length you divide by less than 1, and speed the pair up. What "
            "does dynamic NTK do to a short text?",
        ),
    ],
    hints=[
        "When the token at position n arrives, the text has n + 1 tokens. The last pair is then divided by "
        "(n + 1) / trained, or by 1 as long as that is less.",
        "θ of the last pair before any division: base ** (−(head_dim − 2) / head_dim).",
        "The error of key n is n · (θ when it came − θ now), where now means a text of `length` tokens.",
    ],
    answered_by=(*ROOMS, "ropelib.scaling", "ropelib.rules"),
    explanation="The newest key fits, and so does the key at position 0. The worst ones came in when the trained "
    "length was just reached: far out, and still at full speed.",
)
