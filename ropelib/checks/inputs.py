"""Inputs for the cases: random, the same for the same seed, and easy to follow with a pencil."""

import numpy as np

from ropelib.reference import Floats


def generator(chapter: int, question: int, seed: int) -> np.random.Generator:
    """Random numbers of one question: those of another question do not depend on it."""
    return np.random.default_rng([chapter, question, seed])


def halves(rng: np.random.Generator, *shape: int) -> Floats:
    """Multiples of one half from −3 to 3, none of them zero."""
    return rng.integers(1, 7, shape) * rng.choice([-0.5, 0.5], shape)
