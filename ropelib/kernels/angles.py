"""Angles inside a Triton kernel, exact at any position: an integer counts turns, so that whole turns fall away.

A float32 angle m·θ loses a bit of the turn whenever m doubles. Here θ/2π is a 64-bit fraction of a turn, and
m·θ/2π is integer arithmetic modulo one turn: nothing is lost before the last step.
"""

from fractions import Fraction

import numpy as np
import torch
import triton
import triton.language as tl
from numpy.typing import ArrayLike
from torch import Tensor

LAST_POSITION = 2**31 - 1
FLOAT64 = np.dtype(np.float64)

# 1/2π as a fraction of 2²⁵⁶: 53 bits of a float64 and 64 of the result leave more than 100 to spare.
INVERSE_TURN = 0x28BE60DB9391054A7F09D5F47D4D377036D8A5664F10E4107F9458EAF7AEF158

_TURNS: dict[tuple[bytes, int, torch.device], Tensor] = {}


def fixed_point_turns(inv_freq: ArrayLike | Tensor, device: torch.device | str | None = None) -> Tensor:
    """The turn of each pair from one position to the next, in units of 2⁻⁶⁴ turns: what the kernel multiplies.

    inv_freq: (rotary_dim/2,), finite, in radians per position; an array or a tensor on the CPU. Its values count
              exactly as they are, so give float64 ones
    device:   of the result; PyTorch's default device where None
    returns:  (rotary_dim/2,) int64, round(inv_freq/2π · 2⁶⁴) modulo 2⁶⁴, kept for the next call

    Raises ValueError for any other inv_freq.
    """
    if type(device) is not torch.device:
        device = torch.get_default_device() if device is None else torch.device(device)
    if type(inv_freq) is np.ndarray and inv_freq.dtype is FLOAT64:
        turns = _TURNS.get((inv_freq.tobytes(), inv_freq.ndim, device))  # what is here was checked when it came
        if turns is not None:
            return turns
    if isinstance(inv_freq, Tensor):
        if inv_freq.device.type != "cpu":
            raise ValueError(
                f"inv_freq must be on the CPU, where its turns are computed, but is on {inv_freq.device}; "
                "call fixed_point_turns once and give its result as inv_freq"
            )
        inv_freq = inv_freq.detach().double().numpy()
    values = np.asarray(inv_freq)
    if values.ndim != 1 or values.size == 0 or values.dtype.kind != "f" or not np.isfinite(values).all():
        raise ValueError(
            "inv_freq must be finite floating-point numbers of shape (rotary_dim/2,), "
            f"but is {values.dtype} of shape {values.shape}: {values}"
        )
    key = values.astype(np.float64).tobytes(), 1, device
    if key not in _TURNS:
        turns = [round(Fraction(float(value)) * INVERSE_TURN / 2**192) for value in values]
        signed = [(turn + 2**63) % 2**64 - 2**63 for turn in turns]
        with torch.inference_mode(False):
            _TURNS[key] = torch.tensor(signed, dtype=torch.int64, device=device)
    return _TURNS[key]


def hugging_face_tables(
    seq_len: int,
    inv_freq: Tensor,
    *,
    attention_factor: float = 1.0,
    dtype: torch.dtype = torch.float32,
) -> tuple[Tensor, Tensor]:
    """Tables with the rounding that Hugging Face's models were trained with, bit for bit on the same device.

    seq_len:          rows
    inv_freq:         (rotary_dim/2,) float32, the model's own buffer rotary_emb.inv_freq, on its device
    attention_factor: rotary_emb.attention_scaling
    dtype:            that of the model: Hugging Face casts its tables to it
    returns:          cos, sin: (seq_len, rotary_dim/2) float32 on the device of inv_freq, of angles that float32 has
                      rounded: up to 3e-5 off at position 10³, 8e-3 at 131 071

    Raises ValueError where inv_freq is not float32 of one axis. For ropelib.triton_fast.rope(..., cos=, sin=), where
    a checkpoint's rounding counts for more than exact angles.
    """
    if inv_freq.ndim != 1 or inv_freq.dtype != torch.float32:
        raise ValueError(
            "inv_freq must be float32 of shape (rotary_dim/2,), as Hugging Face keeps it, "
            f"but is {inv_freq.dtype} of shape {tuple(inv_freq.shape)}"
        )
    angles = torch.arange(seq_len, device=inv_freq.device).float()[:, None] * inv_freq
    cos, sin = ((table * attention_factor).to(dtype).float() for table in (angles.cos(), angles.sin()))
    return cos, sin


@triton.jit
def cos_sin_of_turns(turns, positions):
    """cos and sin of positions·turns/2⁶⁴ turns: int64 turns, positions from 0 to 2³¹ − 1; both broadcast.

    Quarter turns only swap and negate cos and sin, so the polynomials cover an eighth of a turn to either side.
    The largest error is 1.2e-7, whatever the position.
    """
    low = turns.to(tl.uint32)
    high = (turns >> 32).to(tl.uint32)
    positions = positions.to(tl.uint32)
    phase = tl.umulhi(positions, low) + positions * high
    quarters = (phase + 0x20000000) >> 30
    x = (phase - (quarters << 30)).to(tl.int32, bitcast=True).to(tl.float32) * 1.4629180792671596e-09
    z = x * x
    cos = 1.0 + z * (-0.5 + z * (4.166664687e-02 + z * (-1.388736751e-03 + z * 2.443845131e-05)))
    sin = x + x * (z * (-1.666665067e-01 + z * (8.331978662e-03 + z * -1.949563616e-04)))
    odd = (quarters & 1) != 0
    cos, sin = tl.where(odd, sin, cos), tl.where(odd, cos, sin)
    cos = tl.where(((quarters + 1) & 2) != 0, -cos, cos)
    sin = tl.where((quarters & 2) != 0, -sin, sin)
    return cos, sin


@triton.jit
def tile_cos_sin(
    first,
    second,
    ids,
    ids_batch,
    ids_seq,
    offset,
    last,
    factors,
    batch,
    tokens,
    seq,
    HOW: tl.constexpr,
    BLOCK_P: tl.constexpr,
):
    """cos and sin (BLOCK_S, BLOCK_P) of tokens, NaN where a position from memory is not in 0 … last; positions."""
    PAIRS: tl.constexpr = HOW[0]
    TABLE_STRIDE: tl.constexpr = HOW[1]
    SOURCE: tl.constexpr = HOW[2]
    pairs = tl.arange(0, BLOCK_P)
    inside = tokens < seq
    if SOURCE == 2:
        positions = tl.load(ids + batch * ids_batch + tokens * ids_seq, mask=inside, other=0)
    elif SOURCE == 1:
        positions = tl.load(ids) + tokens
    else:
        positions = offset + tokens
    known = inside & (positions >= 0) & (positions <= last)
    if TABLE_STRIDE > 0:
        rows = tl.where(known, positions, 0).to(tl.int64)[:, None] * TABLE_STRIDE + pairs[None, :]
        mask = known[:, None] & (pairs < PAIRS)[None, :]
        cos = tl.load(first + rows, mask=mask, other=0.0).to(tl.float32)
        sin = tl.load(second + rows, mask=mask, other=0.0).to(tl.float32)
    else:
        turns = tl.load(first + pairs, mask=pairs < PAIRS, other=0)
        cos, sin = cos_sin_of_turns(turns[None, :], positions[:, None])
    if SOURCE > 0:
        factors = (
            tl.where(known, factors[0], float("nan"))[:, None],
            tl.where(known, factors[1], float("nan"))[:, None],
        )
    return cos * factors[0], sin * factors[1], positions


INTERPRETED = not isinstance(cos_sin_of_turns, triton.JITFunction)
