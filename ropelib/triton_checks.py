"""What the Triton kernels refuse, before they run: shapes, dtypes, devices and positions, each with a ValueError."""

from numbers import Integral
from typing import Any

import torch
from torch import Tensor

from ropelib.triton_angles import LAST_POSITION, fixed_point_turns

DTYPES = (torch.bfloat16, torch.float16, torch.float32)
INTEGERS = (torch.int64, torch.int32)
CONSECUTIVE, OFFSET_TENSOR, IDS = 0, 1, 2  # positions: an int and on, an int in a tensor and on, all in a tensor


def angle_source(
    device: torch.device, inv_freq: Any, cos: Tensor | None, sin: Tensor | None, attention_factor: float
) -> tuple[Tensor, Tensor | None]:
    """(turns, None) or (cos, sin) for the kernel: exactly one source of angles, or ValueError."""
    if not 0 < attention_factor < float("inf"):
        raise ValueError(f"attention_factor must be a finite positive number, but got {attention_factor!r}")
    if inv_freq is not None and cos is None and sin is None:
        if isinstance(inv_freq, Tensor) and inv_freq.dtype == torch.int64:
            return inv_freq, None
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
    if cos.stride() != sin.stride() or cos.stride()[-1:] != (1,):
        cos, sin = cos.contiguous(), sin.contiguous()
    return cos, sin


def position_source(
    q: Tensor, offset: int | Tensor, position_ids: Tensor | None, check: bool
) -> tuple[Tensor | None, int, int, bool]:
    """(tensor or None, offset, which of the three sources, check) for the kernel."""
    if position_ids is not None:
        if isinstance(offset, Tensor) or offset != 0:
            raise ValueError(f"position_ids are positions already: give no offset beside them, but got {offset!r}")
        if position_ids.device.type == "cpu":
            return position_ids.to(q.device), 0, IDS, True
        return position_ids, 0, IDS, check
    if isinstance(offset, Tensor):
        if offset.numel() != 1 or offset.dtype not in INTEGERS or offset.device != q.device:
            raise ValueError(
                f"offset must be an int, or one int64 or int32 on {q.device}, "
                f"but is {offset.dtype} of shape {tuple(offset.shape)} on {offset.device}"
            )
        return offset, 0, OFFSET_TENSOR, check or offset.device.type == "cpu"
    if type(offset) is not int and (not isinstance(offset, Integral) or isinstance(offset, bool)):
        raise ValueError(f"offset must be an int, or a tensor of one, but got {offset!r}")
    return None, offset, CONSECUTIVE, False


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


def check_angles(q: Tensor, first: Tensor, second: Tensor) -> tuple[int, int]:
    """The number of pairs, and of positions that have a row."""
    if first.device != q.device or second.device != q.device:
        raise ValueError(f"angles must be on {q.device} like q, but are on {first.device} and {second.device}")
    pairs = first.shape[-1] if first.ndim else 0
    if not 0 < 2 * pairs <= q.shape[-1]:
        raise ValueError(
            f"inv_freq, or cos and sin, must be 1 to head_dim/2 = {q.shape[-1] // 2} wide, but their shape is "
            f"{tuple(first.shape)}; full-width tables repeat their halves, so give the first"
        )
    if first.dtype == torch.int64:
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


def check_offset(rows: int, most: int, offset: int, ids: Tensor | None, source: int) -> None:
    """Look at an int offset, and at positions in ids, which makes the CPU wait where they are on a GPU."""
    if not 0 <= offset <= most:
        raise ValueError(f"offset must lie in 0 … {most}, so that every token has a position, but is {offset}")
    if ids is None:
        return
    last = most if source == OFFSET_TENSOR else rows - 1
    outside = ids[(ids < 0) | (ids > last)]
    if outside.numel():
        raise ValueError(f"positions in tensors must lie in 0 … {last}, but hold {int(outside.reshape(-1)[0])}")
