"""The cases of test_triton_interpreter.py, for a process with TRITON_INTERPRET=1: every path, few and large programs.

The interpreter casts float32 to bfloat16 by truncation; how a GPU rounds is tested in test_triton_gpu.py.
"""

import itertools
import random

import mpmath
import numpy as np
import pytest
import torch

from ropelib import inverse_frequencies
from ropelib.kernels.angles import INTERPRETED, fixed_point_turns, hugging_face_tables
from ropelib.kernels.cache import rope_into_cache
from ropelib.kernels.norm import norm_rope
from ropelib.ops import apply_rope, build_rope_cache
from ropelib.triton_fast import rope
from ropelib.triton_kernel import rotate
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
from tests.rope_cases import COMPILER, LAYOUTS, PAIRINGS, POSITIONS, ROUNDING, Case

CPU = torch.device("cpu")
INV_FREQ = inverse_frequencies(32)
TURNS = fixed_point_turns(INV_FREQ)

SIZES = [*DIMS, (6, 2)]
# Every value of every factor with every value of most others, in a random order that is the same each time.
HEADS = [(5, 1), (4, 2), (1, 1), (3, 3)]
EVERY = list(
    itertools.product(
        ROUNDING, PAIRINGS, LAYOUTS, SIZES, HEADS, POSITIONS, (False, True), ((2, 7), (3, 1), (1, 19)), (-2, 1)
    )
)
CASES = [
    Case(dtype, pairing, layout, head_dim, rotary_dim, heads, positions, table, batch, seq, seq_dim)
    for dtype, pairing, layout, (head_dim, rotary_dim), heads, positions, table, (batch, seq), seq_dim in random.Random(
        6
    ).sample(EVERY, 110)
]


def named(case):
    return "-".join(map(str, (str(case.dtype)[6:], case.pairing, case.layout, case.head_dim, case.rotary_dim)))


def same_order(x, y):
    return torch.argsort(torch.tensor(x.stride())).tolist() == torch.argsort(torch.tensor(y.stride())).tolist()


def test_the_kernels_are_interpreted():
    assert INTERPRETED


@pytest.mark.parametrize("case", CASES, ids=named)
def test_forward_backward_and_in_place(case):
    check_rope(case, CPU, truncates=case.dtype == torch.bfloat16)


def test_every_value_of_every_factor_is_among_the_cases():
    for factor in ("dtype", "pairing", "layout", "heads", "positions", "table", "seq_dim", "seq"):
        assert len({getattr(case, factor) for case in CASES}) == len(
            {getattr(Case(*c[:3], *c[3], *c[4:7], *c[7], c[8]), factor) for c in EVERY}
        )
    assert {(case.head_dim, case.rotary_dim) for case in CASES} == set(SIZES)


def test_outputs_have_the_order_of_the_strides_of_their_inputs():
    for layout, seq_dim in itertools.product(("bhsd", "bshd", "qkv"), (-2, 1)):
        q, k = Case(layout=layout, heads=(5, 2), seq_dim=seq_dim).tensors(CPU)
        out = rope(q, k, inv_freq=inverse_frequencies(64), seq_dim=seq_dim)
        assert out[0].shape == q.shape and same_order(out[0], q) and same_order(out[1], k)


@pytest.mark.parametrize("base", [10_000.0, 500_000.0, 10.0])
def test_angles_are_exact_at_every_position(base):
    check_angles(inverse_frequencies(128, base), CPU, 400)


def test_turns_are_the_frequencies_in_fixed_point():
    values = np.array([1.0, 2.0**-40, 5.0, 0.1, 1e-9, -0.5, 100.0])
    with mpmath.workprec(400):
        exact = [mpmath.mpf(float(v)) / (2 * mpmath.pi) * 2**64 for v in values]
        distance = [abs(int(turn) - x) for turn, x in zip(fixed_point_turns(values), exact, strict=True)]
        assert max(d - 2**64 * mpmath.nint(d / 2**64) for d in distance) <= 0.5
    assert fixed_point_turns(values) is fixed_point_turns(torch.from_numpy(values))


def test_hugging_face_tables_equal_hugging_faces():
    modeling = pytest.importorskip("transformers.models.llama.modeling_llama")
    config = modeling.LlamaConfig(hidden_size=64, num_attention_heads=2, max_position_embeddings=9000)
    theirs = modeling.LlamaRotaryEmbedding(config)
    for dtype in (torch.float32, torch.bfloat16):
        x = torch.zeros(1, 1, dtype=dtype)
        expected = [table[0, :, :16].float() for table in theirs(x, torch.arange(9000)[None])]
        tables = hugging_face_tables(9000, theirs.inv_freq, attention_factor=theirs.attention_scaling, dtype=dtype)
        assert all(torch.equal(a, b) for a, b in zip(tables, expected, strict=True))
        q = torch.randn(1, 2, 5, 32)
        turned, _ = rope(q, q, cos=tables[0], sin=tables[1], offset=8000)
        cos, sin = (torch.cat([t[8000:8005]] * 2, dim=-1)[None] for t in expected)
        torch.testing.assert_close(turned, modeling.apply_rotary_pos_emb(q, q, cos, sin)[0], rtol=0, atol=5e-7)


@pytest.mark.parametrize("table", [False, True])
def test_positions_outside_give_nan_and_read_nothing(table):
    """On the CPU positions are looked at, so the kernel is called below the look."""
    from ropelib.triton_fast import _turn

    cos, sin = build_rope_cache(8, 32)
    angles = (cos, sin) if table else (TURNS, None)
    ids, known = outside_of(8 if table else 2**31, CPU)
    q = torch.randn(1, 2, 8, 32)
    out, _ = _turn(q, q, *angles, ids, 0, 2, 1.0, "half", -2, False, 1.0)
    assert out[:, :, ~known].isnan().all() and not out[:, :, known].isnan().any()
    expected, _ = rope(q[:, :, known], q[:, :, known], inv_freq=TURNS, position_ids=ids[known])
    torch.testing.assert_close(out[:, :, known], expected, rtol=0, atol=1e-6)


@pytest.mark.parametrize("shape", [(0, 2, 3, 32), (2, 0, 3, 32), (2, 2, 0, 32)])
def test_nothing_to_rotate_is_nothing_rotated(shape):
    k = torch.randn(shape[0], 1, *shape[2:])
    out = rope(torch.randn(shape), k, inv_freq=INV_FREQ)
    assert out[0].shape == shape and out[1].shape == k.shape
    torch.testing.assert_close(out[1], rope(k, k, inv_freq=INV_FREQ)[0])


def test_tables_whose_rows_lie_in_one_place():
    """A stride of 0, which is not that of turns."""
    q, (cos, sin) = torch.randn(1, 2, 5, 32), build_rope_cache(2, 32)
    for rows in (1, 5):
        out, _ = rope(q[:, :, :rows], q[:, :, :rows], cos=cos[1:].expand(rows, 16), sin=sin[1:].expand(rows, 16))
        expected, _ = rope(q, q, inv_freq=INV_FREQ, position_ids=torch.ones(5, dtype=torch.int64))
        torch.testing.assert_close(out, expected[:, :, :rows], rtol=0, atol=1e-6)


def test_an_attention_factor_scales_outputs_and_gradients():
    q = torch.randn(1, 2, 5, 32, requires_grad=True)
    plain, _ = rope(q, q.detach(), inv_freq=INV_FREQ)
    scaled, _ = rope(q, q.detach(), inv_freq=INV_FREQ, attention_factor=1.25)
    torch.testing.assert_close(scaled, 1.25 * plain)
    grad = torch.randn_like(q)
    torch.testing.assert_close(
        torch.autograd.grad(scaled, q, grad)[0], 1.25 * torch.autograd.grad(plain, q, grad)[0], rtol=1e-6, atol=1e-6
    )


def test_the_backward_pass_differentiates_again():
    q, k = (torch.randn(2, heads, 5, 32, requires_grad=True) for heads in (3, 1))
    out = rope(q, k, inv_freq=INV_FREQ, offset=torch.tensor(9), attention_factor=1.5)
    grads = [torch.randn_like(x, requires_grad=True) for x in out]
    first = torch.autograd.grad(out, (q, k), grads, create_graph=True)
    seeds = [torch.randn_like(x) for x in first]
    second = torch.autograd.grad(first, grads, seeds)  # backward is linear in grads, and its adjoint is forward
    expected = rope(*seeds, inv_freq=INV_FREQ, offset=9, attention_factor=1.5)
    assert all(torch.equal(a, b) for a, b in zip(second, expected, strict=True))


def test_gradients_that_are_expanded_missing_or_not_asked_for():
    q, k = (torch.randn(2, heads, 5, 32, requires_grad=True) for heads in (3, 1))
    out = rope(q, k, inv_freq=INV_FREQ)
    full = torch.autograd.grad(out, (q, k), [torch.ones_like(x) for x in out], retain_graph=True)
    assert torch.equal(torch.autograd.grad(out[0].sum(), q, retain_graph=True)[0], full[0])
    assert torch.equal(torch.autograd.grad(out[1].sum(), k)[0], full[1])
    only_k = rope(q.detach(), k, inv_freq=INV_FREQ)
    assert torch.equal(torch.autograd.grad(only_k[0].sum() + only_k[1].sum(), k)[0], full[1])


@pytest.mark.parametrize("backend", sorted({"aot_eager", COMPILER}))
def test_compiled_it_is_one_graph_for_every_length(backend):
    def layer(q, k, offset):
        q, k = rope(q * 2, k, inv_freq=TURNS, offset=offset)
        return q.sin(), 3 * k

    def inputs(seq):
        return *(torch.randn(2, heads, seq, 32, requires_grad=True) for heads in (3, 1)), torch.tensor(3)

    check_one_graph_for_every_length(layer, (5, 6, 17), inputs, backend, 1e-6)


def test_compiled_in_place_is_seen_by_what_follows():
    def layer(q, k):
        q, k = q + 1, k + 1
        rope(q, k, inv_freq=TURNS, inplace=True)
        return q * 2, k

    q, k = (torch.randn(2, heads, 5, 32) for heads in (3, 1))
    compiled = torch.compile(layer, fullgraph=True, dynamic=True, backend="aot_eager")
    assert all(torch.equal(a, b) for a, b in zip(compiled(q, k), layer(q, k), strict=True))


def test_the_operator_is_registered_as_pytorch_wants_it():
    q, k = (torch.randn(2, heads, 5, 32, requires_grad=True) for heads in (3, 1))
    arguments = (q, k, TURNS, None, None, 3, 0, 1.0, "half", -2, False, 1.0)
    torch.library.opcheck(torch.ops.ropelib.rope.default, arguments)


Q = torch.zeros(2, 3, 5, 32)
COS, SIN = build_rope_cache(8, 32)
REFUSED = [
    ({}, "angles come from inv_freq or from both cos and sin, but got none"),
    ({"inv_freq": INV_FREQ, "cos": COS, "sin": SIN}, r"but got \['inv_freq', 'cos', 'sin'\]"),
    ({"cos": COS}, r"but got \['cos'\]"),
    ({"inv_freq": np.ones((2, 2))}, r"shape \(rotary_dim/2,\), but is float64 of shape \(2, 2\)"),
    ({"inv_freq": np.array([1.0, np.nan])}, "inv_freq must be finite"),
    ({"inv_freq": inverse_frequencies(64)}, "1 to head_dim/2 = 16 wide"),
    ({"inv_freq": INV_FREQ, "attention_factor": 0.0}, "attention_factor must be a finite positive number, but got 0.0"),
    ({"cos": COS, "sin": SIN, "attention_factor": 2.0}, "hold their attention_factor already, but got 2.0"),
    ({"cos": COS, "sin": SIN[:5]}, r"of one shape and dtype, but are .*\(8, 16\).*\(5, 16\)"),
    ({"cos": COS.int(), "sin": SIN.int()}, "must be floating-point tables"),
    ({"cos": COS.clone().requires_grad_(), "sin": SIN}, "must not require gradients"),
    ({"cos": COS[:4], "sin": SIN[:4]}, "a row for each of the 5 tokens of q, but have 4"),
    ({"cos": COS, "sin": SIN, "offset": 4}, r"offset must lie in 0 … 3, .* but is 4"),
    ({"cos": COS, "sin": SIN, "offset": torch.tensor(4)}, "positions in tensors must lie in 0 … 3, but hold 4"),
    ({"inv_freq": INV_FREQ, "offset": -1}, "offset must lie in 0 … 2147483643, .* but is -1"),
    ({"inv_freq": INV_FREQ, "offset": 2**31 - 4}, "offset must lie in 0 … 2147483643"),
    ({"inv_freq": INV_FREQ, "offset": 1.0}, "offset must be an int, or a tensor of one, but got 1.0"),
    ({"inv_freq": INV_FREQ, "offset": True}, "offset must be an int, or a tensor of one, but got True"),
    ({"inv_freq": INV_FREQ, "offset": torch.tensor([1, 2])}, r"one int64 or int32 on cpu, but is .*\(2,\)"),
    ({"inv_freq": INV_FREQ, "offset": torch.tensor(1.0)}, "one int64 or int32 on cpu, but is torch.float32"),
    ({"inv_freq": INV_FREQ, "offset": 1, "position_ids": torch.arange(5)}, "give no offset beside them, but got 1"),
    ({"inv_freq": INV_FREQ, "position_ids": torch.arange(4)}, r"\(5,\) or \(2, 5\) on cpu, but are .*\(4,\)"),
    ({"inv_freq": INV_FREQ, "position_ids": torch.arange(5.0)}, "position_ids must be int64 or int32"),
    ({"inv_freq": INV_FREQ, "position_ids": -torch.arange(5)}, "must lie in 0 … 2147483647, but hold -1"),
    ({"cos": COS, "sin": SIN, "position_ids": torch.arange(5) + 4}, "must lie in 0 … 7, but hold 8"),
    ({"inv_freq": INV_FREQ, "pairing": "other"}, "pairing must be .* but got 'other'"),
    ({"inv_freq": INV_FREQ, "seq_dim": 0}, "seq_dim must name axis 1 or 2"),
    ({"inv_freq": INV_FREQ, "k": Q[0]}, r"must have four axes .* \(3, 5, 32\)"),
    ({"inv_freq": INV_FREQ, "k": Q[:, :, :4]}, r"differ in their heads alone, .*\(2, 3, 4, 32\)"),
    ({"inv_freq": INV_FREQ, "k": Q.half()}, "of one dtype, .* torch.float16 on cpu"),
    ({"inv_freq": INV_FREQ, "q": Q.double(), "k": Q.double()}, "bfloat16, float16 or float32, .* torch.float64"),
    ({"inv_freq": INV_FREQ, "inplace": True}, "needs q and k in different memory"),
    ({"inv_freq": INV_FREQ, "inplace": True, "k": Q[:, :1].expand(2, 4, 5, 32)}, "no expanded axis"),
    ({"inv_freq": INV_FREQ, "inplace": True, "q": Q.clone().requires_grad_()}, "must not require gradients"),
]


@pytest.mark.parametrize(("arguments", "message"), REFUSED, ids=range(len(REFUSED)))
def test_what_does_not_fit_is_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        rope(**({"q": Q, "k": Q} | arguments))


def test_apply_rope_takes_the_kernel_when_told_to():
    q, k = torch.randn(2, 3, 5, 32), torch.randn(2, 1, 5, 32)
    for pairing, ids in itertools.product(PAIRINGS, (None, torch.randint(0, 8, (2, 5)))):
        tables = (COS, SIN) if ids is not None else (COS[:5], SIN[:5])
        results = [
            apply_rope(q, k, *tables, position_ids=ids, pairing=pairing, use_triton=choice) for choice in (True, False)
        ]
        for a, b in zip(*results, strict=True):
            torch.testing.assert_close(a, b, rtol=0, atol=1e-6)
    with pytest.raises(ValueError, match="one row per token, but they have 8 rows"):
        apply_rope(q, k, COS, SIN, use_triton=True)


@pytest.mark.parametrize("dtype", list(ROUNDING))
@pytest.mark.parametrize("pairing", PAIRINGS)
@pytest.mark.parametrize("head_dim", [2, 6, 80])
def test_the_kernel_of_chapter_12(head_dim, pairing, dtype):
    """Odd sizes, strides, both pairings."""
    case = Case(dtype, pairing, "qkv", head_dim, head_dim, (3, 1), seq=13)
    check_first_kernel(case, CPU, truncates=dtype == torch.bfloat16, block=4)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"x": torch.zeros(3, 5, 32)}, r"shape \(batch, heads, seq, head_dim\)"),
        ({"x": torch.zeros(1, 3, 5, 31)}, "an even head_dim"),
        ({"x": Q.double()}, "torch.float64"),
        ({"cos": COS}, r"cos must be float32 of shape .*\(5, 16\) on cpu, but is torch.float32 of shape \(8, 16\)"),
        ({"sin": SIN[:5].half()}, "sin must be float32"),
        ({"pairing": "other"}, "pairing must be .* but got 'other'"),
        ({"block": 3}, "block must be a power of two, but got 3"),
    ],
)
def test_the_kernel_of_chapter_12_refuses(change, message):
    with pytest.raises(ValueError, match=message):
        rotate(**({"x": Q, "cos": COS[:5], "sin": SIN[:5]} | change))


@pytest.mark.parametrize("seq_dim", [-2, 1])
@pytest.mark.parametrize(("head_dim", "rotary_dim"), [(32, 32), (80, 80), (64, 20)])
@pytest.mark.parametrize("pairing", PAIRINGS)
def test_keys_and_values_go_to_their_rows_and_nowhere_else(pairing, head_dim, rotary_dim, seq_dim):
    check_cache(Case(torch.float16, pairing, "qkv", head_dim, rotary_dim, (5, 2), seq_dim=seq_dim), CPU, offset=9)


@pytest.mark.parametrize("seq_dim", [-2, 1])
def test_pages_are_filled_where_slots_say_and_nowhere_else(seq_dim):
    slots = torch.randperm(24)[:14].reshape(2, 7)
    slots[0, 2], slots[1, 3] = 24, -1  # beyond the last page, and not wanted
    case = Case(torch.float32, "half", "bshd", 32, 32, (5, 2), seq_dim=seq_dim)
    check_cache(case, CPU, slots, position_ids=torch.randint(0, 1000, (2, 7)))


def test_compiled_the_cache_is_written_too():
    def step(q, k, v, k_cache, v_cache):
        return rope_into_cache(q, k, v, k_cache, v_cache, inv_freq=TURNS, offset=3) + 1

    q, k = torch.randn(2, 3, 5, 32), torch.randn(2, 1, 5, 32)
    caches = [[torch.zeros(2, 1, 9, 32) for _ in range(2)] for _ in range(2)]
    compiled = torch.compile(step, fullgraph=True, dynamic=True, backend="aot_eager")
    assert torch.equal(compiled(q, k, k, *caches[0]), step(q, k, k, *caches[1]))
    assert all(torch.equal(a, b) and a.any() for a, b in zip(*caches, strict=True))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"k_cache": torch.zeros(2, 3, 9, 16)}, "k_cache must have the axes, dtype and device of k"),
        ({"v_cache": torch.zeros(2, 3, 8, 32)}, "v_cache must have"),
        ({"v": Q.half()}, "v must be torch.float32"),
        ({"slots": torch.arange(4)}, "slots must be int64 or int32"),
        ({"offset": 5}, "offset must lie in 0 … 4"),
        ({"q": Q.clone().requires_grad_()}, "a KV cache is for inference"),
    ],
)
def test_a_cache_that_does_not_fit_is_refused(change, message):
    cache = torch.zeros(2, 3, 9, 32)
    fitting = {"q": Q, "k": Q, "v": Q, "k_cache": cache, "v_cache": cache.clone(), "inv_freq": INV_FREQ}
    with pytest.raises(ValueError, match=message):
        rope_into_cache(**(fitting | change))


@pytest.mark.parametrize("dtype", [torch.float32, torch.float16])
@pytest.mark.parametrize(("head_dim", "rotary_dim"), [(32, 32), (80, 80), (64, 20)])
@pytest.mark.parametrize("pairing", PAIRINGS)
def test_norm_and_rope_with_all_four_gradients(pairing, head_dim, rotary_dim, dtype):
    case = Case(dtype, pairing, "qkv", head_dim, rotary_dim, (5, 2))
    check_norm(case, CPU, torch.randint(0, 64, (2, 7)))


def test_compiled_norm_and_rope_has_its_gradients():
    def layer(q, k, q_weight, k_weight):
        return norm_rope(q * 1.0, k, q_weight, k_weight, inv_freq=TURNS)

    shapes = ((2, 5, 7, 32), (2, 3, 7, 32), (32,), (32,))
    inputs = [torch.randn(shape, requires_grad=True) for shape in shapes]
    results = [f(*inputs) for f in (torch.compile(layer, fullgraph=True, dynamic=True, backend="aot_eager"), layer)]
    grads = [torch.randn_like(x) for x in results[0]]
    gradients = [torch.autograd.grad(result, inputs, grads) for result in results]
    assert all(torch.equal(a, b) for a, b in zip(*results, strict=True))
    assert all(torch.equal(a, b) for a, b in zip(*gradients, strict=True))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"q_weight": torch.ones(16)}, r"q_weight must be torch.float32 of shape \(32,\)"),
        ({"k_weight": torch.ones(32).half()}, "k_weight must be"),
        ({"eps": 0.0}, "eps must be a finite positive number, but got 0.0"),
    ],
)
def test_norms_that_do_not_fit_are_refused(change, message):
    fitting = {"q": Q, "k": Q, "q_weight": torch.ones(32), "k_weight": torch.ones(32), "inv_freq": INV_FREQ}
    with pytest.raises(ValueError, match=message):
        norm_rope(**(fitting | change))
