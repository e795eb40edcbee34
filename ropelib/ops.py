"""Rotary position embeddings in PyTorch: the tables, and the functions that model code calls.

The one journey is that of ropelib.reference: positions × inv_freq → angles → cos, sin → rotate(x).
"""

import importlib.util
from collections.abc import Callable
from numbers import Integral

import numpy as np
import torch
from numpy.typing import ArrayLike
from torch import Tensor

from ropelib.reference import Pairing, inverse_frequencies
from ropelib.rotation import rotate, widen

_HAS_TRITON = importlib.util.find_spec("triton") is not None  # asked once: torch.compile cannot trace the question


def build_rope_cache(
    seq_len: int,
    head_dim: int,
    base: float = 10_000.0,
    *,
    scaling: tuple[ArrayLike, float] | None = None,
    device: torch.device | str | None = None,
    dtype: torch.dtype = torch.float32,
) -> tuple[Tensor, Tensor]:
    """The cos and sin tables of positions 0 … seq_len − 1, half as wide as what they rotate.

    seq_len:  rows; zero or more
    head_dim: features of one attention head; positive and even
    base:     as in ropelib.inverse_frequencies; unused beside scaling, which brings its own frequencies
    scaling:  (inv_freq, attention_factor) as the functions of ropelib.scaling return it;
              fewer than head_dim/2 frequencies mean partial rotary
    device:   of the tables; PyTorch's default device where None
    dtype:    of the tables, any floating-point type; the last cast: angles are float64 whatever it is
    returns:  cos, sin, each (seq_len, rotary_dim/2); float32 ones are within 1.2e-7 of exact up to position 10⁶

    Raises ValueError for any other seq_len, head_dim, base, scaling or dtype. Su et al. 2021, §3.2.2.
    """
    if not isinstance(seq_len, Integral) or isinstance(seq_len, bool) or seq_len < 0:
        raise ValueError(f"seq_len must be a non-negative integer, but got {seq_len!r}")
    if not isinstance(dtype, torch.dtype) or not dtype.is_floating_point:
        raise ValueError(f"dtype must be a floating-point torch.dtype, but got {dtype!r}")
    inv_freq, attention_factor = _frequencies(head_dim, base, scaling)
    device = torch.get_default_device() if device is None else torch.device(device)
    exact = torch.device("cpu") if device.type == "mps" else device  # MPS has no float64
    positions = torch.arange(seq_len, dtype=torch.float64, device=exact)
    angles = torch.outer(positions, torch.as_tensor(inv_freq, device=exact))
    cos, sin = ((attention_factor * table).to(dtype).to(device) for table in (angles.cos(), angles.sin()))
    return cos, sin


def apply_rope(
    q: Tensor,
    k: Tensor,
    cos: Tensor,
    sin: Tensor,
    *,
    position_ids: Tensor | None = None,
    pairing: Pairing = "half",
    seq_dim: int = -2,
    use_triton: bool | None = None,
) -> tuple[Tensor, Tensor]:
    """Rotate queries and keys by their positions.

    q, k:         (batch, heads, seq, head_dim), any numbers of heads; other leading axes do as well
    cos, sin:     (rows, rotary_dim/2), from build_rope_cache; features from rotary_dim on pass unrotated
    position_ids: (seq,) or (batch, seq), int64 or int32: the table row of each token; without it token i takes
                  row i, and the tables must have exactly as many rows as the sequence has tokens
    pairing:      "half" pairs feature i with i + rotary_dim/2, "interleaved" pairs 2i with 2i + 1
    seq_dim:      the axis that counts tokens: −2, or 1 for (batch, seq, heads, head_dim)
    use_triton:   None takes the Triton kernel on a GPU wherever it can rotate these tensors; True insists on it, on
                  the CPU under TRITON_INTERPRET=1; False rotates in PyTorch. True wants four axes and one of the
                  types bfloat16, float16 and float32
    returns:      the rotated q and k, new tensors of their shapes and dtypes; half types are rotated in float32

    Raises ImportError for use_triton=True without Triton; ValueError for an unknown pairing, tables that do not fit,
    what the kernel of use_triton=True cannot rotate, and a position without a row (compiled code reports that one in
    its own words, and the kernel on a GPU, which does not look at positions, as NaN). Su et al. 2021, eq. 34.
    """
    check_tensors(q=q, k=k, cos=cos, sin=sin, position_ids=position_ids)
    kernel = _has_kernel(q, k, cos, sin) if use_triton is None else use_triton
    if kernel and (position_ids is not None or cos.shape[:1] == (q.size(seq_dim),)):  # else rope_torch explains
        return _triton_rope()(q, k, cos=cos, sin=sin, position_ids=position_ids, pairing=pairing, seq_dim=seq_dim)
    return rope_torch(q, k, cos, sin, position_ids=position_ids, pairing=pairing, seq_dim=seq_dim)


def rope_torch(
    q: Tensor,
    k: Tensor,
    cos: Tensor,
    sin: Tensor,
    *,
    position_ids: Tensor | None = None,
    pairing: Pairing = "half",
    seq_dim: int = -2,
) -> tuple[Tensor, Tensor]:
    """What apply_rope does, in PyTorch alone, on any device. Shapes, units and errors are those of apply_rope."""
    if pairing not in ("half", "interleaved"):
        raise ValueError(f'pairing must be "half" or "interleaved", but got {pairing!r}')
    check_tensors(q=q, k=k, cos=cos, sin=sin, position_ids=position_ids)
    if not isinstance(seq_dim, int) or isinstance(seq_dim, bool):
        raise ValueError(f"seq_dim must be an integer, the axis that counts tokens, but got {seq_dim!r}")
    _check_tables(cos, sin)
    if position_ids is not None:
        cos, sin = _gather(cos, sin, position_ids)
    q_tables = _align("q", q, cos, sin, position_ids, seq_dim)
    k_tables = _align("k", k, cos, sin, position_ids, seq_dim)
    return _rotate_leading(q, *q_tables, pairing), _rotate_leading(k, *k_tables, pairing)


def rotate_half(x: Tensor) -> Tensor:
    """Turn every pair (i, i + head_dim/2) by a quarter: (first half, second half) → (−second, first).

    x:       (..., head_dim), an even head_dim
    returns: the shape and dtype of x, a new tensor

    Raises ValueError for an odd or empty last axis. The name is that of Hugging Face's Llama; other models use it
    for the interleaved pairing.
    """
    if x.ndim == 0 or x.shape[-1] == 0 or x.shape[-1] % 2:
        raise ValueError(f"x must have shape (..., head_dim) with an even head_dim, but its shape is {tuple(x.shape)}")
    first, second = x.chunk(2, dim=-1)
    return torch.cat([-second, first], dim=-1)


def apply_rotary_pos_emb(
    q: Tensor,
    k: Tensor,
    cos: Tensor,
    sin: Tensor,
    position_ids: Tensor | None = None,
    unsqueeze_dim: int = 1,
) -> tuple[Tensor, Tensor]:
    """Rotate queries and keys with full-width tables: Hugging Face's function, in both of its forms.

    q, k:          (batch, heads, seq, head_dim), or (batch, seq, heads, head_dim) with unsqueeze_dim=2
    cos, sin:      (batch or 1, seq, head_dim), one row per token, as Hugging Face's rotary modules return them;
                   (max_seq, head_dim) with position_ids. Both halves of a row hold the same values
    position_ids:  (batch, seq) or (seq,), int64 or int32: the table row of each token
    unsqueeze_dim: the axis of the heads, 1 or 2
    returns:       q·cos + rotate_half(q)·sin and the same of k, in their dtypes; half types are rotated in float32

    Raises TypeError for an integer in the place of position_ids; ValueError for tables that do not fit and, on the
    CPU, a position without a row. apply_rope is the function for half-width tables, and for both pairings.
    """
    if isinstance(position_ids, int):
        raise TypeError(
            f"the fifth argument is position_ids, a tensor of table rows, but got the integer {position_ids}; "
            f"today's Hugging Face form needs it by name: unsqueeze_dim={position_ids}"
        )
    check_tensors(q=q, k=k, cos=cos, sin=sin, position_ids=position_ids)
    if unsqueeze_dim not in (1, 2):
        raise ValueError(f"unsqueeze_dim must be the axis of the heads, 1 or 2, but got {unsqueeze_dim!r}")
    if position_ids is not None:
        cos, sin = _gather(cos, sin, torch.atleast_2d(position_ids))
    return _rotate_full_width("q", q, cos, sin, unsqueeze_dim), _rotate_full_width("k", k, cos, sin, unsqueeze_dim)


def check_tensors(**given: object) -> None:
    """Raise TypeError for an argument that is neither a tensor nor None, with what may have been meant."""
    for name, value in given.items():
        if value is not None and not isinstance(value, Tensor):
            hint = f"; did you mean offset={value}?" if name == "position_ids" and isinstance(value, int) else ""
            raise TypeError(f"{name} must be a torch.Tensor, but got {type(value).__name__} {value!r:.60}{hint}")


def _rotate_leading(x: Tensor, cos: Tensor, sin: Tensor, pairing: Pairing) -> Tensor:
    rotary_dim = 2 * cos.shape[-1]
    if rotary_dim == x.shape[-1]:
        return rotate(x, cos, sin, pairing=pairing)
    return torch.cat([rotate(x[..., :rotary_dim], cos, sin, pairing=pairing), x[..., rotary_dim:]], dim=-1)


def _rotate_full_width(name: str, x: Tensor, cos: Tensor, sin: Tensor, unsqueeze_dim: int) -> Tensor:
    rows = (x.shape[3 - unsqueeze_dim], x.shape[-1]) if x.ndim == 4 else None
    if not cos.ndim == 3 or cos.shape[1:] != rows or cos.shape[0] not in (1, x.shape[0]) or cos.shape != sin.shape:
        raise ValueError(
            f"cos and sin must be (batch or 1, seq, head_dim), one full-width row for each token, or (max_seq, "
            f"head_dim) with position_ids; but {name} has shape {tuple(x.shape)} with its heads on axis "
            f"{unsqueeze_dim}, and theirs are {tuple(cos.shape)} and {tuple(sin.shape)}"
        )
    cos, sin, wide = widen(cos, x).unsqueeze(unsqueeze_dim), widen(sin, x).unsqueeze(unsqueeze_dim), widen(x, x)
    return (wide * cos + rotate_half(wide) * sin).to(x.dtype)


def _gather(cos: Tensor, sin: Tensor, position_ids: Tensor) -> tuple[Tensor, Tensor]:
    _check_tables(cos, sin)
    if position_ids.dtype not in (torch.int64, torch.int32) or position_ids.ndim not in (1, 2):
        raise ValueError(
            "position_ids must be int64 or int32 of shape (seq,) or (batch, seq), but got "
            f"{position_ids.dtype} of shape {tuple(position_ids.shape)}"
        )
    rule = f"position_ids must lie in 0 … {cos.shape[0] - 1}, the rows of the tables"
    if torch.compiler.is_compiling():  # a compiled look-up out of range can end the whole process on a CPU
        torch._assert_async(((position_ids >= 0) & (position_ids < cos.shape[0])).all(), rule)
    try:  # look up first, explain afterwards, so that vmap meets no branch on the data
        return torch.embedding(cos, position_ids), torch.embedding(sin, position_ids)
    except IndexError:
        outside = position_ids[(position_ids < 0) | (position_ids >= cos.shape[0])]
        raise ValueError(f"{rule}, but hold {int(outside[0])}") from None


def _align(
    name: str, x: Tensor, cos: Tensor, sin: Tensor, position_ids: Tensor | None, seq_dim: int
) -> tuple[Tensor, Tensor]:
    if not x.is_floating_point():
        raise ValueError(f"{name} must be floating-point, but its dtype is {x.dtype}")
    batched = cos.ndim - 2
    axis = seq_dim + x.ndim if seq_dim < 0 else seq_dim
    if not batched <= axis < x.ndim - 1:
        raise ValueError(
            f"seq_dim must name an axis before head_dim, and not batch's beside position_ids (batch, seq), but it is "
            f"{seq_dim} and {name} has shape {tuple(x.shape)}"
        )
    half = x.shape[-1] // 2
    if cos.shape[-1] > half:
        raise ValueError(
            f"cos and sin must be at most head_dim/2 = {half} wide for {name}, but their width is {cos.shape[-1]}; "
            f"if they were built for another head_dim, build them for {x.shape[-1]}; if they are full-width, with "
            f"every value twice, give cos[:, :{half}] and sin[:, :{half}], or call apply_rotary_pos_emb"
        )
    if position_ids is None and cos.shape[0] != x.shape[axis]:
        raise ValueError(
            f"without position_ids cos and sin must have one row per token, but they have {cos.shape[0]} rows and "
            f"{name} has {x.shape[axis]} tokens on axis {seq_dim}; give seq_dim=1 for (batch, seq, heads, head_dim), "
            "or position_ids to choose rows"
        )
    if cos.shape[-2] != x.shape[axis] or (batched and cos.shape[0] not in (1, x.shape[0])):
        raise ValueError(
            f"position_ids must be (seq,) or (batch, seq) for {name} of shape {tuple(x.shape)} with seq_dim={seq_dim}, "
            f"but its shape is {tuple(position_ids.shape)}"
        )
    if not batched and axis == x.ndim - 2:  # the tables broadcast as they are
        return cos, sin
    ones = (1,) * (x.ndim - 2 - axis)
    shape = (*cos.shape[:batched], *(1,) * (batched * (axis - 1)), cos.shape[-2], *ones, cos.shape[-1])
    return cos.reshape(shape), sin.reshape(shape)


def _check_tables(cos: Tensor, sin: Tensor) -> None:
    if cos.ndim != 2 or cos.shape != sin.shape:
        way_out = "; where a row was chosen for every token already, call apply_rotary_pos_emb without position_ids"
        raise ValueError(
            "cos and sin must be tables of two axes, (rows, width), and of one shape, but theirs are "
            f"{tuple(cos.shape)} and {tuple(sin.shape)}{way_out if cos.ndim == 3 else ''}"
        )


def _frequencies(head_dim: int, base: float, scaling: tuple[ArrayLike, float] | None) -> tuple[np.ndarray, float]:
    inv_freq = inverse_frequencies(head_dim, base)
    if scaling is None:
        return inv_freq, 1.0
    if not isinstance(scaling, tuple) or len(scaling) != 2:
        raise ValueError(f"scaling must be a tuple (inv_freq, attention_factor), but got {scaling!r}")
    scaled, factor = np.asarray(scaling[0], dtype=np.float64), float(scaling[1])
    if scaled.ndim != 1 or not 0 < len(scaled) <= len(inv_freq) or not np.isfinite(scaled).all():
        raise ValueError(f"scaling must hold 1 to head_dim/2 = {len(inv_freq)} finite frequencies, but got {scaled}")
    if not 0 < factor < np.inf:
        raise ValueError(f"attention_factor must be a finite positive number, but got {factor}")
    return scaled, factor


def _has_kernel(q: Tensor, k: Tensor, cos: Tensor, sin: Tensor) -> bool:
    """Whether the Triton kernel rotates all that rope_torch would: no double precision, no gradients of tables, and
    neither vmap nor forward-mode derivatives."""
    if not q.is_cuda or q.ndim != 4 or k.dtype != q.dtype or q.dtype == torch.float64 or not _HAS_TRITON:
        return False
    if torch.is_grad_enabled() and (cos.requires_grad or sin.requires_grad):
        return False
    return torch.compiler.is_compiling() or not (
        torch._C._are_functorch_transforms_active() or torch.autograd.forward_ad._current_level >= 0
    )


def _triton_rope() -> Callable[..., tuple[Tensor, Tensor]]:
    try:  # here, because ropelib does not need Triton for anything else
        from ropelib.triton_fast import rope
    except ModuleNotFoundError as error:
        if error.name != "triton":
            raise
        raise ImportError("use_triton=True needs the package triton, which there is for Linux alone") from error
    return rope
