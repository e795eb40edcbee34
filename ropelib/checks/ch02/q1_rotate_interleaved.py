"""Rotate with the paper's pairing, neighbour with neighbour."""

from collections.abc import Callable

import numpy as np

from ropelib.checks.core import Misconception, Question
from ropelib.checks.inputs import generator, halves
from ropelib.checks.observe import Case
from ropelib.reference import Floats, rotate


def rotate_interleaved(x: Floats, positions: Floats, base: float) -> Floats:
    head_dim = x.shape[-1]
    inv_freq = base ** (-np.arange(0, head_dim, 2) / head_dim)
    angles = positions[:, None] * inv_freq
    cos, sin = np.cos(angles), np.sin(angles)
    first, second = x[..., 0::2], x[..., 1::2]
    turned = np.stack([first * cos - second * sin, first * sin + second * cos], axis=-1)
    return turned.reshape(x.shape)


def _cases(seed: int) -> list[Case]:
    rng = generator(2, 1, seed)
    order = rng.permutation(np.arange(2, 60))
    return [
        Case("one token of four numbers", (np.array([[[1.0, 0.0, 0.0, 1.0]]]), np.array([1]), 10_000.0)),
        Case("position 0", (halves(rng, 1, 1, 4), np.array([0]), 10_000.0), weight=0),
        Case("whole numbers", (np.array([[[1, 2, 3, 4]]]), np.array([1]), 10_000.0), weight=0),
        Case("positions in any order", (halves(rng, 1, 3, 6), order[:3], 10_000.0), weight=2),
        Case("as many heads as tokens", (halves(rng, 3, 3, 4), order[3:6], 100.0), weight=2),
        Case("far into a text, another base", (halves(rng, 2, 2, 8), 1000 + order[6:8], 500_000.0), weight=2),
    ]


def _turn(first: Floats, second: Floats, angles: Floats) -> tuple[Floats, Floats]:
    return first * np.cos(angles) - second * np.sin(angles), first * np.sin(angles) + second * np.cos(angles)


def _with(
    exponent: Callable[[Floats, int], Floats] = lambda i, d: -2 * i / d,
    angle: Callable[[Floats, Floats], Floats] = lambda positions, inv_freq: positions[:, None] * inv_freq,
) -> Callable[[Floats, Floats, float], Floats]:
    """The right program with another exponent of the base, or another angle."""

    def program(x: Floats, positions: Floats, base: float) -> Floats:
        inv_freq = base ** exponent(np.arange(x.shape[-1] // 2), x.shape[-1])
        turned = _turn(x[..., 0::2], x[..., 1::2], angle(positions, inv_freq))
        return np.stack(turned, axis=-1).reshape(x.shape)

    return program


def _angles(x: Floats, positions: Floats, base: float) -> Floats:
    return positions[:, None] * base ** (-np.arange(0, x.shape[-1], 2) / x.shape[-1])


def _half(x: Floats, positions: Floats, base: float) -> Floats:
    angles = _angles(x, positions, base)
    return rotate(x, np.cos(angles), np.sin(angles), pairing="half")


def _neighbours_with_tables_of_halves(x: Floats, positions: Floats, base: float) -> Floats:
    angles = np.concatenate([_angles(x, positions, base)] * 2, axis=-1)
    other = np.stack([-x[..., 1::2], x[..., 0::2]], axis=-1).reshape(x.shape)
    return x * np.cos(angles) + other * np.sin(angles)


def _halves_with_tables_of_neighbours(x: Floats, positions: Floats, base: float) -> Floats:
    angles = np.repeat(_angles(x, positions, base), 2, axis=-1)
    middle = x.shape[-1] // 2
    other = np.concatenate([-x[..., middle:], x[..., :middle]], axis=-1)
    return x * np.cos(angles) + other * np.sin(angles)


def _left_apart(x: Floats, positions: Floats, base: float) -> Floats:
    return np.concatenate(_turn(x[..., 0::2], x[..., 1::2], _angles(x, positions, base)), axis=-1)


def _without_minus(x: Floats, positions: Floats, base: float) -> Floats:
    angles = _angles(x, positions, base)
    first, second = x[..., 0::2], x[..., 1::2]
    turned = first * np.cos(angles) + second * np.sin(angles), first * np.sin(angles) + second * np.cos(angles)
    return np.stack(turned, axis=-1).reshape(x.shape)


def _along_the_heads(x: Floats, positions: Floats, base: float) -> Floats:
    return rotate_interleaved(x.swapaxes(0, 1), positions, base).swapaxes(0, 1).copy()


QUESTION = Question(
    name="rotate_interleaved",
    title="The paper's pairing",
    objective="rotate with another pairing than the chapter's, for any head_dim, any base and any positions",
    difficulty="moderate",
    minutes=20,
    points=6,
    reference=rotate_interleaved,
    cases=_cases,
    misconceptions=[
        Misconception(
            "half pairing",
            _half,
            "Right mathematics, other convention: this pairs feature i with feature i + head_dim/2, as the chapter "
            "does. "
            "Here the pairs are neighbours: 0 with 1, 2 with 3.",
        ),
        Misconception(
            "neighbours turned with tables for halves",
            _neighbours_with_tables_of_halves,
            "The pairs are neighbours, but cos and sin are laid out for halves, so the two members of a pair turn by "
            "different angles. Which column of the tables belongs to feature 1?",
        ),
        Misconception(
            "halves turned with tables for neighbours",
            _halves_with_tables_of_neighbours,
            "cos and sin are laid out for neighbours, but feature i is mixed with feature i + head_dim/2. Which "
            "partner "
            "has feature 0?",
        ),
        Misconception(
            "pairs not put back",
            _left_apart,
            "The numbers are right and stand in the wrong columns: all first members, then all second ones. How do you "
            "get them back to a, b, a, b?",
        ),
        Misconception(
            "clockwise",
            _with(angle=lambda m, f: -m[:, None] * f),
            "Every pair turns the wrong way. In which of the two formulas does the minus stand?",
        ),
        Misconception(
            "minus missing",
            _without_minus,
            "Both formulas have a plus, so pairs change their length. Where does (0, 1) go after a quarter turn?",
        ),
        Misconception(
            "does not turn",
            lambda x, m, b: 1.0 * x,
            "x comes back as it went in. That is right at position 0 only.",
        ),
        Misconception(
            "rows counted instead of positions",
            _with(angle=lambda m, f: np.arange(len(m))[:, None] * f),
            "The tokens are turned as if they stood at 0, 1, 2, … In a cache or a packed batch they do not. Where does "
            "your program use `positions`?",
        ),
        Misconception(
            "positions start at 1",
            _with(angle=lambda m, f: (m + 1)[:, None] * f),
            "Every token turns one step too far. By how much should the token at position 0 turn?",
        ),
        Misconception(
            "positions along the heads",
            _along_the_heads,
            "With several heads, each head turns by a position of its own. Which axis of x is the sequence?",
        ),
        Misconception(
            "exponent -i/d",
            _with(exponent=lambda i, d: -i / d),
            "The frequencies fall too slowly: the exponent is −i/d where it should be −2i/d. i counts pairs, and "
            "there are "
            "d/2 of them.",
        ),
        Misconception(
            "exponent -i",
            _with(exponent=lambda i, d: -1.0 * i),
            "The frequencies fall too fast: base to the power −i. What is the division by d good for?",
        ),
        Misconception(
            "exponent positive",
            _with(exponent=lambda i, d: 2 * i / d),
            "The frequencies grow from pair to pair: the exponent has lost its minus. Is θ₁ larger or smaller than 1?",
        ),
        Misconception(
            "frequencies reversed",
            _with(exponent=lambda i, d: -2 * i[::-1] / d),
            "The frequencies are the right ones in reverse: pair 0 is the fast one, with θ = 1.",
        ),
        Misconception(
            "one frequency for all pairs",
            _with(exponent=lambda i, d: 0.0 * i),
            "All pairs turn by the position itself, θ = 1. That is right for pair 0. And for the next one?",
        ),
        Misconception(
            "base ignored",
            lambda x, m, b: rotate_interleaved(x, m, 10_000.0),
            "This turns with base 10 000 whatever `base` says. Llama 3 uses 500 000.",
        ),
        Misconception(
            "exponent doubled",
            _with(lambda i, d: -4 * i / d),
            "The exponent falls twice as fast as it should: np.arange(0, head_dim, 2) has the 2 of −2i/d in it "
            "already. What is the exponent of the last pair?",
        ),
    ],
    hints=[
        "Frequencies and angles are those of the chapter, for any head_dim. Only the splitting and the joining change.",
        "x[..., 0::2] are the first members of all pairs, x[..., 1::2] the second ones.",
        "np.stack([new_first, new_second], axis=-1) puts the two members of a pair side by side in an axis of their "
        "own; "
        ".reshape(x.shape) merges that axis with the one before.",
    ],
    explanation="Meta's Llama and GPT-J pair neighbours, Hugging Face's Llama pairs halves. Weights fit one of the "
    "two.",
)
