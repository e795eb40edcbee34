"""RoPE and the write to a KV cache in one launch: keys and values go where attention reads them, and nowhere else.

After ropelib.triton_fast; for inference, so without gradients.
"""

import torch
import triton
import triton.language as tl
from numpy.typing import ArrayLike
from torch import Tensor

from ropelib.kernels.angles import tile_cos_sin
from ropelib.kernels.checks import check_ids, check_positions, check_sizes, sources
from ropelib.kernels.launch import Angles, Plan, compact, cut, fresh_like, launch, planned, strides_like, strides_of
from ropelib.kernels.operators import operator
from ropelib.kernels.tiles import begin, load_pairs, load_tail, place, rows_of, store_pairs, store_tail, wide
from ropelib.reference import Pairing


@triton.jit(
    do_not_specialize=[
        "offset",
        "last",
        "ids_batch",
        "ids_seq",
        "slots_batch",
        "slots_seq",
        "pages",
        "page_rows",
        "seq",
        "q_heads",
        "kv_heads",
    ]
)
def rope_cache_kernel(
    q,
    k,
    v,
    q_out,
    k_cache,
    v_cache,
    slots,
    first,
    second,
    ids,
    offset,
    factors,
    last,
    ids_batch,
    ids_seq,
    slots_batch,
    slots_seq,
    pages,
    page_rows,
    seq,
    q_heads,
    kv_heads,
    strides,
    PAGED: tl.constexpr,
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
    """Rotate q to q_out and k into k_cache, and copy v into v_cache: rope_kernel with another place to write to.

    slots:   where PAGED: block·(rows of a block) + row of each token
    pages, page_rows: of the caches, where pages are sequences unless PAGED; what lies outside is not written
    GROUPS:  programs that share the heads of q, and of k or v; ORDER: as in place()
    strides: (batch, seq, head) of q, k, v and q_out, (block or sequence, row, head) of k_cache and v_cache
    """
    begin(PDL)
    batch, block, group = place(seq, GROUPS[0] + 2 * GROUPS[1], ORDER, BLOCK_S)
    tokens = block * BLOCK_S + tl.arange(0, BLOCK_S)
    is_query = group < GROUPS[0]
    is_value = group >= GROUPS[0] + GROUPS[1]
    # Flat choices among what is wide already: otherwise Triton 3.6 forgets alignment, and reads two bytes at a time.
    q_strides, k_strides, v_strides = wide(strides[0]), wide(strides[1]), wide(strides[2])
    q_out_strides, k_cache_strides, v_cache_strides = wide(strides[3]), wide(strides[4]), wide(strides[5])
    if is_query:
        x, out, heads, x_strides, out_strides = q, q_out, q_heads, q_strides, q_out_strides
    else:
        x, out, heads, x_strides, out_strides = k, k_cache, kv_heads, k_strides, k_cache_strides
        group -= GROUPS[0]
    if is_value:
        x, out, x_strides, out_strides = v, v_cache, v_strides, v_cache_strides
        group -= GROUPS[1]
    head = (group * BLOCK_H + tl.arange(0, BLOCK_H)).to(tl.int64)[None, :, None]
    token = tokens.to(tl.int64)[:, None, None]
    inside = (token < seq) & (head < heads)
    x_rows = rows_of(x, x_strides, batch, token, head)
    a, b = load_pairs(x_rows, inside, HOW[0], INTERLEAVED, BLOCK_P)
    cos, sin, positions = tile_cos_sin(
        first, second, ids, ids_batch, ids_seq, offset, last, factors, batch, tokens, seq, HOW, BLOCK_P
    )
    cos, sin = cos[:, None, :], sin[:, None, :]
    if PAGED:
        slot = tl.load(slots + batch * slots_batch + tokens * slots_seq, mask=tokens < seq, other=-1)
        slot = slot.to(tl.int64)
        page, row = slot // page_rows, slot % page_rows
        known = (slot >= 0) & (page < pages)
    else:
        page, row = batch, positions.to(tl.int64)
        known = (row >= 0) & (row < page_rows)
    row_offsets = tl.where(
        is_query,
        batch * out_strides[0] + tokens.to(tl.int64) * out_strides[1],
        page * out_strides[0] + row * out_strides[1],
    )
    written = inside & (known | is_query)[:, None, None]
    out_rows = out + row_offsets[:, None, None] + head * out_strides[2]
    if TAIL > 0:
        tail = load_tail(x_rows, written, HOW[0], TAIL, BLOCK_T)
        store_tail(out_rows, tail, written, HOW[0], TAIL, BLOCK_T)
    turned_a = tl.where(is_value, a, a * cos - b * sin)
    turned_b = tl.where(is_value, b, a * sin + b * cos)
    store_pairs(out_rows, turned_a, turned_b, written, HOW[0], INTERLEAVED, BLOCK_P)


def rope_into_cache(
    q: Tensor,
    k: Tensor,
    v: Tensor,
    k_cache: Tensor,
    v_cache: Tensor,
    *,
    slots: Tensor | None = None,
    inv_freq: ArrayLike | Tensor | None = None,
    cos: Tensor | None = None,
    sin: Tensor | None = None,
    offset: int | Tensor = 0,
    position_ids: Tensor | None = None,
    attention_factor: float = 1.0,
    pairing: Pairing = "half",
    seq_dim: int = -2,
) -> Tensor:
    """Rotate queries, and write rotated keys and values as they are to a cache, in one launch.

    q, k, v:          (batch, heads, seq, head_dim), or with seq_dim=1 (batch, seq, heads, head_dim), of one dtype;
                      k and v have the same shape
    k_cache, v_cache: (batch, heads, rows, head_dim), where the token at position p goes to row p; with seq_dim=1
                      (batch, rows, heads, head_dim). With slots they are paged, and batch counts pages
    slots:            (seq,) or (batch, seq), int64 or int32: page·rows + row of each token; −1 keeps it out
    returns:          the rotated q, in fresh memory

    The other arguments are those of ropelib.triton_fast.rope. A token whose row or slot is not in the caches is not
    written; that positions fit them is checked for an int offset alone. No gradients flow: this is for inference.
    Raises ValueError, before anything runs, for what does not fit.
    """
    where = sources(q, inv_freq, cos, sin, offset, position_ids, attention_factor, pairing, seq_dim, False)
    if torch.is_grad_enabled() and any(x.requires_grad for x in (q, k, v, k_cache, v_cache)):
        raise ValueError("a KV cache is for inference: none of q, k, v and the caches may require gradients")
    write = torch.ops.ropelib.rope_into_cache if torch.compiler.is_compiling() else _write
    return write(q, k, v, k_cache, v_cache, slots, *where)


def _write(
    q: Tensor,
    k: Tensor,
    v: Tensor,
    k_cache: Tensor,
    v_cache: Tensor,
    slots: Tensor | None,
    first: Tensor,
    second: Tensor | None,
    ids: Tensor | None,
    offset: int,
    source: int,
    factor: float,
    pairing: str,
    seq_dim: int,
    check: bool,
) -> Tensor:
    q, k, v = compact(q), compact(k), compact(v)
    angles = first, second, ids
    plan = planned(_plan, q, k, angles, (v, k_cache, v_cache, slots), source, pairing, seq_dim)
    if check or not 0 <= offset <= plan.most:
        check_positions(plan.rows, plan.most, offset, ids, source)
    q_out = plan.fresh[0]()
    tensors = (q, k, v, q_out, k_cache, v_cache, q if slots is None else slots)
    launch(plan, tensors, [x.data_ptr() for x in tensors], angles, offset, (factor, factor))
    return q_out


def _plan(
    q: Tensor,
    k: Tensor,
    angles: Angles,
    v: Tensor,
    k_cache: Tensor,
    v_cache: Tensor,
    slots: Tensor | None,
    source: int,
    pairing: str,
    seq_dim: int,
) -> Plan:
    sizes = check_sizes(q, k, *angles, source, pairing, seq_dim)
    seq_axis, paged = sizes.seq_axis, slots is not None
    _check_caches(k, v, k_cache, v_cache, seq_axis, paged)
    slots_strides = check_ids("slots", slots, sizes.batch, sizes.seq, q.device) if paged else (0, 0)
    kept = k_cache.shape[0], k_cache.shape[seq_axis]
    if not paged:
        sizes = sizes._replace(rows=min(sizes.rows, kept[1]))
    strides = [strides_of(x, seq_axis) for x in (q, k, v)]
    strides += [strides_like(q, seq_axis), *(strides_of(x, seq_axis) for x in (k_cache, v_cache))]
    tiles = cut(q, sizes, sizes.batch, sizes.seq, strides[0], pairing, sizes.tail, like_k=2)
    scalars = (sizes.rows - 1, *sizes.ids_strides, *slots_strides, *kept, sizes.seq, *sizes.heads, tuple(strides))
    return Plan(
        kernel=rope_cache_kernel,
        programs=tiles.programs,
        fixed=(*scalars, paged, *tiles.constants),
        options=tiles.options,
        rows=sizes.rows,
        most=sizes.most,
        fresh=(fresh_like(q),),
    )


def _check_caches(k: Tensor, v: Tensor, k_cache: Tensor, v_cache: Tensor, seq_axis: int, paged: bool) -> None:
    heads_axis = 3 - seq_axis
    wanted = [k.shape[heads_axis], k.shape[3], *([] if paged else [k.shape[0]])]
    for name, cache in (("k_cache", k_cache), ("v_cache", v_cache)):
        axes = (heads_axis, 3) if paged else (heads_axis, 3, 0)
        fits = cache.ndim == 4 and cache.shape == k_cache.shape and [cache.shape[axis] for axis in axes] == wanted
        if not fits or cache.stride(-1) != 1 or cache.dtype != k.dtype or cache.device != k.device:
            raise ValueError(
                f"{name} must have the axes, dtype and device of k, {tuple(k.shape)} {k.dtype} on {k.device}, rows or "
                f"pages of its own and a last stride of 1, but is {tuple(cache.shape)} {cache.dtype} on {cache.device}"
            )
    if v.shape != k.shape or v.dtype != k.dtype or v.device != k.device:
        raise ValueError(
            f"v must be {k.dtype} of shape {tuple(k.shape)} on {k.device} like k, but is {v.dtype} {tuple(v.shape)}"
        )


_op = operator(
    "rope_into_cache",
    _write,
    "Tensor q, Tensor k, Tensor v, Tensor(a!) k_cache, Tensor(b!) v_cache, Tensor? slots",
    more="",
    returns="Tensor",
)
_op.register_fake(lambda q, *rest: torch.empty_like(compact(q)))
