"""The references of chapter 13, checked against what they must do: launches played through, integers without an end."""

import itertools

import numpy as np
import pytest

from ropelib.checks import ch13


def launch(batch, seq, heads, tile, tokens_first):
    """The programs in order: each as what it rotates, (is_key, text, heads, tokens), both within the tensor."""
    groups = [
        (is_key, range(first, min(first + tile[1], count)))
        for is_key, count in enumerate(heads)
        for first in range(0, count, tile[1])
    ]
    blocks = [range(first, min(first + tile[0], seq)) for first in range(0, seq, tile[0])]
    for text in range(batch):
        if tokens_first:
            order = itertools.product(groups, blocks)
        else:
            order = ((group, block) for block, group in itertools.product(blocks, groups))
        yield from ((is_key, text, of, tokens) for (is_key, of), tokens in order)


SIZES = [(2, 9, (5, 2), (4, 2)), (1, 8, (4, 4), (8, 4)), (3, 7, (1, 3), (2, 8))]


@pytest.mark.parametrize(("batch", "seq", "heads", "tile"), SIZES)
def test_angles_asked(batch, seq, heads, tile):
    programs = list(launch(batch, seq, heads, tile, False))
    rows = sum(len(tokens) for *_, tokens in programs)
    assert ch13.angles_asked.reference(batch, seq, *heads, *tile) == (len(programs), rows)


@pytest.mark.parametrize("tokens_first", [False, True])
@pytest.mark.parametrize(("batch", "seq", "heads", "tile"), SIZES)
def test_program_of(batch, seq, heads, tile, tokens_first):
    for number, (is_key, text, of, tokens) in enumerate(launch(batch, seq, heads, tile, tokens_first)):
        for head, token in itertools.product(of, tokens):
            found = ch13.program_of.reference(bool(is_key), text, head, token, seq, heads, tile, tokens_first)
            assert found == number


def test_phases():
    rng = np.random.default_rng(13)
    distances = np.array([0, 1, -1, 2**31 - 1, 1 - 2**31, *rng.integers(-(2**31) + 1, 2**31, 20)])
    high, low = rng.integers(0, 2**32, (2, 6))
    found = ch13.phases.reference(distances, high, low)
    for (i, n), (j, h) in itertools.product(enumerate(distances.tolist()), enumerate(high.tolist())):
        assert found[i, j] == (n * (h * 2**32 + int(low[j])) >> 32) % 2**32


def test_before_measuring():
    right = ch13.before_measuring.reference()
    q, k = np.zeros((2, 24, 3072, 64), np.float32), np.zeros((2, 8, 3072, 64), np.float32)
    assert right["moved_mb"] == 2 * (q.nbytes + k.nbytes) / 1e6
    assert right["share"] == pytest.approx(right["moved_mb"] * 1e6 / 2.5e12 / 50e-6)
    assert right["table_mb"] == right["moved_mb"] / 2, "two tables of 32 pairs: as many numbers as are read"
    assert right["per_byte"] * right["moved_mb"] * 1e6 == 6 * (q.size + k.size) / 2


def test_two_digits_are_enough_before_measuring():
    rounded = {"moved_mb": 100, "shortest_us": 40, "share": 0.8, "per_byte": 0.375, "table_mb": 50}
    assert ch13.before_measuring.check(rounded).outcome == "correct"
    assert ch13.before_measuring.check(rounded | {"moved_mb": 96}).misconception == "mebibytes"
