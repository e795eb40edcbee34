"""ropelib.axial: against 50-digit values, against the modules of transformers, and what must hold for any matrix."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from ropelib.axial import axial_frequencies, rotation_angles_nd, sectioned_frequencies
from ropelib.reference import cos_sin, inverse_frequencies, rotate, rotation_angles

GOLDEN = json.loads((Path(__file__).parent / "data" / "golden_axial.json").read_text())["rope2d_4x4"]
GRID = np.indices((4, 4)).reshape(2, -1).T
ONES = np.tile([1.0, 0.0], (16, 4))

seeds = st.integers(0, 2**32 - 1)
sections = st.lists(st.integers(1, 9), min_size=1, max_size=4)


def rotate_at(x, positions, inv_freq, pairing="half"):
    return rotate(x, *cos_sin(rotation_angles_nd(positions, inv_freq)), pairing=pairing)


# --- values ---


def test_the_golden_grid():
    inv_freq = axial_frequencies((2, 2), base=100.0)
    np.testing.assert_allclose(inv_freq[0, :2], GOLDEN["inv_freq"], rtol=1e-15)
    rotated = rotate_at(ONES, GRID, inv_freq, pairing="interleaved")
    np.testing.assert_allclose(rotated, GOLDEN["rotated"], rtol=0, atol=1e-15)
    expected, scores = np.array(GOLDEN["score_by_offset"]["table"]), rotated @ rotated.T
    for i, j in np.ndindex(16, 16):
        assert scores[i, j] == pytest.approx(expected[tuple(GRID[j] - GRID[i] + 3)], abs=1e-14)


def test_the_golden_row_of_sixteen():
    flat = sectioned_frequencies((4,), base=100.0)
    np.testing.assert_allclose(flat[0], GOLDEN["flat_1d"]["inv_freq"], rtol=1e-15)
    rotated = rotate_at(ONES, np.arange(16)[:, None], flat, pairing="interleaved")
    for distance, score in GOLDEN["flat_1d"]["score_at_distance"].items():
        assert rotated[0] @ rotated[int(distance)] == pytest.approx(score, abs=1e-14)


# --- transformers ---


def as_modules_do(module, positions, *inputs):
    """cos, sin of transformers, half as wide: its tables hold every value twice."""
    return [table.squeeze().double().numpy()[..., : table.shape[-1] // 2] for table in module(*inputs, positions)]


def assert_the_same_tables(theirs, positions, inv_freq):
    angles = rotation_angles_nd(positions, inv_freq)
    # float32: inv_freq, angle and table are rounded, and an angle is off by a few units of its own last place.
    tolerance = 4 * np.spacing(np.float32(np.abs(angles).max() + 1))
    for ours, table in zip(cos_sin(angles), theirs, strict=True):
        np.testing.assert_allclose(ours, table, rtol=0, atol=tolerance)


def test_vision_tower_of_qwen2_vl_is_axial():
    from transformers.models.qwen2_vl import configuration_qwen2_vl, modeling_qwen2_vl

    config = configuration_qwen2_vl.Qwen2VLVisionConfig(embed_dim=80, num_heads=1)
    module = modeling_qwen2_vl.Qwen2VLVisionRotaryEmbedding(config)
    theirs = as_modules_do(module, torch.tensor(GRID), torch.zeros(1))
    assert_the_same_tables(theirs, GRID, axial_frequencies((20, 20)))


def test_pixtral_deals_the_pairs_out_and_sorts_them_by_axis():
    from transformers import PixtralVisionConfig
    from transformers.models.pixtral.modeling_pixtral import PixtralVisionRotaryEmbedding

    module = PixtralVisionRotaryEmbedding(PixtralVisionConfig(hidden_size=64, num_attention_heads=1))
    order = np.r_[0:32:2, 1:32:2]
    theirs = as_modules_do(module, torch.tensor(GRID), torch.zeros(1))
    assert_the_same_tables(theirs, GRID, sectioned_frequencies((16, 16), interleaved=True)[:, order])


@pytest.mark.parametrize(
    ("family", "head_dim", "split", "base"),
    [
        ("qwen2_vl", 128, (16, 24, 24), 1e6),
        ("qwen3_vl", 128, (24, 20, 20), 5e5),
        ("qwen3_vl", 64, (11, 11, 10), 5e5),  # Qwen3.5's sections
    ],
)
def test_m_rope_of_the_qwens(family, head_dim, split, base):
    from transformers.models.qwen2_vl import configuration_qwen2_vl, modeling_qwen2_vl
    from transformers.models.qwen3_vl import configuration_qwen3_vl, modeling_qwen3_vl

    if family == "qwen2_vl":
        config = configuration_qwen2_vl.Qwen2VLTextConfig(hidden_size=head_dim, num_attention_heads=1)
        module = modeling_qwen2_vl.Qwen2VLRotaryEmbedding(config)
    else:
        config = configuration_qwen3_vl.Qwen3VLTextConfig(head_dim=head_dim)
        module = modeling_qwen3_vl.Qwen3VLTextRotaryEmbedding(config)
    assert config.rope_parameters["rope_theta"] == base
    if head_dim == 128:
        assert list(split) == module.mrope_section
    module.mrope_section = list(split)
    places = np.random.default_rng(0).integers(0, 500, (40, 3))
    theirs = as_modules_do(module, torch.tensor(places.T[:, None]), torch.zeros(1))
    assert_the_same_tables(theirs, places, sectioned_frequencies(split, base, interleaved=family == "qwen3_vl"))


def test_dinov3_measures_the_picture_from_its_middle():
    from transformers import DINOv3ViTConfig
    from transformers.models.dinov3_vit.modeling_dinov3_vit import DINOv3ViTRopePositionEmbedding

    module = DINOv3ViTRopePositionEmbedding(DINOv3ViTConfig(hidden_size=64, num_attention_heads=1)).eval()
    rows, columns = 3, 5
    theirs = [table.double().numpy()[:, :32] for table in module(torch.zeros(1, 3, 16 * rows, 16 * columns))]
    middles = (np.indices((rows, columns)).reshape(2, -1).T + 0.5) / (rows, columns) * 2 - 1
    assert_the_same_tables(theirs, middles, 2 * np.pi * axial_frequencies((16, 16), base=100.0))


# --- properties ---


@given(seeds, sections, st.sampled_from(["half", "interleaved"]))
def test_any_matrix_of_frequencies_gives_scores_of_the_offset_alone(seed, split, pairing):
    rng = np.random.default_rng(seed)
    inv_freq = rng.standard_normal((len(split), sum(split)))
    q, k = rng.standard_normal((2, 1, 2 * sum(split)))
    place, offset, shift = rng.integers(-50, 50, (3, 1, len(split)))
    here, there = (
        rotate_at(q, start, inv_freq, pairing) @ rotate_at(k, start + offset, inv_freq, pairing).T
        for start in (place, place + shift)
    )
    # Angles up to a few thousand radians, rounded once for every axis.
    tolerance = 8 * len(split) * np.spacing(4096.0) * np.linalg.norm(q) * np.linalg.norm(k)
    np.testing.assert_allclose(there, here, rtol=0, atol=tolerance)


@given(seeds, sections)
def test_the_angles_are_the_matrix_product(seed, split):
    rng = np.random.default_rng(seed)
    positions = rng.standard_normal((2, 5, len(split)))
    inv_freq = rng.standard_normal((len(split), 6))
    np.testing.assert_allclose(rotation_angles_nd(positions, inv_freq), positions @ inv_freq, rtol=0, atol=1e-13)


@given(sections, st.booleans(), st.integers(-(10**6), 10**6))
def test_equal_positions_are_plain_rope(split, interleaved, position):
    inv_freq = sectioned_frequencies(split, 5e5, interleaved=interleaved)
    plain = inverse_frequencies(2 * sum(split), 5e5)
    places = np.full((1, len(split)), position)
    np.testing.assert_array_equal(rotation_angles_nd(places, inv_freq), rotation_angles([position], plain))


@given(sections, st.sampled_from([axial_frequencies, sectioned_frequencies]))
def test_every_pair_belongs_to_one_axis_and_every_axis_has_its_section(split, frequencies):
    assert ((frequencies(split) != 0).sum(axis=0) == 1).all()
    assert (frequencies(split) != 0).sum(axis=1).tolist() == split


@given(sections)
def test_dealing_in_turn_lets_no_axis_wait(split):
    owner = sectioned_frequencies(split, interleaved=True).argmax(axis=0)
    for pair, axis in enumerate(owner):
        dealt = np.bincount(owner[:pair], minlength=len(split))
        waiting = [a for a in range(len(split)) if dealt[a] < split[a]]
        assert axis == min(waiting, key=lambda a: (dealt[a], a))


@given(sections)
def test_each_axis_of_the_axial_matrix_is_a_head_of_its_own(split):
    inv_freq, ends = axial_frequencies(split, base=100.0), np.cumsum(split)
    for of_axis, pairs, end in zip(inv_freq, split, ends, strict=True):
        np.testing.assert_array_equal(of_axis[end - pairs : end], inverse_frequencies(2 * pairs, 100.0))


# --- what is refused ---


@pytest.mark.parametrize(
    ("call", "named"),
    [
        (lambda: rotation_angles_nd([0, 1], [1.0]), r"\(\.\.\., seq, axes\).*theirs are \(2,\) and \(1,\)"),
        (lambda: rotation_angles_nd(np.zeros((5, 3)), np.ones((2, 4))), r"\(5, 3\) and \(2, 4\)"),
        (lambda: rotation_angles_nd(np.zeros((5, 0)), np.ones((0, 4))), r"\(5, 0\) and \(0, 4\)"),
        (lambda: rotation_angles_nd(3.0, np.ones((1, 4))), r"\(\) and \(1, 4\)"),
        (lambda: rotation_angles_nd([[0.0, np.nan]], np.ones((2, 4))), "positions must be finite, but hold nan"),
        (lambda: rotation_angles_nd([[0.0, 1.0]], [[1.0], [np.inf]]), "inv_freq must be finite, but hold inf"),
        (lambda: axial_frequencies(()), r"sections must be positive integers.*got \(\)"),
        (lambda: axial_frequencies((2, 0)), r"sections.*\(2, 0\)"),
        (lambda: axial_frequencies((2, 1.0)), r"sections.*\(2, 1\.0\)"),
        (lambda: axial_frequencies((2, 2), base=-1.0), "base must be.*-1.0"),
        (lambda: sectioned_frequencies((-1, 2), interleaved=True), r"sections.*\(-1, 2\)"),
        (lambda: sectioned_frequencies((2, 2), base=0), "base must be.*0"),
    ],
)
def test_refused(call, named):
    with pytest.raises(ValueError, match=named):
        call()
