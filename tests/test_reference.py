"""The definition against 50-digit values and against what a rotation must be."""

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ropelib.reference import cos_sin, inverse_frequencies, rotate, rotation_angles, rotation_matrix

GOLDEN = json.loads((Path(__file__).parent / "data" / "golden.json").read_text())
PAIRINGS = ["half", "interleaved"]

head_dims = st.sampled_from([2, 4, 6, 16, 80, 128])
bases = st.floats(min_value=2.0, max_value=1e7)
seeds = st.integers(0, 2**32 - 1)
pairings = st.sampled_from(PAIRINGS)


def tables(positions, head_dim, base=10_000.0):
    return cos_sin(rotation_angles(positions, inverse_frequencies(head_dim, base)))


def rotate_at(x, position, base=10_000.0, pairing="half"):
    return rotate(x, *tables([position], x.shape[-1], base), pairing=pairing)


@pytest.mark.parametrize("name", GOLDEN["frequencies"])
def test_frequencies_equal_the_golden_values(name):
    head_dim, base = (int(part) for part in name[1:].split("_base"))
    expected = GOLDEN["frequencies"][name]["inv_freq"]
    np.testing.assert_allclose(inverse_frequencies(head_dim, base), expected, rtol=1e-14, atol=0)


@pytest.mark.parametrize("name", GOLDEN["wavelengths"])
def test_wavelengths_equal_the_golden_values(name):
    head_dim, base = (int(part) for part in name[1:].split("_base"))
    wavelengths = 2 * np.pi / inverse_frequencies(head_dim, base)
    assert wavelengths[0] == pytest.approx(GOLDEN["wavelengths"][name]["first"], rel=1e-14)
    assert wavelengths[-1] == pytest.approx(GOLDEN["wavelengths"][name]["last"], rel=1e-13)


def test_the_practice_problem_in_its_corrected_form():
    case = GOLDEN["source003_worked_example"]
    rotated = rotate_at(np.array([case["x"]], dtype=float), case["pos"], pairing="interleaved")
    np.testing.assert_allclose(rotated[0], case["rotated"], rtol=0, atol=1e-15)


def test_the_two_pairings_agree_after_the_golden_permutation():
    case = GOLDEN["layout_permutation_d8"]
    x, order = np.array([case["x_pair"]], dtype=float), case["perm"]
    interleaved = rotate_at(x, case["pos"], pairing="interleaved")
    half = rotate_at(x[:, order], case["pos"], pairing="half")
    np.testing.assert_allclose(interleaved[0], case["rotated_pair"], rtol=0, atol=1e-14)
    np.testing.assert_allclose(half[0], case["rotated_half_of_permuted"], rtol=0, atol=1e-14)


@given(seeds, head_dims, bases, st.integers(-(10**6), 10**6), pairings)
def test_a_rotation_keeps_the_length_of_every_vector(seed, head_dim, base, position, pairing):
    x = np.random.default_rng(seed).standard_normal((1, head_dim))
    rotated = rotate_at(x, position, base, pairing)
    assert np.linalg.norm(rotated) == pytest.approx(np.linalg.norm(x), rel=1e-12)


@given(seeds, head_dims, bases, st.integers(-(10**6), 10**6), st.integers(-(10**6), 10**6), pairings)
def test_a_score_depends_on_the_signed_offset_only(seed, head_dim, base, offset, shift, pairing):
    q, k = np.random.default_rng(seed).standard_normal((2, 1, head_dim))
    here = rotate_at(q, 0, base, pairing) @ rotate_at(k, offset, base, pairing).T
    there = rotate_at(q, shift, base, pairing) @ rotate_at(k, shift + offset, base, pairing).T
    # An angle m·θ up to 2e6 rad is rounded to half a unit in its last place, once for q and once for k.
    tolerance = 4 * np.spacing(2e6) * np.linalg.norm(q) * np.linalg.norm(k)
    np.testing.assert_allclose(there, here, rtol=0, atol=tolerance)


@given(seeds, st.integers(1, 50))
def test_a_score_tells_left_from_right(seed, offset):
    q, k = np.random.default_rng(seed).standard_normal((2, 1, 16))
    after, before = q @ rotate_at(k, offset).T, q @ rotate_at(k, -offset).T
    assert abs(after - before).max() > 0


@given(seeds, head_dims, pairings)
def test_position_zero_changes_nothing(seed, head_dim, pairing):
    x = np.random.default_rng(seed).standard_normal((1, head_dim))
    np.testing.assert_array_equal(rotate_at(x, 0, pairing=pairing), x)


@given(seeds, head_dims, bases, st.integers(0, 10**6), pairings)
def test_rotating_by_minus_the_angle_undoes_it(seed, head_dim, base, position, pairing):
    x = np.random.default_rng(seed).standard_normal((1, head_dim))
    cos, sin = tables([position], head_dim, base)
    back = rotate(rotate(x, cos, sin, pairing=pairing), cos, -sin, pairing=pairing)
    np.testing.assert_allclose(back, x, rtol=0, atol=1e-14 * np.abs(x).max() * 4)


@given(seeds, head_dims, st.integers(0, 10**6))
def test_the_pairings_differ_by_one_permutation(seed, head_dim, position):
    x = np.random.default_rng(seed).standard_normal((1, head_dim))
    order = np.r_[0:head_dim:2, 1:head_dim:2]
    half = rotate_at(x[:, order], position, pairing="half")
    np.testing.assert_array_equal(half, rotate_at(x, position, pairing="interleaved")[:, order])


@given(st.floats(-100, 100), st.floats(-100, 100))
def test_rotate_is_the_matrix_in_each_plane_and_matrices_add_their_angles(alpha, beta):
    point = np.array([1.0, 2.0])
    rotated = rotate(point[None], np.cos([[alpha]]), np.sin([[alpha]]))[0]
    np.testing.assert_allclose(rotation_matrix(alpha) @ point, rotated, rtol=0, atol=1e-15)
    product = rotation_matrix(alpha) @ rotation_matrix(beta)
    np.testing.assert_allclose(product, rotation_matrix(alpha + beta), rtol=0, atol=1e-13)


def test_the_rotation_is_counter_clockwise():
    np.testing.assert_allclose(rotation_matrix(np.pi / 2) @ [1, 0], [0, 1], atol=1e-16)
    np.testing.assert_allclose(rotate([[1, 0]], [[np.cos(0.3)]], [[np.sin(0.3)]]), [[np.cos(0.3), np.sin(0.3)]])


def test_batches_broadcast_and_inputs_stay_as_they_were():
    rng = np.random.default_rng(0)
    x, per_example = rng.standard_normal((2, 3, 5, 8)), np.arange(10).reshape(2, 1, 5)
    cos, sin = tables(per_example, 8)
    before = x.copy()
    rotated = rotate(x, cos, sin)
    np.testing.assert_array_equal(x, before)
    assert not np.shares_memory(rotated, x)
    for example in range(2):
        np.testing.assert_array_equal(
            rotated[example], rotate(x[example], *tables(per_example[example, 0], 8)), strict=True
        )


def test_an_attention_factor_multiplies_scores_by_its_square():
    q, k = np.random.default_rng(1).standard_normal((2, 1, 8))
    angles = rotation_angles([7], inverse_frequencies(8))
    plain, scaled = cos_sin(angles), cos_sin(angles, 1.5)
    np.testing.assert_allclose(
        rotate(q, *scaled) @ rotate(k, *scaled).T, 2.25 * (rotate(q, *plain) @ rotate(k, *plain).T)
    )


@pytest.mark.parametrize("head_dim", [0, -2, 3, 127, 4.0, "4", None, True])
def test_a_bad_head_dim_is_named(head_dim):
    with pytest.raises(ValueError, match=r"head_dim must be a positive even integer, but got"):
        inverse_frequencies(head_dim)


@pytest.mark.parametrize("base", [0, -1.0, float("inf"), float("nan"), "10000", None, True])
def test_a_bad_base_is_named(base):
    with pytest.raises(ValueError, match=r"base must be a finite positive number, but got"):
        inverse_frequencies(4, base)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: rotation_angles([0, np.nan], [1.0]), "positions must be finite, but hold nan"),
        (lambda: rotation_angles([[1], [2, 3]], [1.0]), "positions must be an array of real numbers, but NumPy cannot"),
        (lambda: cos_sin([0.0], True), "attention_factor must be a finite positive number, but got True"),
        (lambda: rotation_angles(["a"], [1.0]), "positions must be real numbers"),
        (lambda: rotation_angles([0], [[1.0]]), r"inv_freq must have one axis, .* its shape is \(1, 1\)"),
        (lambda: cos_sin([np.inf]), "angles must be finite, but hold inf"),
        (lambda: cos_sin([0.0], 0.0), "attention_factor must be a finite positive number, but got 0.0"),
        (lambda: rotation_matrix([1.0, 2.0]), r"angle must be one number, but its shape is \(2,\)"),
        (lambda: rotate(np.ones((5, 4)), *tables(range(5), 4), pairing="adjacent"), "pairing must be .* 'adjacent'"),
        (lambda: rotate(np.ones((5, 3)), *tables(range(5), 2)), r"even head_dim, but its shape is \(5, 3\)"),
        (lambda: rotate(np.ones(4), *tables(range(5), 4)), r"x must have shape .* but its shape is \(4,\)"),
        (lambda: rotate(np.ones((5, 4)), *tables([0], 4)), r"\(5, 2\), but their shape is \(1, 2\)"),
        (lambda: rotate(np.ones((5, 4)), np.ones((5, 2)), np.ones((5, 1))), "one shape, but theirs are"),
        (lambda: rotate(np.ones((5, 4)), np.ones((5, 4)), np.ones((5, 4))), r"\(5, 2\), but their shape is \(5, 4\)"),
        (lambda: rotate(np.ones((5, 4)), np.ones((2, 5, 2)), np.ones((2, 5, 2))), r"leading axes .*\(2,\)"),
        (lambda: rotate(np.ones((3, 5, 4)), np.ones((2, 5, 2)), np.ones((2, 5, 2))), r"leading axes .*\(2,\).*\(3,\)"),
    ],
)
def test_what_does_not_fit_is_refused_with_the_rule_and_the_values(call, message):
    with pytest.raises(ValueError, match=message):
        call()
