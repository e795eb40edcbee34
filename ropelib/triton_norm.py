"""RMS norm of queries and keys, and RoPE, in one launch, with the gradients of both; after ropelib.triton_fast.

Models such as Qwen3 normalise every head before they rotate it. Separately that reads and writes q and k twice.
"""

from typing import Any

import torch
import triton
import triton.language as tl
from numpy.typing import ArrayLike
from torch import Tensor
from torch.autograd.function import once_differentiable

from ropelib.reference import Pairing
from ropelib.triton_angles import INTERPRETED, tile_cos_sin
from ropelib.triton_checks import IDS, angle_source, check_angles, check_heads, check_ids, check_offset, position_source
from ropelib.triton_fast import load_pairs, require_kernels, store_pairs, wide
from ropelib.triton_launch import Plan, launch, planned, strides_like, strides_of

UNSPECIALISED = ["offset", "eps", "last", "ids_batch", "ids_seq", "batch", "seq", "q_heads", "k_heads", "q_programs"]


@triton.jit
def norm_weights(
    weight, PAIRS: tl.constexpr, INTERLEAVED: tl.constexpr, TAIL: tl.constexpr, P: tl.constexpr, T: tl.constexpr
):
    """The weights of the first and second features of pairs, (1, 1, P), and of the tail, (1, 1, T)."""
    one = tl.zeros((1, 1, 1), tl.int32)
    a, b = load_pairs(weight + one, one == 0, PAIRS, INTERLEAVED, P)
    features = tl.arange(0, T)[None, None, :]
    tail = tl.load(weight + 2 * PAIRS + features, mask=features < TAIL, other=0.0).to(tl.float32)
    return a, b, tail


@triton.jit
def load_tail(rows, inside, PAIRS: tl.constexpr, TAIL: tl.constexpr, T: tl.constexpr):
    features = tl.arange(0, T)[None, None, :]
    return tl.load(rows + 2 * PAIRS + features, mask=inside & (features < TAIL), other=0.0).to(tl.float32)


@triton.jit
def store_tail(rows, tail, inside, PAIRS: tl.constexpr, TAIL: tl.constexpr, T: tl.constexpr):
    features = tl.arange(0, T)[None, None, :]
    tl.store(rows + 2 * PAIRS + features, tail.to(rows.dtype.element_ty), mask=inside & (features < TAIL))


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
        x_rows = x + sequence * x_strides[0] + token * x_strides[1] + head * x_strides[2]
        out_rows = out + sequence * out_strides[0] + token * out_strides[1] + head * out_strides[2]
        a, b = load_pairs(x_rows, inside, PAIRS, INTERLEAVED, BLOCK_P)
        tail = load_tail(x_rows, inside, PAIRS, TAIL, BLOCK_T)
        cos, sin, _ = tile_cos_sin(
            first, second, ids, ids_batch, ids_seq, offset, last, factors, sequence, tokens, seq, HOW, BLOCK_P
        )
        cos, sin = cos[:, None, :], sin[:, None, :]
        scale = tl.rsqrt(mean_of(a * a, b * b, tail * tail, SIZE) + eps)
        a, b, tail = a * scale, b * scale, tail * scale
        if BACKWARD:
            grad_rows = grad + sequence * grad_strides[0] + token * grad_strides[1] + head * grad_strides[2]
            turned_a, turned_b = load_pairs(grad_rows, inside, PAIRS, INTERLEAVED, BLOCK_P)
            grad_a, grad_b = turned_a * cos + turned_b * sin, turned_b * cos - turned_a * sin
            grad_tail = load_tail(grad_rows, inside, PAIRS, TAIL, BLOCK_T)
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
    require_kernels(q)
    first, second = angle_source(q.device, inv_freq, cos, sin, attention_factor)
    ids, start, source, check = position_source(q, offset, position_ids, check)
    how = (eps, start, source, attention_factor, pairing, seq_dim, check)
    tensors = (q, k, q_weight, k_weight, first, second, ids)
    if torch.compiler.is_compiling():
        return torch.ops.ropelib.norm_rope(*tensors, *how)
    if torch.is_grad_enabled() and any(x.requires_grad for x in tensors[:4]):
        return _NormRope.apply(*tensors, *how)
    return _norm_rope(*tensors, *how)


def _norm_rope(
    q: Tensor,
    k: Tensor,
    q_weight: Tensor,
    k_weight: Tensor,
    first: Tensor,
    second: Tensor | None,
    ids: Tensor | None,
    eps: float,
    offset: int,
    source: int,
    factor: float,
    pairing: str,
    seq_dim: int,
    check: bool,
    grads: tuple[Tensor, Tensor] | None = None,
) -> tuple[Tensor, ...]:
    """The normalised and rotated q and k; with grads, the gradients of q, k, q_weight and k_weight instead."""
    if not 0 < eps < float("inf"):
        raise ValueError(f"eps must be a finite positive number, but got {eps!r}")
    q, k, *grads = (x if x.stride()[-1:] == (1,) else x.contiguous() for x in (q, k, *(grads or ())))
    angles = (first, first if second is None else second, first if ids is None else ids)
    weights = q_weight.contiguous(), k_weight.contiguous()
    plan = planned(_plan, (q, k, *weights, *angles, *grads), source, pairing, seq_dim)
    check_offset(plan.rows, plan.most, offset, ids if check else None, source)
    q_out, k_out = torch.empty_like(q), torch.empty_like(k)
    sums = q.new_zeros((plan.grid[0], q.shape[-1]) if grads else 0, dtype=torch.float32)
    launch(plan, (q, k, q_out, k_out, *(grads or (q, k)), *weights, sums, *angles), offset, (factor, factor), eps)
    if not grads:
        return q_out, k_out
    q_programs = plan.fixed[7]
    weight_grads = (part.sum(0).to(q_weight.dtype) for part in (sums[:q_programs], sums[q_programs:]))
    return q_out, k_out, *weight_grads


def _plan(
    q: Tensor,
    k: Tensor,
    q_weight: Tensor,
    k_weight: Tensor,
    first: Tensor,
    second: Tensor,
    ids: Tensor,
    *grads_and_how: Any,
) -> Plan:
    *grads, source, pairing, seq_dim = grads_and_how
    seq_axis = check_heads(q, k, pairing, seq_dim)
    pairs, rows = check_angles(q, first, second)
    batch, seq, heads = q.shape[0], q.shape[seq_axis], (q.shape[3 - seq_axis], k.shape[3 - seq_axis])
    for name, weight in (("q_weight", q_weight), ("k_weight", k_weight)):
        if weight.shape != q.shape[-1:] or weight.dtype != q.dtype or weight.device != q.device:
            raise ValueError(
                f"{name} must be {q.dtype} of shape {tuple(q.shape[-1:])} on {q.device}, "
                f"but is {weight.dtype} of shape {tuple(weight.shape)} on {weight.device}"
            )
    ids_strides = check_ids("position_ids", ids, batch, seq, q.device) if source == IDS else (0, 0)
    read = [strides_of(x, seq_axis) for x in (q, k)]
    written = [strides_like(x, seq_axis) for x in (q, k)]
    strides = (*read, *written, *([strides_of(x, seq_axis) for x in grads] or read))
    tail, table = q.shape[-1] - 2 * pairs, first.is_floating_point()
    block_s, block_h, warps = norm_tile(batch * seq, heads, bool(grads))
    programs = norm_programs(q.device, batch * triton.cdiv(seq, block_s), heads, block_h, bool(grads))
    how = (pairs, first.stride(0) if table else 0, source)
    blocks = (block_s, block_h, triton.next_power_of_2(pairs), triton.next_power_of_2(max(tail, 1)))
    shapes = (rows - 1, *ids_strides, batch, seq, *heads, programs[0], strides)
    return Plan(
        kernel=norm_rope_kernel,
        grid=(sum(programs), 1, 1),
        fixed=(*shapes, how, pairing == "interleaved", tail, bool(grads), *blocks),
        options={"num_warps": warps},
        rows=rows,
        most=0 if source == IDS else rows - seq,
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


class _NormRope(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, *inputs: Any) -> tuple[Tensor, Tensor]:
        ctx.save_for_backward(*inputs[:7])
        ctx.how = inputs[7:]
        return _norm_rope(*inputs)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor | None, ...]:
        return *_norm_rope(*ctx.saved_tensors, *ctx.how, grads), *[None] * (3 + len(ctx.how))


@torch.library.custom_op("ropelib::norm_rope", mutates_args=())
def _op(
    q: Tensor,
    k: Tensor,
    q_weight: Tensor,
    k_weight: Tensor,
    first: Tensor,
    second: Tensor | None,
    ids: Tensor | None,
    eps: float,
    offset: int,
    source: int,
    factor: float,
    pairing: str,
    seq_dim: int,
    check: bool,
) -> tuple[Tensor, Tensor]:
    tensors = (q, k, q_weight, k_weight, first, second, ids)
    return _norm_rope(*tensors, eps, offset, source, factor, pairing, seq_dim, check)


@torch.library.custom_op("ropelib::norm_rope_backward", mutates_args=())
def _backward_op(
    q_grad: Tensor,
    k_grad: Tensor,
    q: Tensor,
    k: Tensor,
    q_weight: Tensor,
    k_weight: Tensor,
    first: Tensor,
    second: Tensor | None,
    ids: Tensor | None,
    eps: float,
    offset: int,
    source: int,
    factor: float,
    pairing: str,
    seq_dim: int,
    check: bool,
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    tensors = (q, k, q_weight, k_weight, first, second, ids)
    return _norm_rope(*tensors, eps, offset, source, factor, pairing, seq_dim, False, (q_grad, k_grad))


@_op.register_fake
def _(q: Tensor, k: Tensor, *rest: Any) -> tuple[Tensor, Tensor]:
    q, k = (x if x.stride(-1) == 1 else x.contiguous() for x in (q, k))
    return torch.empty_like(q), torch.empty_like(k)


@_backward_op.register_fake
def _(q_grad: Tensor, k_grad: Tensor, q: Tensor, k: Tensor, *rest: Any) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    q, k = (x if x.stride(-1) == 1 else x.contiguous() for x in (q, k))
    return torch.empty_like(q), torch.empty_like(k), torch.empty_like(rest[0]), torch.empty_like(rest[1])


def _save(ctx: Any, inputs: tuple[Any, ...], output: tuple[Tensor, Tensor]) -> None:
    ctx.save_for_backward(*inputs[:7])
    ctx.how = inputs[7:]


def _op_backward(ctx: Any, *grads: Tensor) -> tuple[Tensor | None, ...]:
    return *torch.ops.ropelib.norm_rope_backward(*grads, *ctx.saved_tensors, *ctx.how), *[None] * (3 + len(ctx.how))


_op.register_autograd(_op_backward, setup_context=_save)
