"""A trace in time: the order of its steps, what is left out of a long one, and how it ends."""

import sys
import warnings

import numpy as np
import pytest

from ropelib.trace import record
from ropelib.tracing import tracer
from ropelib.widgets.trace import trace_lines
from ropelib.worked_example import K, Q, RotaryPositionAttention, V

from . import traced
from .test_trace import texts, told


def sources(shown):
    """The source line of each step, "" for an entry that stands for steps not kept."""
    lines = [line.strip() for section in shown.sections for line in section["lines"]]
    return [lines[step["row"]] if step["visit"] else "" for step in shown.steps]


def test_a_line_that_calls_comes_after_the_lines_it_called():
    shown = trace_lines(RotaryPositionAttention(4).forward, Q, K, V)
    order = sources(shown)
    computed, angles = order.index("return rotation_angles(np.arange(seq_len), self.inv_freq)"), "angles = self.compute"
    caller = next(index for index, line in enumerate(order) if line.startswith(angles))
    assert caller == computed + 1
    assert shown.steps[computed]["caller"] == shown.steps[caller]["row"]
    assert [step["number"] for step in shown.steps] == list(range(1, 36))


def test_recursion_and_generators_are_told_in_the_order_of_their_results():
    returned = [c.value.text for s in record(traced.factorial, 4).steps for c in s.changes if c.state == "returned"]
    assert returned == ["1", "2", "6", "24"]
    recording = record(traced.use_generators)
    order = [source for source, _, _ in told(recording)]
    assert order.index("got = yield i") < order.index("first = next(running)")


def long():
    for i in range(1000):
        x = i
    return x


def test_long_loops_keep_the_first_visits_and_the_last():
    recording = record(long)
    assert [s.visit for s in recording.steps if s.statement.kind == "Assign"] == [*range(1, 41), *range(991, 1001)]
    assert texts(recording, "x")[-1] == "999"
    assert recording.total == 2003 and recording.steps[-1].number == 2003


def test_steps_that_are_left_out_have_an_entry_that_counts_them():
    shown = trace_lines(long)
    assert shown.total == 2003
    at = sources(shown).index("")
    before, gap, after = shown.steps[at - 1 : at + 2]
    assert gap["notes"] == [f"Steps {before['number'] + 1} to {after['number'] - 1} of 2003 are not kept."]
    kept = [step for step in shown.steps if step["visit"]]
    assert len(kept) + after["number"] - before["number"] - 1 == 2003


def deep(n):
    return deep(n - 1) if n else np.ones(3)


def without_end(n):
    m = n + 1
    return without_end(m)


def test_a_recursion_without_end_ends_at_its_line_with_the_values_whole():
    before = sys.getrecursionlimit()
    shown = trace_lines(without_end, 0)
    assert sys.getrecursionlimit() == before
    assert isinstance(shown.exception, RecursionError)
    kept = [step for step in shown.steps if step["visit"]]
    assert kept[-1]["number"] == shown.total and kept[-1]["call"] == 1
    raising = [step for step in kept if step["notes"]]
    assert len(raising) >= 10 and all("raises RecursionError" in step["notes"][0] for step in raising)
    assert "cannot be shown" not in shown.describe() and "raises RecursionError" in shown.describe()
    values = [shown.values[c["value"]]["text"] for step in kept for c in step["changes"]]
    assert all(value.isdigit() for value in values) and len(set(values)) > 40


def test_what_runs_untraced_runs_traced():
    used = 0
    frame = sys._getframe()
    while frame:
        used, frame = used + 1, frame.f_back
    depth = sys.getrecursionlimit() - used - 15
    assert deep(depth).size == 3
    recording = record(deep, depth)
    assert recording.exception is None and recording.calls == depth + 1


def test_a_very_long_run_is_recorded_up_to_a_limit_and_finishes(monkeypatch):
    monkeypatch.setattr(tracer, "MOST_STEPS", 500)
    before = sys.gettrace()
    shown = trace_lines(long)
    assert sys.gettrace() is before and shown.result == 999
    assert shown.headline == (
        "Trace of long: the first 500 steps in 1 call (the rest ran without being recorded), returned 999"
    )
    monkeypatch.setattr(tracer, "MOST_SECONDS", 0)
    assert record(long).total < 5 and not record(long).is_whole


def test_backward_tells_the_gradients_it_made():
    torch = pytest.importorskip("torch")

    def learn(x):
        weight = torch.nn.Parameter(torch.ones(2))
        (x * weight).sum().backward()
        weight.grad = None
        y = x * 2
        return y

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        steps = record(learn, torch.tensor([3.0, 4.0], requires_grad=True)).steps
    changes = [{change.name: change.state for change in step.changes} for step in steps]
    assert changes[2] == {"x.grad": "new", "weight.grad": "new"}
    assert changes[3] == {"weight.grad": "deleted"} and changes[4] == {"y": "new"}


async def waiting():
    return 1


async def pouring():
    yield 1


def empty_handed(n):
    return n


@pytest.mark.parametrize(
    ("function", "arguments", "why"),
    [
        (empty_handed, (), "no line of it ran, because calling it raised TypeError: empty_handed() missing 1 required"),
        (traced.counting, (3,), "whose lines run when it is consumed: trace a function that consumes it"),
        (waiting, (), "It is asynchronous: its lines run when it is awaited, and that is not traced"),
        (pouring, (), "It is asynchronous"),
    ],
)
def test_where_nothing_ran_the_trace_says_why(function, arguments, why):
    shown = trace_lines(function, *arguments)
    assert shown.steps == [] and why in shown.headline
    assert shown.describe() == shown.headline and shown._png()
    getattr(shown.result, "close", lambda: None)()


def test_a_generator_is_traced_where_it_is_consumed():
    assert "yields: int  2" in trace_lines(lambda: list(traced.counting(3))).describe()
