"""The recorder: what each statement changed, for every kind of statement and value, and nothing disturbed."""

import sys

import numpy as np

from ropelib.trace import record
from ropelib.worked_example import K, Q, RotaryPositionAttention, V

from . import traced
from .traced import straight


def told(recording, call=None):
    """Each step as (its first line of source, {name: state}, notes)."""
    return [
        (
            recording.sources[step.file].lines[step.statement.start - 1].strip(),
            {change.name: change.state for change in step.changes},
            step.notes,
        )
        for step in recording.steps
        if call in (None, step.call)
    ]


def texts(recording, name):
    """What a name was shown to hold, in order of time."""
    return [c.value.text for s in recording.steps for c in s.changes if c.name == name and c.value is not None]


def test_every_statement_tells_what_it_assigned():
    assert told(record(straight, 1)) == [
        ("def straight(x):", {"x": "new"}, []),
        ("y = x + 1", {"y": "new"}, []),
        ("z = w = y * 2", {"z": "new", "w": "new"}, []),
        ("y = y", {"y": "same"}, []),
        ("return z", {"": "returned"}, []),
    ]


def test_loops_keep_every_visit_and_say_which_way_they_went():
    recording = record(traced.loops, 4)
    assert recording.result == (3, True)
    steps = told(recording)
    headers = [(changes, notes) for source, changes, notes in steps if source.startswith("for i")]
    assert headers == [({"i": "new"}, []), *[({"i": "changed"}, [])] * 3, ({}, ["no more items"])]
    assert [notes for source, _, notes in steps if source.startswith("if")] == [["false"], ["true"]] * 2
    whiles = [notes for source, _, notes in steps if source.startswith("while")]
    assert whiles == [["true"], ["false, the loop ends"]]
    assert texts(recording, "total") == ["0", "1", "4", "1", "3"]
    assert [step.visit for step in recording.steps if step.statement.kind == "While"] == [1, 2]


def test_exceptions_are_told_at_their_lines_and_kept():
    recording = record(traced.failing, 0)
    assert isinstance(recording.exception, ValueError) and recording.result is None
    assert told(recording)[1:] == [
        ("try:", {}, []),
        ("y = 1 / x", {}, ["raises ZeroDivisionError: division by zero"]),
        ("except ZeroDivisionError as error:", {"error": "new"}, []),
        ("y = str(error)", {"y": "new"}, []),
        ("z = 2", {"z": "new"}, []),
        ('with np.errstate(all="ignore") as state:', {"state": "new"}, []),
        ("w = z", {"w": "new"}, []),
        ('with np.errstate(all="ignore") as state:', {}, []),
        ('raise ValueError(f"no {y}")', {}, ["raises ValueError: no division by zero"]),
    ]


def test_recursion_keeps_the_calls_apart():
    recording = record(traced.factorial, 4)
    assert recording.result == 24 and recording.calls == 4
    returns = [(s.call, s.depth, c.value.text) for s in recording.steps for c in s.changes if c.state == "returned"]
    assert sorted(returns) == [(1, 1, "24"), (2, 2, "6"), (3, 3, "2"), (4, 4, "1")]


def test_generators_go_on_where_they_stopped():
    recording = record(traced.use_generators)
    assert recording.result == (0, 1, [0, 1]) and recording.exception is None
    generator = told(recording, call=2)
    assert generator[0] == ("def counting(n):", {"n": "new"}, [])
    assert [changes for source, changes, _ in generator if source.startswith("got")] == [
        {"": "yielded", "got": "new"},
        {"": "yielded"},
    ]
    assert ("last = yield from counting(2)", {"": "yielded", "last": "new"}, []) in told(recording, call=3)
    assert not any("raises" in note for step in recording.steps for note in step.notes)


def test_what_is_thrown_into_a_generator_is_told_there():
    recording = record(traced.thrown_into)
    assert isinstance(recording.exception, KeyError)
    last = [step for step in recording.steps if step.call == 2][-1]
    assert last.notes == ["raises KeyError: 'thrown'"] and [change.state for change in last.changes] == ["yielded"]


def test_a_comprehension_is_one_statement_and_keeps_its_variable_to_itself():
    steps = told(record(traced.comprehensions), call=1)
    assert steps[1] == ("squares = [", {"squares": "new", "last": "new"}, [])
    assert steps[-1] == ("return sum(", {"": "returned"}, [])
    assert ("for k in Countdown(1):", {}, ["no more items"]) in steps


def test_methods_tell_what_they_do_to_self():
    steps = told(record(traced.comprehensions))
    assert ("self.n = n", {"self.n": "new"}, []) in steps
    assert ("self.n -= 1", {"self.n": "changed"}, []) in steps
    assert ("def __iter__(self): return self  # fmt: skip", {"": "returned"}, []) in steps


def test_in_place_writes_and_views_mark_the_entries_that_changed():
    changes = [{c.name: c for c in step.changes} for step in record(traced.in_place).steps]
    through_view = changes[3]
    assert through_view["even"].state == through_view["x"].state == "changed"
    expected = np.zeros((3, 4), dtype=bool)
    expected[1, ::2] = True
    np.testing.assert_array_equal(through_view["x"].marks, expected)
    assert changes[4].keys() == {"x"} and np.argwhere(changes[4]["x"].marks).tolist() == [[0, 3]]
    assert changes[5]["x"].state == changes[5]["even"].state == "changed", "written by a call, not by an assignment"
    assert changes[6]["x"].state == "same"
    np.testing.assert_array_equal(changes[7][""].value.window, traced.in_place())


def test_a_statement_over_several_lines_is_one_step():
    recording = record(traced.several_lines, np.zeros(3))
    assert told(recording)[1:] == [
        ("y = np.add(", {"y": "new"}, []),
        ("if (", {}, ["true"]),
        ("y = -y", {"y": "changed"}, []),
        ("first, *rest = (", {"first": "new", "rest": "new"}, []),
        ("a = 1; b = a + 1", {"a": "new", "b": "new"}, []),
        ("del a", {"a": "deleted"}, []),
        ("match b:", {}, []),
        ("case 1:", {}, ["does not match"]),
        ("case int(c) if c:", {"c": "new"}, ["matches"]),
        ("b += 1", {"b": "changed"}, []),
        ("return y", {"": "returned"}, []),
    ]
    assert [step.statement.stop - step.statement.start + 1 for step in recording.steps[1:5]] == [7, 4, 1, 4]


def test_decorators_show_the_function_and_what_is_around_it():
    recording = record(traced.decorated, 3)
    assert recording.result == 6
    assert [section[3] for section in recording.sections] == ["decorated", "logged.wrapper"]
    assert ("def decorated(x):", {"x": "new"}, []) in told(recording)
    assert ("result = function(*args)", {"result": "new"}, []) in told(recording)
    recording = record(traced.undeclared, 3)
    assert recording.result == 10 and {s[3] for s in recording.sections} == {"bare.inner", "undeclared"}


def test_closures_and_globals_are_followed():
    traced.table.clear()
    steps = told(record(traced.closures))
    assert ("add()", {"count": "changed"}, []) in steps and ("count += 1", {"count": "changed"}, []) in steps
    assert ("TOTAL = count", {"TOTAL": "changed"}, []) in steps
    assert ("table.append(count)", {"table": "changed"}, []) in steps
    assert not any(source.startswith("def add") and changes for source, changes, _ in steps)


def test_the_changes_replayed_give_the_final_values():
    recording, final = record(traced.everything, 6), traced.everything(6)
    replayed = {c.name: c.value for step in recording.steps for c in step.changes if c.name}
    assert replayed.keys() == final.keys()
    np.testing.assert_array_equal(replayed["values"].window, final["values"][None])
    for name in ("n", "flag", "i"):
        assert replayed[name].text == str(final[name])
    assert replayed["names"].text.startswith(f"{{0: 0.0, 1: {final['names'][1]}")


def lines_run(function, *args):
    """The lines that Python reports for functions of the worked example, by a tracer of its own."""
    lines = set()

    def note(frame, event, argument):
        if not frame.f_code.co_filename.endswith("worked_example.py"):
            return None
        lines.add(frame.f_lineno)
        return note

    before = sys.gettrace()
    sys.settrace(note)
    try:
        function(*args)
    finally:
        sys.settrace(before)
    return lines


def test_the_worked_example_shows_every_line_including_forward():
    attention = RotaryPositionAttention(4)
    recording = record(attention.forward, Q, K, V)
    assert {section[3] for section in recording.sections} >= {
        "RotaryPositionAttention.forward",
        "RotaryPositionAttention.apply_rotation",
        "PositionFreeAttention.forward",
        "PositionFreeAttention.compute_weights",
    }
    source = next(iter(recording.sources.values()))
    ran = {source.statement(line).start for line in lines_run(attention.forward, Q, K, V)}
    assert ran == {step.statement.start for step in recording.steps}
    changes = {c.name: c.value.window for step in recording.steps for c in step.changes if c.value}
    output, weights = attention.forward(Q, K, V)
    np.testing.assert_array_equal(changes["weights"], weights)
    np.testing.assert_array_equal(recording.result[0], output)
