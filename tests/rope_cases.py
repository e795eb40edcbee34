"""What the tests of the Triton kernels share: layouts, references and tolerances, on the interpreter and on a GPU."""

import functools
import shutil
from dataclasses import dataclass

import mpmath
import numpy as np
import torch

from ropelib import cos_sin, inverse_frequencies, rotate, rotation_angles

# Inductor writes C++: it needs a compiler, and no space in the path of PyTorch. What comes before it needs neither.
COMPILER = "inductor" if shutil.which("g++") and " " not in torch.__file__ else "aot_eager"
PAIRINGS = ("half", "interleaved")
LAYOUTS = ("bhsd", "bshd", "qkv", "strided")
POSITIONS = ("first", "offset", "offset tensor", "ids of each sequence", "ids of all")
ROUNDING = {torch.float32: 2.0**-24, torch.float16: 2.0**-11, torch.bfloat16: 2.0**-8}


@dataclass(frozen=True)
class Case:
    """One combination of everything that changes the way through the kernel."""

    dtype: torch.dtype = torch.float32
    pairing: str = "half"
    layout: str = "bhsd"
    head_dim: int = 64
    rotary_dim: int = 64
    heads: tuple[int, int] = (5, 1)
    positions: str = "first"
    table: bool = False
    batch: int = 2
    seq: int = 7
    seq_dim: int = -2

    def tensors(self, device, seed=0):
        """q and k with seq on axis 2 or 1, of memory that is laid out as the name says."""
        torch.manual_seed(seed)
        q_heads, k_heads = self.heads
        shape = self.batch, self.seq, q_heads + 2 * k_heads, self.head_dim
        if self.layout == "strided":  # a last stride of 2
            fused = torch.randn(*shape, 2, device=device).to(self.dtype)[..., 1]
        else:
            fused = torch.randn(*shape, device=device).to(self.dtype)
        q, k = (x.transpose(1, 2) for x in (fused[:, :, :q_heads], fused[:, :, q_heads : q_heads + k_heads]))
        if self.layout == "bhsd":
            q, k = q.contiguous(), k.contiguous()
        elif self.layout == "bshd":
            q, k = (x.transpose(1, 2).contiguous().transpose(1, 2) for x in (q, k))
        return (q, k) if self.seq_dim == -2 else (q.transpose(1, 2), k.transpose(1, 2))

    def arguments(self, device):
        """Keyword arguments of rope, and the positions they mean, (batch or 1, seq)."""
        generator = torch.Generator().manual_seed(1)
        high = 500 if self.table else 2**31
        if self.positions == "first":
            where, positions = {}, torch.arange(self.seq)
        elif self.positions.startswith("offset"):
            first = 400 if self.table else 2**31 - self.seq
            positions = torch.arange(self.seq) + first
            where = {"offset": first if self.positions == "offset" else torch.tensor([first], device=device)}
        else:
            shape = (self.batch, self.seq) if self.positions == "ids of each sequence" else (self.seq,)
            positions = torch.randint(0, high, shape, generator=generator)
            where = {"position_ids": positions.to(device)}
        inv_freq = inverse_frequencies(self.rotary_dim)
        if self.table:
            cos, sin = cos_sin(rotation_angles(np.arange(500), inv_freq))
            where |= {
                name: torch.tensor(t, dtype=torch.float32, device=device) for name, t in (("cos", cos), ("sin", sin))
            }
        else:
            where["inv_freq"] = inv_freq
        return where | {"pairing": self.pairing, "seq_dim": self.seq_dim}, torch.atleast_2d(positions)

    def expected(self, x, positions, backwards=False):
        """x rotated by ropelib.reference in float64, the angles in exact integer arithmetic."""
        cos, sin = exact_cos_sin(positions, inverse_frequencies(self.rotary_dim))
        values = x.detach().double().cpu()
        values = values if self.seq_dim == -2 else values.transpose(1, 2)
        turned = rotate(values[..., : self.rotary_dim].numpy(), cos, -sin if backwards else sin, pairing=self.pairing)
        values = torch.cat([torch.from_numpy(turned), values[..., self.rotary_dim :]], dim=-1)
        return values if self.seq_dim == -2 else values.transpose(1, 2)


def exact_cos_sin(positions, inv_freq):
    """cos and sin (batch, 1, seq, pairs) of positions·inv_freq, which is reduced to one turn as integers of 200 bits.

    Float64 rounds the product itself: at position 2³¹ its error is that of the kernel.
    """
    angles = [_angles(tuple(row), tuple(inv_freq.tolist())) for row in positions.tolist()]
    angles = np.array(angles)[:, None]
    return np.cos(angles), np.sin(angles)


@functools.cache
def _angles(positions, inv_freq):
    with mpmath.workprec(300):
        turn = int(2 * mpmath.pi * 2**200)
    steps = [(top << 200) // bottom for top, bottom in map(float.as_integer_ratio, inv_freq)]
    return [[position * step % turn / 2**200 for step in steps] for position in positions]


def assert_rotated(actual, expected, dtype, *, truncates=False):
    """Equal but for one rounding to dtype, and float32 arithmetic with angles that are 2e-7 off, before it.

    A rounding moves a value v by up to v·ROUNDING; truncation, as in Triton's interpreter, by twice that.
    """
    assert actual.dtype == dtype
    size = expected.abs().amax().item() if expected.numel() else 0.0
    before = size * (4e-7 + 4 * ROUNDING[torch.float32])
    error = (actual.detach().double().cpu() - expected).abs()
    allowed = expected.abs() * ROUNDING[dtype] * (2 if truncates else 1) + before
    if dtype == torch.float16:
        allowed = allowed + 2.0**-25  # half of the smallest step, which is that of subnormal numbers
    worst = (error - allowed).max().item() if error.numel() else -1.0
    assert worst <= 0, f"off by {error.max().item():.3g}, {worst:.3g} more than allowed"
