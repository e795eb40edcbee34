"""The Triton kernels on a GPU against float64: every combination of what changes the way through them.

Each test is one compiled family; inside it runs every layout, number of heads and source of positions.
"""

# ruff: noqa: E402 — Triton may be missing, and the kernels need it

import itertools

import pytest
import torch

NO_GPU = "NOT RUN: no GPU; run `make test` on a machine with an NVIDIA GPU"
pytest.importorskip("triton", reason=NO_GPU)

from ropelib import inverse_frequencies
from ropelib.kernels.angles import fixed_point_turns
from ropelib.kernels.cache import rope_into_cache
from ropelib.kernels.norm import norm_rope
from ropelib.ops import apply_rope, build_rope_cache, rope_torch
from ropelib.triton_fast import rope
from tests.kernel_checks import (
    DIMS,
    check_angles,
    check_cache,
    check_first_kernel,
    check_norm,
    check_one_graph_for_every_length,
    check_rope,
    outside_of,
)
from tests.rope_cases import LAYOUTS, PAIRINGS, POSITIONS, ROUNDING, Case, assert_rotated

pytestmark = [pytest.mark.slow, pytest.mark.skipif(not torch.cuda.is_available(), reason=NO_GPU)]

GPU = torch.device("cuda")
HEADS = [(32, 8), (5, 1), (1, 1), (5, 5)]
INV_FREQ = inverse_frequencies(128)


@pytest.fixture
def turns():
    return fixed_point_turns(INV_FREQ, GPU)


@pytest.mark.parametrize("table", [False, True], ids=["exact", "table"])
@pytest.mark.parametrize(("head_dim", "rotary_dim"), [*DIMS, (72, 72)])
@pytest.mark.parametrize("pairing", PAIRINGS)
@pytest.mark.parametrize("dtype", list(ROUNDING), ids=str)
def test_forward_backward_and_in_place(dtype, pairing, head_dim, rotary_dim, table):
    sizes = itertools.cycle([(2, 7, -2), (1, 33, 1), (3, 1, -2), (1, 1, 1)])
    for layout, heads, positions in itertools.product(LAYOUTS, HEADS, POSITIONS):
        batch, seq, seq_dim = next(sizes)
        case = Case(dtype, pairing, layout, head_dim, rotary_dim, heads, positions, table, batch, seq, seq_dim)
        try:
            check_rope(case, GPU)
        except AssertionError as error:
            raise AssertionError(f"{case}: {error}") from error


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
    check_angles(INV_FREQ, GPU, 2000)


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
    ids, known = outside_of(8 if table else 2**31, GPU)
    q = torch.randn(1, 2, 8, 128, device=GPU)
    out, _ = rope(q, q, **angles, position_ids=ids)
    assert out[:, :, ~known].isnan().all() and not out[:, :, known].isnan().any()
    with pytest.raises(ValueError, match="positions in tensors must lie in 0"):
        rope(q, q, **angles, position_ids=ids, check=True)
    with pytest.raises(ValueError, match="positions in tensors must lie in 0"):
        rope(q, q, **angles, position_ids=ids.cpu())


def test_compiled_it_is_one_graph_for_every_length(turns):
    def layer(q, k, offset):
        q, k = rope(q * 2, k, inv_freq=turns, offset=offset)
        return q.sin(), 3 * k

    def inputs(seq):
        q, k = (torch.randn(2, heads, seq, 128, device=GPU, requires_grad=True) for heads in (4, 1))
        return q, k, torch.tensor(3, device=GPU)

    check_one_graph_for_every_length(layer, (1000, 1001, 1008, 4096, 4097), inputs, "inductor", 1e-5)


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
    check_first_kernel(Case(dtype, pairing, "qkv", head_dim, head_dim, (3, 1), seq=77), GPU)


@pytest.mark.parametrize("dtype", list(ROUNDING), ids=str)
@pytest.mark.parametrize(("head_dim", "rotary_dim"), [(128, 128), (80, 80), (64, 20)])
@pytest.mark.parametrize("pairing", PAIRINGS)
def test_keys_and_values_go_to_their_rows_and_nowhere_else(pairing, head_dim, rotary_dim, dtype):
    for seq_dim, paged, seq in itertools.product((-2, 1), (False, True), (1, 7)):
        case = Case(dtype, pairing, "qkv", head_dim, rotary_dim, (5, 2), seq_dim=seq_dim, seq=seq)
        slots = torch.randperm(24, device=GPU)[: 2 * seq].reshape(2, seq) if paged else None
        check_cache(case, GPU, slots, offset=9)


@pytest.mark.parametrize("dtype", list(ROUNDING), ids=str)
@pytest.mark.parametrize(("head_dim", "rotary_dim"), [(128, 128), (80, 80), (64, 20)])
@pytest.mark.parametrize("pairing", PAIRINGS)
def test_norm_and_rope_with_all_four_gradients(pairing, head_dim, rotary_dim, dtype):
    for layout, seq in itertools.product(("bshd", "bhsd"), (1, 33)):
        case = Case(dtype, pairing, layout, head_dim, rotary_dim, (16, 2), seq=seq)
        check_norm(case, GPU, torch.arange(seq, device=GPU))


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
