"""What decides in chapter 04 is itself checked: against loops, sums and averages that share no line with it."""

from itertools import product

import numpy as np
import pytest

from ropelib.checks import ch04
from ropelib.worked_example import K, Q, RotaryPositionAttention, V

RNG = np.random.default_rng(44)


@pytest.mark.parametrize(("tokens", "reach"), [(1, 0), (4, 0), (3, 5), (9, 2)])
def test_clipped_bias(tokens, reach):
    scores, table = RNG.standard_normal((tokens, tokens)), RNG.standard_normal(2 * reach + 1)
    named = {offset: table[reach + offset] for offset in range(-reach, reach + 1)}
    biased = ch04.clipped_bias.reference(scores, table)
    for m, n in product(range(tokens), repeat=2):
        nearest = min(named, key=lambda offset: abs(offset - (n - m)))
        assert biased[m, n] == scores[m, n] + named[nearest]


@pytest.mark.parametrize("times", [1, 4])
def test_local_preference(times):
    q, k = (np.tile(x, (times, 1)) for x in (Q, K))
    rope = RotaryPositionAttention(4).forward(q, k, np.tile(V, (times, 1)))[1]
    bias = np.empty_like(rope)
    for m, n in product(range(5 * times), repeat=2):
        bias[m, n] = np.exp(q[m] @ k[n] / 2 + {0: 0, 1: -0.5}.get(abs(m - n), -1))
    bias /= bias.sum(axis=1, keepdims=True)
    found = ch04.local_preference.reference()
    for name, weights in (("rope", rope), ("bias", bias)):
        near = sum(np.trace(weights, offset) for offset in (-1, 0, 1)) / len(weights)
        assert abs(found[f"{name}_{5 * times}"] - near) < 1e-12


@pytest.mark.parametrize("pairs", [1, 2, 3])
def test_relative_part_is_the_mean_over_all_turns(pairs):
    M = RNG.standard_normal((2 * pairs, 2 * pairs))
    grid = 2 * np.pi * np.arange(5) / 5  # exact for products of two sines or cosines
    means = []
    for angles in product(grid, repeat=pairs):
        cos, sin = np.diag(np.cos(angles)), np.diag(np.sin(angles))
        R = np.block([[cos, -sin], [sin, cos]])
        means.append(R @ M @ R.T)
    part = ch04.relative_part.reference(M)
    np.testing.assert_allclose(part, np.mean(means, axis=0), atol=1e-12)
    np.testing.assert_allclose(ch04.relative_part.reference(part), part, atol=1e-15)


@pytest.mark.parametrize(("heads", "share"), [(1, 0.5), (4, 0.9), (8, 0.99), (12, 0.6)])
def test_windows_hold_the_share_and_one_token_less_does_not(heads, share):
    found = ch04.windows.reference(heads, share)
    for head, window in enumerate(found, 1):
        weights = np.exp(-(2 ** (-8 * head / heads)) * np.arange(20_000))
        held = np.cumsum(weights / weights.sum())
        assert held[window - 1] >= share and (window == 1 or held[window - 2] < share)
    assert found[0] == 178 or heads > 1, "as the exercise says"


@pytest.mark.parametrize("seed", range(20))
def test_scheme_of_names_every_box(seed):
    for case in ch04.scheme_of.cases(seed):
        words = {"nothing": "none", "a slope": "bias", "a bias": "bias", "a turn": "rotation", "sinusoids": "added"}
        expected = next(word for start, word in words.items() if case.label.startswith(start))
        assert ch04.scheme_of.reference(*case.args) == expected, case.label
