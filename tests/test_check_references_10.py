"""The references of chapter 10, checked against 50-digit values, transformers, and pictures that are walked through."""

import itertools
import json
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
import torch

from ropelib.axial import axial_frequencies, rotation_angles_nd, sectioned_frequencies
from ropelib.checks import ch10
from ropelib.reference import cos_sin, rotate

GOLDEN = json.loads((Path(__file__).parent / "data" / "golden_axial.json").read_text())["rope2d_4x4"]
RNG = np.random.default_rng(10)


def equal(actual, expected, tolerance=1e-12):
    np.testing.assert_allclose(actual, expected, rtol=0, atol=tolerance)


@pytest.mark.parametrize(("height", "width"), [(1, 1), (1, 5), (5, 1), (2, 2), (4, 4), (3, 5)])
def test_different_offsets(height, width):
    patches = list(itertools.product(range(height), range(width)))
    steps_of = {}
    for (i, a), (j, b) in itertools.product(enumerate(patches), repeat=2):
        steps_of.setdefault(j - i, set()).add((b[0] - a[0], b[1] - a[1]))
    expected = [len(steps_of), len(set.union(*steps_of.values())), sum(len(s) > 1 for s in steps_of.values())]
    assert ch10.different_offsets.reference(height, width) == expected


def test_rotate_grid_gives_the_golden_grid():
    rotated = ch10.rotate_grid.reference(np.tile([1.0, 0.0], (4, 4, 4)), 100.0)
    equal(rotated.reshape(16, 8), GOLDEN["rotated"], 1e-15)


@pytest.mark.parametrize("shape", [(1, 1, 4), (3, 5, 8), (4, 2, 12)])
def test_rotate_grid(shape):
    x, places = RNG.standard_normal(shape), np.indices(shape[:2]).reshape(2, -1).T
    tables = cos_sin(rotation_angles_nd(places, axial_frequencies([shape[2] // 4] * 2, 300.0)))
    expected = rotate(x.reshape(-1, shape[2]), *tables, pairing="interleaved")
    equal(ch10.rotate_grid.reference(x, 300.0), expected.reshape(shape))


def scores(shape, of_queries, of_keys):
    places, (q, k) = np.indices(shape).reshape(2, -1).T, RNG.standard_normal((2, len(of_queries[0]) * 2))
    turned = [
        rotate(np.broadcast_to(x, (len(places), len(x))), *cos_sin(rotation_angles_nd(places, inv_freq)))
        for x, inv_freq in ((q, of_queries), (k, of_keys))
    ]
    return turned[0] @ turned[1].T, shape[1]


@pytest.mark.parametrize("shape", [(3, 3), (4, 4), (3, 6), (5, 4)])
def test_positions_behind(shape):
    axial, mixed = axial_frequencies((3, 3), 50.0), RNG.standard_normal((2, 6))
    flat = np.outer([shape[1], 1], 50.0 ** (-np.arange(6) / 6))
    dealt = sectioned_frequencies((3, 3), 50.0, interleaved=True)
    for matrix, word in ((axial, "axial"), (dealt, "axial"), (mixed, "mixed"), (flat, "flat")):
        assert ch10.positions_behind.reference(*scores(shape, matrix, matrix)) == word
    for keys in (mixed, 0 * axial, flat, axial * [[1], [0]], axial * [[0], [1]]):
        assert ch10.positions_behind.reference(*scores(shape, axial, keys)) == "not relative"


def test_positions_behind_allows_for_rounding_and_for_nothing_else():
    axial, width = scores((4, 4), *[axial_frequencies((3, 3), 50.0)] * 2)
    for error, word in ((1e-12, "axial"), (1e-3, "not relative")):
        found = ch10.positions_behind.reference(axial + error * RNG.choice([-1, 1], axial.shape), width)
        assert found == word


@pytest.mark.parametrize(
    "pieces", [[4], [3, (1, 2, 3), 2], [(1, 4, 2), 1], [2, (1, 3, 3), 1, (1, 1, 5), 4], [1, (2, 3, 2), 1, (3, 3, 4), 2]]
)
def test_multimodal_ids_are_those_of_qwen2_vl(pieces):
    assert np.array_equal(ch10.multimodal_ids.reference(pieces), ids_of_qwen2_vl(pieces)[0])


@pytest.mark.parametrize(("height", "width"), [(2, 3), (4, 2)])
def test_after_a_picture_the_position_is_not_the_number_of_tokens(height, width):
    assert ids_of_qwen2_vl([3, (1, height, width), 2])[1] == max(height, width) - height * width


def ids_of_qwen2_vl(pieces):
    from transformers import Qwen2VLConfig
    from transformers.models.qwen2_vl.modeling_qwen2_vl import Qwen2VLModel

    config = Qwen2VLConfig()
    config.vision_config.spatial_merge_size = 1
    model = object.__new__(Qwen2VLModel)
    torch.nn.Module.__init__(model)
    model.config = config
    kinds = [0 if isinstance(piece, int) else 1 + (piece[0] > 1) for piece in pieces]
    sizes = [piece if isinstance(piece, int) else int(np.prod(piece)) for piece in pieces]
    grids = [[p for p, kind in zip(pieces, kinds, strict=True) if kind == wanted] for wanted in (1, 2)]
    theirs, deltas = model.get_rope_index(
        torch.zeros(1, sum(sizes), dtype=torch.long),
        torch.tensor([np.repeat(kinds, sizes).tolist()]),
        *(torch.tensor(grid) if grid else None for grid in grids),
    )
    return theirs[:, 0].T.numpy(), deltas.item()


def test_multimodal_ids_count_the_frames_of_a_long_film_and_transformers_does_not():
    found = ch10.multimodal_ids.reference([1, (5, 1, 2), 2])
    assert ids_of_qwen2_vl([1, (5, 1, 2), 2])[0][-2:].tolist() == [[3] * 3, [4] * 3]
    assert found[:, 0].tolist() == [0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 6, 7] and found[-2:].tolist() == [[6] * 3, [7] * 3]


@pytest.mark.parametrize(("trained", "height", "width"), [(4, 4, 4), (4, 8, 8), (4, 4, 8), (6, 5, 3), (7, 1, 1)])
def test_fit_grid(trained, height, width):
    size = Fraction(trained, max(height, width))
    expected = [
        [Fraction(trained - number * size, 2) + size * (i + Fraction(1, 2)) - Fraction(1, 2) for i in range(number)]
        for number in (height, width)
    ]
    found = ch10.fit_grid.reference(trained, height, width)
    equal(found, [[float(row), float(column)] for row in expected[0] for column in expected[1]])
    longer = found[:, int(width >= height)]
    equal([longer.min() - size / 2, longer.max() + size / 2], [-0.5, trained - 0.5])
