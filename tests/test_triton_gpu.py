"""The Triton kernels on a GPU against float64: every combination of what changes the way through them.

Each test is one compiled family; inside it runs every layout, number of heads and source of positions.
"""

# ruff: noqa: E402 — Triton may be missing, and the kernels need it

import itertools

import pytest
import torch
import torch._dynamo.testing

NO_GPU = "NOT RUN: no GPU; run `make test` on a machine with an NVIDIA GPU"
pytest.importorskip("triton", reason=NO_GPU)

from ropelib import inverse_frequencies
from ropelib.ops import apply_rope, build_rope_cache, rope_torch
from ropelib.triton_angles import LAST_POSITION, fixed_point_turns
from ropelib.triton_cache import rope_into_cache
from ropelib.triton_fast import rope
from ropelib.triton_kernel import rotate
from ropelib.triton_norm import norm_rope
from tests.rope_cases import LAYOUTS, PAIRINGS, POSITIONS, ROUNDING, Case, assert_rotated, exact_cos_sin

pytestmark = [pytest.mark.slow, pytest.mark.skipif(not torch.cuda.is_available(), reason=NO_GPU)]

GPU = torch.device("cuda")
DIMS = [
    (16, 16),
    (64, 64),
    (80, 80),
    (96, 96),
    (112, 112),
    (128, 128),
    (256, 256),
    (64, 20),
    (80, 32),
    (128, 64),
    (72, 72),
]
HEADS = [(32, 8), (5, 1), (1, 1), (5, 5)]
INV_FREQ = inverse_frequencies(128)


@pytest.fixture
def turns():
    return fixed_point_turns(INV_FREQ, GPU)


@pytest.mark.parametrize("table", [False, True], ids=["exact", "table"])
@pytest.mark.parametrize(("head_dim", "rotary_dim"), DIMS)
@pytest.mark.parametrize("pairing", PAIRINGS)
@pytest.mark.parametrize("dtype", list(ROUNDING), ids=str)
def test_forward_backward_and_in_place(dtype, pairing, head_dim, rotary_dim, table):
    sizes = itertools.cycle([(2, 7, -2), (1, 33, 1), (3, 1, -2), (1, 1, 1)])
    for layout, heads, positions in itertools.product(LAYOUTS, HEADS, POSITIONS):
        batch, seq, seq_dim = next(sizes)
        case = Case(dtype, pairing, layout, head_dim, rotary_dim, heads, positions, table, batch, seq, seq_dim)
        try:
            _check(case)
        except AssertionError as error:
            raise AssertionError(f"{case}: {error}") from error


def _check(case):
    q, k = (x.requires_grad_() for x in case.tensors(GPU))
    where, positions = case.arguments(GPU)
    out = rope(q, k, **where)
    for x, y in zip((q, k), out, strict=True):
        assert_rotated(y, case.expected(x, positions), case.dtype)
    grads = [torch.randn_like(y) for y in out]
    for grad, turned in zip(grads, torch.autograd.grad(out, (q, k), grads), strict=True):
        assert_rotated(turned, case.expected(grad, positions, backwards=True), case.dtype)
    if case.layout != "strided":
        with torch.no_grad():
            in_place = rope(q, k, **where, inplace=True)
        assert in_place[0] is q and in_place[1] is k
        assert all(torch.equal(a, b) for a, b in zip(in_place, out, strict=True))


@pytest.mark.parametrize("dtype", list(ROUNDING), ids=str)
@pytest.mark.parametrize("seq", [1, 5, 127, 4097])
def test_larger_shapes(seq, dtype):
    """Grids of more than one program for every axis, with all blocks full but the last."""
    for layout, pairing in itertools.product(("bhsd", "bshd", "qkv"), PAIRINGS):
        case = Case(dtype, pairing, layout, 128, 128, (32, 8), "first", False, 2, seq)
        q, k = case.tensors(GPU)
        cos, sin = (t.double() for t in build_rope_cache(seq, 128, device=GPU, dtype=torch.float64))
        expected = rope_torch(q.double(), k.double(), cos, sin, pairing=pairing)
        for a, b in zip(rope(q, k, inv_freq=INV_FREQ, pairing=pairing), expected, strict=True):
            assert_rotated(a, b.cpu(), dtype)


def test_angles_are_exact_at_every_position():
    generator = torch.Generator().manual_seed(0)
    edges = torch.tensor([0, 1, 2**24 + 1, 131_071, 2**30, LAST_POSITION])
    positions = torch.cat([edges, torch.randint(0, 2**31, (2000,), generator=generator)])
    q = torch.cat([torch.ones(1, 1, len(positions), 64), torch.zeros(1, 1, len(positions), 64)], dim=-1).to(GPU)
    out, _ = rope(q, q, inv_freq=INV_FREQ, position_ids=positions.to(GPU))
    cos, sin = (torch.from_numpy(t) for t in exact_cos_sin(positions[None], INV_FREQ))
    assert (out.cpu() - torch.cat([cos, sin], dim=-1)).abs().max() <= 2e-7


def test_pointers_that_are_not_aligned():
    for shift, dtype in itertools.product((1, 4), ROUNDING):
        memory = torch.randn(2 * 5 * 4 * 128 + shift, device=GPU).to(dtype)[shift:]
        q = memory.view(2, 4, 5, 128)
        plain = rope(q.clone(), q.clone(), inv_freq=INV_FREQ)  # plans for aligned pointers of this shape
        assert torch.equal(rope(q, q, inv_freq=INV_FREQ)[0], plain[0])


@pytest.mark.parametrize("table", [False, True])
def test_positions_outside_give_nan_and_read_nothing(table):
    cos, sin = build_rope_cache(8, 128, device=GPU)
    angles = {"cos": cos, "sin": sin} if table else {"inv_freq": INV_FREQ}
    ids = torch.tensor([0, -1, 7, 2**40, 2**31, -(2**63), 8 if table else 3, 1], device=GPU)
    q = torch.randn(1, 2, 8, 128, device=GPU)
    out, _ = rope(q, q, **angles, position_ids=ids)
    known = (ids >= 0) & (ids < (8 if table else 2**31))
    assert out[:, :, ~known].isnan().all() and not out[:, :, known].isnan().any()
    with pytest.raises(ValueError, match="positions in tensors must lie in 0"):
        rope(q, q, **angles, position_ids=ids, check=True)
    with pytest.raises(ValueError, match="positions in tensors must lie in 0"):
        rope(q, q, **angles, position_ids=ids.cpu())


def test_compiled_it_is_one_graph_for_every_length(turns):
    def layer(q, k, offset):
        q, k = rope(q * 2, k, inv_freq=turns, offset=offset)
        return q.sin(), 3 * k

    count = torch._dynamo.testing.CompileCounterWithBackend("inductor")
    compiled, compilations = torch.compile(layer, fullgraph=True, dynamic=True, backend=count), set()
    for seq in (1000, 1001, 1008, 4096, 4097):
        q, k = (torch.randn(2, heads, seq, 128, device=GPU, requires_grad=True) for heads in (4, 1))
        results = [f(q, k, torch.tensor(3, device=GPU)) for f in (compiled, layer)]
        compilations.add(count.frame_count)
        grads = [torch.randn_like(x) for x in results[0]]
        results = [(*result, *torch.autograd.grad(result, (q, k), grads)) for result in results]
        for a, b in zip(*results, strict=True):
            torch.testing.assert_close(a, b, rtol=1e-5, atol=1e-5)
    assert len(compilations) == 1


def test_a_new_length_compiles_no_kernel():
    from ropelib.triton_fast import rope_kernel

    def compiled_kernels():
        return sum(len(caches[0]) for caches in rope_kernel.device_caches.values())

    q, k = torch.randn(2, 4096, 5, 128, device=GPU), torch.randn(2, 4096, 1, 128, device=GPU)
    ids = torch.arange(4096, device=GPU)
    for lengths in ((2, 3, 16, 100), (1000, 1001, 1008, 4095, 4096)):  # few tokens and many have kernels of their own
        counts = []
        for seq in lengths:
            rope(q[:, :seq], k[:, :seq], inv_freq=INV_FREQ, position_ids=ids[:seq], seq_dim=1)
            rope(q[:, :seq].contiguous(), k[:, :seq].contiguous(), inv_freq=INV_FREQ, offset=seq, seq_dim=1)
            rope(*(x[:, :seq].transpose(1, 2).contiguous() for x in (q, k)), inv_freq=INV_FREQ)
            counts.append(compiled_kernels())
        assert len(set(counts)) == 1, counts


@pytest.mark.parametrize("table", [False, True])
def test_a_cuda_graph_reads_its_offset_and_inputs_anew(table):
    cos, sin = build_rope_cache(4096, 128, device=GPU)
    angles = {"cos": cos, "sin": sin} if table else {"inv_freq": INV_FREQ}
    q, k = torch.randn(2, 4, 3, 128, device=GPU), torch.randn(2, 1, 3, 128, device=GPU)
    offset = torch.zeros(1, dtype=torch.int64, device=GPU)
    rope(q, k, **angles, offset=offset)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        out = rope(q, k, **angles, offset=offset)
    for first in (5, 4000):
        q.normal_(), k.normal_(), offset.fill_(first)
        graph.replay()
        for a, b in zip(out, rope(q, k, **angles, offset=first), strict=True):
            torch.testing.assert_close(a, b, rtol=1e-6, atol=1e-6)


def test_kernels_that_start_early_wait_for_their_input():
    """A chain of dependent launches, as one graph: each of 200 turns what the one before it wrote."""
    step = torch.tensor([3], device=GPU)
    q, k = torch.randn(8, 32, 1, 128, device=GPU), torch.randn(8, 8, 1, 128, device=GPU)
    ids = step.expand(8, 1).contiguous()

    def chain(q, k):
        for _ in range(100):
            q, k = rope(q, k, inv_freq=INV_FREQ, position_ids=ids)
            rope(q, k, inv_freq=INV_FREQ, offset=step, inplace=True)
        return q, k

    chain(q, k)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        out = chain(q, k)
    for seed in range(20):
        torch.manual_seed(seed)
        q.normal_(), k.normal_()
        graph.replay()
        tables = build_rope_cache(601, 128, device=GPU, dtype=torch.float64)
        expected = rope_torch(q.double(), k.double(), *(t[600:] for t in tables))
        for a, b in zip(out, expected, strict=True):
            assert (a - b).abs().max() <= 200 * 4e-7 * b.abs().max()


def test_more_than_two_to_the_31_elements():
    if torch.cuda.get_device_properties(0).total_memory < 40 * 2**30:
        pytest.skip("NOT RUN: needs 40 GiB of GPU memory; run `make test` on a larger GPU")
    seq = 2**31 // (32 * 128) + 70_000
    for layout in ("bhsd", "bshd"):
        shape = (1, 32, seq, 128) if layout == "bhsd" else (1, seq, 32, 128)
        q = torch.empty(shape, dtype=torch.bfloat16, device=GPU)
        q = q if layout == "bhsd" else q.transpose(1, 2)
        tail = torch.randn(1, 32, 5, 128, device=GPU).bfloat16()
        q[:, :, -5:] = tail
        k = torch.zeros(1, 1, seq, 128, dtype=torch.bfloat16, device=GPU)
        out, _ = rope(q, k, inv_freq=INV_FREQ)
        case = Case(torch.bfloat16, "half", layout, 128, 128)
        expected = case.expected(tail, torch.arange(seq - 5, seq)[None])
        assert_rotated(out[:, :, -5:], expected, torch.bfloat16)
        rope(q, k, inv_freq=INV_FREQ, inplace=True)
        assert torch.equal(q[:, :, -5:], out[:, :, -5:])
        del q, k, out
        torch.cuda.empty_cache()


def test_apply_rope_takes_the_kernel_and_pytorch_what_it_cannot():
    q, k = torch.randn(2, 4, 9, 128, device=GPU), torch.randn(2, 1, 9, 128, device=GPU)
    cos, sin = build_rope_cache(9, 128, device=GPU)
    expected = apply_rope(q, k, cos, sin, use_triton=False)
    for choice in (None, True):
        for a, b in zip(apply_rope(q, k, cos, sin, use_triton=choice), expected, strict=True):
            torch.testing.assert_close(a, b, rtol=0, atol=2e-6)
    doubles = apply_rope(q.double(), k.double(), cos, sin)
    assert doubles[0].dtype == torch.float64
    mapped = torch.vmap(lambda x: apply_rope(x, x, cos, sin)[0])(q[None])
    torch.testing.assert_close(mapped[0], expected[0], rtol=0, atol=2e-6)
    trained = cos.clone().requires_grad_()
    apply_rope(q, k, trained, sin)[0].sum().backward()
    assert trained.grad is not None


@pytest.mark.parametrize("dtype", list(ROUNDING), ids=str)
@pytest.mark.parametrize("pairing", PAIRINGS)
@pytest.mark.parametrize("head_dim", [2, 6, 80, 128])
def test_the_kernel_of_chapter_12(head_dim, pairing, dtype):
    case = Case(dtype, pairing, "qkv", head_dim, head_dim, (3, 1), seq=77)
    x = case.tensors(GPU)[0].requires_grad_()
    tables = build_rope_cache(77, head_dim, device=GPU)
    out, positions = rotate(x, *tables, pairing=pairing), torch.arange(77)[None]
    assert_rotated(out, case.expected(x, positions), dtype)
    grad = torch.randn_like(out)
    back = torch.autograd.grad(out, x, grad)[0]
    assert_rotated(back, case.expected(grad, positions, backwards=True), dtype)


@pytest.mark.parametrize("dtype", list(ROUNDING), ids=str)
@pytest.mark.parametrize(("head_dim", "rotary_dim"), [(128, 128), (80, 80), (64, 20)])
@pytest.mark.parametrize("pairing", PAIRINGS)
def test_keys_and_values_go_to_their_rows_and_nowhere_else(pairing, head_dim, rotary_dim, dtype):
    for seq_dim, paged, seq in itertools.product((-2, 1), (False, True), (1, 7)):
        case = Case(dtype, pairing, "qkv", head_dim, rotary_dim, (5, 2), seq_dim=seq_dim, seq=seq)
        q, k = case.tensors(GPU)
        v, inv_freq = torch.randn_like(k), inverse_frequencies(rotary_dim)
        where = {"inv_freq": inv_freq, "pairing": pairing, "seq_dim": seq_dim}
        shape = [6, 4] if paged else [2, 20]
        shape = [shape[0], 2, shape[1], head_dim] if seq_dim == -2 else [*shape, 2, head_dim]
        k_cache, v_cache = (torch.full(shape, 7.0, dtype=dtype, device=GPU) for _ in range(2))
        slots = torch.randperm(24, device=GPU)[: 2 * seq].reshape(2, seq)
        out = rope_into_cache(q, k, v, k_cache, v_cache, offset=9, slots=slots if paged else None, **where)
        turned = rope(q, k, offset=9, **where)
        assert torch.equal(out, turned[0])
        for cache, rows in ((k_cache, turned[1]), (v_cache, v)):
            expected = torch.full_like(cache, 7.0)
            pages, rows = (x if seq_dim == -2 else x.transpose(1, 2) for x in (expected, rows))
            if paged:
                for batch, token in itertools.product(range(2), range(seq)):
                    slot = slots[batch, token].item()
                    pages[slot // 4, :, slot % 4] = rows[batch, :, token]
            else:
                pages[:, :, 9 : 9 + seq] = rows
            assert torch.equal(cache, expected)


@pytest.mark.parametrize("dtype", list(ROUNDING), ids=str)
@pytest.mark.parametrize(("head_dim", "rotary_dim"), [(128, 128), (80, 80), (64, 20)])
@pytest.mark.parametrize("pairing", PAIRINGS)
def test_norm_and_rope_with_all_four_gradients(pairing, head_dim, rotary_dim, dtype):
    for layout, seq in itertools.product(("bshd", "bhsd"), (1, 33)):
        case = Case(dtype, pairing, layout, head_dim, rotary_dim, (16, 2), seq=seq)
        inputs = [*case.tensors(GPU), *(torch.randn(head_dim, device=GPU).to(dtype) for _ in range(2))]
        q, k, q_weight, k_weight = exact = [x.double().requires_grad_() for x in inputs]
        inputs = [x.requires_grad_() for x in inputs]
        inv_freq = inverse_frequencies(rotary_dim)
        out = norm_rope(*inputs, inv_freq=inv_freq, pairing=pairing)
        tables = build_rope_cache(seq, head_dim, scaling=(inv_freq, 1.0), dtype=torch.float64, device=GPU)
        scaled = [
            x * torch.rsqrt(x.square().mean(-1, keepdim=True) + 1e-6) * weight
            for x, weight in ((q, q_weight), (k, k_weight))
        ]
        expected = rope_torch(*scaled, *tables, pairing=pairing)
        for a, b in zip(out, expected, strict=True):
            assert_rotated(a, b.detach().cpu(), dtype)
        grads = [torch.randn_like(x) for x in out]
        mine = torch.autograd.grad(out, inputs, grads)
        theirs = torch.autograd.grad(expected, exact, [x.double() for x in grads])
        for a, b in zip(mine, theirs, strict=True):
            terms = max(head_dim, 2 * seq * 16)  # of float32 that make one mean, or one gradient of a weight
            atol = terms * ROUNDING[torch.float32] * b.abs().max().item()
            torch.testing.assert_close(a.double(), b, rtol=1.01 * ROUNDING[dtype], atol=atol)


def test_compiled_norm_and_cache(turns):
    q, k = (torch.randn(2, heads, 33, 128, device=GPU, requires_grad=True) for heads in (4, 2))
    weights = [torch.randn(128, device=GPU, requires_grad=True) for _ in range(2)]
    compiled = torch.compile(norm_rope, fullgraph=True, dynamic=True)
    results = [f(q, k, *weights, inv_freq=turns) for f in (compiled, norm_rope)]
    grads = [torch.randn_like(x) for x in results[0]]
    gradients = [torch.autograd.grad(result, (q, k, *weights), grads) for result in results]
    for a, b in zip(results[0] + gradients[0], results[1] + gradients[1], strict=True):
        torch.testing.assert_close(a, b, rtol=1e-5, atol=1e-5)
    caches = [[torch.zeros(2, 2, 64, 128, device=GPU) for _ in range(2)] for _ in range(2)]
    with torch.no_grad():
        compiled = torch.compile(rope_into_cache, fullgraph=True, dynamic=True)
        outs = [f(q, k, k, *c, inv_freq=turns) for f, c in zip((compiled, rope_into_cache), caches, strict=True)]
    assert torch.equal(*outs) and all(torch.equal(a, b) for a, b in zip(*caches, strict=True))
