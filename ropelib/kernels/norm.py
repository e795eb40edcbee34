"""RMS norm of queries and keys, and RoPE, in one launch, with the gradients of both; after ropelib.triton_fast.

Models such as Qwen3 normalise every head before they rotate it. Separately that reads and writes q and k twice.
"""

import math
from collections.abc import Callable
from typing import Any

import torch
import triton
import triton.language as tl
from numpy.typing import ArrayLike
from torch import Tensor
from torch.autograd.function import once_differentiable

from ropelib.kernels.angles import INTERPRETED, tile_cos_sin
from ropelib.kernels.checks import check_positions, check_sizes, sources
from ropelib.kernels.launch import (
    Angles,
    Plan,
    blocks_of,
    compact,
    fresh_like,
    launch,
    planned,
    strides_like,
    strides_of,
)
from ropelib.kernels.operators import like_q_and_k, operator
from ropelib.kernels.tiles import load_pairs, load_tail, rows_of, store_pairs, store_tail, wide
from ropelib.reference import Pairing

UNSPECIALISED = ["offset", "eps", "last", "ids_batch", "ids_seq", "batch", "seq", "q_heads", "k_heads", "q_programs"]


@triton.jit
def norm_weights(
    weight, PAIRS: tl.constexpr, INTERLEAVED: tl.constexpr, TAIL: tl.constexpr, P: tl.constexpr, T: tl.constexpr
):
    """The weights of the first and second features of pairs, (1, 1, P), and of the tail, (1, 1, T)."""
    one = tl.zeros((1, 1, 1), tl.int32)
    a, b = load_pairs(weight + one, one == 0, PAIRS, INTERLEAVED, P)
    return a, b, load_tail(weight + one, one == 0, PAIRS, TAIL, T).to(tl.float32)


@triton.jit
def mean_of(a, b, tail, SIZE: tl.constexpr):
    """The mean over all features of each token and head, (BLOCK_S, BLOCK_H, 1)."""
    return ((tl.sum(a, axis=2) + tl.sum(b, axis=2) + tl.sum(tail, axis=2)) / SIZE)[:, :, None]


@triton.jit(do_not_specialize=UNSPECIALISED)
def norm_rope_kernel(
    q,
    k,
    q_out,
    k_out,
    q_grad,
    k_grad,
    q_weight,
    k_weight,
    weight_grad,
    first,
    second,
    ids,
    offset,
    factors,
    eps,
    last,
    ids_batch,
    ids_seq,
    batch,
    seq,
    q_heads,
    k_heads,
    q_programs,
    strides,
    HOW: tl.constexpr,
    INTERLEAVED: tl.constexpr,
    TAIL: tl.constexpr,
    BACKWARD: tl.constexpr,
    BLOCK_S: tl.constexpr,
    BLOCK_H: tl.constexpr,
    BLOCK_P: tl.constexpr,
    BLOCK_T: tl.constexpr,
):
    """Normalise and rotate q and k to q_out and k_out; BACKWARD: turn gradients to those of q, k and the weights.

    The first q_programs programs share the tiles of q, the others those of k, so that each can add up the gradient
    of one weight, in row program_id(0) of weight_grad (programs, head_dim). Forward, nothing is read from q_grad.

    strides: (batch, seq, head) of q, k, q_out, k_out, q_grad and k_grad
    """
    PAIRS: tl.constexpr = HOW[0]
    SIZE: tl.constexpr = 2 * PAIRS + TAIL
    program = tl.program_id(0)
    q_strides, q_out_strides, q_grad_strides = wide(strides[0]), wide(strides[2]), wide(strides[4])
    k_strides, k_out_strides, k_grad_strides = wide(strides[1]), wide(strides[3]), wide(strides[5])
    if program < q_programs:
        x, out, grad, weight, heads = q, q_out, q_grad, q_weight, q_heads
        x_strides, out_strides, grad_strides = q_strides, q_out_strides, q_grad_strides
        tile, step = program, q_programs
    else:
        x, out, grad, weight, heads = k, k_out, k_grad, k_weight, k_heads
        x_strides, out_strides, grad_strides = k_strides, k_out_strides, k_grad_strides
        tile, step = program - q_programs, tl.num_programs(0) - q_programs
    groups = tl.cdiv(heads, BLOCK_H)
    blocks = tl.cdiv(seq, BLOCK_S)
    weight_a, weight_b, weight_tail = norm_weights(weight, PAIRS, INTERLEAVED, TAIL, BLOCK_P, BLOCK_T)
    sum_a = tl.zeros((1, 1, BLOCK_P), tl.float32)
    sum_b = tl.zeros((1, 1, BLOCK_P), tl.float32)
    sum_tail = tl.zeros((1, 1, BLOCK_T), tl.float32)
    for index in range(tile, groups * blocks * batch, step):
        sequence = (index // groups // blocks).to(tl.int64)
        tokens = index // groups % blocks * BLOCK_S + tl.arange(0, BLOCK_S)
        head = (index % groups * BLOCK_H + tl.arange(0, BLOCK_H)).to(tl.int64)[None, :, None]
        token = tokens.to(tl.int64)[:, None, None]
        inside = (token < seq) & (head < heads)
        x_rows = rows_of(x, x_strides, sequence, token, head)
        out_rows = rows_of(out, out_strides, sequence, token, head)
        a, b = load_pairs(x_rows, inside, PAIRS, INTERLEAVED, BLOCK_P)
        tail = load_tail(x_rows, inside, PAIRS, TAIL, BLOCK_T).to(tl.float32)
        cos, sin, _ = tile_cos_sin(
            first, second, ids, ids_batch, ids_seq, offset, last, factors, sequence, tokens, seq, HOW, BLOCK_P
        )
        cos, sin = cos[:, None, :], sin[:, None, :]
        scale = tl.rsqrt(mean_of(a * a, b * b, tail * tail, SIZE) + eps)
        a, b, tail = a * scale, b * scale, tail * scale
        if BACKWARD:
            grad_rows = rows_of(grad, grad_strides, sequence, token, head)
            turned_a, turned_b = load_pairs(grad_rows, inside, PAIRS, INTERLEAVED, BLOCK_P)
            grad_a, grad_b = turned_a * cos + turned_b * sin, turned_b * cos - turned_a * sin
            grad_tail = load_tail(grad_rows, inside, PAIRS, TAIL, BLOCK_T).to(tl.float32)
            grad_a = tl.where(inside, grad_a, 0.0)
            grad_b = tl.where(inside, grad_b, 0.0)
            sum_a += tl.sum(tl.sum(grad_a * a, axis=0), axis=0)[None, None, :]
            sum_b += tl.sum(tl.sum(grad_b * b, axis=0), axis=0)[None, None, :]
            sum_tail += tl.sum(tl.sum(grad_tail * tail, axis=0), axis=0)[None, None, :]
            grad_a, grad_b, grad_tail = grad_a * weight_a, grad_b * weight_b, grad_tail * weight_tail
            along = mean_of(grad_a * a, grad_b * b, grad_tail * tail, SIZE)
            out_a, out_b = (grad_a - a * along) * scale, (grad_b - b * along) * scale
            out_tail = (grad_tail - tail * along) * scale
        else:
            a, b = a * weight_a, b * weight_b
            out_a, out_b, out_tail = a * cos - b * sin, a * sin + b * cos, tail * weight_tail
        store_pairs(out_rows, out_a, out_b, inside, PAIRS, INTERLEAVED, BLOCK_P)
        store_tail(out_rows, out_tail, inside, PAIRS, TAIL, BLOCK_T)
    if BACKWARD:
        sums = weight_grad + program * SIZE + tl.zeros((1, 1, 1), tl.int32)
        here = tl.zeros((1, 1, 1), tl.int32) == 0
        store_pairs(sums, sum_a, sum_b, here, PAIRS, INTERLEAVED, BLOCK_P)
        store_tail(sums, sum_tail, here, PAIRS, TAIL, BLOCK_T)


def norm_rope(
    q: Tensor,
    k: Tensor,
    q_weight: Tensor,
    k_weight: Tensor,
    *,
    eps: float = 1e-6,
    inv_freq: ArrayLike | Tensor | None = None,
    cos: Tensor | None = None,
    sin: Tensor | None = None,
    offset: int | Tensor = 0,
    position_ids: Tensor | None = None,
    attention_factor: float = 1.0,
    pairing: Pairing = "half",
    seq_dim: int = -2,
    check: bool = False,
) -> tuple[Tensor, Tensor]:
    """Divide every head of q and k by its root mean square, multiply by weights and rotate, in one launch.

    q_weight, k_weight: (head_dim,), of the dtype of q
    eps:                added to the mean square before its root; positive
    returns:            q and k, normalised over all of head_dim and rotated, in fresh memory; all between is float32.
                        Differentiable once in q, k and both weights

    The other arguments are those of ropelib.triton_fast.rope, and so are the ValueErrors.
    Zhang and Sennrich 2019, arXiv:1910.07467; Su et al. 2021, eq. 34.
    """
    where = sources(q, inv_freq, cos, sin, offset, position_ids, attention_factor, pairing, seq_dim, check)
    tensors = q, k, q_weight, k_weight
    if torch.compiler.is_compiling():
        return torch.ops.ropelib.norm_rope(*tensors, *where, eps)
    if torch.is_grad_enabled() and any(x.requires_grad for x in tensors):
        return _NormRope.apply(*tensors, *where, eps)
    return _norm_rope(*tensors, *where, eps)


def _norm_rope(
    q: Tensor,
    k: Tensor,
    q_weight: Tensor,
    k_weight: Tensor,
    first: Tensor,
    second: Tensor | None,
    ids: Tensor | None,
    offset: int,
    source: int,
    factor: float,
    pairing: str,
    seq_dim: int,
    check: bool,
    eps: float,
    grads: tuple[Tensor | None, Tensor | None] = (None, None),
) -> tuple[Tensor, ...]:
    """The normalised and rotated q and k; with grads, the gradients of q, k, q_weight and k_weight instead."""
    if not 0 < eps < math.inf:
        raise ValueError(f"eps must be a finite positive number, but got {eps!r}")
    backward = grads[0] is not None
    q, k, angles = compact(q), compact(k), (first, second, ids)
    q_grad, k_grad = map(compact, grads if backward else (q, k))
    weights = q_weight.contiguous(), k_weight.contiguous()
    plan = planned(_plan, q, k, angles, (*weights, q_grad, k_grad), source, pairing, seq_dim, backward)
    if check or not 0 <= offset <= plan.most:
        check_positions(plan.rows, plan.most, offset, ids, source)
    q_out, k_out = plan.fresh[0](), plan.fresh[1]()
    sums = q.new_zeros((plan.programs, q.shape[-1]) if backward else 0, dtype=torch.float32)
    tensors = (q, k, q_out, k_out, q_grad, k_grad, *weights, sums)
    launch(plan, tensors, [x.data_ptr() for x in tensors], angles, offset, (factor, factor), eps)
    if not backward:
        return q_out, k_out
    q_programs = plan.fixed[7]
    weight_grads = (part.sum(0).to(q_weight.dtype) for part in (sums[:q_programs], sums[q_programs:]))
    return q_out, k_out, *weight_grads


def _backward(q_grad: Tensor, k_grad: Tensor, *inputs: Any) -> tuple[Tensor, ...]:
    *others, _, eps = inputs  # positions were looked at before the forward pass
    return _norm_rope(*others, False, eps, (q_grad, k_grad))


def _plan(
    q: Tensor,
    k: Tensor,
    angles: Angles,
    q_weight: Tensor,
    k_weight: Tensor,
    q_grad: Tensor,
    k_grad: Tensor,
    source: int,
    pairing: str,
    seq_dim: int,
    backward: bool,
) -> Plan:
    sizes = check_sizes(q, k, *angles, source, pairing, seq_dim)
    for name, weight in (("q_weight", q_weight), ("k_weight", k_weight)):
        if weight.shape != q.shape[-1:] or weight.dtype != q.dtype or weight.device != q.device:
            raise ValueError(
                f"{name} must be {q.dtype} of shape {tuple(q.shape[-1:])} on {q.device}, "
                f"but is {weight.dtype} of shape {tuple(weight.shape)} on {weight.device}"
            )
    axis, batch, heads = sizes.seq_axis, sizes.batch, sizes.heads
    read, turned = ([strides_of(x, axis) for x in pair] for pair in ((q, k), (q_grad, k_grad)))
    strides = (*read, *(strides_like(x, axis) for x in (q, k)), *turned)
    block_s, block_h, warps = norm_tile(batch * sizes.seq, heads, backward)
    programs = norm_programs(q.device, batch * triton.cdiv(sizes.seq, block_s), heads, block_h, backward)
    how = (sizes.pairs, sizes.table_stride, source)
    constants = (how, pairing == "interleaved", sizes.tail, backward)
    return Plan(
        kernel=norm_rope_kernel,
        programs=sum(programs),
        fixed=(
            *(sizes.rows - 1, *sizes.ids_strides, batch, sizes.seq, *heads, programs[0], strides),
            *(*constants, block_s, block_h, *blocks_of(sizes.pairs, sizes.tail)),
        ),
        options={"num_warps": warps},
        rows=sizes.rows,
        most=sizes.most,
        fresh=(fresh_like(q), fresh_like(k)),
    )


def norm_tile(tokens: int, heads: tuple[int, int], backward: bool) -> tuple[int, int, int]:
    """BLOCK_S, BLOCK_H and warps, as measured on an H200 with head_dim 128."""
    most = triton.next_power_of_2(max(1, *heads))
    if INTERPRETED:
        return triton.next_power_of_2(min(max(tokens, 1), 64)), most, 1
    if tokens <= 1024:
        return 1, min(8, most), 4
    return (1, min(8, most), 1) if backward else (4, min(4, most), 2)


def norm_programs(
    device: torch.device, blocks: int, heads: tuple[int, int], block_h: int, backward: bool
) -> tuple[int, int]:
    """How many programs share the tiles of q, and how many those of k: backward few, as each leaves a row of sums."""
    tiles = [blocks * triton.cdiv(count, block_h) for count in heads]
    if not backward or not sum(tiles):
        return tiles[0], tiles[1]
    processors = 2 if device.type == "cpu" else torch.cuda.get_device_properties(device).multi_processor_count
    most = 16 * processors
    return tuple(min(count, max(1, most * count // sum(tiles))) if count else 0 for count in tiles)


def _save(ctx: Any, inputs: tuple[Any, ...], output: Any = None) -> None:
    ctx.save_for_backward(*inputs[:7])
    ctx.how = inputs[7:]


def _turn_back(backward: Callable[..., tuple[Tensor, ...]], ctx: Any, grads: tuple[Tensor, ...]) -> tuple[Any, ...]:
    return *backward(*grads, *ctx.saved_tensors, *ctx.how), *[None] * (3 + len(ctx.how))


class _NormRope(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, *inputs: Any) -> tuple[Tensor, ...]:
        _save(ctx, inputs)
        return _norm_rope(*inputs)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor | None, ...]:
        return _turn_back(_backward, ctx, grads)


TENSORS = "Tensor q, Tensor k, Tensor q_weight, Tensor k_weight"
FOUR = "(Tensor, Tensor, Tensor, Tensor)"
_op = operator("norm_rope", _norm_rope, TENSORS, more="float eps", returns="(Tensor, Tensor)")
_op.register_fake(like_q_and_k)
_op.register_autograd(
    lambda ctx, *grads: _turn_back(torch.ops.ropelib.norm_rope_backward, ctx, grads), setup_context=_save
)


@operator("norm_rope_backward", _backward, f"Tensor q_grad, Tensor k_grad, {TENSORS}", "float eps", FOUR).register_fake
def _(q_grad: Tensor, k_grad: Tensor, q: Tensor, k: Tensor, *rest: Any) -> tuple[Tensor, ...]:
    return *like_q_and_k(q, k), torch.empty_like(rest[0]), torch.empty_like(rest[1])
