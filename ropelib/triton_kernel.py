"""A first Triton kernel for RoPE, the one that chapter 12 builds: one tensor, tables, any strides, both pairings.

One program rotates BLOCK tokens of one head. ropelib.triton_fast goes from here to the limit of the memory.
"""

from typing import Any

import torch
import triton
import triton.language as tl
from torch import Tensor

from ropelib.reference import Pairing


@triton.jit(do_not_specialize=["seq", "heads"])
def rotate_kernel(
    x,
    out,
    cos,
    sin,
    seq,
    heads,
    x_strides,
    out_strides,
    PAIRS: tl.constexpr,
    INTERLEAVED: tl.constexpr,
    CONJUGATE: tl.constexpr,
    BLOCK: tl.constexpr,
    BLOCK_PAIRS: tl.constexpr,
):
    """Rotate the tokens program_id(0)·BLOCK … of head program_id(1) = batch·heads + head.

    x, out:      pointers to (batch, heads, seq, 2·PAIRS) elements x_strides and out_strides elements apart
    cos, sin:    pointers to contiguous float32 tables (seq, PAIRS)
    CONJUGATE:   turn back instead, by −angle: the backward pass
    BLOCK_PAIRS: PAIRS, rounded up to a power of two because every block of Triton's is one
    """
    tokens = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)[:, None]
    pairs = tl.arange(0, BLOCK_PAIRS)[None, :]
    inside = (tokens < seq) & (pairs < PAIRS)  # seq need not fill the last block, nor PAIRS its power of two

    c = tl.load(cos + tokens * PAIRS + pairs, mask=inside, other=0.0)
    s = tl.load(sin + tokens * PAIRS + pairs, mask=inside, other=0.0)
    if CONJUGATE:
        s = -s

    first = 2 * pairs if INTERLEAVED else pairs
    second = first + (1 if INTERLEAVED else PAIRS)
    batch = (tl.program_id(1) // heads).to(tl.int64)  # 64 bits, because offsets in large tensors pass 2³¹
    head = (tl.program_id(1) % heads).to(tl.int64)
    x_rows = x + batch * x_strides[0] + head * x_strides[1] + tokens.to(tl.int64) * x_strides[2]
    out_rows = out + batch * out_strides[0] + head * out_strides[1] + tokens.to(tl.int64) * out_strides[2]

    a = tl.load(x_rows + first * x_strides[3], mask=inside, other=0.0).to(tl.float32)
    b = tl.load(x_rows + second * x_strides[3], mask=inside, other=0.0).to(tl.float32)
    tl.store(out_rows + first * out_strides[3], (a * c - b * s).to(out.dtype.element_ty), mask=inside)
    tl.store(out_rows + second * out_strides[3], (a * s + b * c).to(out.dtype.element_ty), mask=inside)


def rotate(x: Tensor, cos: Tensor, sin: Tensor, *, pairing: Pairing = "half", block: int = 32) -> Tensor:
    """Rotate one tensor of queries or keys with the kernel above; gradients of x flow, of any order.

    x:        (batch, heads, seq, head_dim), float32, float16 or bfloat16, with any strides; on a GPU, or anywhere
              where TRITON_INTERPRET=1 was set before triton was imported
    cos, sin: (seq, head_dim/2) float32 tables on the device of x, from ropelib.ops.build_rope_cache
    pairing:  "half" pairs feature i with i + head_dim/2, "interleaved" pairs 2i with 2i + 1
    block:    tokens of one program, a power of two
    returns:  a new tensor with the shape and dtype of x

    Raises ValueError for anything else. Su et al. 2021, eq. 34.
    """
    if (
        x.ndim != 4
        or x.shape[-1] == 0
        or x.shape[-1] % 2
        or x.dtype not in (torch.float32, torch.float16, torch.bfloat16)
    ):
        raise ValueError(
            "x must be float32, float16 or bfloat16 of shape (batch, heads, seq, head_dim) with an even head_dim, "
            f"but is {x.dtype} of shape {tuple(x.shape)}"
        )
    rows = (x.shape[2], x.shape[3] // 2)
    for name, table in (("cos", cos), ("sin", sin)):
        if table.shape != rows or table.dtype != torch.float32 or table.device != x.device:
            raise ValueError(
                f"{name} must be float32 of shape (seq, head_dim/2) = {rows} on {x.device}, "
                f"but is {table.dtype} of shape {tuple(table.shape)} on {table.device}"
            )
    if pairing not in ("half", "interleaved"):
        raise ValueError(f'pairing must be "half" or "interleaved", but got {pairing!r}')
    if not isinstance(block, int) or block < 1 or block & (block - 1):
        raise ValueError(f"block must be a power of two, but got {block!r}")
    return Rotation.apply(x, cos.contiguous(), sin.contiguous(), pairing == "interleaved", False, block)


class Rotation(torch.autograd.Function):
    """The kernel as a step of autograd. A rotation is orthogonal, so its backward pass is the turn by −angle."""

    @staticmethod
    def forward(
        ctx: Any, x: Tensor, cos: Tensor, sin: Tensor, interleaved: bool, conjugate: bool, block: int
    ) -> Tensor:
        ctx.save_for_backward(cos, sin)
        ctx.interleaved, ctx.conjugate, ctx.block = interleaved, conjugate, block
        return launch(x, cos, sin, interleaved, conjugate, block)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        turned = Rotation.apply(grad, *ctx.saved_tensors, ctx.interleaved, not ctx.conjugate, ctx.block)
        return turned, None, None, None, None, None


def launch(x: Tensor, cos: Tensor, sin: Tensor, interleaved: bool, conjugate: bool, block: int) -> Tensor:
    """Start one program for every block of tokens of every head."""
    batch, heads, seq, head_dim = x.shape
    out = torch.empty_like(x)
    if out.numel():
        rotate_kernel[triton.cdiv(seq, block), batch * heads](
            x,
            out,
            cos,
            sin,
            seq,
            heads,
            x.stride(),
            out.stride(),
            PAIRS=head_dim // 2,
            INTERLEAVED=interleaved,
            CONJUGATE=conjugate,
            BLOCK=block,
            BLOCK_PAIRS=triton.next_power_of_2(head_dim // 2),
        )
    return out
