"""The modules: what they compute, what survives casts and moves, and the worked example in PyTorch."""

import copy
import io
import json
import pickle
from pathlib import Path

import numpy as np
import pytest
import torch

from ropelib import reference, worked_example
from ropelib.module import RotaryEmbedding, RotaryPositionAttention
from ropelib.ops import apply_rope, build_rope_cache
from tests.rope_cases import COMPILER

GOLDEN = json.loads((Path(__file__).parent / "data" / "golden.json").read_text())["cat_sat"]
both_pairings = pytest.mark.parametrize("pairing", ["half", "interleaved"])


@pytest.fixture(autouse=True)
def seed():
    torch.manual_seed(0)


def heads(*shape, head_dim=16):
    return torch.randn(*shape, head_dim)


def defined(x, positions, inv_freq, pairing):
    """The definition at float64, for positions that broadcast against the axes of x before head_dim."""
    angles = torch.as_tensor(positions).double()[..., None] * torch.from_numpy(inv_freq)
    tables = (t.expand(*x.shape[:-1], -1).numpy() for t in (angles.cos(), angles.sin()))
    return torch.from_numpy(reference.rotate(x.double().numpy(), *tables, pairing=pairing)).float()


def assert_close(actual, expected):
    torch.testing.assert_close(actual, expected, rtol=0, atol=4e-6)  # features up to 5, float32 tables and products


# What it computes


@both_pairings
@pytest.mark.parametrize("seq_dim", [-2, 1])
def test_positions_count_from_the_offset(pairing, seq_dim):
    shape, axis = ((2, 4, 9), (9, 1)) if seq_dim == 1 else ((2, 9, 4), (4,))
    q, k = heads(*shape), heads(2, *((4, 3) if seq_dim == 1 else (3, 4)))
    rope = RotaryEmbedding(16, 64, 500.0, pairing=pairing, seq_dim=seq_dim)
    positions = torch.arange(5, 9).reshape(-1, *axis[1:])
    for x, rotated in zip((q, k), rope(q, k, offset=5), strict=True):
        assert_close(rotated, defined(x, positions, reference.inverse_frequencies(16, 500.0), pairing))


def test_the_library_pages_example():
    """(batch, seq, heads, head_dim), interleaved, grouped queries and positions per sample."""
    q, k = heads(2, 512, 32), heads(2, 512, 8)
    rope = RotaryEmbedding(16, max_seq_len=2048, base=10_000.0, pairing="interleaved", seq_dim=1)
    position_ids = torch.stack([torch.arange(512), torch.arange(512) + 1000])
    inv_freq = reference.inverse_frequencies(16)
    for x, rotated in zip((q, k), rope(q, k, position_ids=position_ids), strict=True):
        assert_close(rotated, defined(x, position_ids[..., None], inv_freq, "interleaved"))
    for x, rotated in zip((q, k), rope(q, k), strict=True):
        assert_close(rotated, defined(x, position_ids[0, :, None], inv_freq, "interleaved"))


@both_pairings
def test_scaling_and_partial_rotary(pairing):
    inv_freq = reference.inverse_frequencies(8) / 4
    rope, x = RotaryEmbedding(16, pairing=pairing, scaling=(inv_freq, 1.5)), heads(2, 3, 10)
    rotated, _ = rope(x, x)
    assert_close(rotated[..., :8], 1.5 * defined(x[..., :8], torch.arange(10), inv_freq, pairing))
    assert torch.equal(rotated[..., 8:], x[..., 8:])


@both_pairings
def test_prefill_and_decode_equal_one_pass(pairing):
    """Token by token with a cache of rotated keys: the same vectors, so the same attention."""
    rope, q, k, v = RotaryEmbedding(16, 8, pairing=pairing), *(heads(2, 4, 12) for _ in range(3))
    whole_q, whole_k = rope(q, k)
    cached_q, cached_k = rope(q[:, :, :7], k[:, :, :7])
    for token in range(7, 12):
        new_q, new_k = rope(q[:, :, token : token + 1], k[:, :, token : token + 1], offset=token)
        cached_q, cached_k = torch.cat([cached_q, new_q], dim=2), torch.cat([cached_k, new_k], dim=2)
        seen = cached_k.shape[2]
        out = torch.nn.functional.scaled_dot_product_attention(new_q, cached_k, v[:, :, :seen])
        full = torch.nn.functional.scaled_dot_product_attention(whole_q, whole_k, v, is_causal=True)
        torch.testing.assert_close(out, full[:, :, token : token + 1])
    torch.testing.assert_close(cached_q, whole_q, rtol=0, atol=1e-6)
    torch.testing.assert_close(cached_k, whole_k, rtol=0, atol=1e-6)


@both_pairings
def test_ragged_batches_equal_each_sequence_alone(pairing):
    """Left padding: sequence b has lengths[b] tokens, at the right end of the row, counted from 0."""
    rope, lengths, width = RotaryEmbedding(16, 32, pairing=pairing), (5, 9, 2), 9
    q, k = heads(3, 4, width), heads(3, 2, width)
    positions = (torch.arange(width) - (width - torch.tensor(lengths))[:, None]).clamp(min=0)
    rotated_q, rotated_k = rope(q, k, positions)
    step_q, step_k = heads(3, 4, 1), heads(3, 2, 1)
    next_q, _ = rope(step_q, step_k, torch.tensor(lengths)[:, None])
    for b, length in enumerate(lengths):
        alone_q, alone_k = rope(q[b : b + 1, :, -length:], k[b : b + 1, :, -length:])
        torch.testing.assert_close(rotated_q[b, :, -length:], alone_q[0], rtol=0, atol=1e-6)
        torch.testing.assert_close(rotated_k[b, :, -length:], alone_k[0], rtol=0, atol=1e-6)
        later, _ = rope(step_q[b : b + 1], step_k[b : b + 1], offset=length)
        torch.testing.assert_close(next_q[b], later[0], rtol=0, atol=1e-6)


@pytest.mark.parametrize(
    "reach",
    [
        lambda rope, x: rope(x, x),
        lambda rope, x: rope(x[:, :, :1], x[:, :, :1], offset=19),
        lambda rope, x: rope(x[:, :, :1], x[:, :, :1], position_ids=torch.tensor([19])),
    ],
    ids=["a longer sequence", "an offset", "a position"],
)
def test_tables_grow_to_what_is_asked_and_stay_right(reach):
    x, rope = heads(1, 2, 20), RotaryEmbedding(16, 4)
    reach(rope, x)
    assert len(rope.cos) >= 20
    expected = build_rope_cache(len(rope.cos), 16)
    assert torch.equal(rope.cos, expected[0]) and torch.equal(rope.sin, expected[1])
    assert_close(rope(x, x)[0], defined(x, torch.arange(20), reference.inverse_frequencies(16), "half"))


def test_decoding_seldom_grows_the_table():
    rope, x, sizes = RotaryEmbedding(16, 4), heads(1, 1, 1), set()
    for token in range(100):
        rope(x, x, offset=token)
        sizes.add(len(rope.cos))
    assert len(sizes) <= 6


def test_two_modules_share_nothing():
    slow, fast = RotaryEmbedding(16, 8, 500_000.0), RotaryEmbedding(16, 8)
    x = heads(1, 1, 8)
    assert not torch.equal(slow(x, x)[0], fast(x, x)[0])
    slow(heads(1, 1, 30), heads(1, 1, 30))
    assert len(fast.cos) == 8


# Casts, moves and copies

CASTS = {
    "half": lambda m: m.half(),
    "bfloat16": lambda m: m.bfloat16(),
    "double": lambda m: m.double(),
    "to(dtype)": lambda m: m.to(torch.bfloat16),
    "to(device, dtype)": lambda m: m.to("cpu", torch.float16),
    "to(tensor)": lambda m: m.to(torch.zeros(1, dtype=torch.bfloat16)),
    "type": lambda m: m.type(torch.float16),
    "inside a model": lambda m: torch.nn.Sequential(torch.nn.Linear(2, 2), m).half()[1],
    "there and back": lambda m: m.half().float(),
    "share_memory": lambda m: m.share_memory(),
    "deepcopy": copy.deepcopy,
    "pickle": lambda m: pickle.loads(pickle.dumps(m)),
    "meta and back": lambda m: m.to("meta").to_empty(device="cpu"),
}


@pytest.mark.parametrize("cast", CASTS.values(), ids=CASTS)
def test_tables_keep_their_bits(cast):
    rope = cast(RotaryEmbedding(16, 3000, 77.0))
    for table, expected in zip((rope.cos, rope.sin), build_rope_cache(3000, 16, 77.0), strict=True):
        assert table.dtype == torch.float32 and torch.equal(table, expected)
    attention = cast(RotaryPositionAttention(16, 77.0))
    assert attention.inv_freq.dtype == torch.float64
    np.testing.assert_array_equal(attention.inv_freq, reference.inverse_frequencies(16, 77.0))


def test_a_cast_module_grows_exact_tables():
    rope = RotaryEmbedding(16, 4).bfloat16()
    x = heads(1, 1, 300).bfloat16()
    rotated, _ = rope(x, x)
    assert rotated.dtype == torch.bfloat16
    assert torch.equal(rope.cos, build_rope_cache(len(rope.cos), 16)[0])
    assert torch.equal(rotated, apply_rope(x, x, *build_rope_cache(300, 16))[0])
    same = x[:, :, :1]
    at = [rope(same, same, position_ids=torch.tensor([p]))[0] for p in (256, 257)]
    assert not torch.equal(*at)  # as bfloat16 numbers the two positions are one


def test_other_buffers_are_cast_as_ever():
    class WithMask(RotaryEmbedding):
        def __init__(self):
            super().__init__(16, 4)
            self.register_buffer("mask", torch.ones(3))

    module = WithMask().half()
    assert module.mask.dtype == torch.float16 and module.cos.dtype == torch.float32


def test_nothing_is_saved():
    rope = RotaryEmbedding(16, 4)
    assert not rope.state_dict() and not list(rope.parameters())
    assert {name for name, _ in rope.named_buffers()} == {"cos", "sin"}
    rope(heads(1, 1, 9), heads(1, 1, 9))
    assert not rope.state_dict() and not RotaryPositionAttention(4).state_dict()
    RotaryEmbedding(16, 999).load_state_dict(rope.state_dict())
    file = io.BytesIO()
    torch.save(rope, file)
    file.seek(0)
    assert torch.equal(torch.load(file, weights_only=False).cos, rope.cos)


def test_built_on_meta():
    x = heads(1, 2, 5)
    expected = RotaryEmbedding(16, 8)(x, x)[0]
    with torch.device("meta"):
        rope = RotaryEmbedding(16, 8)
    assert rope.cos.is_meta and rope(x.to("meta"), x.to("meta"))[0].is_meta
    assert torch.equal(copy.deepcopy(rope).to_empty(device="cpu")(x, x)[0], expected)
    assert torch.equal(rope(x, x)[0], expected)  # as after load_state_dict(assign=True), which leaves tables on meta
    with torch.device("meta"):
        attention = RotaryPositionAttention(16)
    np.testing.assert_array_equal(attention.to_empty(device="cpu").inv_freq, reference.inverse_frequencies(16))


def test_tables_made_in_inference_mode_can_be_trained_through():
    with torch.inference_mode():
        rope = RotaryEmbedding(16, 2)
        rope(heads(1, 1, 6), heads(1, 1, 6))
    x = heads(1, 1, 6).requires_grad_()
    rope(x, x)[0].pow(2).sum().backward()
    torch.testing.assert_close(x.grad, 2 * x.detach())


@pytest.mark.slow
def test_compiles_into_one_graph():
    rope, x = RotaryEmbedding(16, 64), heads(2, 4, 40)
    compiled, whole = torch.compile(rope, fullgraph=True, backend=COMPILER), rope(x, x)[0]
    torch.testing.assert_close(compiled(x[:, :, :30], x[:, :, :30])[0], whole[:, :, :30])
    for token in range(30, 40):
        new = x[:, :, token : token + 1]
        torch.testing.assert_close(compiled(new, new, offset=token)[0], whole[:, :, token : token + 1])
    torch.testing.assert_close(compiled(x, x, position_ids=torch.arange(40)[None])[0], whole)
    with pytest.raises(Exception, match="cannot grow while compiled: raise max_seq_len"):
        compiled(x, x, offset=60)


# Errors

X = torch.randn(1, 2, 5, 16)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: RotaryEmbedding(15), "head_dim must be a positive even integer, but got 15"),
        (lambda: RotaryEmbedding(16, 0), "max_seq_len must be a positive integer, but got 0"),
        (lambda: RotaryEmbedding(16, 2.5), "max_seq_len must be a positive integer, but got 2.5"),
        (lambda: RotaryEmbedding(16, base=0.0), "base must be a finite positive number, but got 0.0"),
        (lambda: RotaryEmbedding(16, pairing="neox"), '"half" or "interleaved", but got \'neox\''),
        (lambda: RotaryEmbedding(16, scaling=(np.ones(9), 1.0)), "1 to head_dim/2 = 8 finite frequencies"),
        (lambda: RotaryEmbedding(16)(X, X, offset=-1), "offset must be a non-negative integer, but got -1"),
        (lambda: RotaryEmbedding(16)(X, X, offset=1.0), "offset must be a non-negative integer, but got 1.0"),
        (lambda: RotaryEmbedding(16)(X, X, torch.arange(5), 3), "give no offset beside them, but got 3"),
        (lambda: RotaryEmbedding(16)(X, X, torch.arange(5) - 2), "must lie in 0 … 2047, .* but hold -2"),
        (lambda: RotaryEmbedding(16)(X, X, torch.arange(4)), r"for q of shape \(1, 2, 5, 16\)"),
        (lambda: RotaryEmbedding(16)(X, X[:, :, :3]), "they have 5 rows and k has 3 tokens"),
        (lambda: RotaryEmbedding(16, seq_dim=1)(X, X[:, :1]), "they have 2 rows and k has 1 tokens on axis 1"),
        (lambda: RotaryEmbedding(32)(X, X), r"q must end in head_dim = 32, .* \(1, 2, 5, 16\)"),
        (lambda: RotaryEmbedding(16)(X, X[..., :8]), r"k must end in head_dim = 16, .* \(1, 2, 5, 8\)"),
        (lambda: RotaryEmbedding(16, seq_dim="1"), "seq_dim must be an integer, .* got '1'"),
        (lambda: RotaryEmbedding(16, seq_dim=7)(X, X), "seq_dim=7 must be an axis of q"),
        (lambda: RotaryEmbedding(16)(X, X, offset=[3, 6]), r"offset .* \[3, 6\]; .* \(batch, seq\)"),
        (lambda: RotaryEmbedding(16)(X, X, torch.arange(5) + 10**12), "must stay below 16777216, .* 1000000000004"),
        (lambda: RotaryPositionAttention(3), "head_dim must be a positive even integer, but got 3"),
        (lambda: RotaryPositionAttention(4)(X, X, X), r"d_model=4\).* \(1, 2, 5, 16\)"),
        (lambda: RotaryPositionAttention(16)(X, X[:, :, :4], X), r"\(1, 2, 5, 16\), \(1, 2, 4, 16\)"),
        (lambda: RotaryPositionAttention(16)(X, X, X[:, :, :4]), "V have a row for each token"),
    ],
)
def test_errors_name_rule_and_values(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_repr_says_what_it_is():
    assert repr(RotaryEmbedding(16, 4)) == "RotaryEmbedding(head_dim=16, rows=4, pairing='half', seq_dim=-2)"


# The worked example


def tensors(*names, dtype=torch.float64):
    return [torch.tensor(GOLDEN[name], dtype=dtype) for name in names]


@pytest.mark.parametrize(("case", "base"), [("base10000_half", 10_000.0), ("base100000_half", 100_000.0)])
@pytest.mark.parametrize("dtype", [torch.float64, torch.float32])
def test_every_step_of_the_cat_sat_example(case, base, dtype):
    golden, (Q, K, V) = GOLDEN[case], tensors("Q", "K", "V", dtype=dtype)
    attention = RotaryPositionAttention(4, base)
    angles = attention.compute_angles(5)
    Q_rotated, K_rotated = attention.apply_rotation(Q, angles), attention.apply_rotation(K, angles)
    scores = attention.compute_scores(Q_rotated, K_rotated)
    scaled = attention.scale_scores(scores)
    weights = attention.compute_weights(scaled)
    steps = {
        "Q_rot": Q_rotated,
        "K_rot": K_rotated,
        "raw": scores,
        "scaled": scaled,
        "weights": weights,
        "output": attention.compute_output(weights, V),
    }
    if base == 10_000.0:
        np.testing.assert_allclose(angles, GOLDEN["angles_base10000"], rtol=0, atol=1e-15)
    for name, value in steps.items():
        assert value.dtype == dtype
        np.testing.assert_allclose(value, golden[name], rtol=0, atol=16 * torch.finfo(dtype).eps, err_msg=name)
    output, forward_weights = attention(Q, K, V)
    assert torch.equal(output, steps["output"]) and torch.equal(forward_weights, weights)


def test_the_causal_example():
    output, weights = RotaryPositionAttention(4, causal=True)(*tensors("Q", "K", "V"))
    np.testing.assert_allclose(weights, GOLDEN["base10000_half"]["causal_weights"], rtol=0, atol=1e-15)
    np.testing.assert_allclose(output, GOLDEN["base10000_half"]["causal_output"], rtol=0, atol=1e-15)


def test_it_is_the_numpy_class_and_its_own_batch():
    Q, K, V = (torch.randn(3, 6, 8, dtype=torch.float64) for _ in range(3))
    output, weights = RotaryPositionAttention(8, 50.0)(Q, K, V)
    for b in range(3):
        expected = worked_example.RotaryPositionAttention(8, 50.0).forward(Q[b], K[b], V[b])
        np.testing.assert_allclose(output[b], expected[0], rtol=0, atol=1e-14)
        np.testing.assert_allclose(weights[b], expected[1], rtol=0, atol=1e-14)


def test_it_is_differentiable():
    leaves = [t.requires_grad_() for t in tensors("Q", "K", "V")]
    assert torch.autograd.gradcheck(RotaryPositionAttention(4), leaves)


class TestOnCuda:
    @pytest.fixture(autouse=True)
    def gpu(self):
        if not torch.cuda.is_available():
            pytest.skip("NOT RUN: no GPU; run `make test` on a machine with an NVIDIA GPU")

    def test_the_tables_follow_and_stay_float32(self):
        rope, x = RotaryEmbedding(16, 4).to("cuda", torch.bfloat16), heads(2, 3, 9)
        assert rope.cos.is_cuda and rope.cos.dtype == torch.float32
        torch.testing.assert_close(rope.cos.cpu(), build_rope_cache(4, 16)[0], rtol=0, atol=2**-24)
        expected = RotaryEmbedding(16)(x, x)[0]
        torch.testing.assert_close(rope(x.cuda(), x.cuda())[0].cpu(), expected, rtol=0, atol=2e-6)
        positions = torch.arange(9, device="cuda").expand(2, -1)
        torch.testing.assert_close(rope(x.cuda(), x.cuda(), positions)[0].cpu(), expected, rtol=0, atol=2e-6)
        assert rope.cpu().cos.device.type == "cpu"

    def test_the_worked_example(self):
        _, weights = RotaryPositionAttention(4).cuda()(*(t.cuda() for t in tensors("Q", "K", "V")))
        np.testing.assert_allclose(weights.cpu(), GOLDEN["base10000_half"]["weights"], rtol=0, atol=1e-14)


def test_an_offset_in_the_place_of_position_ids_is_recognised():
    with pytest.raises(TypeError, match=r"position_ids must be a torch.Tensor, but got int 6; did you mean offset=6\?"):
        RotaryEmbedding(16)(X, X, 6)
