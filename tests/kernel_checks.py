"""What the Triton kernels have to do anywhere: these run on the CPU in Triton's interpreter, and on a GPU."""

import itertools

import numpy as np
import pytest
import torch
import torch._dynamo.testing

from ropelib import inverse_frequencies
from ropelib.kernels.angles import LAST_POSITION
from ropelib.kernels.cache import rope_into_cache
from ropelib.kernels.norm import norm_rope
from ropelib.ops import build_rope_cache, rope_torch
from ropelib.triton_fast import rope
from ropelib.triton_kernel import rotate
from tests.rope_cases import ROUNDING, assert_rotated, exact_cos_sin

DIMS = [
    *((size, size) for size in (16, 64, 80, 96, 112, 128, 256)),
    *((64, 20), (80, 32), (128, 64)),
]


def check_rope(case, device, *, truncates=False):
    """Forward, backward and in place."""
    q, k = (x.requires_grad_() for x in case.tensors(device))
    where, positions = case.arguments(device)
    out = rope(q, k, **where)
    for x, y in zip((q, k), out, strict=True):
        assert_rotated(y, case.expected(x, positions), case.dtype, truncates=truncates)
    grads = [torch.randn_like(y) for y in out]
    for grad, turned in zip(grads, torch.autograd.grad(out, (q, k), grads), strict=True):
        assert_rotated(turned, case.expected(grad, positions, backwards=True), case.dtype, truncates=truncates)
    if case.layout == "strided":
        with pytest.raises(ValueError, match="inplace=True needs q with a last stride of 1"):
            rope(q.detach(), k.detach(), **where, inplace=True)
        return
    with torch.no_grad():
        version, memory = q._version, q.data_ptr()
        in_place = rope(q, k, **where, inplace=True)
    assert in_place[0] is q and in_place[1] is k and q.data_ptr() == memory and q._version > version
    assert all(torch.equal(a, b) for a, b in zip(in_place, out, strict=True))


def check_angles(inv_freq, device, count):
    """q = (1, 0) of every pair becomes (cos, sin), at the edges of the range and at count random positions."""
    edges = torch.tensor([0, 1, 2**24 + 1, 131_071, 2**30, LAST_POSITION])
    positions = torch.cat([edges, torch.randint(0, 2**31, (count,), generator=torch.Generator().manual_seed(0))])
    pairs = len(inv_freq)
    q = torch.cat([torch.ones(1, 1, len(positions), pairs), torch.zeros(1, 1, len(positions), pairs)], dim=-1)
    out, _ = rope(q.to(device), q.to(device), inv_freq=inv_freq, position_ids=positions.to(device))
    expected = np.concatenate(exact_cos_sin(positions[None], inv_freq), axis=-1)
    assert np.abs(out.cpu().numpy() - expected).max() <= 2e-7


def outside_of(rows, device):
    """Positions of which some lie outside 0 … rows − 1, and which of them are inside."""
    ids = torch.tensor([0, -1, 7, 2**40, 2**31, -(2**63), 8 if rows == 8 else 3, 1], device=device)
    return ids, (ids >= 0) & (ids < rows)


def check_first_kernel(case, device, *, truncates=False, **block):
    """Chapter 12's: forward, backward, and the backward pass of that."""
    x = case.tensors(device)[0].requires_grad_()
    out = rotate(x, *build_rope_cache(case.seq, case.head_dim, device=device), pairing=case.pairing, **block)
    positions = torch.arange(case.seq)[None]
    assert_rotated(out, case.expected(x, positions), case.dtype, truncates=truncates)
    grad = torch.randn_like(out).requires_grad_()
    back = torch.autograd.grad(out, x, grad, create_graph=True)[0]
    assert_rotated(back, case.expected(grad, positions, backwards=True), case.dtype, truncates=truncates)
    again = torch.autograd.grad(back, grad, torch.ones_like(back))[0]
    assert_rotated(again, case.expected(torch.ones_like(x), positions), case.dtype, truncates=truncates)


def check_cache(case, device, slots=None, **where):
    """Rows of k and v lie where offset or slots say, and nothing else of the caches has changed; 6 pages of 4 rows."""
    q, k = case.tensors(device)
    v, kv_heads = torch.randn_like(k), case.heads[1]
    where |= {"inv_freq": inverse_frequencies(case.rotary_dim), "pairing": case.pairing, "seq_dim": case.seq_dim}
    shape = (case.batch, kv_heads, 20, case.head_dim) if slots is None else (6, kv_heads, 4, case.head_dim)
    shape = shape if case.seq_dim == -2 else [shape[axis] for axis in (0, 2, 1, 3)]
    k_cache, v_cache = (torch.full(shape, 7.0, dtype=q.dtype, device=device) for _ in range(2))
    out = rope_into_cache(q, k, v, k_cache, v_cache, slots=slots, **where)
    turned = rope(q, k, **where)
    assert torch.equal(out, turned[0])
    for cache, rows in ((k_cache, turned[1]), (v_cache, v)):
        expected = torch.full_like(cache, 7.0)
        pages, rows = (x if case.seq_dim == -2 else x.transpose(1, 2) for x in (expected, rows))
        if slots is None:
            pages[:, :, where["offset"] : where["offset"] + case.seq] = rows
        for batch, token in [] if slots is None else itertools.product(range(case.batch), range(case.seq)):
            slot = slots[batch, token].item()
            if 0 <= slot < 24:
                pages[slot // 4, :, slot % 4] = rows[batch, :, token]
        assert torch.equal(cache, expected)


def check_norm(case, device, position_ids):
    """Norm and rotation with all four gradients, against PyTorch in float64."""
    inputs = [*case.tensors(device), *(torch.randn(case.head_dim, device=device).to(case.dtype) for _ in range(2))]
    q, k, q_weight, k_weight = exact = [x.double().requires_grad_() for x in inputs]
    inputs = [x.requires_grad_() for x in inputs]
    inv_freq, where = inverse_frequencies(case.rotary_dim), {"position_ids": position_ids, "pairing": case.pairing}
    out = norm_rope(*inputs, inv_freq=inv_freq, **where)
    tables = build_rope_cache(64, case.head_dim, scaling=(inv_freq, 1.0), dtype=torch.float64, device=device)
    expected = rope_torch(normalised(q, q_weight), normalised(k, k_weight), *tables, **where)
    for a, b in zip(out, expected, strict=True):
        assert_rotated(a, b.detach().cpu(), case.dtype)
    grads = [torch.randn_like(x) for x in out]
    mine = torch.autograd.grad(out, inputs, grads)
    theirs = torch.autograd.grad(expected, exact, [x.double() for x in grads])
    # So many terms of float32 make one mean, or one gradient of a weight.
    terms = max(case.head_dim, case.batch * case.seq * max(case.heads))
    for a, b in zip(mine, theirs, strict=True):
        atol = terms * ROUNDING[torch.float32] * b.abs().max().item()
        torch.testing.assert_close(a.double(), b, rtol=1.01 * ROUNDING[case.dtype], atol=atol)


def normalised(x, weight, eps=1e-6):
    return x * torch.rsqrt(x.square().mean(-1, keepdim=True) + eps) * weight


def check_one_graph_for_every_length(rope_layer, lengths, inputs, backend, tolerance):
    """Compiled whole, with gradients; inputs(seq) are q, k and an offset."""
    torch._dynamo.reset()
    count = torch._dynamo.testing.CompileCounterWithBackend(backend)
    compiled, compilations = torch.compile(rope_layer, fullgraph=True, dynamic=True, backend=count), set()
    for seq in lengths:
        q, k, offset = inputs(seq)
        results = [f(q, k, offset) for f in (compiled, rope_layer)]
        compilations.add(count.frame_count)
        grads = [torch.randn_like(x) for x in results[0]]
        results = [(*result, *torch.autograd.grad(result, (q, k), grads)) for result in results]
        for a, b in zip(*results, strict=True):
            torch.testing.assert_close(a, b, rtol=tolerance, atol=tolerance)
    assert len(compilations) == 1
