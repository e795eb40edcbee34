"""The references of chapter 09, checked against the rules of ropelib.scaling and against plain counting."""

import numpy as np
import pytest

from ropelib import scaling
from ropelib.checks import ch09
from ropelib.reference import inverse_frequencies

HEADS = [(64, 100_000.0, 8192), (128, 10_000.0, 4096), (8, 500.0, 60)]


@pytest.mark.parametrize(("head_dim", "base", "trained"), HEADS)
@pytest.mark.parametrize(("low", "high"), [(1.0, 4.0), (1.0, 32.0), (1.0, 1.0)])
def test_bands(head_dim, base, trained, low, high):
    before = inverse_frequencies(head_dim, base)
    limits = {"low_freq_factor": low, "high_freq_factor": high, "original_max_position_embeddings": trained}
    left = scaling.llama3(head_dim, base, factor=8.0, **limits)[0] / before
    kept, divided = np.isclose(left, 1).sum(), np.isclose(left, 1 / 8).sum()
    expected = [kept, head_dim // 2 - kept - divided, divided]
    assert list(ch09.bands.reference(head_dim, base, trained, low, high)) == expected


@pytest.mark.parametrize(("head_dim", "base", "trained"), HEADS)
def test_ntk_factor_for(head_dim, base, trained):
    before = inverse_frequencies(head_dim, base)
    unfinished = trained * before < 2 * np.pi
    factor = ch09.ntk_factor_for.reference(head_dim, base, trained, 3 * trained)
    for tried, enough in ((factor * 1.0001, True), (factor / 1.0001, False)):
        after = scaling.ntk(head_dim, base, factor=tried)[0]
        assert (3 * trained * after[unfinished] <= trained * before[unfinished]).all() == enough


def test_halfway():
    head_dim, base, trained = 4096, 100_000.0, 8192
    wavelengths = 2 * np.pi / inverse_frequencies(head_dim, base)
    kept = {"factor": 3.0, "original_max_position_embeddings": trained}
    paper = scaling.llama3(head_dim, base, low_freq_factor=1.0, high_freq_factor=32.0, **kept)[0]
    code = scaling.yarn(head_dim, base, truncate=False, **kept)[0]
    half = (1 + 1 / 3) / 2
    found = [wavelengths[np.abs(after * wavelengths / (2 * np.pi) - half).argmin()] for after in (paper, code)]
    np.testing.assert_allclose(ch09.halfway.reference(trained, 1.0, 32.0), found, rtol=0.005)


@pytest.mark.parametrize("length", [5, 8, 9, 30])
def test_stale_angles(length):
    head_dim, base, trained = 16, 1000.0, 8

    def last(current):
        known = {"factor": 1.0, "max_position_embeddings": trained, "seq_len": current}
        return scaling.dynamic_ntk(head_dim, base, **known)[0][-1]

    expected = [n * (last(n + 1) - last(length)) for n in range(length)]
    np.testing.assert_allclose(ch09.stale_angles.reference(head_dim, base, trained, length), expected, atol=1e-12)


def test_temperature():
    found = ch09.temperature.reference()
    kept = {"original_max_position_embeddings": 4096}
    tables = scaling.yarn(64, 150_000.0, factor=32.0, **kept)[1]
    assert np.isclose(found["tables"], tables) and np.isclose(found["scores"], tables**2)
    assert np.isclose(found["deepseek"], scaling.yarn(64, factor=40.0, **kept)[1] ** 2)
    assert np.isclose(found["twice"], found["scores"] ** 2)
    assert np.isclose(scaling.yarn(64, factor=found["doubled_at"], **kept)[1] ** 2, 2)
