"""RoPE at the limit of the memory: q and k in one launch, any layout, exact angles, autograd, compile and graphs.

One program rotates BLOCK_S tokens of BLOCK_H heads, so that heads share the angles of their token; every element is
read once and written once. ropelib.triton_kernel is the kernel to read first.
"""

from collections.abc import Callable
from typing import Any

import torch
import triton
import triton.language as tl
from numpy.typing import ArrayLike
from torch import Tensor

from ropelib.reference import Pairing
from ropelib.triton_angles import INTERPRETED, tile_cos_sin
from ropelib.triton_checks import (
    IDS,
    angle_source,
    check_angles,
    check_heads,
    check_ids,
    check_inplace,
    check_offset,
    position_source,
)
from ropelib.triton_launch import (
    Plan,
    has_programmatic_launch,
    launch,
    planned,
    program_order,
    strides_like,
    strides_of,
    tile,
)


@triton.jit
def load_pairs(rows, inside, PAIRS: tl.constexpr, INTERLEAVED: tl.constexpr, BLOCK_P: tl.constexpr):
    """The first and the second features of all pairs, float32 (BLOCK_S, BLOCK_H, BLOCK_P), read in whole vectors."""
    if INTERLEAVED:
        features = tl.arange(0, 2 * BLOCK_P)[None, None, :]
        x = tl.load(rows + features, mask=inside & (features < 2 * PAIRS), other=0.0).to(tl.float32)
        return tl.split(tl.reshape(x, x.shape[0], x.shape[1], BLOCK_P, 2))
    features = tl.arange(0, BLOCK_P)[None, None, :]
    mask = inside & (features < PAIRS)
    a = tl.load(rows + features, mask=mask, other=0.0).to(tl.float32)
    b = tl.load(rows + PAIRS + features, mask=mask, other=0.0).to(tl.float32)
    return a, b


@triton.jit
def store_pairs(rows, a, b, inside, PAIRS: tl.constexpr, INTERLEAVED: tl.constexpr, BLOCK_P: tl.constexpr):
    """The inverse of load_pairs, in the dtype of what rows points to."""
    dtype: tl.constexpr = rows.dtype.element_ty
    if INTERLEAVED:
        features = tl.arange(0, 2 * BLOCK_P)[None, None, :]
        x = tl.reshape(tl.join(a.to(dtype), b.to(dtype)), a.shape[0], a.shape[1], 2 * BLOCK_P)
        tl.store(rows + features, x, mask=inside & (features < 2 * PAIRS))
    else:
        features = tl.arange(0, BLOCK_P)[None, None, :]
        mask = inside & (features < PAIRS)
        tl.store(rows + features, a.to(dtype), mask=mask)
        tl.store(rows + PAIRS + features, b.to(dtype), mask=mask)


@triton.jit
def place(seq, groups, ORDER: tl.constexpr, BLOCK_S: tl.constexpr):
    """Which sequence, block of tokens and group of heads this program rotates.

    ORDER: "heads" counts them up first, then blocks, as (batch, seq, heads, …) lies in memory; "one sequence" spares
           a division where batch is 1; "tokens" counts up blocks first, as (batch, heads, seq, …) lies in memory
    """
    program = tl.program_id(0)
    blocks = tl.cdiv(seq, BLOCK_S)
    if ORDER == "tokens":
        rest = program // blocks
        return (rest // groups).to(tl.int64), program % blocks, rest % groups
    block = program // groups
    if ORDER == "one sequence":
        return tl.cast(0, tl.int64), block, program % groups
    return (block // blocks).to(tl.int64), block % blocks, program % groups


@triton.jit
def wide(strides):
    """64-bit strides: offsets in large tensors pass 2³¹, and those of q and k must have one type."""
    return tl.cast(strides[0], tl.int64), tl.cast(strides[1], tl.int64), tl.cast(strides[2], tl.int64)


@triton.jit(do_not_specialize=["offset", "last", "ids_batch", "ids_seq", "seq", "q_heads", "k_heads"])
def rope_kernel(
    q,
    k,
    q_out,
    k_out,
    first,
    second,
    ids,
    offset,
    factors,
    last,
    ids_batch,
    ids_seq,
    seq,
    q_heads,
    k_heads,
    strides,
    HOW: tl.constexpr,
    GROUPS: tl.constexpr,
    ORDER: tl.constexpr,
    INTERLEAVED: tl.constexpr,
    TAIL: tl.constexpr,
    PDL: tl.constexpr,
    BLOCK_S: tl.constexpr,
    BLOCK_H: tl.constexpr,
    BLOCK_P: tl.constexpr,
    BLOCK_T: tl.constexpr,
):
    """Rotate BLOCK_S tokens of BLOCK_H heads of q or of k: head groups first, then blocks of tokens, then the batch.

    first, second: turns and nothing, or the tables cos and sin
    factors:       what multiplies cos and sin: attention_factor, and the same with the sign of the rotation
    strides:       (batch, seq, head) of q, k, q_out and k_out, in elements
    HOW:           (PAIRS, stride of the tables or 0, where positions come from)
    GROUPS:        programs that share the heads of q, and of k; ORDER: as in place()
    TAIL:          features that pass unrotated, 0 in place; BLOCK_T is the power of two that holds them
    """
    if PDL:
        tl.extra.cuda.gdc_wait()
        tl.extra.cuda.gdc_launch_dependents()
    batch, block, group = place(seq, GROUPS[0] + GROUPS[1], ORDER, BLOCK_S)
    tokens = block * BLOCK_S + tl.arange(0, BLOCK_S)
    # Wide before the choice: in it, Triton 3.6 forgets that they are multiples of 16, and reads two bytes at a time.
    q_strides, k_strides = wide(strides[0]), wide(strides[1])
    q_out_strides, k_out_strides = wide(strides[2]), wide(strides[3])
    if group < GROUPS[0]:
        x, out, heads, x_strides, out_strides = q, q_out, q_heads, q_strides, q_out_strides
    else:
        x, out, heads, x_strides, out_strides = k, k_out, k_heads, k_strides, k_out_strides
        group -= GROUPS[0]
    head = (group * BLOCK_H + tl.arange(0, BLOCK_H)).to(tl.int64)[None, :, None]
    token = tokens.to(tl.int64)[:, None, None]
    inside = (token < seq) & (head < heads)
    x_rows = x + batch * x_strides[0] + token * x_strides[1] + head * x_strides[2]
    out_rows = out + batch * out_strides[0] + token * out_strides[1] + head * out_strides[2]
    a, b = load_pairs(x_rows, inside, HOW[0], INTERLEAVED, BLOCK_P)
    cos, sin, _ = tile_cos_sin(
        first, second, ids, ids_batch, ids_seq, offset, last, factors, batch, tokens, seq, HOW, BLOCK_P
    )
    cos, sin = cos[:, None, :], sin[:, None, :]
    if TAIL > 0:
        features = tl.arange(0, BLOCK_T)[None, None, :]
        mask = inside & (features < TAIL)
        tail = tl.load(x_rows + 2 * HOW[0] + features, mask=mask)
        tl.store(out_rows + 2 * HOW[0] + features, tail, mask=mask)
    store_pairs(out_rows, a * cos - b * sin, a * sin + b * cos, inside, HOW[0], INTERLEAVED, BLOCK_P)


def rope(
    q: Tensor,
    k: Tensor,
    *,
    inv_freq: ArrayLike | Tensor | None = None,
    cos: Tensor | None = None,
    sin: Tensor | None = None,
    offset: int | Tensor = 0,
    position_ids: Tensor | None = None,
    attention_factor: float = 1.0,
    pairing: Pairing = "half",
    seq_dim: int = -2,
    inplace: bool = False,
    check: bool = False,
) -> tuple[Tensor, Tensor]:
    """Rotate queries and keys by their positions, in one launch.

    q, k:             (batch, heads, seq, head_dim) bfloat16, float16 or float32, any numbers of heads, any strides;
                      only a last stride other than 1 costs a copy. On a GPU, or under TRITON_INTERPRET=1
    inv_freq:         (rotary_dim/2,), in radians per position, a float64 array or CPU tensor; or what
                      fixed_point_turns made of it, the only form that torch.compile takes. Angles are then exact:
                      cos and sin are within 2e-7 at every position below 2³¹
    cos, sin:         instead of inv_freq: tables (rows, rotary_dim/2) of any floating-point dtype on the device of q
    offset:           position of the first token; an int, or an int tensor of one element on the device of q, which
                      a CUDA graph reads anew at each replay
    position_ids:     instead of offset: (seq,) or (batch, seq), int64 or int32
    attention_factor: multiplies cos and sin of inv_freq; tables hold theirs already
    pairing:          "half" pairs feature i with i + rotary_dim/2, "interleaved" pairs 2i with 2i + 1
    seq_dim:          the axis that counts tokens: −2, or 1 for (batch, seq, heads, head_dim)
    inplace:          overwrite q and k, where no gradient is asked for, and return them
    check:            wait for the GPU and look whether positions in tensors are in range; on the CPU that is free
    returns:          q and k rotated, in their dtypes and the order of their strides; features from rotary_dim on are
                      copied. Differentiable in q and k to any order; tables and positions get no gradient

    Raises ValueError, before anything runs, for anything else, and for positions outside 0 … 2³¹ − 1 or the rows of
    the tables. Positions in GPU memory are looked at only with check=True: without it, one outside gives NaN.
    Su et al. 2021, eq. 34.
    """
    require_kernels(q)
    first, second = angle_source(q.device, inv_freq, cos, sin, attention_factor)
    ids, start, source, check = position_source(q, offset, position_ids, check)
    how = (start, source, attention_factor, 1.0, pairing, seq_dim, check)
    if torch.compiler.is_compiling():
        if not inplace:
            return torch.ops.ropelib.rope(q, k, first, second, ids, *how)
        torch.ops.ropelib.rope_(q, k, first, second, ids, *how)
        return q, k
    if torch.is_grad_enabled() and (q.requires_grad or k.requires_grad):
        if inplace:
            raise ValueError("inplace=True would overwrite what autograd needs: q and k must not require gradients")
        return _Rotation.apply(q, k, first, second, ids, *how)
    if inplace:
        torch.autograd.graph.increment_version((q, k))
    return _turn(q, k, first, second, ids, *how, inplace)


def require_kernels(q: Tensor) -> None:
    """Raise ValueError where no kernel can run on q."""
    if not q.is_cuda and not INTERPRETED:
        raise ValueError(
            "a Triton kernel runs on a GPU, or anywhere where TRITON_INTERPRET=1 was set before Triton was imported; "
            f"q is on {q.device}, where ropelib.ops.rope_torch rotates"
        )


def _turn(
    q: Tensor,
    k: Tensor,
    first: Tensor,
    second: Tensor | None,
    ids: Tensor | None,
    offset: int,
    source: int,
    factor: float,
    sign: float,
    pairing: str,
    seq_dim: int,
    check: bool,
    inplace: bool = False,
) -> tuple[Tensor, Tensor]:
    """Plan and launch; sign −1 turns back."""
    if not inplace and (q.stride()[-1:] != (1,) or k.stride()[-1:] != (1,)):
        q, k = (x if x.stride()[-1:] == (1,) else x.contiguous() for x in (q, k))
    angles = (first, first if second is None else second, first if ids is None else ids)
    plan = planned(_plan, (q, k, *angles), source, pairing, seq_dim, inplace)
    check_offset(plan.rows, plan.most, offset, ids if check else None, source)
    if inplace and q.data_ptr() == k.data_ptr() and q.numel() and k.numel():
        raise ValueError("inplace=True needs q and k in different memory, but both begin at one address")
    q_out, k_out = (q, k) if inplace else (torch.empty_like(q), torch.empty_like(k))
    launch(plan, (q, k, q_out, k_out, *angles), offset, (factor, factor * sign))
    return q_out, k_out


def _plan(
    q: Tensor,
    k: Tensor,
    first: Tensor,
    second: Tensor,
    ids: Tensor,
    source: int,
    pairing: str,
    seq_dim: int,
    inplace: bool,
) -> Plan:
    seq_axis = check_heads(q, k, pairing, seq_dim)
    pairs, rows = check_angles(q, first, second)
    batch, seq = q.shape[0], q.shape[seq_axis]
    ids_strides = check_ids("position_ids", ids, batch, seq, q.device) if source == IDS else (0, 0)
    if source != IDS and seq > rows:
        raise ValueError(f"cos and sin must have a row for each of the {seq} tokens of q, but have {rows}")
    if inplace:
        check_inplace(q, k)
    read = [strides_of(x, seq_axis) for x in (q, k)]
    strides = read + (read if inplace else [strides_like(x, seq_axis) for x in (q, k)])
    if seq == 1 and source == IDS:  # decoding: tokens of a block may as well come from different sequences
        batch, seq, ids_strides = 1, batch, (0, ids_strides[0])
        strides = [(0, by_batch, by_head) for by_batch, _, by_head in strides]
    heads = q.shape[3 - seq_axis], k.shape[3 - seq_axis]
    tail = 0 if inplace else q.shape[-1] - 2 * pairs
    table = first.is_floating_point()
    order = program_order(batch, strides[0])
    block_s, block_h, warps = tile(pairs, batch * seq, heads, table, pairing == "interleaved", q.itemsize)
    groups = tuple(triton.cdiv(count, block_h) for count in heads)
    programs = batch * triton.cdiv(seq, block_s) * sum(groups)
    pdl = has_programmatic_launch(q.device, programs)
    how = (pairs, first.stride(0) if table else 0, source)
    blocks = (block_s, block_h, triton.next_power_of_2(pairs), triton.next_power_of_2(max(tail, 1)))
    return Plan(
        kernel=rope_kernel,
        grid=(programs if q.shape[-1] else 0, 1, 1),
        fixed=(
            *(rows - 1, *ids_strides, seq, *heads, tuple(strides)),
            *(how, groups, order, pairing == "interleaved", tail, pdl, *blocks),
        ),
        options={"num_warps": warps, **({"launch_pdl": True} if pdl else {})},
        rows=rows,
        most=0 if source == IDS else rows - seq,
    )


class _Rotation(torch.autograd.Function):
    """The launch as a step of autograd; its backward pass is the same launch with the sign of the sine changed."""

    @staticmethod
    def forward(ctx: Any, q: Tensor, k: Tensor, *how: Any) -> tuple[Tensor, Tensor]:
        ctx.save_for_backward(*how[:3])
        ctx.how = how[3:]
        ctx.set_materialize_grads(False)
        return _turn(q, k, *how)

    @staticmethod
    def backward(ctx: Any, *grads: Tensor | None) -> tuple[Tensor | None, ...]:
        return *_turn_back(_Rotation.apply, ctx, grads), *[None] * (3 + len(ctx.how))


def _turn_back(
    turn: Callable[..., tuple[Tensor, Tensor]], ctx: Any, grads: tuple[Tensor | None, ...]
) -> tuple[Tensor | None, Tensor | None]:
    """Turn the gradients of q and k by −angle, on fresh memory, without those that nobody asks for."""
    wanted = [grad if needed else None for grad, needed in zip(grads, ctx.needs_input_grad, strict=False)]
    there = [grad for grad in wanted if grad is not None]
    if not there:
        return None, None
    offset, source, factor, sign, pairing, seq_dim, _ = ctx.how
    no_heads = there[0].narrow(2 if seq_dim in (1, -3) else 1, 0, 0)
    dq, dk = (no_heads if grad is None else grad for grad in wanted)
    dq, dk = turn(dq, dk, *ctx.saved_tensors, offset, source, factor, -sign, pairing, seq_dim, False)
    return None if wanted[0] is None else dq, None if wanted[1] is None else dk


@torch.library.custom_op("ropelib::rope", mutates_args=())
def _rope_op(
    q: Tensor,
    k: Tensor,
    first: Tensor,
    second: Tensor | None,
    ids: Tensor | None,
    offset: int,
    source: int,
    factor: float,
    sign: float,
    pairing: str,
    seq_dim: int,
    check: bool,
) -> tuple[Tensor, Tensor]:
    return _turn(q, k, first, second, ids, offset, source, factor, sign, pairing, seq_dim, check)


@torch.library.custom_op("ropelib::rope_", mutates_args=("q", "k"))
def _rope_inplace_op(
    q: Tensor,
    k: Tensor,
    first: Tensor,
    second: Tensor | None,
    ids: Tensor | None,
    offset: int,
    source: int,
    factor: float,
    sign: float,
    pairing: str,
    seq_dim: int,
    check: bool,
) -> None:
    _turn(q, k, first, second, ids, offset, source, factor, sign, pairing, seq_dim, check, True)


@_rope_op.register_fake
def _(q: Tensor, k: Tensor, *how: Any) -> tuple[Tensor, Tensor]:
    q, k = (x if x.stride(-1) == 1 else x.contiguous() for x in (q, k))
    return torch.empty_like(q), torch.empty_like(k)


def _save_for_op(ctx: Any, inputs: tuple[Any, ...], output: tuple[Tensor, Tensor]) -> None:
    ctx.save_for_backward(*inputs[2:5])
    ctx.how = inputs[5:]
    ctx.set_materialize_grads(False)


def _op_backward(ctx: Any, *grads: Tensor | None) -> tuple[Tensor | None, ...]:
    return *_turn_back(torch.ops.ropelib.rope, ctx, grads), *[None] * (3 + len(ctx.how))


_rope_op.register_autograd(_op_backward, setup_context=_save_for_op)
