"""What the Triton kernels refuse, before they run: shapes, dtypes, devices and positions, each with a ValueError."""

import math
from numbers import Integral
from typing import Any, NamedTuple

import torch
from torch import Tensor

from ropelib.kernels.angles import INTERPRETED, LAST_POSITION, fixed_point_turns

DTYPES = (torch.bfloat16, torch.float16, torch.float32)
INTEGERS = (torch.int64, torch.int32)
CONSECUTIVE, OFFSET_TENSOR, IDS = 0, 1, 2  # positions: an int and on, an int in a tensor and on, all in a tensor


class Sizes(NamedTuple):
    """What the shapes of q, k and the angles say, once they are known to fit."""

    seq_axis: int  # of the tokens, 1 or 2
    batch: int
    seq: int
    heads: tuple[int, int]
    pairs: int
    rows: int  # positions must lie below it
    table_stride: int  # between rows of the tables, 0 where there are none
    source: int  # of positions
    ids_strides: tuple[int, int]  # of position_ids over batch and seq
    tail: int  # features that pass unrotated

    @property
    def most(self) -> int:
        """The largest offset."""
        return 0 if self.source == IDS else self.rows - self.seq


def sources(
    q: Tensor,
    inv_freq: Any,
    cos: Tensor | None,
    sin: Tensor | None,
    offset: int | Tensor,
    position_ids: Tensor | None,
    attention_factor: float,
    pairing: str,
    seq_dim: int,
    check: bool,
) -> tuple[Tensor, Tensor | None, Tensor | None, int, int, float, str, int, bool]:
    """What every kernel is told beside its tensors.

    first, second: turns and None, or the tables cos and sin
    ids, offset:   positions, or one offset, in memory, or None; and an int. source says what counts
    factor, pairing, seq_dim, check: as given, but check is True wherever it costs nothing

    Raises ValueError where no kernel can run on q, and unless angles and positions have one source each.
    """
    if not q.is_cuda and not INTERPRETED:
        raise ValueError(
            "a Triton kernel runs on a GPU, or anywhere where TRITON_INTERPRET=1 was set before Triton was imported; "
            f"q is on {q.device}, where ropelib.ops.rope_torch rotates"
        )
    if not 0 < attention_factor < math.inf:
        raise ValueError(f"attention_factor must be a finite positive number, but got {attention_factor!r}")
    if isinstance(inv_freq, Tensor) and inv_freq.dtype == torch.int64 and cos is None and sin is None:
        first, second = inv_freq, None
    else:
        first, second = angle_source(q.device, inv_freq, cos, sin, attention_factor)
    ids, start, source, check = position_source(q, offset, position_ids, check)
    return first, second, ids, start, source, attention_factor, pairing, seq_dim, check


def angle_source(
    device: torch.device, inv_freq: Any, cos: Tensor | None, sin: Tensor | None, attention_factor: float
) -> tuple[Tensor, Tensor | None]:
    """(turns, None) or (cos, sin) for the kernel: exactly one source of angles, or ValueError."""
    if inv_freq is not None and cos is None and sin is None:
        if torch.compiler.is_compiling():
            raise ValueError("under torch.compile inv_freq must be what fixed_point_turns returned, made outside")
        return fixed_point_turns(inv_freq, device), None
    if inv_freq is not None or cos is None or sin is None:
        given = [name for name, value in (("inv_freq", inv_freq), ("cos", cos), ("sin", sin)) if value is not None]
        raise ValueError(f"angles come from inv_freq or from both cos and sin, but got {given or 'none of them'}")
    if attention_factor != 1.0:
        raise ValueError(f"cos and sin hold their attention_factor already, but got {attention_factor!r} beside them")
    if torch.is_grad_enabled() and (cos.requires_grad or sin.requires_grad):
        raise ValueError("cos and sin must not require gradients: the kernel gives them none; rope_torch does")
    if cos.stride() != sin.stride() or cos.stride()[-1:] != (1,) or 0 in cos.stride():
        cos, sin = cos.contiguous(), sin.contiguous()
    return cos, sin


def position_source(
    q: Tensor, offset: int | Tensor, position_ids: Tensor | None, check: bool
) -> tuple[Tensor | None, int, int, bool]:
    """(tensor or None, offset, which of the three sources, check) for the kernel."""
    if position_ids is not None:
        if isinstance(offset, Tensor) or offset != 0:
            raise ValueError(f"position_ids are positions already: give no offset beside them, but got {offset!r}")
        if position_ids.is_cpu:
            return position_ids.to(q.device), 0, IDS, True
        return position_ids, 0, IDS, check
    if isinstance(offset, Tensor):
        if offset.numel() != 1 or offset.dtype not in INTEGERS or offset.device != q.device:
            raise ValueError(
                f"offset must be an int, or one int64 or int32 on {q.device}, "
                f"but is {offset.dtype} of shape {tuple(offset.shape)} on {offset.device}"
            )
        return offset, 0, OFFSET_TENSOR, check or offset.is_cpu
    if type(offset) is not int and (not isinstance(offset, Integral) or isinstance(offset, bool)):
        raise ValueError(f"offset must be an int, or a tensor of one, but got {offset!r}")
    return None, offset, CONSECUTIVE, False


def check_sizes(
    q: Tensor,
    k: Tensor,
    first: Tensor,
    second: Tensor | None,
    ids: Tensor | None,
    source: int,
    pairing: str,
    seq_dim: int,
) -> Sizes:
    """Look at all shapes, dtypes and devices."""
    seq_axis = check_heads(q, k, pairing, seq_dim)
    pairs, rows = check_angles(q, first, second)
    batch, seq, heads = q.shape[0], q.shape[seq_axis], (q.shape[3 - seq_axis], k.shape[3 - seq_axis])
    if source != IDS and seq > rows:
        raise ValueError(f"cos and sin must have a row for each of the {seq} tokens of q, but have {rows}")
    ids_strides = check_ids("position_ids", ids, batch, seq, q.device) if source == IDS else (0, 0)
    table_stride = 0 if second is None else max(first.stride(0), 1)  # that of a single row may be 0
    return Sizes(seq_axis, batch, seq, heads, pairs, rows, table_stride, source, ids_strides, q.shape[-1] - 2 * pairs)


def check_heads(q: Tensor, k: Tensor, pairing: str, seq_dim: int) -> int:
    """The axis of the tokens, 1 or 2."""
    if pairing not in ("half", "interleaved"):
        raise ValueError(f'pairing must be "half" or "interleaved", but got {pairing!r}')
    if seq_dim not in (-3, -2, 1, 2):
        raise ValueError(f"seq_dim must name axis 1 or 2 of (batch, …, …, head_dim), but got {seq_dim!r}")
    seq_axis = seq_dim % 4
    if q.ndim != 4 or k.ndim != 4 or any(q.shape[i] != k.shape[i] for i in (0, seq_axis, 3)):
        raise ValueError(
            "q and k must have four axes and differ in their heads alone, but with tokens on axis "
            f"{seq_dim} their shapes are {tuple(q.shape)} and {tuple(k.shape)}"
        )
    if q.dtype not in DTYPES or k.dtype != q.dtype or k.device != q.device:
        raise ValueError(
            "q and k must be of one dtype, bfloat16, float16 or float32, and on one device, but are "
            f"{q.dtype} on {q.device} and {k.dtype} on {k.device}"
        )
    return seq_axis


def check_angles(q: Tensor, first: Tensor, second: Tensor | None) -> tuple[int, int]:
    """The number of pairs, and of positions that have a row."""
    if first.device != q.device or (second is not None and second.device != q.device):
        where = first.device if second is None else f"{first.device} and {second.device}"
        raise ValueError(f"angles must be on {q.device} like q, but are on {where}")
    pairs = first.shape[-1] if first.ndim else 0
    if not 0 < 2 * pairs <= q.shape[-1]:
        raise ValueError(
            f"inv_freq, or cos and sin, must be 1 to head_dim/2 = {q.shape[-1] // 2} wide, but their shape is "
            f"{tuple(first.shape)}; full-width tables repeat their halves, so give the first"
        )
    if second is None:
        if first.ndim != 1 or not first.is_contiguous():
            raise ValueError(f"inv_freq must be contiguous of shape (rotary_dim/2,), but its shape is {first.shape}")
        return pairs, LAST_POSITION + 1
    if first.ndim != 2 or second.shape != first.shape or second.dtype != first.dtype or not first.is_floating_point():
        raise ValueError(
            "cos and sin must be floating-point tables (rows, rotary_dim/2) of one shape and dtype, but are "
            f"{first.dtype} {tuple(first.shape)} and {second.dtype} {tuple(second.shape)}"
        )
    return pairs, min(first.shape[0], LAST_POSITION + 1)


def check_ids(name: str, ids: Tensor, batch: int, seq: int, device: torch.device) -> tuple[int, int]:
    """The strides of position_ids, or slots, over batch and seq."""
    if ids.dtype not in INTEGERS or ids.shape not in ((seq,), (1, seq), (batch, seq)) or ids.device != device:
        raise ValueError(
            f"{name} must be int64 or int32 of shape ({seq},) or ({batch}, {seq}) on {device}, but are "
            f"{ids.dtype} of shape {tuple(ids.shape)} on {ids.device}"
        )
    return (0 if ids.ndim == 1 or ids.shape[0] == 1 else ids.stride(0)), ids.stride(-1)


def check_inplace(q: Tensor, k: Tensor) -> None:
    for name, x in (("q", q), ("k", k)):
        expanded = any(size > 1 and step == 0 for size, step in zip(x.shape, x.stride(), strict=True))
        if x.stride(-1) != 1 or expanded:
            raise ValueError(
                f"inplace=True needs {name} with a last stride of 1 and no expanded axis; its strides are {x.stride()}"
            )


def check_positions(rows: int, most: int, offset: int, ids: Tensor | None, source: int) -> None:
    """Look at an int offset, and at positions in ids, for which the CPU must wait where they are on a GPU."""
    if not 0 <= offset <= most:
        raise ValueError(f"offset must lie in 0 … {most}, so that every token has a position, but is {offset}")
    if ids is None:
        return
    last = most if source == OFFSET_TENSOR else rows - 1
    outside = ids[(ids < 0) | (ids > last)]
    if outside.numel():
        raise ValueError(f"positions in tensors must lie in 0 … {last}, but hold {int(outside.reshape(-1)[0])}")
