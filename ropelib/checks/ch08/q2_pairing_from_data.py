"""Name the pairing from queries before and after a rotation by unknown angles."""

from collections.abc import Callable, Sequence

import numpy as np

from ropelib.checks.core import ROOMS, Misconception, Question
from ropelib.checks.inputs import fair, generator
from ropelib.checks.observe import Case
from ropelib.reference import Floats, cos_sin, inverse_frequencies, rotate, rotation_angles


def pairing_from_data(before: Floats, after: Floats) -> str:
    def kept(first: slice, second: slice) -> bool:
        lengths_before = np.hypot(before[:, first], before[:, second])
        return np.allclose(lengths_before, np.hypot(after[:, first], after[:, second]))

    middle = before.shape[1] // 2
    halves = kept(slice(None, middle), slice(middle, None))
    neighbours = kept(slice(0, None, 2), slice(1, None, 2))
    if halves and neighbours:
        return "both"
    if halves:
        return "half"
    return "interleaved" if neighbours else "neither"


def _turned(x: Floats, positions: Sequence[int], pairing: str, base: float = 10_000.0) -> Floats:
    cos, sin = cos_sin(rotation_angles(np.array(positions), inverse_frequencies(x.shape[1], base)))
    return rotate(x, cos, sin, pairing=pairing)


def _without(feature: int, x: Floats, positions: Sequence[int], pairing: str) -> Floats:
    turned = _turned(x, positions, pairing)
    turned[:, feature] = x[:, feature]
    return turned


def _cases(seed: int) -> list[Case]:
    rng = generator(8, 2, seed)
    x = [rng.standard_normal((tokens, 8)) for tokens in (3, 3, 5, 4, 4, 4, 6, 3)]

    def forgetful() -> Case:
        before = rng.standard_normal((5, 8))
        return Case("a kernel that forgets the last feature", (before, _without(-1, before, range(1, 6), "half")))

    later = [*rng.permutation(np.arange(3, 40))[:5], 1]
    noise = rng.uniform(-1e-12, 1e-12, (6, 8))
    return [
        Case("three tokens from position 1 on", (x[0], _turned(x[0], [1, 2, 3], "half"))),
        Case("three tokens from position 1 on, otherwise paired", (x[1], _turned(x[1], [1, 2, 3], "interleaved"))),
        Case("five tokens from position 0 on", (x[2], _turned(x[2], range(5), "interleaved"))),
        Case("position 0 comes last", (x[3], _turned(x[3], [9, 5, 2, 0], "half"))),
        Case("all tokens at position 0", (x[4], x[4].copy())),
        # The slowest pair hardly turns: it must show in each token.
        fair(forgetful, pairing_from_data, hidden=[_first_token_only, _one_token_is_enough]),
        Case("a kernel that forgets the first feature", (x[7], _without(0, x[7], range(2, 5), "interleaved"))),
        Case("tables that are too large", (x[5], 1.25 * _turned(x[5], range(4), "interleaved"))),
        Case("six tokens, another base", (x[6], _turned(x[6], later, "half", 500.0) + noise), weight=2),
    ]


def _kept(before: Floats, after: Floats, first: slice, second: slice) -> Floats:
    """(tokens, pairs): which pairs of which tokens keep their length."""
    lengths = [np.hypot(x[:, first], x[:, second]) for x in (before, after)]
    return np.isclose(*lengths, rtol=1e-5)


def _judged(
    combine: Callable[[Floats], bool] = np.all,
    names: Sequence[str] = ("both", "half", "interleaved", "neither"),
) -> Callable[[Floats, Floats], str]:
    """The right program with another way to make one verdict of all tokens and pairs, or with other names."""

    def program(before: Floats, after: Floats) -> str:
        middle = before.shape[1] // 2
        halves = combine(_kept(before, after, slice(0, middle), slice(middle, None)))
        neighbours = combine(_kept(before, after, slice(0, None, 2), slice(1, None, 2)))
        return names[(0 if neighbours else 1) if halves else (2 if neighbours else 3)]

    return program


_first_token_only = _judged(lambda kept: kept[0].all())
_one_token_is_enough = _judged(lambda kept: kept.all(axis=1).any())


def _whole_length(before: Floats, after: Floats) -> str:
    same = np.allclose(np.linalg.norm(before, axis=1), np.linalg.norm(after, axis=1))
    return "both" if same else "neither"


QUESTION = Question(
    name="pairing_from_data",
    title="Which pairing was it?",
    objective="tell the pairing from recorded queries, without knowing positions or frequencies",
    difficulty="moderate",
    minutes=15,
    points=3,
    reference=pairing_from_data,
    cases=_cases,
    answered_by=(*ROOMS, "ropelib.pairing"),
    misconceptions=[
        Misconception(
            "length of the whole vector",
            _whole_length,
            "Every rotation keeps the length of the whole vector, whatever its pairs are. Of which smaller vectors "
            "does it keep the length as well?",
        ),
        Misconception(
            "first token only",
            _first_token_only,
            "Only the first token was looked at. At position 0 nothing turns, and every pairing fits. What do the "
            "other tokens say?",
        ),
        Misconception(
            "one token is enough",
            _one_token_is_enough,
            "One token that fits was enough. A token at position 0 fits every pairing: how many tokens must keep the "
            "lengths of their pairs?",
        ),
        Misconception(
            "first pair only",
            _judged(lambda kept: kept[:, 0].all()),
            "Only pair 0 was looked at. One box turns it properly and spoils another one. Which pairs must keep their "
            "length?",
        ),
        Misconception(
            "one pair is enough",
            _judged(lambda kept: kept.all(axis=0).any()),
            "One pair that keeps its length was enough. One box spoils a single feature and turns all other pairs "
            "properly. How many pairs must keep their length?",
        ),
        Misconception(
            "names exchanged",
            _judged(names=("both", "interleaved", "half", "neither")),
            "Half and interleaved are exchanged. Which of them pairs feature 0 with feature 1?",
        ),
        Misconception(
            "undecided taken for half",
            _judged(names=("half", "half", "interleaved", "neither")),
            "Where nothing has turned, both pairings fit, and you name one of them. What can you know from such data?",
        ),
        Misconception(
            "always a pairing",
            _judged(names=("both", "half", "interleaved", "interleaved")),
            "What is not half was taken for interleaved. Some boxes change the lengths of pairs in both readings. "
            "Which test do neighbours have to pass?",
        ),
    ],
    hints=[
        "A rotation turns each pair within its own plane. What does it not change, whatever the angle?",
        "np.hypot(x[:, :middle], x[:, middle:]) has the lengths of all pairs of all tokens if halves are the pairs. "
        "Compare them before and after.",
        "The same with x[:, 0::2] and x[:, 1::2]. np.allclose for each reading gives two booleans, and they have four "
        "combinations.",
    ],
    explanation="No angle, frequency or position was needed. The same test works on a running model: record a layer's "
    "queries before and after its rotation.",
)
