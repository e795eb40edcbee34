"""The references of chapter 11, against decks dealt by hand, whole softmaxes, and loops over tokens."""

import numpy as np
import pytest

from ropelib import scaling
from ropelib.checks import ch11
from ropelib.reference import cos_sin, inverse_frequencies, rotate, rotation_angles

RNG = np.random.default_rng(11)


def dealt(devices, block, tokens):
    """The hands of all devices, dealt block by block."""
    hands, turn = [[] for _ in range(devices)], [*range(devices), *reversed(range(devices))]
    for number, start in enumerate(range(0, tokens, block)):
        hands[turn[number % (2 * devices)]] += range(start, min(start + block, tokens))
    return hands


@pytest.mark.parametrize(("devices", "block", "tokens"), [(1, 2, 5), (2, 1, 6), (4, 2, 16), (3, 4, 50), (5, 3, 91)])
def test_there_and_back(devices, block, tokens):
    for rank, hand in enumerate(dealt(devices, block, tokens)):
        assert ch11.there_and_back.reference(rank, devices, block, tokens).tolist() == hand


def test_there_and_back_with_two_laps_is_zigzag():
    blocks = np.arange(24).reshape(8, 3)
    for rank in range(4):
        expected = [*blocks[rank], *blocks[-1 - rank]]
        assert ch11.there_and_back.reference(rank, 4, 3, 24).tolist() == expected


@pytest.mark.parametrize(("share", "starts"), [(1, [0, 1, 2]), (3, [0, 3, 6]), (3, [0, 0, 0, 5]), (4, [0, 7, 8])])
def test_starts_of(share, starts):
    believed = np.concatenate([start + np.arange(share) for start in starts])
    tokens, inv_freq = len(believed), inverse_frequencies(8, base=100.0)
    queries, keys = (np.broadcast_to(x, (tokens, 8)) for x in RNG.standard_normal((2, 8)))

    def scores(positions):
        tables = cos_sin(rotation_angles(positions, inv_freq))
        return rotate(queries, *tables) @ rotate(keys, *tables).T

    found = ch11.starts_of.reference(scores(believed), scores(np.arange(tokens)), share)
    assert found.tolist() == starts


@pytest.mark.parametrize(
    ("keys", "level"),
    [([4], 0), ([1, 1], 0), ([3, 0, 2], 0), ([5, 2, 7, 1], 900), ([2, 3], -900), ([2, 3], [[900], [-900], [0]])],
)
def test_merge_reports(keys, level):
    scores, values = RNG.standard_normal((3, sum(keys))) * 3 + np.array(level), RNG.standard_normal((sum(keys), 5))
    largest, sums, weighted = [], [], []
    for part, own in zip(
        *(np.split(x, np.cumsum(keys)[:-1], axis) for x, axis in ((scores, 1), (values, 0))), strict=True
    ):
        top = part.max(axis=1, initial=-np.inf)
        powers = np.exp(part - top[:, None])
        largest, sums, weighted = [*largest, top], [*sums, powers.sum(axis=1)], [*weighted, powers @ own]
    weights = np.exp(scores - scores.max(axis=1, keepdims=True))
    expected = weights / weights.sum(axis=1, keepdims=True) @ values
    found = ch11.merge_reports.reference(np.array(largest), np.array(sums), np.array(weighted))
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-12)


@pytest.mark.parametrize("window", [1, 2, 5, 12])
@pytest.mark.parametrize("devices", [1, 3, 4])
def test_with_a_window(devices, window):
    owned = RNG.permutation(12).reshape(devices, -1)
    expected = [[], []]
    for own in owned:
        seen = [(m, n) for m in own for n in range(12) if m - window < n <= m]
        expected[0].append(len(seen))
        expected[1].append(len({n for _, n in seen} - set(own)))
    assert ch11.with_a_window.reference(owned, window).tolist() == expected


def test_with_a_window_says_what_its_explanation_says():
    places = np.arange(16).reshape(4, 4)
    assert ch11.with_a_window.reference(places, 3).tolist() == [[9, 12, 12, 12], [0, 2, 2, 2]]
    striped_short, striped_long = (ch11.with_a_window.reference(places.T, window) for window in (3, 16))
    assert striped_short[0].tolist() == [10, 11, 12, 12] and striped_short[1].max() == 8 and striped_long[1].max() == 12
    assert (striped_long[0].min(), striped_long[0].max()) == (28, 40)
    pairs = np.arange(16).reshape(8, 2)
    zigzag = np.concatenate([pairs[:4], pairs[:3:-1]], axis=1)
    short, long = (ch11.with_a_window.reference(zigzag, window) for window in (3, 16))
    assert short[0].tolist() == [9, 12, 12, 12] and short[1].max() == 4
    assert long[0].tolist() == [34] * 4 and long[1].max() == 12
    contiguous = ch11.with_a_window.reference(places, 16)
    assert (contiguous[0].min(), contiguous[0].max(), contiguous[1].max()) == (10, 58, 12)


def test_eight_devices():
    """The bytes, counted from the shapes of what travels; the base, from the frequencies that it leads to."""
    found = ch11.eight_devices.reference()
    keys_and_values = np.zeros((2, 8, 131_072 // 8, 128), dtype=np.float16)
    assert found["ring"] == 7 * keys_and_values.nbytes
    every_token = np.zeros((131_072 // 8, 128), dtype=np.float16)
    to_each_other = every_token[:, :].nbytes * (2 * 32 // 8 + 2 * 8 // 8)  # heads of one device: 4, 1, 1 and 4
    assert found["exchange"] == 7 * to_each_other
    question, answer = np.zeros((32, 128), np.float16), np.zeros((32, 128), np.float16)
    assert found["decode"] == 7 * (question.nbytes + answer.nbytes + np.zeros(32, np.float32).nbytes)
    stretched = scaling.dynamic_ntk(128, 500_000.0, factor=4.0, max_position_embeddings=32_768, seq_len=131_072)[0]
    np.testing.assert_allclose(stretched, inverse_frequencies(128, base=found["base"]), rtol=1e-12)


def test_eight_devices_says_what_its_explanation_says():
    found = ch11.eight_devices.reference()
    assert (found["ring"], found["exchange"]) == (448 * 2**20, 280 * 2**20) and round(found["decode"] / 2**10) == 113
    every_head = np.zeros((131_072 // 8, 32, 128), dtype=np.float16)
    assert (7 * 2 * every_head.nbytes, 7 * 4 * every_head.nbytes / 8) == (1792 * 2**20, 448 * 2**20)
