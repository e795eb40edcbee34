"""What decides is itself checked: every reference against 50-digit values, or against what it must do."""

import json
from itertools import product
from pathlib import Path

import numpy as np
import pytest

from ropelib.checks import ch00, ch01, ch02, ch03, ch05
from ropelib.checks.ch01.q5_diagnosis import diagnosis
from ropelib.pairing import permute_weights
from ropelib.reference import cos_sin, inverse_frequencies, rotate, rotation_angles, rotation_matrix

from .test_checks import given_cells

GOLDEN = json.loads((Path(__file__).parent / "data" / "golden.json").read_text())
RNG = np.random.default_rng(4)


def equal(actual, expected, tolerance=1e-12):
    np.testing.assert_allclose(actual, expected, rtol=0, atol=tolerance)


def at(x, positions, base=10_000.0, pairing="half"):
    return rotate(x, *cos_sin(rotation_angles(positions, inverse_frequencies(x.shape[-1], base))), pairing=pairing)


@pytest.mark.parametrize("size", [1, 100])
def test_attend_once(size):
    q, k1, k2, v1, v2 = RNG.standard_normal(5)
    share = 1 / (1 + np.exp(size * q * (k2 - k1)))
    equal(ch00.attend_once.reference(size * q, k1, k2, v1, v2), share * v1 + (1 - share) * v2)


def test_undo_shuffle():
    rows, order = RNG.standard_normal((9, 3)), RNG.permutation(9)
    equal(ch00.undo_shuffle.reference(rows[order], order), rows)


def test_terms_of_a_layer():
    X, P = RNG.standard_normal((2, 4, 3))
    W_q, W_k = RNG.standard_normal((2, 3, 3))
    terms = ch00.terms_of_a_layer.reference(X, P, W_q, W_k)
    equal(sum(terms), ((X + P) @ W_q) @ ((X + P) @ W_k).T)
    for term, left, right in zip(terms, (X, X, P, P), (X, P, X, P), strict=True):
        equal(term, np.einsum("ma,ab,cb,nc->mn", left, W_q, W_k, right))


def test_alibi_weights():
    scores = RNG.standard_normal((5, 5))
    weights = ch00.alibi_weights.reference(scores, 0.3)
    for m, row in enumerate(weights):
        exponentials = [np.exp(scores[m, n]) * np.exp(-0.3 * (m - n)) if n <= m else 0 for n in range(5)]
        equal(row, exponentials / np.sum(exponentials))


def test_what_stays_in_the_scores_that_the_exercise_shows():
    given = {}
    exec(given_cells("what_stays"), given)
    scores, before = given["scores"], given["before"]
    words = {0: "none", 2: "bias", 4: "rotate", 6: "bias and rotate", 7: "all"}
    kept = {
        change: sum(
            2**i
            for i, method in enumerate(("add", "bias", "rotate"))
            if np.allclose(scores(places, method), scores(before, method))
        )
        for change, places in given["after"].items()
    }
    assert {change: words[code] for change, code in kept.items()} == ch00.what_stays.reference()


@pytest.mark.parametrize("clockwise", [False, True])
def test_rotate_2d(clockwise):
    points, positions, theta = RNG.standard_normal((5, 2)), np.array([3, 0, 9, 9, 100]), 0.7
    turned = ch01.rotate_2d.reference(points, positions, theta, clockwise)
    sign = -1 if clockwise else 1
    equal(turned, [rotation_matrix(sign * m * theta) @ p for m, p in zip(positions, points, strict=True)])


@pytest.mark.parametrize(("m", "n"), list(product((0, 5, 1000), repeat=2)))
def test_offset_between(m, n):
    q, k = RNG.standard_normal((2, 2))
    theta = np.pi / 1001
    found = ch01.offset_between.reference(q, k, rotation_matrix(m * theta) @ q, rotation_matrix(n * theta) @ k, theta)
    equal(found, n - m, 1e-9)


@pytest.mark.parametrize("angle", [0, 0.3, -2.0, 40.0])
def test_content_terms(angle):
    q, k = RNG.standard_normal((2, 2))
    a, b = ch01.content_terms.reference(q, k)
    equal(a * np.cos(angle) + b * np.sin(angle), q @ rotation_matrix(angle) @ k)


def test_different_scores():
    distances = {round(float(np.cos(abs(m - n) * np.pi / 6)), 9) + 0.0 for m, n in product(range(8), repeat=2)}
    assert ch01.different_scores.reference() == len(distances) == 7


def test_the_diagnosis_of_the_programs_that_the_exercise_shows():
    namespace = {}
    exec(given_cells("diagnosis"), namespace)
    q, k = np.array([1.2, 0.3]), np.array([0.5, 1.0])

    def fails(program):
        rotated = program(q, 3, k, 5)
        later, origin = program(q, 10, k, 12), program(q, 0, k, 0)
        yield "length", not np.allclose([np.linalg.norm(v) for v in rotated], [np.linalg.norm(q), np.linalg.norm(k)])
        yield "offset", not np.isclose(rotated[0] @ rotated[1], later[0] @ later[1])
        yield "origin", not np.allclose(origin, (q, k))

    found = {
        name: next((test for test, failed in fails(program) if failed), "none")
        for name, program in namespace["programs"].items()
    }
    assert found == diagnosis()


def test_rotate_interleaved():
    case = GOLDEN["source003_worked_example"]
    rotated = ch02.rotate_interleaved.reference(np.array([[case["x"]]], float), np.array([case["pos"]]), case["base"])
    equal(rotated[0, 0], case["rotated"], 1e-15)
    case = GOLDEN["layout_permutation_d8"]
    rotated = ch02.rotate_interleaved.reference(np.array([[case["x_pair"]]], float), np.array([case["pos"]]), 10_000)
    equal(rotated[0, 0], case["rotated_pair"], 1e-14)


@pytest.mark.parametrize(("m", "n"), [(0, 2), (3, 5)])
def test_score_at_offset(m, n):
    ones = np.ones(4)
    score = ch02.score_at_offset.reference(ones, ones, n - m, 10_000.0)
    equal(score, GOLDEN["exercises"]["ex1"]["value"])
    equal(score, at(ones[None], [m])[0] @ at(ones[None], [n])[0])
    q, k = RNG.standard_normal((2, 8))
    equal(
        ch02.score_at_offset.reference(q, k, n - m, 500.0), (at(q[None], [m], 500.0) @ at(k[None], [n], 500.0).T)[0, 0]
    )


def test_base_change():
    case, found = GOLDEN["exercises"]["ex3"], ch02.base_change.reference()
    assert found["theta_0"] == 1
    equal(found["theta_1"], case["theta1_base100000"])
    change = np.abs(np.subtract(case["on_weights_base100000"], case["on_weights_base10000"]))
    equal(found["on"], change.max())
    equal(found["anywhere"], case["max_abs_change_all"])


@pytest.mark.parametrize("row", range(5))
def test_attend_to_cache(row):
    case = GOLDEN["cat_sat"]["base10000_half"]
    keys = np.array(case["K_rot"])[: row + 1]
    weights = ch02.attend_to_cache.reference(np.array(GOLDEN["cat_sat"]["Q"][row], float), keys, row, 10_000.0)
    equal(weights, case["causal_weights"][row][: row + 1])


def test_relative_values():
    weights, values, positions = RNG.random((3, 3)), RNG.standard_normal((3, 6)), np.array([4, 0, 9])
    output = ch02.relative_values.reference(weights, values, positions, 100.0)
    equal(output, ch02.relative_values.reference(weights, values, positions + 1000, 100.0), 1e-11)
    expected = [
        sum(weights[m, n] * at(values[n : n + 1], [positions[n] - positions[m]], 100.0)[0] for n in range(3))
        for m in range(3)
    ]
    equal(output, expected)


def test_spectrum():
    found = ch03.spectrum.reference()
    wavelengths = [2 * np.pi * 1_000_000.0 ** (2 * i / 128) for i in range(64)]
    np.testing.assert_allclose(found["slowest_wavelength"], wavelengths[-1], rtol=1e-12)
    np.testing.assert_allclose(found["turns_of_first"], 32_768 / wavelengths[0], rtol=1e-12)
    np.testing.assert_allclose(found["turns_of_last"], 32_768 / wavelengths[-1], rtol=1e-12)
    assert found["pairs_without_a_turn"] == sum(length > 32_768 for length in wavelengths)


@pytest.mark.parametrize("name", ["d4_base10000", "d64_base10000", "d128_base500000"])
def test_smallest_base(name):
    head_dim, base = (int(part) for part in name[1:].split("_base"))
    length = GOLDEN["wavelengths"][name]["last"]
    np.testing.assert_allclose(ch03.smallest_base.reference(head_dim, length), base, rtol=1e-12)


def test_most_deceptive():
    assert ch03.most_deceptive.reference(np.ones(1), np.ones(1), 2, 2000) == 710, "as chapter 03 found"
    assert ch03.most_deceptive.reference(np.ones(2), inverse_frequencies(4), 2, 2000) == 1885
    strengths, inv_freq = RNG.random(4), RNG.random(4)
    scores = [sum(a * np.cos(d * f) for a, f in zip(strengths, inv_freq, strict=True)) for d in range(7, 91)]
    assert ch03.most_deceptive.reference(strengths, inv_freq, 7, 90) == 7 + int(np.argmax(scores))


@pytest.mark.parametrize("distance", [0, 7, -20, 500])
def test_query_for_distance(distance):
    key = RNG.standard_normal(16)
    query = ch03.query_for_distance.reference(key, distance, 10_000.0)
    positions = np.arange(-600, 601)
    scores = at(np.tile(query, (len(positions), 1)), positions) @ key
    assert positions[scores.argmax()] == distance
    equal([np.linalg.norm(query), scores.max()], [np.linalg.norm(key), key @ key])


@pytest.mark.parametrize("distance", GOLDEN["decay_B"]["values"])
def test_expected_score(distance):
    mean = ch03.expected_score.reference(0.25, int(distance), 128, 10_000.0)
    equal(mean / 128, 0.25 * GOLDEN["decay_B"]["values"][distance], 1e-10)


def test_expected_score_is_what_random_vectors_give():
    queries, noise = np.random.default_rng(0).standard_normal((2, 40_000, 16))
    keys = 0.6 * queries + 0.8 * noise
    scores = (queries[:, None] * at(keys[:, None], [5])).sum(axis=(1, 2))
    expected = ch03.expected_score.reference(0.6, 5, 16, 10_000.0)
    assert abs(scores.mean() - expected) < 5 * scores.std() / np.sqrt(len(scores))


def test_rope_apply():
    case = GOLDEN["source003_worked_example"]
    flat = ch05.rope_apply.reference(0, [[9.0] * 4] * case["pos"] + [case["x"]], case["base"])
    equal(flat[-4:], case["rotated"], 1e-15)
    x = RNG.standard_normal((5, 7))
    tables = cos_sin(np.outer(np.arange(5), 50.0 ** (-2 * np.arange(3) / 7)))
    turned = np.array(ch05.rope_apply.reference(1, x, 50.0)).reshape(x.shape)
    equal(turned[:, :6], rotate(x[:, :6], *tables, pairing="interleaved"))
    equal(turned[:, 6], x[:, 6])


@pytest.mark.parametrize("pairing", ["half", "interleaved"])
def test_pairing_of(pairing):
    outputs = np.stack([at(row[None], [-7], 500.0, pairing)[0] for row in np.eye(10)])
    assert ch05.pairing_of.reference(outputs) == pairing
    if pairing == "interleaved":
        assert ch05.pairing_of.reference(outputs[:, np.r_[0:10:2, 1:10:2]]) == "reads neighbours, writes halves"
    assert ch05.pairing_of.reference(np.abs(outputs)) == "not a rotation"


@pytest.mark.parametrize("rotary_dim", [2, 6, 10])
def test_interleave_rows(rotary_dim):
    weight = RNG.standard_normal((30, 7))
    expected = permute_weights(weight, "interleaved", head_dim=10, rotary_dim=rotary_dim)
    equal(ch05.interleave_rows.reference(weight, 10, rotary_dim), expected, 0)


def test_half_width():
    table = RNG.standard_normal((3, 4))
    for doubled, name in ((np.tile(table, 2), "half"), (np.repeat(table, 2, axis=1), "interleaved")):
        found, pairing = ch05.half_width.reference(doubled)
        equal(found, table, 0)
        assert pairing == name


def test_accident():
    def rows(parts, size):
        return [part * size + i for part in range(parts) for i in [*range(0, size, 2), *range(1, size, 2)]]

    coarse, right, fine = rows(4, 256), rows(8, 128), rows(8, 32)
    assert ch05.accident.reference() == {
        "query_heads": 64,
        "rows_right": sum(a == b for a, b in zip(coarse, right, strict=True)),
        "strangers": sum(old // 128 != new // 128 for new, old in enumerate(coarse)),
        "strangers_fine": sum(old // 64 != new // 64 for new, old in enumerate(fine)),
    }
