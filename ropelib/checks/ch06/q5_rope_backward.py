"""The backward pass by hand: for the vectors, and for the frequencies if one trains them."""

from collections.abc import Callable

import numpy as np

from ropelib.checks.core import ROOMS, Misconception, Question
from ropelib.checks.inputs import fair, generator, halves
from ropelib.checks.observe import Case
from ropelib.reference import Floats

Gradients = tuple[Floats, Floats]


def rope_backward(upstream: Floats, x: Floats, positions: Floats, inv_freq: Floats) -> Gradients:
    angles = np.outer(positions, inv_freq)
    cos, sin = np.cos(angles), np.sin(angles)
    u, v = np.split(upstream, 2, axis=1)
    a, b = np.split(x, 2, axis=1)
    grad_x = np.concatenate([u * cos + v * sin, v * cos - u * sin], axis=1)
    grad_angles = v * (a * cos - b * sin) - u * (a * sin + b * cos)
    return grad_x, positions @ grad_angles


def _cases(seed: int) -> list[Case]:
    rng = generator(6, 5, seed)
    slow, fast = rng.integers(10, 50, 3) / 100, rng.integers(50, 150, 2) / 100
    positions = rng.permutation(np.arange(1, 30))[:4]

    def alone() -> Case:
        return Case("one vector at position 3", (halves(rng, 1, 2), halves(rng, 1, 2), np.array([3]), slow[:1]))

    start = np.array([[1.0, 0.0]]), np.array([[2.0, 1.0]])
    return [
        Case("one vector, a quarter turn", (*start, np.array([1]), np.array([np.pi / 2]))),
        fair(alone, rope_backward, [_of_x]),
        Case("at the origin", (halves(rng, 2, 4), halves(rng, 2, 4), np.array([0, 0]), fast), weight=0),
        Case("positions in any order", (halves(rng, 4, 4), halves(rng, 4, 4), positions, fast), weight=2),
        Case("three pairs", (halves(rng, 3, 6), halves(rng, 3, 6), positions[:3] + 100, slow), weight=2),
    ]


def _vectors(
    program: Callable[[Floats, Floats, Floats, Floats], Floats],
) -> Callable[[Floats, Floats, Floats, Floats], Gradients]:
    """The right gradient of the frequencies, another one of the vectors."""
    return lambda g, x, m, w: (program(g, x, m, w), rope_backward(g, x, m, w)[1])


def _frequencies(
    program: Callable[[Floats, Floats, Floats, Floats], Floats],
) -> Callable[[Floats, Floats, Floats, Floats], Gradients]:
    """The right gradient of the vectors, another one of the frequencies."""
    return lambda g, x, m, w: (rope_backward(g, x, m, w)[0], program(g, x, m, w))


def _forward(x: Floats, positions: Floats, inv_freq: Floats) -> Floats:
    return rope_backward(x, x, -positions, inv_freq)[0]


def _of_x(upstream: Floats, x: Floats, positions: Floats, inv_freq: Floats) -> Gradients:
    return rope_backward(x, x, positions, inv_freq)[0], rope_backward(upstream, x, positions, inv_freq)[1]


def _of_angles(upstream: Floats, x: Floats, positions: Floats, inv_freq: Floats) -> Floats:
    return _at_angle_zero(upstream, _forward(x, positions, inv_freq))


def _at_angle_zero(upstream: Floats, x: Floats) -> Floats:
    (u, v), (a, b) = np.split(upstream, 2, axis=1), np.split(x, 2, axis=1)
    return v * a - u * b


def _halves_exchanged(upstream: Floats, x: Floats, positions: Floats, inv_freq: Floats) -> Floats:
    return np.roll(rope_backward(upstream, x, positions, inv_freq)[0], x.shape[1] // 2, axis=1)


QUESTION = Question(
    name="rope_backward",
    title="The backward pass, by hand",
    objective="write the gradients of a rotation without a framework, also for frequencies that are trained",
    difficulty="demanding",
    minutes=20,
    points=6,
    reference=rope_backward,
    cases=_cases,
    answered_by=(*ROOMS, "ropelib.ops", "ropelib.rotation", "ropelib.module"),
    misconceptions=[
        Misconception(
            "same sign as forward",
            _vectors(lambda g, x, m, w: _forward(g, m, w)),
            "The gradient of x is turned forward once more. It goes back through the transpose: what does transposing "
            "do to the sign of the sine?",
        ),
        Misconception(
            "passed unchanged",
            _vectors(lambda g, x, m, w: 1.0 * g),
            "The gradient of x is `upstream` as it came. That would be right for a constant added; a turn mixes two "
            "features, and so do their gradients.",
        ),
        Misconception(
            "halves exchanged",
            _vectors(_halves_exchanged),
            "The two halves of the gradient of x are exchanged. Transposing a rotation flips the sign of the sine; it "
            "leaves the features in their places.",
        ),
        Misconception(
            "x rotated back instead of upstream",
            _of_x,
            "This turns x back. The rotation is linear, so its gradient with respect to x does not depend on x: what "
            "is it that has to go back?",
        ),
        Misconception(
            "frequencies taken for constants",
            _frequencies(lambda g, x, m, w: np.zeros_like(w)),
            "The gradient of inv_freq is zero here. RoPE usually does not train its frequencies, but the scores do "
            "depend on them: what does y do when an angle grows a little?",
        ),
        Misconception(
            "sign of the frequencies' gradient",
            _frequencies(lambda g, x, m, w: -(m @ _of_angles(g, x, m, w))),
            "The gradient of inv_freq has the wrong sign. As the angle φ grows, the first coordinate of y falls by "
            "y₂ dφ and the second grows by y₁ dφ.",
        ),
        Misconception(
            "positions forgotten",
            _frequencies(lambda g, x, m, w: _of_angles(g, x, m, w).sum(axis=0)),
            "That is the gradient of the angles, summed over tokens. An angle is position · inv_freq: by the chain "
            "rule, what does each token's part have to be multiplied with?",
        ),
        Misconception(
            "mean over tokens",
            _frequencies(lambda g, x, m, w: m @ _of_angles(g, x, m, w) / len(m)),
            "The gradient of inv_freq is divided by the number of tokens. A frequency that is used by several tokens "
            "collects the sum of their gradients.",
        ),
        Misconception(
            "not summed over tokens",
            _frequencies(lambda g, x, m, w: m[:, None] * _of_angles(g, x, m, w)),
            "The gradient of inv_freq has one row for each token. All tokens share the frequencies: what happens to "
            "the gradients of a number that is used many times?",
        ),
        Misconception(
            "differentiated at angle 0",
            _frequencies(lambda g, x, m, w: m @ _at_angle_zero(g, x)),
            "The gradient of inv_freq is right only where nothing has turned yet: x stands where the rotated x "
            "belongs. The derivative of a rotation by φ is taken at φ.",
        ),
        Misconception(
            "multiplied with the frequencies",
            _frequencies(lambda g, x, m, w: _of_angles(g, x, m, w).sum(axis=0) * w),
            "The angles' gradient is multiplied with inv_freq. The derivative of position · inv_freq with respect to "
            "inv_freq is the other factor.",
        ),
    ],
    hints=[
        "Write y₁ = a·cos − b·sin, y₂ = a·sin + b·cos, and collect what multiplies a, and what multiplies b, in "
        "u·y₁ + v·y₂ (u and v are the halves of upstream).",
        "Derive u·y₁ + v·y₂ with respect to the angle: dy₁/dφ = −y₂ and dy₂/dφ = y₁.",
        "angles = positions · inv_freq, so the gradient of inv_freq is the sum over tokens of position · (gradient of "
        "the angle): positions @ (v·y₁ − u·y₂).",
    ],
    explanation="Distant tokens pull hardest on a frequency: each contributes in proportion to its position. That is "
    "one reason why trained frequencies are hard to train, and fixed ones the rule.",
)
