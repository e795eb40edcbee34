"""The references of chapter 06, against casts that PyTorch makes, against autograd, and against the definition."""

import numpy as np
import pytest
import torch

from ropelib.checks import ch06
from ropelib.checks.ch06.q3_how_relative import how_relative
from ropelib.reference import cos_sin, inverse_frequencies, rotate, rotation_angles

from .test_checks import given_cells

RNG = np.random.default_rng(6)


def tables(positions, head_dim, base=10_000.0):
    return cos_sin(rotation_angles(positions, inverse_frequencies(head_dim, base)))


def test_rotate_by_ids():
    x, ids = RNG.standard_normal((2, 5, 3, 8)), np.array([[0, 0, 1, 2, 3], [7, 2, 9, 9, 4]])
    found = ch06.rotate_by_ids.reference(x, *tables(np.arange(10), 8), ids)
    for text in range(2):
        for head in range(3):
            expected = rotate(x[text, :, head], *tables(ids[text], 8))
            np.testing.assert_allclose(found[text, :, head], expected, rtol=0, atol=1e-14)


@pytest.mark.parametrize("seq_len", [1, 2, 3, 257, 258, 260, 511, 512, 2048, 2049, 5000, 65_504])
@pytest.mark.parametrize(("precision", "dtype"), [(8, torch.bfloat16), (11, torch.float16), (24, torch.float32)])
def test_positions_left(seq_len, precision, dtype):
    cast = torch.arange(seq_len).to(dtype)
    assert ch06.positions_left.reference(seq_len, precision) == cast.unique().numel()


def test_positions_left_in_eight_bits():
    cast = torch.arange(449).to(torch.float8_e4m3fn).float()
    assert ch06.positions_left.reference(449, 4) == cast.unique().numel()


def test_how_relative_are_the_programs_that_the_exercise_shows():
    given = {}
    exec(given_cells("how_relative"), given)
    found = {}
    for name, program in given["programs"].items():
        scores = []
        for m in range(0, 60_000, 101):
            cos, sin = cos_sin(program(np.array([m, m + 5])))
            q, k = rotate(given["q"][None], cos[:1], sin[:1]), rotate(given["k"][None], cos[1:], sin[1:])
            scores.append((q @ k.T).item())
        spread = np.ptp(scores) / (np.linalg.norm(given["q"]) * np.linalg.norm(given["k"]))
        found[name] = "exactly" if spread < 1e-9 else "nearly" if spread < 0.01 else "not"
    assert found == how_relative()


@pytest.mark.parametrize("dtype", ["float64", "float32", "float16"])
def test_grow_tables(dtype):
    whole = [table.astype(dtype) for table in tables(np.arange(5010), 6, 500.0)]
    grown = ch06.grow_tables.reference(*(table[:5000] for table in whole), 5010, 500.0)
    for mine, yours in zip(grown, whole, strict=True):
        assert mine.dtype == yours.dtype and np.array_equal(mine[:5000], yours[:5000])
        # Where angles differ in their last bit, the cast may fall on the other side: one step of the dtype.
        np.testing.assert_allclose(mine, yours, rtol=0, atol=max(np.finfo(dtype).eps, 1e-11))


def test_rope_backward():
    upstream, x = (torch.from_numpy(RNG.standard_normal((5, 8))) for _ in range(2))
    positions, inv_freq = torch.tensor([3, 0, 9, 9, 100]), torch.from_numpy(RNG.random(4))
    x.requires_grad_()
    inv_freq.requires_grad_()
    angles = positions[:, None] * inv_freq
    turned = torch.complex(x[:, :4], x[:, 4:]) * torch.polar(torch.ones_like(angles), angles)
    expected = torch.autograd.grad((upstream[:, :4] * turned.real + upstream[:, 4:] * turned.imag).sum(), (x, inv_freq))
    found = ch06.rope_backward.reference(*(t.detach().numpy() for t in (upstream, x, positions, inv_freq)))
    for mine, yours in zip(found, expected, strict=True):
        np.testing.assert_allclose(mine, yours.numpy(), rtol=0, atol=1e-11)
