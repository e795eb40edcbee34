"""Inputs for the cases: random, the same for the same seed, and easy to follow with a pencil."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ropelib.checks.compare import agree
from ropelib.checks.observe import Case, copied, plain
from ropelib.reference import Floats

MOST_DRAWS = 1000


def generator(chapter: int, question: int, seed: int) -> np.random.Generator:
    """Random numbers of one question: those of another question do not depend on it."""
    return np.random.default_rng([chapter, question, seed])


def halves(rng: np.random.Generator, *shape: int) -> Floats:
    """Multiples of one half from −3 to 3, none of them zero."""
    return rng.integers(1, 7, shape) * rng.choice([-0.5, 0.5], shape)


def fair(
    draw: Callable[[], Case],
    right: Callable[..., Any],
    noticed: Sequence[Callable[..., Any]] = (),
    hidden: Sequence[Callable[..., Any]] = (),
) -> Case:
    """A case of draw's, drawn again until it gives away all of the noticed slips and none of the hidden ones.

    Left to luck, a slip would cost points with one seed and nothing with another.

    right:           the right program
    noticed, hidden: wrong programs, called as the right one is

    Raises ValueError where draw gives no such case.
    """
    for _ in range(MOST_DRAWS):
        case = draw()
        expected = _outcome(right, case)
        agrees = [agree(expected, _outcome(slip, case)) for slip in (*noticed, *hidden)]
        if agrees == [False] * len(noticed) + [True] * len(hidden):
            return case
    raise ValueError(f"draw must give a fair case within {MOST_DRAWS} times, but {case.label!r} never was one")


def _outcome(program: Callable[..., Any], case: Case) -> Any:
    with np.errstate(all="ignore"):
        return plain(program(*copied(case.args)))[0]
