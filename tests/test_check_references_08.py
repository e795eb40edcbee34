"""The references of chapter 08, checked against what they must do: converted layers, loops, and real bfloat16."""

import numpy as np
import pytest

from ropelib.checks import ch08
from ropelib.reference import cos_sin, inverse_frequencies, rotate, rotation_angles

RNG = np.random.default_rng(8)


def equal(actual, expected, tolerance=1e-12):
    np.testing.assert_allclose(actual, expected, rtol=0, atol=tolerance)


def at(x, positions, pairing="half", base=10_000.0):
    return rotate(x, *cos_sin(rotation_angles(positions, inverse_frequencies(x.shape[-1], base))), pairing=pairing)


@pytest.mark.parametrize(("heads", "kv_heads", "head_dim"), [(1, 1, 4), (4, 2, 6), (9, 3, 8)])
def test_interleave_qkv_keeps_scores_and_values(heads, kv_heads, head_dim):
    """A layer with its weights for halves, and one with the converted weights for neighbours."""
    weight = RNG.standard_normal(((heads + 2 * kv_heads) * head_dim, 5))
    x, positions = RNG.standard_normal((7, 5)), np.arange(7)

    def layer(weight, pairing):
        parts = np.split(weight @ x.T, [heads * head_dim, (heads + kv_heads) * head_dim])
        q, k, v = (part.reshape(-1, head_dim, 7).transpose(0, 2, 1) for part in parts)
        q, k = at(q, positions, pairing), at(k, positions, pairing).repeat(heads // kv_heads, axis=0)
        return q @ k.transpose(0, 2, 1), v

    before = layer(weight, "half")
    after = layer(ch08.interleave_qkv.reference(weight, heads, kv_heads), "interleaved")
    equal(after[0], before[0])
    equal(after[1], before[1])


@pytest.mark.parametrize("pairing", ["half", "interleaved"])
@pytest.mark.parametrize("base", [100.0, 100_000.0])
def test_pairing_from_data_on_scaled_rotations_of_any_positions(pairing, base):
    before = RNG.standard_normal((6, 16))
    after = at(before, RNG.integers(1, 9000, 6), pairing, base)
    assert ch08.pairing_from_data.reference(before, after) == pairing
    assert ch08.pairing_from_data.reference(before, 1.01 * after) == "neither"
    assert ch08.pairing_from_data.reference(before, before) == "both"


@pytest.mark.parametrize(("first", "count"), [(1, 600), (255, 20), (1000, 512), (65_000, 3000)])
@pytest.mark.parametrize(("dtype", "bits"), [("bfloat16", 8), ("float16", 11)])
def test_longest_crowd_is_that_of_torch(first, count, dtype, bits):
    torch = pytest.importorskip("torch")
    rounded = torch.arange(first, first + count).to(getattr(torch, dtype))
    if torch.isfinite(rounded).all():
        crowds = rounded.unique(return_counts=True)[1]
        assert ch08.longest_crowd.reference(first, count, bits) == crowds.max()


def test_mass_by_distance_in_plain_loops():
    scores, edges = RNG.standard_normal((11, 11)), [0, 1, 3, 6]
    masses = np.zeros(3)
    for i in range(edges[-1], 11):
        weights = np.exp(scores[i, : i + 1]) / np.exp(scores[i, : i + 1]).sum()
        for j in range(i + 1):
            for group in range(3):
                if edges[group] <= i - j < edges[group + 1]:
                    masses[group] += weights[j] / (11 - edges[-1])
    equal(ch08.mass_by_distance.reference(scores, edges), masses)


@pytest.mark.parametrize("wanted", [0, 2, 5])
def test_lead_is_that_of_rotated_queries_and_keys(wanted):
    q, keys, base = RNG.standard_normal(8), RNG.standard_normal((6, 8)), 50.0
    leads = []
    for n in range(5):
        inv_freq = np.where(np.arange(4) < n, inverse_frequencies(8, base), 0.0)
        cos, sin = cos_sin(rotation_angles(np.arange(6), inv_freq))
        scores = rotate(keys, cos, sin) @ rotate(q[None], cos[-1:], sin[-1:])[0]
        leads.append(scores[wanted] - max(np.delete(scores, wanted)))
    equal(ch08.lead.reference(q, keys, base, wanted), leads)
