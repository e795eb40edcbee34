"""RoPE at the limit of the memory: q and k in one launch, any layout, exact angles, autograd, compile and graphs.

One program rotates BLOCK_S tokens of BLOCK_H heads, so that heads share the angles of their token; every element is
read once and written once. ropelib.triton_kernel is the kernel to read first; ropelib.kernels holds the parts.
"""

from collections.abc import Callable
from typing import Any

import torch
import triton
import triton.language as tl
from numpy.typing import ArrayLike
from torch import Tensor

from ropelib.kernels.angles import tile_cos_sin
from ropelib.kernels.checks import IDS, check_inplace, check_positions, check_sizes, sources
from ropelib.kernels.launch import Angles, Plan, compact, cut, fresh_like, launch, planned, strides_like, strides_of
from ropelib.kernels.operators import like_q_and_k, operator
from ropelib.kernels.tiles import begin, load_pairs, load_tail, place, rows_of, store_pairs, store_tail, wide
from ropelib.reference import Pairing


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
    begin(PDL)
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
    x_rows = rows_of(x, x_strides, batch, token, head)
    out_rows = rows_of(out, out_strides, batch, token, head)
    a, b = load_pairs(x_rows, inside, HOW[0], INTERLEAVED, BLOCK_P)
    cos, sin, _ = tile_cos_sin(
        first, second, ids, ids_batch, ids_seq, offset, last, factors, batch, tokens, seq, HOW, BLOCK_P
    )
    cos, sin = cos[:, None, :], sin[:, None, :]
    if TAIL > 0:
        tail = load_tail(x_rows, inside, HOW[0], TAIL, BLOCK_T)
        store_tail(out_rows, tail, inside, HOW[0], TAIL, BLOCK_T)
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
    where = sources(q, inv_freq, cos, sin, offset, position_ids, attention_factor, pairing, seq_dim, check)
    if torch.compiler.is_compiling():
        if not inplace:
            return torch.ops.ropelib.rope(q, k, *where, 1.0)
        torch.ops.ropelib.rope_(q, k, *where)
        return q, k
    if torch.is_grad_enabled() and (q.requires_grad or k.requires_grad):
        if inplace:
            raise ValueError("inplace=True would overwrite what autograd needs: q and k must not require gradients")
        return _Rotation.apply(q, k, *where, 1.0)
    if inplace:
        torch.autograd.graph.increment_version((q, k))
    return _turn(q, k, *where, 1.0, inplace)


def _turn(
    q: Tensor,
    k: Tensor,
    first: Tensor,
    second: Tensor | None,
    ids: Tensor | None,
    offset: int,
    source: int,
    factor: float,
    pairing: str,
    seq_dim: int,
    check: bool,
    sign: float,
    inplace: bool = False,
) -> tuple[Tensor, Tensor]:
    """Plan and launch; sign −1 turns back."""
    if not inplace:
        q, k = compact(q), compact(k)
    angles = first, second, ids
    plan = planned(_plan, q, k, angles, (), source, pairing, seq_dim, inplace)
    if check or not 0 <= offset <= plan.most:
        check_positions(plan.rows, plan.most, offset, ids, source)
    q_at, k_at = q.data_ptr(), k.data_ptr()
    if inplace:
        if q_at == k_at != 0:
            raise ValueError("inplace=True needs q and k in different memory, but both begin at one address")
        q_out, k_out, pointers = q, k, (q_at, k_at, q_at, k_at)
    else:
        q_out, k_out = plan.fresh[0](), plan.fresh[1]()
        pointers = q_at, k_at, q_out.data_ptr(), k_out.data_ptr()
    launch(plan, (q, k, q_out, k_out), pointers, angles, offset, (factor, factor * sign))
    return q_out, k_out


def _turn_inplace(q: Tensor, k: Tensor, *where: Any) -> None:
    _turn(q, k, *where, 1.0, True)


def _plan(q: Tensor, k: Tensor, angles: Angles, source: int, pairing: str, seq_dim: int, inplace: bool) -> Plan:
    sizes = check_sizes(q, k, *angles, source, pairing, seq_dim)
    if inplace:
        check_inplace(q, k)
    strides = [strides_of(x, sizes.seq_axis) for x in (q, k)]
    strides += strides if inplace else [strides_like(x, sizes.seq_axis) for x in (q, k)]
    batch, seq, ids_strides = sizes.batch, sizes.seq, sizes.ids_strides
    if seq == 1 and source == IDS:  # decoding: tokens of a block may as well come from different sequences
        batch, seq, ids_strides = 1, batch, (0, ids_strides[0])
        strides = [(0, by_batch, by_head) for by_batch, _, by_head in strides]
    tiles = cut(q, sizes, batch, seq, strides[0], pairing, 0 if inplace else sizes.tail, like_k=1)
    return Plan(
        kernel=rope_kernel,
        programs=tiles.programs,
        fixed=(sizes.rows - 1, *ids_strides, seq, *sizes.heads, tuple(strides), *tiles.constants),
        options=tiles.options,
        rows=sizes.rows,
        most=sizes.most,
        fresh=() if inplace else (fresh_like(q), fresh_like(k)),
    )


def _save(ctx: Any, inputs: tuple[Any, ...], output: Any = None) -> None:
    ctx.save_for_backward(*inputs[2:5])
    ctx.how = inputs[5:]
    ctx.set_materialize_grads(False)


def _turn_back(
    turn: Callable[..., tuple[Tensor, Tensor]], ctx: Any, grads: tuple[Tensor | None, ...]
) -> tuple[Tensor | None, ...]:
    """Turn the gradients of q and k by −angle, on fresh memory, without those that nobody asks for."""
    wanted = [grad if needed else None for grad, needed in zip(grads, ctx.needs_input_grad, strict=False)]
    there = [grad for grad in wanted if grad is not None]
    nothing = [None] * (3 + len(ctx.how))
    if not there:
        return None, None, *nothing
    offset, source, factor, pairing, seq_dim, _, sign = ctx.how
    no_heads = there[0].narrow(2 if seq_dim in (1, -3) else 1, 0, 0)
    dq, dk = (no_heads if grad is None else grad for grad in wanted)
    dq, dk = turn(dq, dk, *ctx.saved_tensors, offset, source, factor, pairing, seq_dim, False, -sign)
    return None if wanted[0] is None else dq, None if wanted[1] is None else dk, *nothing


class _Rotation(torch.autograd.Function):
    """The launch as a step of autograd; its backward pass is the same launch with the sign of the sine changed."""

    @staticmethod
    def forward(ctx: Any, *inputs: Any) -> tuple[Tensor, Tensor]:
        _save(ctx, inputs)
        return _turn(*inputs)

    @staticmethod
    def backward(ctx: Any, *grads: Tensor | None) -> tuple[Tensor | None, ...]:
        return _turn_back(_Rotation.apply, ctx, grads)


operator("rope_", _turn_inplace, "Tensor(a!) q, Tensor(b!) k", more="", returns="()")
_op = operator("rope", _turn, "Tensor q, Tensor k", more="float sign", returns="(Tensor, Tensor)")
_op.register_fake(like_q_and_k)
_op.register_autograd(lambda ctx, *grads: _turn_back(torch.ops.ropelib.rope, ctx, grads), setup_context=_save)
