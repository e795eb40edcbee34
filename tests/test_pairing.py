"""ropelib.pairing: permuting queries, keys or their weights changes the pairing and no score."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from ropelib.pairing import half_to_interleaved, interleaved_to_half, permutation, permute_weights
from ropelib.reference import cos_sin, inverse_frequencies, rotate, rotation_angles

GOLDEN = json.loads((Path(__file__).parent / "data" / "golden_scaling.json").read_text())["layout_permutation_d8"]
OTHER = {"half": "interleaved", "interleaved": "half"}
MOVES = {"half": interleaved_to_half, "interleaved": half_to_interleaved}
EPSILON = np.finfo(np.float64).eps


def tables(positions, rotary_dim):
    return cos_sin(rotation_angles(positions, inverse_frequencies(rotary_dim)))


def rotate_part(x, positions, rotary_dim, pairing):
    rotated = rotate(x[..., :rotary_dim], *tables(positions, rotary_dim), pairing=pairing)
    return np.concatenate([rotated, x[..., rotary_dim:]], axis=-1)


# --- vectors ---


def test_golden_permutation_and_rotation():
    assert permutation(8, "half").tolist() == GOLDEN["perm"]
    assert np.array_equal(
        interleaved_to_half(GOLDEN["x_interleaved"]), np.array(GOLDEN["x_interleaved"])[GOLDEN["perm"]]
    )
    x, at = np.array([GOLDEN["x_interleaved"]], dtype=np.float64), tables([GOLDEN["pos"]], 8)
    ours = {"interleaved": rotate(x, *at, pairing="interleaved"), "half": rotate(interleaved_to_half(x), *at)}
    for pairing, rotated in ours.items():
        np.testing.assert_allclose(rotated[0], GOLDEN[f"rotated_{pairing}"], rtol=1e-14)


def test_only_the_rotary_part_moves():
    assert permutation(8, "interleaved", rotary_dim=4).tolist() == [0, 2, 1, 3, 4, 5, 6, 7]
    assert permutation(7, "half", rotary_dim=6).tolist() == [0, 2, 4, 1, 3, 5, 6]


@pytest.mark.parametrize("to", MOVES)
@pytest.mark.parametrize("rotary_dim", [None, 2, 6, 10])
def test_round_trip_keeps_kind_dtype_and_input(to, rotary_dim):
    features = np.arange(2 * 3 * 10)
    for x in (
        features.reshape(2, 3, 10).astype(np.float32),
        torch.from_numpy(features).reshape(2, 3, 10).to(torch.bfloat16),
    ):
        before = np.array(x, copy=True) if isinstance(x, np.ndarray) else x.clone()
        moved = MOVES[to](x, rotary_dim=rotary_dim)
        back = MOVES[OTHER[to]](moved, rotary_dim=rotary_dim)
        assert type(moved) is type(x) and moved.dtype == x.dtype and moved.shape == x.shape
        assert (back == x).all() and (x == before).all()
        assert (moved == x).all() == (rotary_dim == 2)
        moved[:] = 0
        assert (x == before).all()


@settings(deadline=None)
@given(
    pairs=st.integers(1, 32),
    passed=st.integers(0, 5),
    seed=st.integers(0, 2**32 - 1),
    to=st.sampled_from(sorted(MOVES)),
    start=st.integers(0, 10**6),
)
def test_scores_stay_when_queries_and_keys_are_permuted(pairs, passed, seed, to, start):
    """⟨R q, R k⟩ in one pairing is ⟨R P q, R P k⟩ in the other, and R P q is P R q bit for bit."""
    q, k = np.random.default_rng(seed).normal(size=(2, 4, 2 * pairs + passed))
    rotary_dim, positions, move = 2 * pairs, start + np.arange(4), MOVES[to]
    rotated_q, rotated_k = (rotate_part(x, positions, rotary_dim, OTHER[to]) for x in (q, k))
    moved_q, moved_k = (rotate_part(move(x, rotary_dim=rotary_dim), positions, rotary_dim, to) for x in (q, k))
    assert np.array_equal(moved_q, move(rotated_q, rotary_dim=rotary_dim))
    # Two orders of one sum of products differ by at most about its length in roundings of the largest partial sum.
    tolerance = 2 * q.shape[-1] * EPSILON * (np.abs(rotated_q) @ np.abs(rotated_k).T)
    assert (np.abs(moved_q @ moved_k.T - rotated_q @ rotated_k.T) <= tolerance).all()


# --- weights ---


@settings(deadline=None)
@given(
    kv_heads=st.integers(1, 3),
    group=st.integers(1, 4),
    pairs=st.integers(1, 8),
    passed=st.integers(0, 4),
    seed=st.integers(0, 2**32 - 1),
    to=st.sampled_from(sorted(MOVES)),
)
def test_scores_of_grouped_query_attention_stay_when_weights_are_permuted(kv_heads, group, pairs, passed, seed, to):
    random, head_dim, rotary_dim = np.random.default_rng(seed), 2 * pairs + passed, 2 * pairs
    hidden, positions = random.normal(size=(5, 6)), np.arange(5)

    def scores(weights, biases, pairing):
        rotated = []
        for weight, bias in zip(weights, biases, strict=True):
            x = (hidden @ weight.T + bias).reshape(5, -1, head_dim).swapaxes(0, 1)
            rotated.append(rotate_part(x, positions, rotary_dim, pairing))
        q, k = rotated
        return q @ np.repeat(k, group, axis=0).swapaxes(1, 2)

    widths = [kv_heads * group * head_dim, kv_heads * head_dim]
    weights, biases = [random.normal(size=(width, 6)) for width in widths], [random.normal(size=w) for w in widths]
    permuted = [
        [permute_weights(w, to, head_dim=head_dim, rotary_dim=rotary_dim) for w in each] for each in (weights, biases)
    ]
    before, after = scores(weights, biases, OTHER[to]), scores(*permuted, to)
    np.testing.assert_allclose(after, before, rtol=0, atol=1e-12 * np.abs(before).max())


@pytest.mark.parametrize("shape", [(24, 5), (24,)])
@pytest.mark.parametrize("kind", [np.asarray, torch.from_numpy])
def test_weights_move_within_each_head(shape, kind):
    """The reshape and transpose with which Meta's Llama weights became Hugging Face's, and back."""
    weight = np.random.default_rng(0).normal(size=shape)
    interleaved = weight.reshape(3, 4, 2, -1).swapaxes(1, 2).reshape(shape)
    half = weight.reshape(3, 2, 4, -1).swapaxes(1, 2).reshape(shape)
    assert (permute_weights(kind(weight), "half", head_dim=8) == kind(interleaved)).all()
    assert (permute_weights(kind(weight), "interleaved", head_dim=8) == kind(half)).all()
    there = permute_weights(kind(weight), "half", head_dim=8, rotary_dim=6)
    back = permute_weights(there, "interleaved", head_dim=8, rotary_dim=6)
    assert (back == kind(weight)).all()


def test_agrees_with_the_rotations_of_transformers():
    """GPT-J rotates interleaved, Llama rotates half: permuted before or after, their results are one another's."""
    from transformers.models.gptj.modeling_gptj import apply_rotary_pos_emb as rotate_gptj
    from transformers.models.llama.modeling_llama import apply_rotary_pos_emb as rotate_llama

    generator = torch.Generator().manual_seed(0)
    q, k = torch.randn(2, 2, 7, 3, 16, dtype=torch.float64, generator=generator)  # (batch, seq, heads, head_dim)
    cos, sin = (torch.from_numpy(table)[None] for table in tables(np.arange(7), 16))
    interleaved = [rotate_gptj(x, sin, cos) for x in (q, k)]
    full = [torch.cat([table, table], dim=-1) for table in (cos, sin)]
    half = rotate_llama(interleaved_to_half(q), interleaved_to_half(k), *full, unsqueeze_dim=2)
    for ours, theirs in zip(half, interleaved, strict=True):
        assert torch.equal(half_to_interleaved(ours), theirs)
        assert not torch.allclose(ours, theirs)


def test_gradients_pass_through_the_permutation():
    x = torch.arange(8.0, requires_grad=True)
    (half_to_interleaved(x) * torch.arange(8.0)).sum().backward()
    assert torch.equal(x.grad, interleaved_to_half(torch.arange(8.0)))


# --- what is refused ---


@pytest.mark.parametrize(
    ("call", "named"),
    [
        (lambda: permutation(8, "neox"), "to must be.*'neox'"),
        (lambda: permutation(7, "half"), "even.*7 and 7"),
        (lambda: permutation(0, "half"), "head_dim.*0"),
        (lambda: permutation(8.0, "half"), "head_dim.*8.0"),
        (lambda: permutation(8, "half", rotary_dim=3), "rotary_dim.*3 and 8"),
        (lambda: permutation(8, "half", rotary_dim=10), "rotary_dim.*10 and 8"),
        (lambda: permutation(8, "half", rotary_dim=True), "rotary_dim.*True"),
        (lambda: half_to_interleaved(np.float64(1)), "x must have shape"),
        (lambda: interleaved_to_half(torch.zeros(2, 5)), "5 and 5"),
        (lambda: permute_weights(np.zeros((12, 3)), "half", head_dim=8), r"weight.*\(12, 3\).*8"),
        (lambda: permute_weights(np.zeros((0, 3)), "half", head_dim=8), r"weight.*\(0, 3\)"),
        (lambda: permute_weights(np.zeros((2, 8, 3)), "half", head_dim=8), r"weight.*\(2, 8, 3\)"),
        (lambda: permute_weights(np.zeros((8, 3)), "both", head_dim=8), "to must be.*'both'"),
    ],
)
def test_refused(call, named):
    with pytest.raises(ValueError, match=named):
        call()
