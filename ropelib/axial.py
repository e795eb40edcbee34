"""Positions with several axes, such as row and column: inv_freq becomes a matrix, and the journey stays as it was.

A pair turns by the sum of its turns along all axes. Here its frequency is zero on all but one, to which it belongs;
any other matrix will do as well, and Heo et al. 2024, arXiv:2403.13298, learn theirs.
"""

from collections.abc import Sequence
from numbers import Integral

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ropelib.reference import Floats, inverse_frequencies, rotation_angles


def rotation_angles_nd(positions: ArrayLike, inv_freq: ArrayLike) -> Floats:
    """How far each pair has turned at each place: the matrix product positions · inv_freq.

    positions: (..., seq, axes); any finite real numbers
    inv_freq:  (axes, head_dim/2), in radians per position
    returns:   (..., seq, head_dim/2), in radians, for ropelib.reference.cos_sin

    Raises ValueError where the numbers of axes differ, or where positions or inv_freq are not finite real numbers.
    """
    positions, inv_freq = np.asarray(positions), np.asarray(inv_freq)
    if inv_freq.ndim != 2 or not len(inv_freq) or positions.shape[-1:] != inv_freq.shape[:1]:
        rule = "positions must have shape (..., seq, axes) and inv_freq (axes, head_dim/2)"
        raise ValueError(f"{rule}, but theirs are {positions.shape} and {inv_freq.shape}")
    # Axis by axis, because machines differ in how a matrix product rounds.
    return sum(rotation_angles(positions[..., axis], of_axis) for axis, of_axis in enumerate(inv_freq))


def axial_frequencies(sections: Sequence[int], base: float = 10_000.0) -> Floats:
    """Each axis has neighbouring pairs, with a whole range of frequencies of its own.

    sections: the number of pairs of each axis, which turn like a head of twice as many features
    returns:  (axes, sum of sections), in radians per position

    Raises ValueError unless sections are positive integers and base is finite and positive. Heo et al. 2024.
    """
    owner = _owner_of_each_pair(sections)
    return _owned(owner, np.concatenate([inverse_frequencies(2 * pairs, base) for pairs in sections]))


def sectioned_frequencies(sections: Sequence[int], base: float = 10_000.0, *, interleaved: bool = False) -> Floats:
    """The axes share the frequencies of one head, so that the place (m, m, …) turns as position m in plain RoPE.

    interleaved: False gives neighbouring pairs, the fastest to axis 0 (Qwen2-VL's M-RoPE); True deals the pairs out,
                 one an axis and round (Qwen3-VL; Pixtral's two equal sections, but for the order of the pairs)
    sections, returns, errors: as in axial_frequencies
    """
    owner = _owner_of_each_pair(sections)
    if interleaved:
        owner = owner[np.concatenate([np.arange(pairs) for pairs in sections]).argsort(kind="stable")]
    return _owned(owner, inverse_frequencies(2 * len(owner), base))


def _owner_of_each_pair(sections: Sequence[int]) -> NDArray[np.int64]:
    if not len(sections) or not all(isinstance(pairs, Integral) and pairs > 0 for pairs in sections):
        raise ValueError(f"sections must be positive integers, one an axis, but got {sections!r}")
    return np.repeat(np.arange(len(sections)), sections)


def _owned(owner: NDArray[np.int64], inv_freq: Floats) -> Floats:
    return np.where(owner == np.arange(owner.max() + 1)[:, None], inv_freq, 0.0)
