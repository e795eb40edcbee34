"""A trace disturbs nothing: the tracer before it, the values it looks at, the functions it cannot follow."""

import functools
import sys

import numpy as np
import pytest

from ropelib.trace import record

from . import traced
from .test_trace import texts, told
from .traced import Countdown, Hostile, straight


def tracers():
    return [None, lambda frame, event, argument: None]


@pytest.mark.parametrize("previous", tracers())
def test_the_previous_tracer_is_restored_whatever_happens(previous):
    def interrupted():
        raise KeyboardInterrupt

    before = sys.gettrace()
    sys.settrace(previous)
    try:
        for function in (straight, traced.failing):
            record(function, 0)
            assert sys.gettrace() is previous
        with pytest.raises(KeyboardInterrupt):
            record(interrupted)
        assert sys.gettrace() is previous
    finally:
        sys.settrace(before)


def nested():
    inner = record(straight, 1)
    after = len(inner.steps)
    return after


def test_a_trace_within_a_trace():
    recording = record(nested)
    assert recording.result == 5
    assert texts(recording, "after") == ["5"]


def test_hostile_values_disturb_nothing():
    recording = record(traced.meets, Hostile())
    assert recording.exception is None
    assert texts(recording, "held")[0] == "Hostile, which cannot be shown (RuntimeError)"


def test_callables_of_all_kinds():
    class Doubler:
        def __call__(self, x):
            return 2 * x

    assert record(Doubler(), 3).result == 6
    assert record(functools.partial(straight, 1)).result == 4
    assert record(Countdown, 3).sections[0][3] == "Countdown.__init__"
    assert told(record(lambda x: x + 1, 2))[0][1] == {"x": "new", "": "returned"}
    assert list(record(traced.counting, 1).result) == [0], "a generator that nobody starts runs afterwards, untraced"


def compiled_without_source():
    space = {}
    exec(compile("def f(): return 1", "<nowhere>", "exec"), space)
    return space["f"]


@pytest.mark.parametrize(
    ("function", "message"),
    [
        (len, "must be written in Python, but got <built-in function len>"),
        (np.add, "must be written in Python, but got <ufunc 'add'>"),
        (compiled_without_source(), "must have its source at hand, but f has not"),
        (3, "must be written in Python, but got 3"),
    ],
)
def test_what_cannot_be_traced_is_refused(function, message):
    with pytest.raises(ValueError, match=message):
        record(function)
