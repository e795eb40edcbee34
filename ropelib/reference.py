"""Rotary position embeddings in NumPy float64: the definition that everything else is tested against.

The one journey: positions × inv_freq → angles → cos, sin → rotate(x).

Su et al. 2021, "RoFormer: Enhanced Transformer with Rotary Position Embedding", arXiv:2104.09864.
"""

from numbers import Integral, Real
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]
Pairing = Literal["half", "interleaved"]


def inverse_frequencies(head_dim: int, base: float = 10_000.0) -> Floats:
    """The angular frequency of each pair: θ_i = base^(−2i/head_dim), fastest first.

    head_dim: features of one attention head; positive and even, since features rotate in pairs
    base:     finite and positive; 10 000 in the paper
    returns:  (head_dim/2,), in radians per position

    Raises ValueError for any other head_dim or base. Su et al. 2021, §3.2.2 (there i starts at 1).
    """
    if not isinstance(head_dim, Integral) or isinstance(head_dim, bool) or head_dim <= 0 or head_dim % 2:
        raise ValueError(f"head_dim must be a positive even integer, but got {head_dim!r}")
    if not _is_number(base) or not np.isfinite(base) or base <= 0:
        raise ValueError(f"base must be a finite positive number, but got {base!r}")
    return float(base) ** (-np.arange(0, head_dim, 2, dtype=np.float64) / head_dim)


def rotation_angles(positions: ArrayLike, inv_freq: ArrayLike) -> Floats:
    """How far each pair has turned at each position: m·θ_i.

    positions: (..., seq), in tokens; any finite real numbers
    inv_freq:  (head_dim/2,), in radians per position
    returns:   (..., seq, head_dim/2), in radians, not reduced to one turn

    Raises ValueError where positions or inv_freq are not finite real numbers, or inv_freq is not 1-D.
    """
    positions, inv_freq = _finite("positions", positions), _finite("inv_freq", inv_freq)
    if inv_freq.ndim != 1:
        raise ValueError(f"inv_freq must have one axis, (head_dim/2,), but its shape is {inv_freq.shape}")
    return positions[..., None] * inv_freq


def cos_sin(angles: ArrayLike, attention_factor: float = 1.0) -> tuple[Floats, Floats]:
    """The two tables that a rotation needs, half as wide as a head.

    angles:           (..., seq, head_dim/2), in radians
    attention_factor: multiplies both tables, and so every score by its square (YaRN); 1 changes nothing
    returns:          cos, sin, each with the shape of angles; dimensionless

    Raises ValueError where angles are not finite, or attention_factor is not finite and positive.
    """
    angles = _finite("angles", angles)
    if not _is_number(attention_factor) or not np.isfinite(attention_factor) or attention_factor <= 0:
        raise ValueError(f"attention_factor must be a finite positive number, but got {attention_factor!r}")
    return attention_factor * np.cos(angles), attention_factor * np.sin(angles)


def rotate(x: ArrayLike, cos: ArrayLike, sin: ArrayLike, *, pairing: Pairing = "half") -> Floats:
    """Rotate each feature pair (a, b) of x to (a·cos − b·sin, a·sin + b·cos).

    x:        (..., seq, head_dim) queries or keys; never changed in place
    cos, sin: (seq, head_dim/2), or with leading axes that broadcast against those of x
    pairing:  "half" pairs feature i with i + head_dim/2 (GPT-NeoX, Hugging Face's Llama);
              "interleaved" pairs 2i with 2i + 1 (the paper, GPT-J, Meta's Llama)
    returns:  float64, the shape of x; each pair keeps its length where attention_factor is 1

    Raises ValueError for an unknown pairing, an odd head_dim, or tables that do not fit x. A table of one row
    is not stretched over a longer sequence: that would turn every token by the angle of the first.
    Su et al. 2021, eq. 34.
    """
    x, cos, sin = _finite("x", x), _finite("cos", cos), _finite("sin", sin)
    _check_tables(x.shape, cos.shape, sin.shape)
    a, b = _split(x, pairing)
    return _join(a * cos - b * sin, a * sin + b * cos, pairing)


def rotation_matrix(angle: float) -> Floats:
    """The matrix R(angle) that turns a point of the plane counter-clockwise.

    angle:   a finite number, in radians
    returns: (2, 2); rotation_matrix(angle) @ point is the turned point

    Raises ValueError where angle is not one finite real number.
    """
    angle = _finite("angle", angle)
    if angle.ndim:
        raise ValueError(f"angle must be one number, but its shape is {angle.shape}")
    c, s = np.cos(angle), np.sin(angle)
    return np.array([[c, -s], [s, c]])


def _split(x: Floats, pairing: str) -> tuple[Floats, Floats]:
    if pairing == "half":
        middle = x.shape[-1] // 2
        return x[..., :middle], x[..., middle:]
    if pairing == "interleaved":
        return x[..., 0::2], x[..., 1::2]
    raise ValueError(f'pairing must be "half" or "interleaved", but got {pairing!r}')


def _join(a: Floats, b: Floats, pairing: str) -> Floats:
    if pairing == "half":
        return np.concatenate([a, b], axis=-1)
    return np.stack([a, b], axis=-1).reshape(*a.shape[:-1], -1)


def _is_number(value: object) -> bool:
    return isinstance(value, Real) and not isinstance(value, bool)


def _finite(name: str, values: ArrayLike) -> Floats:
    try:
        array = np.asarray(values)
    except (ValueError, TypeError, RuntimeError) as error:
        raise ValueError(f"{name} must be an array of real numbers, but NumPy cannot make one: {error}") from None
    if array.dtype.kind not in "iuf":
        raise ValueError(f"{name} must be real numbers, but their dtype is {array.dtype}")
    array = array.astype(np.float64)
    if not np.isfinite(array).all():
        raise ValueError(f"{name} must be finite, but hold {array[~np.isfinite(array)][0]}")
    return array


def _check_tables(x: tuple[int, ...], cos: tuple[int, ...], sin: tuple[int, ...]) -> None:
    if len(x) < 2 or x[-1] % 2 or x[-1] == 0:
        raise ValueError(f"x must have shape (..., seq, head_dim) with an even head_dim, but its shape is {x}")
    if cos != sin:
        raise ValueError(f"cos and sin must have one shape, but theirs are {cos} and {sin}")
    if cos[-2:] != (x[-2], x[-1] // 2):
        raise ValueError(f"cos and sin must end in (seq, head_dim/2) = {(x[-2], x[-1] // 2)}, but their shape is {cos}")
    try:
        fits = np.broadcast_shapes(cos[:-2], x[:-2]) == x[:-2]
    except ValueError:
        fits = False
    if not fits:
        raise ValueError(f"the leading axes of cos and sin, {cos[:-2]}, must broadcast to those of x, {x[:-2]}")
