"""The PyTorch operations against the NumPy definition, against transformers, and under every transform they promise."""

import json
from functools import partial
from pathlib import Path

import mpmath
import numpy as np
import pytest
import torch
from transformers import LlamaConfig, LlamaForCausalLM
from transformers.models.gpt_neox import modeling_gpt_neox
from transformers.models.gptj import modeling_gptj
from transformers.models.llama import modeling_llama

from ropelib import reference, rotation
from ropelib.ops import apply_rope, apply_rotary_pos_emb, build_rope_cache, rope_torch, rotate_half
from tests.rope_cases import COMPILER

GOLDEN = json.loads((Path(__file__).parent / "data" / "golden.json").read_text())
PAIRINGS = ["half", "interleaved"]
FLOATS = [torch.float64, torch.float32, torch.bfloat16, torch.float16]
both_pairings = pytest.mark.parametrize("pairing", PAIRINGS)


@pytest.fixture(autouse=True)
def seed():
    torch.manual_seed(0)


@pytest.fixture
def path(request, monkeypatch):
    """Every size takes the path meant for large tensors where the parameter is 1."""
    monkeypatch.setattr(rotation, "LARGE", request.param)


both_paths = pytest.mark.parametrize("path", [rotation.LARGE, 1], ids=["plain", "large"], indirect=True)


def rotate_one(x, cos, sin, **kwargs):
    return apply_rope(x, x, cos, sin, **kwargs)[0]


def defined(x, cos, sin, pairing="half"):
    """What the definition makes of the very numbers in x, cos and sin, in float64."""
    arrays = (t.detach().double().numpy() for t in (x, cos, sin))
    return torch.from_numpy(reference.rotate(*arrays, pairing=pairing))


def assert_rounded(actual, expected, longest=None):
    """One rounding to actual's dtype, after four in float32 (or in float64 where that is the dtype).

    longest: the longest pair that is rotated, which the roundings before the last are relative to
    """
    longest = expected.abs().max() * 2**0.5 if longest is None else longest
    inner = torch.finfo(torch.float64 if actual.dtype == torch.float64 else torch.float32).eps
    last = torch.finfo(actual.dtype).eps / 2 * expected.abs() + torch.finfo(actual.dtype).smallest_normal
    assert actual.shape == expected.shape
    assert ((actual.double() - expected).abs() <= last + 2 * inner * longest).all()


def full_width(table):
    return torch.cat([table, table], dim=-1)


# The tables


def exact_table(function, position, inv_freq):
    with mpmath.workdps(50):
        return np.array([float(function(position * mpmath.mpf(float(f)))) for f in inv_freq])


@pytest.mark.parametrize("position", [1, 257, 4096, 131_071, 1_000_000])
def test_tables_are_exact_far_out(position):
    inv_freq = reference.inverse_frequencies(128)[[0, 1, 5, 31, 63]]
    tables = build_rope_cache(1_000_001, 128, scaling=(inv_freq, 1.0))
    for table, function in zip(tables, (mpmath.cos, mpmath.sin), strict=True):
        error = np.abs(table[position].double().numpy() - exact_table(function, position, inv_freq))
        assert error.max() < 1.2e-7
        assert error.max() <= 2**-25 + 1e-9  # half a unit in the last place below 1, and the float64 angle


def test_frequencies_of_the_tables_are_exact_too():
    with mpmath.workdps(50):
        inv_freq = [mpmath.power(500_000, mpmath.mpf(-2 * i) / 128) for i in range(64)]
        exact = np.array([float(mpmath.cos(131_071 * f)) for f in inv_freq])
    cos, _ = build_rope_cache(131_072, 128, base=500_000)
    assert np.abs(cos[131_071].double().numpy() - exact).max() < 1.2e-7


@pytest.mark.parametrize("dtype", FLOATS)
def test_only_the_last_cast_rounds(dtype):
    """Bit for bit the float64 tables, rounded once: a position, frequency or angle in a half type would show."""
    expected = reference.cos_sin(reference.rotation_angles(np.arange(4000), reference.inverse_frequencies(32)))
    previous = torch.get_default_dtype()
    try:
        torch.set_default_dtype(torch.bfloat16)
        with torch.autocast("cpu", dtype=torch.bfloat16):
            tables = build_rope_cache(4000, 32, dtype=dtype)
    finally:
        torch.set_default_dtype(previous)
    ulp = torch.finfo(torch.float64).eps if dtype == torch.float64 else 0
    for table, exact in zip(tables, expected, strict=True):
        assert table.dtype == dtype
        torch.testing.assert_close(table, torch.from_numpy(exact).to(dtype), rtol=0, atol=ulp)


def test_bfloat16_positions_would_be_caught():
    """The mistake that the tests around this one guard against: 257 is no bfloat16, so two tokens share a row."""
    positions = torch.arange(4000, dtype=torch.bfloat16).double()
    assert positions[256] == positions[257]
    cos, _ = build_rope_cache(4000, 32, dtype=torch.bfloat16)
    assert not torch.equal(cos[256], cos[257])
    assert not torch.equal(cos, torch.outer(positions, torch.from_numpy(reference.inverse_frequencies(32))).cos())


def test_scaling_brings_frequencies_and_factor():
    inv_freq = reference.inverse_frequencies(64)[:8] / 4
    cos, sin = build_rope_cache(100, 64, base=123.0, scaling=(inv_freq, 1.25), dtype=torch.float64)
    expected = reference.cos_sin(reference.rotation_angles(np.arange(100), inv_freq), 1.25)
    np.testing.assert_allclose(cos, expected[0], rtol=0, atol=1e-13)
    np.testing.assert_allclose(sin, expected[1], rtol=0, atol=1e-13)


def test_tables_follow_the_device_and_may_be_empty():
    assert build_rope_cache(3, 8, device="meta")[0].device.type == "meta"
    with torch.device("meta"):
        assert build_rope_cache(3, 8)[1].device.type == "meta"
    assert build_rope_cache(0, 8)[0].shape == (0, 4)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"seq_len": -1}, "seq_len must be a non-negative integer, but got -1"),
        ({"seq_len": 2.0}, "seq_len must be a non-negative integer, but got 2.0"),
        ({"seq_len": True}, "seq_len must be a non-negative integer, but got True"),
        ({"head_dim": 7}, "head_dim must be a positive even integer, but got 7"),
        ({"base": -1.0}, "base must be a finite positive number, but got -1.0"),
        ({"dtype": torch.int64}, "dtype must be a floating-point torch.dtype, but got torch.int64"),
        ({"scaling": 4.0}, r"scaling must be a tuple \(inv_freq, attention_factor\), but got 4.0"),
        ({"scaling": (np.ones(5), 1.0)}, r"scaling must hold 1 to head_dim/2 = 4 finite frequencies"),
        ({"scaling": (np.array([1.0, np.nan]), 1.0)}, r"scaling must hold 1 to .* but got \[ 1. nan\]"),
        ({"scaling": (np.ones(4), 0.0)}, "attention_factor must be a finite positive number, but got 0.0"),
    ],
)
def test_table_errors_name_rule_and_values(arguments, message):
    with pytest.raises(ValueError, match=message):
        build_rope_cache(**{"seq_len": 4, "head_dim": 8, **arguments})


# The rotation


@pytest.mark.parametrize("dtype", FLOATS)
@both_pairings
@both_paths
def test_rotation_is_the_definition_rounded_once(pairing, dtype, path):
    x = (3 * torch.randn(2, 4, 17, 80)).to(dtype)
    tables = build_rope_cache(17, 80, dtype=torch.float64 if dtype == torch.float64 else torch.float32)
    for rotated in (*apply_rope(x, x, *tables, pairing=pairing), *rope_torch(x, x, *tables, pairing=pairing)):
        assert rotated.dtype == dtype
        assert_rounded(rotated, defined(x, *tables, pairing))


@both_pairings
def test_a_large_tensor_takes_the_same_values(pairing):
    x, tables = torch.randn(1, 8, 600, 128), build_rope_cache(600, 128)
    assert x.numel() >= rotation.LARGE
    assert_rounded(rotate_one(x, *tables, pairing=pairing), defined(x, *tables, pairing))


@both_pairings
def test_half_precision_tables_serve_too(pairing):
    x, tables = torch.randn(2, 9, 16), build_rope_cache(9, 16, dtype=torch.bfloat16)
    assert_rounded(rotate_one(x, *tables, pairing=pairing), defined(x, *tables, pairing))


@both_pairings
@both_paths
def test_autocast_changes_nothing(pairing, path):
    x, tables = torch.randn(2, 3, 9, 16), build_rope_cache(9, 16)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        rotated = rotate_one(x, *tables, pairing=pairing)
    assert rotated.dtype == torch.float32 and torch.equal(rotated, rotate_one(x, *tables, pairing=pairing))


@both_pairings
@both_paths
def test_any_memory_layout(pairing, path):
    tables = build_rope_cache(6, 8)
    wide = torch.randn(2, 3, 6, 17)
    layouts = {
        "transposed": torch.randn(2, 6, 3, 8).transpose(1, 2),
        "odd offset": wide[..., 1:9],
        "every second feature": wide[..., :16:2],
        "features first": torch.randn(8, 2, 3, 6).permute(1, 2, 3, 0),
        "expanded": torch.randn(1, 1, 6, 8).expand(2, 3, 6, 8),
        "unbatched": torch.randn(6, 8),
        "five axes": torch.randn(2, 2, 3, 6, 8),
    }
    for name, x in layouts.items():
        torch.testing.assert_close(
            rotate_one(x, *tables, pairing=pairing), defined(x, *tables, pairing).float(), msg=lambda m, n=name: n + m
        )


@both_pairings
@both_paths
def test_seq_dim_says_where_the_tokens_are(pairing, path):
    q, k, tables = torch.randn(2, 5, 4, 8), torch.randn(2, 5, 1, 8), build_rope_cache(5, 8)
    expected = apply_rope(q.transpose(1, 2), k.transpose(1, 2), *tables, pairing=pairing)
    for seq_dim in (1, -3):
        rotated = apply_rope(q, k, *tables, pairing=pairing, seq_dim=seq_dim)
        for actual, other in zip(rotated, expected, strict=True):
            torch.testing.assert_close(actual, other.transpose(1, 2), rtol=0, atol=1e-6)
    first = torch.randn(5, 2, 4, 8)
    torch.testing.assert_close(
        rotate_one(first, *tables, seq_dim=0), rotate_one(first.movedim(0, 2), *tables).movedim(2, 0), rtol=0, atol=1e-6
    )


@both_pairings
def test_queries_and_keys_may_have_different_numbers_of_heads(pairing):
    q, k, tables = torch.randn(2, 32, 7, 16), torch.randn(2, 8, 7, 16), build_rope_cache(7, 16)
    rotated_q, rotated_k = apply_rope(q, k, *tables, pairing=pairing)
    assert_rounded(rotated_q, defined(q, *tables, pairing))
    assert_rounded(rotated_k, defined(k, *tables, pairing))


@both_pairings
@pytest.mark.parametrize("head_dim", [16, 13])
def test_narrower_tables_rotate_the_leading_features_only(pairing, head_dim):
    x, tables = torch.randn(2, 3, 5, head_dim), build_rope_cache(5, 6)
    rotated = rotate_one(x, *tables, pairing=pairing)
    assert_rounded(rotated[..., :6], defined(x[..., :6], *tables, pairing))
    assert torch.equal(rotated[..., 6:], x[..., 6:])


@both_pairings
@pytest.mark.parametrize("dtype", [torch.int64, torch.int32])
def test_position_ids_choose_rows(pairing, dtype):
    x, tables = torch.randn(3, 2, 4, 8), build_rope_cache(50, 8)
    positions = torch.tensor([[0, 1, 2, 3], [49, 7, 7, 0], [10, 11, 12, 13]], dtype=dtype)
    expected = torch.stack([defined(x[b], *(t[p] for t in tables), pairing) for b, p in enumerate(positions.long())])
    assert_rounded(rotate_one(x, *tables, position_ids=positions, pairing=pairing), expected)
    swapped = rotate_one(x.transpose(1, 2), *tables, position_ids=positions, pairing=pairing, seq_dim=1)
    assert_rounded(swapped.transpose(1, 2), expected)
    for same in (positions[1], positions[1:2]):
        rows = (t[positions[1].long()] for t in tables)
        assert_rounded(rotate_one(x, *tables, position_ids=same, pairing=pairing), defined(x, *rows, pairing))


@both_pairings
@both_paths
def test_inputs_are_neither_modified_nor_returned(pairing, path):
    q, k, (cos, sin) = torch.randn(2, 3, 5, 8), torch.randn(2, 1, 5, 8), build_rope_cache(5, 8)
    inputs = (q, k, cos, sin)
    before = [t.clone() for t in inputs]
    still = torch.zeros(5, dtype=torch.long)  # the rotation by nothing, where returning q itself would be tempting
    results = [
        *apply_rope(q, k, cos, sin, pairing=pairing),
        *apply_rope(q, k, cos, sin, pairing=pairing, position_ids=still),
        *apply_rope(q, k, cos[:, :2], sin[:, :2], pairing=pairing),
        *apply_rotary_pos_emb(q, k, full_width(cos)[None], full_width(sin)[None]),
    ]
    for result in results:
        result.fill_(7)
    assert all(torch.equal(t, was) for t, was in zip(inputs, before, strict=True))


def test_empty_sequences_and_batches():
    for pairing in PAIRINGS:
        assert rotate_one(torch.randn(2, 3, 0, 8), *build_rope_cache(0, 8), pairing=pairing).shape == (2, 3, 0, 8)
        assert rotate_one(torch.randn(0, 3, 4, 8), *build_rope_cache(4, 8), pairing=pairing).shape == (0, 3, 4, 8)


# Errors

Q, (COS, SIN) = torch.randn(2, 3, 5, 8), build_rope_cache(5, 8)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: apply_rope(Q, Q, COS, SIN, pairing="pair"), '"half" or "interleaved", but got \'pair\''),
        (lambda: apply_rope(Q, Q, COS[:4], SIN[:4]), r"they have 4 rows and q has 5 tokens on axis -2; give seq_dim=1"),
        (lambda: apply_rope(Q, Q, COS[:1], SIN[:1]), r"they have 1 rows and q has 5 tokens .* or position_ids"),
        (lambda: apply_rope(Q, Q[:, :, :4], COS, SIN), "they have 5 rows and k has 4 tokens on axis -2"),
        (lambda: apply_rope(Q, Q, COS, SIN, seq_dim=1), "they have 5 rows and q has 3 tokens on axis 1"),
        (lambda: apply_rope(Q, Q, COS, SIN, seq_dim=3), r"axis before head_dim, .* it is 3 and q .* \(2, 3, 5, 8\)"),
        (lambda: apply_rope(Q, Q, COS, SIN, seq_dim=-5), "axis before head_dim, .* it is -5"),
        (lambda: apply_rope(Q, Q, full_width(COS), full_width(SIN)), r"at most head_dim/2 = 4 .* width is 8; .*:4\]"),
        (lambda: apply_rope(Q, Q, COS, SIN[:4]), r"of one shape, but theirs are \(5, 4\) and \(4, 4\)"),
        (
            lambda: apply_rope(Q, Q, COS[None], SIN[None]),
            r"two axes, \(rows, width\), .* \(1, 5, 4\); .* apply_rotary_pos_emb",
        ),
        (lambda: apply_rope(Q.long(), Q, COS, SIN), "q must be floating-point, but its dtype is torch.int64"),
        (lambda: apply_rope(Q, Q.to(torch.complex64), COS, SIN), "k must be floating-point, .* torch.complex64"),
        (lambda: at_positions([0, 1, 2, 3, 5]), r"position_ids must lie in 0 … 4, .* but hold 5"),
        (lambda: at_positions([0, -3, 2, 3, 4]), r"position_ids must lie in 0 … 4, .* but hold -3"),
        (lambda: at_positions([0, 1]), r"\(seq,\) or \(batch, seq\) for q of shape \(2, 3, 5, 8\).* shape is \(2,\)"),
        (lambda: at_positions([[0, 1, 2, 3, 4]] * 3), r"for q .* but its shape is \(3, 5\)"),
        (
            lambda: at_positions([[[0]]]),
            r"\(seq,\) or \(batch, seq\), but got torch.int64 of shape \(1, 1, 1\)",
        ),
        (lambda: at_positions([0.0] * 5), "position_ids must be int64 or int32 .* got torch.float32"),
        (lambda: at_positions([[0, 1]], seq_dim=0), "not batch's beside position_ids"),
        (lambda: rotate_half(torch.ones(3, 5)), r"even head_dim, but its shape is \(3, 5\)"),
        (lambda: rotate_half(torch.tensor(1.0)), r"even head_dim, but its shape is \(\)"),
    ],
)
def test_errors_name_rule_and_values(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def at_positions(positions, **kwargs):
    return apply_rope(Q, Q, COS, SIN, position_ids=torch.tensor(positions), **kwargs)


def test_half_precision_positions_are_refused():
    with pytest.raises(ValueError, match=r"got torch\.bfloat16"):
        apply_rope(Q, Q, COS, SIN, position_ids=torch.arange(5, dtype=torch.bfloat16))


def test_the_kernel_explains_why_it_cannot_run_here():
    if torch.cuda.is_available():
        pytest.skip("NOT RUN: no machine without a GPU; run `make test` on one")
    with pytest.raises(ValueError, match="TRITON_INTERPRET=1"):
        apply_rope(Q, Q, COS, SIN, use_triton=True)
    expected = rope_torch(Q, Q, COS, SIN)[0]
    assert all(torch.equal(rotate_one(Q, COS, SIN, use_triton=choice), expected) for choice in (None, False))


def doubles(*shapes):
    return [torch.randn(shape, dtype=torch.float64, requires_grad=True) for shape in shapes]


@both_pairings
@both_paths
def test_gradients_of_every_input(pairing, path):
    """First order forwards and backwards, batched, and second order: for q, k and for tables that are learned."""
    q, k = doubles((2, 2, 3, 6), (2, 1, 3, 6))
    cos, sin = (t.requires_grad_() for t in build_rope_cache(3, 4, dtype=torch.float64))
    f = partial(apply_rope, pairing=pairing)
    checks = {"check_forward_ad": True, "check_batched_grad": True, "check_batched_forward_grad": True}
    assert torch.autograd.gradcheck(f, (q, k, cos, sin), **checks)
    assert torch.autograd.gradgradcheck(f, (q, k, cos, sin))


@both_pairings
@both_paths
@pytest.mark.parametrize("dtype", [torch.float64, torch.float32, torch.bfloat16])
def test_the_adjoint_is_the_rotation_by_minus_the_angle(pairing, path, dtype):
    x, tables = torch.randn(2, 3, 5, 8).to(dtype).requires_grad_(), build_rope_cache(5, 8, dtype=torch.float64)
    upstream = torch.randn(2, 3, 5, 8).to(dtype)
    (grad,) = torch.autograd.grad(rotate_one(x, *tables, pairing=pairing), x, upstream)
    cos, sin = (t.to(torch.float64 if dtype == torch.float64 else torch.float32) for t in tables)
    assert grad.dtype == dtype
    assert_rounded(grad, defined(upstream, cos, -sin, pairing))


@both_paths
def test_fixed_tables_keep_no_activation_alive(path):
    tables = build_rope_cache(5, 8)
    kept = []
    with torch.autograd.graph.saved_tensors_hooks(lambda t: kept.append(t.numel()), lambda t: t):
        apply_rope(*(torch.randn(2, 3, 5, 8, requires_grad=True) * 1 for _ in range(2)), *tables)
    assert max(kept, default=0) <= tables[0].numel()


@both_pairings
@both_paths
def test_vmap_over_any_input_and_axis(pairing, path):
    x = torch.randn(4, 3, 5, 8, dtype=torch.float64)
    (cos, sin), (other, _) = build_rope_cache(5, 8, dtype=torch.float64), build_rope_cache(5, 8, 7.0)
    f = partial(rotate_one, pairing=pairing)
    expected = f(x, cos, sin)
    for axis in range(4):
        turned = torch.vmap(f, in_dims=(axis, None, None), out_dims=axis)(x.movedim(0, axis), cos, sin)
        torch.testing.assert_close(turned, expected.movedim(0, axis))
    both, one = torch.stack([cos, other.double()]), torch.stack([sin, 2 * sin])
    torch.testing.assert_close(torch.vmap(f, in_dims=(None, 0, None))(x, both, sin)[1], f(x, both[1], sin))
    torch.testing.assert_close(torch.vmap(f, in_dims=(None, None, 0))(x, cos, one)[1], f(x, cos, 2 * sin))
    nested = torch.vmap(torch.vmap(f, in_dims=(0, None, None)), in_dims=(None, 0, 0))(x, both, one)
    torch.testing.assert_close(nested[1], f(x, both[1], one[1]))


@both_pairings
def test_vmap_over_positions(pairing):
    x, tables = torch.randn(2, 3, 5, 8), build_rope_cache(9, 8)
    positions = torch.tensor([[0, 1, 2, 3, 4], [8, 0, 8, 1, 2]])
    turned = torch.vmap(lambda x, p: rotate_one(x, *tables, position_ids=p, pairing=pairing))(x, positions)
    torch.testing.assert_close(turned, rotate_one(x, *tables, position_ids=positions, pairing=pairing))


@both_pairings
@both_paths
def test_functional_transforms_compose(pairing, path):
    x, (cos, sin) = torch.randn(3, 8, dtype=torch.float64), build_rope_cache(3, 8, dtype=torch.float64)
    f = partial(rotate_one, pairing=pairing)
    per_sample = torch.vmap(torch.func.grad(lambda x: f(x[None], cos[:1], sin[:1]).pow(2).sum() / 2))(x)
    torch.testing.assert_close(per_sample, x)  # |R x|² = |x|²
    for argument in range(3):
        forwards = torch.func.jacfwd(f, argnums=argument)(x, cos, sin)
        torch.testing.assert_close(forwards, torch.func.jacrev(f, argnums=argument)(x, cos, sin))
    hessian = torch.func.hessian(lambda x: f(x, cos, sin).pow(3).sum())(x)
    direct = torch.autograd.functional.hessian(lambda x: f(x, cos, sin).pow(3).sum(), x)
    torch.testing.assert_close(hessian, direct)


@pytest.mark.slow
@both_pairings
def test_compiles_into_one_graph(pairing):
    f = lambda q, k, cos, sin, p: apply_rope(q, k, cos, sin, position_ids=p, pairing=pairing)  # noqa: E731
    compiled = torch.compile(f, fullgraph=True, backend=COMPILER)
    q, k, tables = torch.randn(2, 4, 9, 16), torch.randn(2, 2, 9, 12), build_rope_cache(9, 12)
    for positions in (None, torch.arange(8, -1, -1), torch.randint(9, (2, 9))):
        results = []
        for function in (f, compiled):
            leaves = [q.clone().requires_grad_(), k.clone().requires_grad_()]
            rotated = function(*leaves, *tables, positions)
            results.append([*rotated, *torch.autograd.grad(sum(r.pow(3).sum() for r in rotated), leaves)])
        for eager, fused in zip(*results, strict=True):
            torch.testing.assert_close(fused, eager, rtol=1e-5, atol=1e-5)


@pytest.mark.slow
def test_compiled_errors_still_say_what_is_wrong():
    compiled = torch.compile(rotate_one, fullgraph=True, backend=COMPILER)
    for shift in (1, -1):
        with pytest.raises(RuntimeError, match="position_ids must lie in 0 … 4, the rows of the tables"):
            compiled(Q, COS, SIN, position_ids=torch.arange(5) + shift)
    with pytest.raises(Exception, match="they have 4 rows and q has 5 tokens"):
        compiled(Q, COS[:4], SIN[:4])


# The names of Hugging Face


def test_rotate_half_turns_by_a_quarter():
    x = torch.randn(2, 3, 8)
    assert torch.equal(rotate_half(x), modeling_llama.rotate_half(x))
    assert torch.equal(rotate_half(rotate_half(x)), -x)


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32, torch.bfloat16])
def test_apply_rotary_pos_emb_is_llamas(dtype):
    q, k = torch.randn(2, 8, 7, 16).to(dtype), torch.randn(2, 2, 7, 16).to(dtype)
    tables = [full_width(t).to(dtype)[None].expand(2, -1, -1) for t in build_rope_cache(7, 16)]
    theirs = modeling_llama.apply_rotary_pos_emb(*(t.double() for t in (q, k, *tables)))
    swapped = apply_rotary_pos_emb(q.transpose(1, 2), k.transpose(1, 2), *tables, unsqueeze_dim=2)
    for ours, other, same in zip(apply_rotary_pos_emb(q, k, *tables), theirs, swapped, strict=True):
        assert ours.dtype == dtype
        assert_rounded(ours, other)
        assert torch.equal(same.transpose(1, 2), ours)


def test_the_older_form_gathers_rows():
    """The reference page's example, with tables that are cosines and sines."""
    q, k = torch.randn(2, 32, 128, 64), torch.randn(2, 32, 128, 64)
    cos, sin = (full_width(t) for t in build_rope_cache(512, 64))
    position_ids = torch.arange(128).unsqueeze(0).expand(2, -1)
    rotated = apply_rotary_pos_emb(q, k, cos, sin, position_ids)
    for ours, x in zip(rotated, (q, k), strict=True):
        assert_rounded(ours, defined(x, cos[:128, :32], sin[:128, :32]))
    ragged = torch.tensor([list(range(128)), list(range(300, 428))])
    later, _ = apply_rotary_pos_emb(q, k, cos, sin, ragged)
    assert_rounded(later[1], defined(q[1], cos[300:428, :32], sin[300:428, :32]))
    assert torch.equal(apply_rotary_pos_emb(q, k, cos, sin, position_ids[0])[0], rotated[0])


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"position_ids": 1}, TypeError, "position_ids, a tensor .* got the integer 1; .* unsqueeze_dim=1"),
        ({"unsqueeze_dim": 3}, ValueError, "unsqueeze_dim must be the axis of the heads, 1 or 2, but got 3"),
        ({"unsqueeze_dim": 2}, ValueError, r"q has shape \(2, 4, 5, 8\) with its heads on axis 2, .* \(1, 5, 8\)"),
        ({"cos": COS[None], "sin": SIN[None]}, ValueError, r"one full-width row .* theirs are \(1, 5, 4\)"),
        ({"cos": full_width(COS)}, ValueError, r"or \(max_seq, head_dim\) with position_ids; .* theirs are \(5, 8\)"),
        ({"sin": full_width(SIN)[None, :4]}, ValueError, r"theirs are \(1, 5, 8\) and \(1, 4, 8\)"),
        ({"position_ids": torch.arange(5)}, ValueError, r"two axes, .* \(1, 5, 8\); .* without position_ids"),
        ({"k": torch.randn(2, 4, 6, 8)}, ValueError, r"k has shape \(2, 4, 6, 8\)"),
        ({"cos": torch.ones(3, 5, 8), "sin": torch.ones(3, 5, 8)}, ValueError, r"theirs are \(3, 5, 8\)"),
    ],
)
def test_hugging_face_form_errors(change, error, message):
    x = torch.randn(2, 4, 5, 8)
    arguments = {"q": x, "k": x, "cos": full_width(COS)[None], "sin": full_width(SIN)[None], **change}
    with pytest.raises(error, match=message):
        apply_rotary_pos_emb(**arguments)


def test_todays_positional_unsqueeze_dim_is_explained():
    x, tables = torch.randn(2, 4, 5, 8), (full_width(COS)[None], full_width(SIN)[None])
    with pytest.raises(TypeError, match="the fifth argument is position_ids"):
        apply_rotary_pos_emb(x, x, *tables, 1)


# Agreement with model code


def test_gpt_neox_rotates_the_leading_quarter():
    q, k, tables = torch.randn(2, 4, 6, 32), torch.randn(2, 4, 6, 32), build_rope_cache(6, 8)
    theirs = modeling_gpt_neox.apply_rotary_pos_emb(q, k, *(full_width(t)[None] for t in tables))
    for ours, other in zip(apply_rope(q, k, *tables), theirs, strict=True):
        torch.testing.assert_close(ours, other, rtol=0, atol=1e-6)


def test_gpt_j_is_interleaved():
    x, (cos, sin) = torch.randn(2, 6, 4, 16), build_rope_cache(6, 16)
    theirs = modeling_gptj.apply_rotary_pos_emb(x, sin.expand(2, -1, -1), cos.expand(2, -1, -1))
    torch.testing.assert_close(rotate_one(x, cos, sin, pairing="interleaved", seq_dim=1), theirs, rtol=0, atol=1e-6)


def interleaved_rows(weight, head_dim):
    """The rows of W_q or W_k, per head, so that pair (i, i + head_dim/2) moves to (2i, 2i + 1)."""
    return weight.reshape(-1, 2, head_dim // 2, weight.shape[1]).transpose(1, 2).reshape(weight.shape)


class PositionsOnly(torch.nn.Module):
    """Stands in for a model's rotary module: hands the positions on to whoever rotates."""

    def forward(self, x, position_ids):
        return position_ids, None


@pytest.mark.parametrize("pairing", ["half", "interleaved", "their tables"])
def test_a_llama_keeps_its_logits_with_our_rotary(pairing, monkeypatch):
    config = LlamaConfig(
        vocab_size=97,
        hidden_size=64,
        intermediate_size=96,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        max_position_embeddings=64,
        initializer_range=0.1,  # attention sharp enough for a wrong rotation to show
        rope_parameters={"rope_type": "default", "rope_theta": 10_000.0},
    )
    model, tokens = LlamaForCausalLM(config).eval(), torch.randint(97, (2, 40))
    with torch.no_grad():
        expected = model(tokens).logits
        if pairing == "their tables":
            monkeypatch.setattr(modeling_llama, "apply_rotary_pos_emb", apply_rotary_pos_emb)
        else:
            tables = build_rope_cache(40, 16)
            model.model.rotary_emb = PositionsOnly()
            monkeypatch.setattr(
                modeling_llama,
                "apply_rotary_pos_emb",
                lambda q, k, positions, _: apply_rope(q, k, *tables, position_ids=positions, pairing=pairing),
            )
        if pairing == "interleaved":
            assert (model(tokens).logits - expected).abs().max() > 1e-2  # the wrong pairing for these weights
            for layer in model.model.layers:
                for projection in (layer.self_attn.q_proj, layer.self_attn.k_proj):
                    projection.weight.copy_(interleaved_rows(projection.weight, 16))
        torch.testing.assert_close(model(tokens).logits, expected, rtol=0, atol=1e-5)


# What the source documents ask for


def rope_apply(seed, x, base):
    """The practice problem: interleaved, position = row, a flat result."""
    rotated = rotate_one(x, *build_rope_cache(*x.shape, base, dtype=x.dtype), pairing="interleaved")
    return rotated.flatten()


def test_the_practice_problem():
    case = GOLDEN["source003_worked_example"]
    x = torch.tensor([[9.0, 9.0, 9.0, 9.0], case["x"]], dtype=torch.float64)
    flat = rope_apply(0, x, case["base"])
    assert flat.shape == (8,)
    np.testing.assert_allclose(flat[4:], case["rotated"], rtol=0, atol=1e-15)
    np.testing.assert_allclose(flat[:4], 9.0)


def test_the_principle_scores_depend_on_the_signed_offset():
    q, k = torch.randn(2, 1, 8, dtype=torch.float64)
    tables = build_rope_cache(1100, 8, dtype=torch.float64)

    def score(m, n):
        turned = (rotate_one(x, *tables, position_ids=torch.tensor([p])) for x, p in ((q, m), (k, n)))
        return torch.einsum("sd,sd->", *turned).item()

    assert score(7, 3) == pytest.approx(score(1007, 1003), abs=1e-12)
    assert score(7, 3) != pytest.approx(score(3, 7), abs=1e-3)


def test_exercise_one():
    ones, tables = torch.ones(1, 4, dtype=torch.float64), build_rope_cache(6, 4, dtype=torch.float64)
    for pairing in PAIRINGS:
        turned = [rotate_one(ones, *tables, position_ids=torch.tensor([p]), pairing=pairing) for p in (0, 2, 3, 5)]
        for a, b in (turned[:2], turned[2:]):
            assert (a @ b.mT).item() == pytest.approx(GOLDEN["exercises"]["ex1"]["value"], abs=1e-14)


class TestOnCuda:
    @pytest.fixture(autouse=True)
    def gpu(self):
        if not torch.cuda.is_available():
            pytest.skip("NOT RUN: no GPU; run `make test` on a machine with an NVIDIA GPU")

    @both_pairings
    @both_paths
    @pytest.mark.parametrize("dtype", FLOATS)
    def test_values_and_gradients_are_those_of_the_definition(self, pairing, dtype, path):
        x = torch.randn(2, 4, 17, 80).to(dtype)
        exact = torch.float64 if dtype == torch.float64 else torch.float32
        cos, sin = build_rope_cache(17, 80, device="cuda", dtype=exact)
        leaf = x.cuda().requires_grad_()
        rotated = rotate_one(leaf, cos, sin, pairing=pairing)
        (grad,) = torch.autograd.grad(rotated, leaf, x.cuda())
        assert_rounded(rotated.detach().cpu(), defined(x, cos.cpu(), sin.cpu(), pairing))
        assert_rounded(grad.cpu(), defined(x, cos.cpu(), -sin.cpu(), pairing))

    def test_tables_built_there_are_as_exact(self):
        here, there = build_rope_cache(131_072, 8), build_rope_cache(131_072, 8, device="cuda")
        for ours, theirs in zip(here, there, strict=True):
            torch.testing.assert_close(theirs.cpu(), ours, rtol=0, atol=2**-24)

    def test_position_ids_and_layout(self):
        x, tables = torch.randn(2, 5, 3, 8), build_rope_cache(50, 8)
        positions = torch.randint(50, (2, 5))
        ours = rotate_one(x.cuda(), *(t.cuda() for t in tables), position_ids=positions.cuda(), seq_dim=1)
        expected = rotate_one(x, *tables, position_ids=positions, seq_dim=1)
        torch.testing.assert_close(ours.cpu(), expected, rtol=0, atol=1e-6)

    @pytest.mark.slow
    @both_pairings
    def test_compiles_into_one_graph(self, pairing):
        x, tables = torch.randn(2, 4, 9, 16, device="cuda"), build_rope_cache(9, 16, device="cuda")
        compiled = torch.compile(partial(rotate_one, pairing=pairing), fullgraph=True)
        torch.testing.assert_close(compiled(x, *tables), rotate_one(x, *tables, pairing=pairing), rtol=0, atol=1e-5)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: apply_rope(Q, Q.tolist(), COS, SIN), "k must be a torch.Tensor, but got list"),
        (lambda: apply_rope(Q, Q, COS, SIN, position_ids=[0, 1]), r"position_ids must be .* list \[0, 1\]"),
        (lambda: apply_rotary_pos_emb(Q, Q, COS.numpy(), SIN), "cos must be a torch.Tensor, but got ndarray"),
    ],
)
def test_what_is_no_tensor_is_named(call, message):
    with pytest.raises(TypeError, match=message):
        call()


def test_a_seq_dim_that_is_no_integer_is_named():
    with pytest.raises(ValueError, match=r"seq_dim must be an integer, .* got '1'"):
        apply_rope(Q, Q, COS, SIN, seq_dim="1")
