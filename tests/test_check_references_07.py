"""The references of chapter 07, checked against what they must do: full passes, rings that are filled, loops."""

import numpy as np
import pytest

from ropelib.checks import ch07
from ropelib.reference import cos_sin, inverse_frequencies, rotate, rotation_angles

RNG = np.random.default_rng(7)


def equal(actual, expected, tolerance=1e-12):
    np.testing.assert_allclose(actual, expected, rtol=0, atol=tolerance)


def at(x, positions, base=10_000.0):
    return rotate(x, *cos_sin(rotation_angles(positions, inverse_frequencies(x.shape[-1], base))))


@pytest.mark.parametrize("new_tokens", [0, 1, 4])
def test_padded_positions(new_tokens):
    mask = np.array([[0, 0, 0, 1], [1, 1, 1, 1], [0, 1, 1, 1]])
    for row, found in zip(mask, ch07.padded_positions.reference(mask, new_tokens), strict=True):
        tokens = [*row, *[1] * new_tokens]
        assert list(found) == [sum(tokens[:column]) if token else 0 for column, token in enumerate(tokens)]


def full_pass(q, k, v, base):
    """Token by token, in plain loops."""
    positions, outputs = np.arange(len(q)), []
    q, k = at(q, positions, base), at(k, positions, base)
    for m in positions:
        weights = np.array([np.exp(q[m] @ k[n] / np.sqrt(q.shape[1])) for n in range(m + 1)])
        outputs.append(sum(weight * value for weight, value in zip(weights / weights.sum(), v, strict=False)))
    return np.array(outputs)


@pytest.mark.parametrize("cached", [0, 1, 4, 6])
@pytest.mark.parametrize("base", [100.0, 500_000.0])
def test_attend_chunk_is_the_end_of_a_full_pass(cached, base):
    q, k, v = RNG.standard_normal((3, 7, 8))
    cache = at(k[:cached], np.arange(cached), base)
    found = ch07.attend_chunk.reference(q[cached:], k[cached:], v[cached:], cache, v[:cached], cached, base)
    equal(found, full_pass(q, k, v, base)[cached:])


def test_attend_chunk_does_not_notice_a_common_shift_but_a_shift_of_the_chunk():
    q, k, v = RNG.standard_normal((3, 5, 8))
    chunks = [
        ch07.attend_chunk.reference(q[3:], k[3:], v[3:], at(k[:3], np.arange(3) + shift), v[:3], offset, 10_000.0)
        for shift, offset in ((0, 3), (100, 103), (0, 103))
    ]
    equal(chunks[0], chunks[1])
    assert np.abs(chunks[0] - chunks[2]).max() > 1e-3


@pytest.mark.parametrize(("old", "new"), [(10_000.0, 40_000.0), (40_000.0, 100.0), (500.0, 500.0)])
def test_change_base(old, new):
    keys, positions = RNG.standard_normal((5, 8)), np.array([3, 0, 700, 12, 12])
    equal(ch07.change_base.reference(at(keys, positions, old), positions, old, new), at(keys, positions, new))


@pytest.mark.parametrize("tokens", range(14))
@pytest.mark.parametrize("window", [1, 4, 5])
def test_ring_positions(tokens, window):
    ring = [-1] * window
    for position in range(tokens):
        ring[position % window] = position
    assert list(ch07.ring_positions.reference(tokens, window)) == ring


def test_cache_size():
    found = ch07.cache_size.reference()
    heads, head_dim, layers, tokens = 96, 128, 88, 32_768
    assert found["multi_head"] == np.zeros((heads, head_dim)).size + np.zeros((heads, head_dim)).size
    assert found["grouped"] * 12 == found["multi_head"], "twelve query heads share one of keys and values"
    assert found["latent"] == 576, "as in DeepSeek-V2, whatever the number of heads"
    assert found["grouped_gib"] * 2**30 == np.empty((layers, tokens, found["grouped"]), np.float16).nbytes
    assert found["groups_at_par"] * found["grouped"] / 8 == found["latent"]
