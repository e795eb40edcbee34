"""Name the way in which a black box tells positions, from three tables of scores."""

from collections.abc import Callable

import numpy as np

from ropelib.checks.core import ROOMS, Misconception, Question
from ropelib.checks.inputs import generator
from ropelib.checks.observe import Case
from ropelib.reference import Floats, cos_sin, inverse_frequencies, rotate, rotation_angles

ADDED, BIAS, ROTATION, NONE = "added", "bias", "rotation", "none"


def scheme_of(plain: Floats, here: Floats, moved: Floats) -> str:
    if not np.allclose(here, moved):
        return "added"
    effect = here - plain
    if np.allclose(effect, 0):
        return "none"
    return "bias" if np.allclose(effect[1:, 1:], effect[:-1, :-1]) else "rotation"


def _cases(seed: int) -> list[Case]:
    rng = generator(4, 5, seed)

    def contents(tokens: int, size: float = 1.0) -> Floats:
        return size * rng.standard_normal((2, tokens, 4))

    def noisy(*tables: Floats) -> tuple[Floats, ...]:
        return tuple(table + rng.uniform(-1e-12, 1e-12, table.shape) for table in tables)

    shift = int(rng.integers(7, 60))
    sided = rng.permutation(11) / 2
    return [
        Case("nothing", _boxed(contents(3), lambda q, k, p: q @ k.T, shift)),
        Case("a slope", _boxed(contents(4), _sloped(0.5), shift)),
        Case("a turn", _boxed(contents(4), _turned, shift), weight=2),
        Case("sinusoids", _boxed(contents(4), _added, shift)),
        Case("a bias that tells before from after", _boxed(contents(6), _sided(sided), shift), weight=2),
        Case("a turn, of small contents", _boxed(contents(5, 0.05), _turned, shift), weight=2),
        Case("a slope, with rounding errors", noisy(*_boxed(contents(5), _sloped(0.25), shift)), weight=2),
        Case("a turn, with rounding errors", noisy(*_boxed(contents(5), _turned, shift))),
        Case("nothing, with rounding errors", noisy(*_boxed(contents(4), lambda q, k, p: q @ k.T, shift))),
    ]


Box = Callable[[Floats, Floats, Floats], Floats]


def _boxed(contents: Floats, box: Box, shift: int) -> tuple[Floats, ...]:
    q, k = contents
    positions = np.arange(len(q))
    return q @ k.T, box(q, k, positions), box(q, k, positions + shift)


def _sloped(slope: float) -> Box:
    return lambda q, k, positions: q @ k.T - slope * np.abs(positions[:, None] - positions)


def _sided(table: Floats) -> Box:
    return lambda q, k, positions: q @ k.T + table[positions - positions[:, None] + len(table) // 2]


def _turned(q: Floats, k: Floats, positions: Floats) -> Floats:
    cos, sin = cos_sin(rotation_angles(positions, inverse_frequencies(4)))
    return rotate(q, cos, sin) @ rotate(k, cos, sin).T


def _added(q: Floats, k: Floats, positions: Floats) -> Floats:
    angles = positions[:, None] * inverse_frequencies(4)
    p = np.concatenate([np.sin(angles), np.cos(angles)], axis=1)
    return (q + p) @ (k + p).T


def _constant(effect: Floats, offsets: range, within: float = 1e-9) -> bool:
    return all(np.ptp(np.diagonal(effect, offset)) < within for offset in offsets)


def _judged(is_bias: Callable[[Floats], bool]) -> Callable[[Floats, Floats, Floats], str]:
    """The right program with another test for a bias."""

    def program(plain: Floats, here: Floats, moved: Floats) -> str:
        found = scheme_of(plain, here, moved)
        return found if found in (ADDED, NONE) else BIAS if is_bias(here - plain) else ROTATION

    return program


def _renamed(names: dict[str, str]) -> Callable[[Floats, Floats, Floats], str]:
    return lambda plain, here, moved: names.get(scheme_of(plain, here, moved), scheme_of(plain, here, moved))


def _exactly(plain: Floats, here: Floats, moved: Floats) -> str:
    return scheme_of(plain, here, moved) if np.array_equal(here, moved) else ADDED


def _without_move(plain: Floats, here: Floats, moved: Floats) -> str:
    return scheme_of(plain, here, here)


def _of_scores(plain: Floats, here: Floats, moved: Floats) -> str:
    """Looks for constant diagonals in the scores themselves."""
    found = scheme_of(plain, here, moved)
    constant = _constant(here, range(1 - len(here), len(here)))
    return found if found in (ADDED, NONE) else BIAS if constant else ROTATION


QUESTION = Question(
    name="scheme_of",
    title="Which of the three is in the box?",
    objective="tell the three ways apart by what they do to scores: who notices a move, who looks at the content",
    difficulty="moderate",
    minutes=10,
    points=3,
    reference=scheme_of,
    cases=_cases,
    options=(ADDED, BIAS, ROTATION, NONE),
    answered_by=(*ROOMS, "ropelib.tiny_model", "ropelib.tiny_training"),
    misconceptions=[
        Misconception(
            "the move not looked at",
            _without_move,
            "Added positions are taken for a rotation. Both act through the content; which of them notices that the "
            "text has moved, and which of your inputs shows it?",
        ),
        Misconception(
            "exact equality",
            _exactly,
            "Scores that differ by 10⁻¹² were taken for different, and so everything with rounding errors for "
            "added. How close is close enough?",
        ),
        Misconception(
            "main diagonal only",
            _judged(lambda effect: _constant(effect, range(0, 1))),
            "A rotation is taken for a bias. On the main diagonal both have one value, since a token has the distance "
            "0 from itself. Where else must a bias be constant?",
        ),
        Misconception(
            "a bias must be symmetric",
            _judged(lambda effect: np.allclose(effect, effect.T)),
            "A bias that treats before and after differently is taken for a rotation. What must all pairs with the "
            "same n − m have in common?",
        ),
        Misconception(
            "small effects overlooked",
            _judged(lambda effect: _constant(effect, range(1 - len(effect), len(effect)), within=0.1)),
            "A rotation of small contents is taken for a bias: its effects differ by little, and they differ. With "
            "which size should they be compared, if rounding errors are 10⁻¹²?",
        ),
        Misconception(
            "scores instead of effects",
            _of_scores,
            "You looked for constant diagonals in the scores themselves, where the content is still in. What has to "
            "be subtracted first?",
        ),
        Misconception(
            "bias and rotation exchanged",
            _renamed({BIAS: ROTATION, ROTATION: BIAS}),
            "Bias and rotation are exchanged. Which of the two gives all pairs at one distance the same correction?",
        ),
        Misconception(
            "none taken for a bias",
            _renamed({NONE: BIAS}),
            "A box without positions is called a bias. A bias of 0 everywhere is one in name only: test for it first.",
        ),
        Misconception(
            "a rotation is absolute",
            _renamed({ROTATION: ADDED}),
            "A rotation is called added. Its angles are absolute, its scores are not: compare `here` with `moved`.",
        ),
    ],
    hints=[
        "Three tests, one after the other: do the scores change when the text moves? Do positions do anything at all? "
        "Do they do the same to all pairs with the same n − m?",
        "effect = here - plain is what positions do; np.diagonal(effect, offset) takes the pairs with n − m = offset.",
        "One step down and one to the right, n − m is the same: compare effect[1:, 1:] with effect[:-1, :-1], by "
        "np.allclose, because of the rounding errors.",
    ],
    explanation="Added positions notice a move, a bias does not see the content, and a rotation is relative and acts "
    "through the content. Two measurements tell the three apart, without a look at the code.",
)
