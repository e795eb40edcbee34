"""What the fast kernels have in common: which tile a program rotates, and how it reads and writes one."""

import triton
import triton.language as tl


@triton.jit
def begin(PDL: tl.constexpr):
    """Wait for the kernel before this one, where this one was started early; let the next one start early too."""
    if PDL:
        tl.extra.cuda.gdc_wait()
        tl.extra.cuda.gdc_launch_dependents()


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


@triton.jit
def rows_of(x, strides, batch, token, head):
    """Pointers to the first feature of each token and head."""
    return x + batch * strides[0] + token * strides[1] + head * strides[2]


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
def load_tail(rows, inside, PAIRS: tl.constexpr, TAIL: tl.constexpr, BLOCK_T: tl.constexpr):
    """The TAIL features behind all pairs, which no rotation touches, (BLOCK_S, BLOCK_H, BLOCK_T) in their dtype."""
    features = tl.arange(0, BLOCK_T)[None, None, :]
    return tl.load(rows + 2 * PAIRS + features, mask=inside & (features < TAIL), other=0.0)


@triton.jit
def store_tail(rows, tail, inside, PAIRS: tl.constexpr, TAIL: tl.constexpr, BLOCK_T: tl.constexpr):
    """The inverse of load_tail, in the dtype of what rows points to."""
    features = tl.arange(0, BLOCK_T)[None, None, :]
    tl.store(rows + 2 * PAIRS + features, tail.to(rows.dtype.element_ty), mask=inside & (features < TAIL))
