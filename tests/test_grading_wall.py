"""What crosses the wall of the sandbox: plain data arrives as it was, and whatever else arrives is refused."""

import json
import socket

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from ropelib.grading.inside import codec, notebook

pytestmark = pytest.mark.slow

scalars = st.one_of(
    *(st.none(), st.booleans(), st.text(max_size=20), st.floats(), st.complex_numbers()),
    st.integers(-(2**63), 2**63 - 1),
    arrays.arrays(
        st.sampled_from([np.float64, np.float32, np.int64, np.bool_, np.complex64]),
        arrays.array_shapes(min_dims=0, min_side=0),
    ),
)
plain_data = st.recursive(
    scalars,
    lambda inner: st.one_of(
        *(st.lists(inner, max_size=3), st.lists(inner, max_size=3).map(tuple)),
        st.dictionaries(st.text(max_size=5), inner, max_size=3),
    ),
    max_leaves=8,
)


def through_a_wall(message, seconds=5, **options):
    mine, theirs = socket.socketpair()
    with mine, theirs:
        codec.Channel(mine).send(message, seconds)
        mine.shutdown(socket.SHUT_WR)
        return codec.Channel(theirs, **options).receive(seconds)


@given(plain_data)
def test_plain_data_arrives_as_it_was(data):
    head, got = through_a_wall(codec.frame({"id": 1}, data))
    assert head == {"id": 1}
    np.testing.assert_equal(got, data)
    assert type(got) is type(data)


@given(st.binary(max_size=200))
def test_whatever_else_arrives_is_refused(noise):
    with pytest.raises((codec.ProtocolError, codec.Closed)):
        through_a_wall(noise + b"\n")


@pytest.mark.parametrize(
    "line",
    [
        {"head": [], "data": None, "bytes": 0},
        {"head": {}, "data": None},
        {"head": {}, "data": None, "bytes": -1},
        {"head": {}, "data": None, "bytes": 10**15},
        {"head": {}, "data": None, "bytes": True},
        {"head": {}, "data": None, "bytes": 4},
        {"head": {}, "data": 3, "bytes": 0},
        {"head": {}, "data": {}, "bytes": 0},
        {"head": {}, "data": [], "bytes": 0},
        {"head": {}, "data": [["list"]], "bytes": 0},
        {"head": {}, "data": ["pickle", "x"], "bytes": 0},
        {"head": {}, "data": ["array", "O", [1]], "bytes": 0},
        {"head": {}, "data": ["array", "float64", [10**9]], "bytes": 0},
        {"head": {}, "data": ["array", "float64", [-1]], "bytes": 0},
        {"head": {}, "data": ["array", "float64", [0] * 40], "bytes": 0},
        {"head": {}, "data": ["array", "float64", 3], "bytes": 0},
        {"head": {}, "data": ["tensor", "load", [0]], "bytes": 0},
        {"head": {}, "data": ["scalar", None], "bytes": 0},
        {"head": {}, "data": ["int", "0x" + "f" * 10, "more"], "bytes": 0},
        {"head": {}, "data": ["float", 1.0], "bytes": 0},
        {"head": {}, "data": ["dict", ["list"]], "bytes": 0},
    ],
)
def test_a_frame_that_is_not_exactly_one_is_refused(line):
    with pytest.raises((codec.ProtocolError, codec.Closed)):
        through_a_wall(json.dumps(line).encode() + b"\n")


def test_numbers_beyond_64_bits_become_floats():
    assert through_a_wall(codec.frame({}, [2**80, -(10**4000)]))[1] == [2.0**80, -np.inf]


def test_silence_and_floods_end_in_time():
    with pytest.raises(codec.Closed):
        through_a_wall(b'{"head"')
    mine, theirs = socket.socketpair()
    with mine, theirs, pytest.raises(codec.TooLate):
        codec.Channel(theirs).receive(0.05)
    with pytest.raises(codec.ProtocolError):
        through_a_wall(b"x" * (codec.LONGEST_LINE + 70_000))


def test_a_cell_with_commands_of_ipython_keeps_its_python():
    source = "%matplotlib inline\nx = 7\n!ls\n  %time x\nprint?\ny = x % 2"
    assert notebook.without_magics(source) == "\nx = 7\n\n\n\ny = x % 2"
    assert notebook.without_magics("%%bash\nrm -rf /") == "" and notebook.without_magics("%%time\nx = 1") == "\nx = 1"
    assert notebook.without_magics("%%trace Attention\nx = 1") == "\nx = 1", "a traced answer is an answer"
