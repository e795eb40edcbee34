"""Read the signed offset off two rotated vectors."""

import numpy as np

from ropelib.checks.core import Misconception, Question
from ropelib.checks.inputs import fair, generator, halves
from ropelib.checks.observe import Case
from ropelib.reference import Floats, rotation_matrix


def offset_between(q: Floats, k: Floats, q_rotated: Floats, k_rotated: Floats, theta: float) -> float:
    before_q, before_k, after_q, after_k = (np.arctan2(v[1], v[0]) for v in (q, k, q_rotated, k_rotated))
    turned = (after_k - before_k) - (after_q - before_q)
    nearest = (turned + np.pi) % (2 * np.pi) - np.pi
    return nearest / theta


def _turn(vector: Floats, angle: float) -> Floats:
    return rotation_matrix(angle) @ vector


SHORTFALL = 1e-10  # tokens, in size: above all rounding and below all tolerance, so that int() fails on every machine


def _offset_case(label: str, q: Floats, k: Floats, m: int, n: int, theta: float) -> Case:
    logged = n - np.sign(n - m) * SHORTFALL
    return Case(label, (q, k, _turn(q, m * theta), _turn(k, logged * theta), theta))


def _cases(seed: int) -> list[Case]:
    rng = generator(1, 2, seed)

    def far(label: str, direction: int, most: int, theta: float) -> Case:
        def draw() -> Case:
            m, step = int(rng.integers(100, 1000)), int(rng.integers(2, most))
            return _offset_case(label, halves(rng, 2), halves(rng, 2), m, m + direction * step, theta)

        return fair(draw, offset_between, [_whole_turns_left_in, _content_forgotten, _by_slopes])

    return [
        _offset_case("the key comes later", np.array([1.0, 0.0]), np.array([1.0, 0.0]), 1, 3, 0.5),
        _offset_case("the key comes earlier", np.array([2.0, 1.0]), np.array([-1.0, 3.0]), 4, 2, 0.5),
        _offset_case("the key has passed half a turn", np.array([1.0, 0.0]), np.array([1.0, 0.0]), 5, 8, 0.5),
        far("after many turns, later", 1, 6, 0.5),
        far("after many turns, earlier", -1, 6, 0.4),
        far("a slow hand", 1, 18, 0.05),
    ]


def _direction(vector: Floats) -> float:
    return np.arctan2(vector[1], vector[0])


def _turned(q: Floats, k: Floats, q_rotated: Floats, k_rotated: Floats) -> float:
    return (_direction(k_rotated) - _direction(k)) - (_direction(q_rotated) - _direction(q))


def _nearest(angle: float) -> float:
    return (angle + np.pi) % (2 * np.pi) - np.pi


def _whole_turns_left_in(q: Floats, k: Floats, q_rotated: Floats, k_rotated: Floats, theta: float) -> float:
    return _turned(q, k, q_rotated, k_rotated) / theta


def _content_forgotten(q: Floats, k: Floats, q_rotated: Floats, k_rotated: Floats, theta: float) -> float:
    return _nearest(_direction(k_rotated) - _direction(q_rotated)) / theta


def _by_slopes(q: Floats, k: Floats, q_rotated: Floats, k_rotated: Floats, theta: float) -> float:
    key, key_before, query, query_before = (np.arctan(v[1] / v[0]) for v in (k_rotated, k, q_rotated, q))
    return _nearest((key - key_before) - (query - query_before)) / theta


QUESTION = Question(
    name="offset_between",
    title="Where did they stand?",
    objective="read the signed offset off a rotated query and a rotated key, and know why nothing else can be read off",
    difficulty="demanding",
    minutes=15,
    points=4,
    reference=offset_between,
    cases=_cases,
    misconceptions=[
        Misconception(
            "query minus key",
            lambda q, k, qr, kr, t: -offset_between(q, k, qr, kr, t),
            "The size is right, the sign is not: this is m − n. The key stands at n and the query at m; n − m is "
            "asked.",
        ),
        Misconception(
            "distance without its sign",
            lambda q, k, qr, kr, t: abs(offset_between(q, k, qr, kr, t)),
            "This is |n − m|. An arccos of a dot product cannot tell before from after: which function of two "
            "coordinates can?",
        ),
        Misconception(
            "whole turns left in",
            _whole_turns_left_in,
            "Some offsets are off by whole turns, 2π/θ tokens each. Bring the difference of angles into −π to π.",
        ),
        Misconception(
            "forward offsets only",
            lambda q, k, qr, kr, t: _turned(q, k, qr, kr) % (2 * np.pi) / t,
            "A key that comes earlier is reported almost a whole turn later. A remainder by 2π lies between 0 and 2π: "
            "where should the interval lie so that it holds both signs?",
        ),
        Misconception(
            "content forgotten",
            _content_forgotten,
            "This is the angle between the rotated vectors. A part of it was there before anybody turned them.",
        ),
        Misconception(
            "radians instead of tokens",
            lambda q, k, qr, kr, t: t * offset_between(q, k, qr, kr, t),
            "This is the angle between them in radians. How many tokens make one radian?",
        ),
        Misconception(
            "position of the key",
            lambda q, k, qr, kr, t: _nearest(_direction(kr) - _direction(k)) / t,
            "This is how far the key has turned. The query has turned as well: what is left of the two in a score?",
        ),
        Misconception(
            "slopes instead of directions",
            _by_slopes,
            "arctan(y/x) gives (1, 1) and (−1, −1) the same angle, so some offsets are half a turn off. "
            "np.arctan2(y, x) "
            "looks at both signs.",
        ),
        Misconception(
            "query minus key, whole turns left in",
            lambda q, k, qr, kr, t: -_turned(q, k, qr, kr) / t,
            "Two things: this is m − n where n − m is asked, and some offsets are off by whole turns, 2π/θ tokens "
            "each. Which difference of angles lies between −π and π?",
        ),
        Misconception(
            "cut off instead of rounded",
            lambda q, k, qr, kr, t: int(offset_between(q, k, qr, kr, t)),
            "The offsets are one too small in size. Angles carry rounding errors: a computed 3 may be 2.9999999999, "
            "and int cuts everything off behind the point. What brings it to the nearest whole number instead?",
        ),
    ],
    hints=[
        "How far has the key turned? Compare the direction of k_rotated with that of k. Do the same for the query.",
        "np.arctan2(y, x) is the direction of (x, y). The difference of the two turns is (n − m)·θ, up to whole turns.",
        "(angle + np.pi) % (2 * np.pi) - np.pi brings an angle into −π to π. Then turn radians into tokens.",
    ],
    explanation="Whole turns are lost: offsets that differ by 2π/θ look alike. That is why one frequency is not "
    "enough.",
)
