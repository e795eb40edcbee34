"""What a trace shows: numbers as text, tensors, the size of what is saved, the description."""

import json
import linecache

import numpy as np
import pytest
import traitlets

import ropelib
from ropelib.trace import record
from ropelib.tracing.snapshots import digest, numbers, show, summary
from ropelib.widgets.trace import trace_lines
from ropelib.worked_example import K, Q, RotaryPositionAttention, V


@pytest.mark.parametrize(
    ("entries", "shown"),
    [
        ([1.0, 0.5, -0.0], ["1.0", "0.5", "0.0"]),
        ([0.54030230586, -0.8414709848], ["0.5403", "-0.8415"]),
        ([1.0, 6.1e-17, -6.1e-17], ["1.0", "≈0", "≈0"]),
        ([1e30, 1e-30, 0.0], ["1e+30", "≈0", "0"]),
        ([1e-30, 0.0], ["1e-30", "0"]),
        ([0.1 + 0.2, 1.0], ["0.3", "1.0"]),
        ([1.0, 0.01, 0.0001], ["1", "0.01", "0.0001"]),
        ([123456.0, 0.25], ["1.2346e+05", "0.25"]),
        ([np.nan, np.inf, -np.inf], ["nan", "inf", "-inf"]),
        ([3, -4], ["3", "-4"]),
        ([True, False], ["True", "False"]),
        ([1 + 2j, -1j], ["1.0+2.0j", "0.0-1.0j"]),
        (np.array([1.0, 1e-9], dtype=np.float32), ["1.0", "≈0"]),
        (["a b", "c"], ["ab", "c"]),
    ],
)
def test_numbers_are_the_same_on_every_machine(entries, shown):
    assert numbers(np.array([entries]))[0] == shown


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.1 + 0.2, "0.3"),
        (-0.0, "0.0"),
        (np.float64(1 / 3), "0.3333"),
        (np.int64(3), "3"),
        ({"b", "a", "c"}, "{'a', 'b', 'c'}"),
        ((1,), "(1,)"),
        ({"x": np.ones(2)}, "{'x': array (2,) float64}"),
        (object(), "object object"),
        (len, "<built-in function len>"),
        (straight := lambda: 0, "function <lambda>"),
        ("x" * 500, "'" + "x" * 158 + "…"),
    ],
)
def test_other_values_have_a_short_text_without_an_address(value, text):
    assert summary(value) == text


def test_a_digest_changes_with_the_content_and_with_nothing_else():
    x = np.arange(6.0)
    kept = digest(x)
    assert digest(x.copy()) == kept == digest(np.arange(12.0)[::2] / 2 * 1) and digest(x.reshape(2, 3)) != kept
    x[5] = np.nan
    assert digest(x) != kept and digest(x) == digest(x.copy())
    assert digest(np.array([-0.0])) == digest(np.array([0.0])) and digest(0.0) == digest(-0.0)
    assert digest([1, [x]]) != digest([1, [np.zeros(6)]]) and digest(True) != digest(1) != digest(1.0)
    assert digest({1, 2}) == digest({2, 1})


def test_large_arrays_are_cut_and_summarised():
    shown = show(np.arange(4096.0 * 128).reshape(4096, 128))
    assert shown.window.shape == (16, 16) and shown.shape == (4096, 128)
    assert shown.note == "from 0 to 5.2429e+05"
    assert "1 NaN" in show(np.array([[np.nan, 1.0]])).note
    assert show(np.zeros((2, 3, 4))).window.shape == (6, 4)
    assert show(np.zeros((0, 3))).window.size == 0


def test_tensors_are_read_like_arrays():
    torch = pytest.importorskip("torch")

    def work(x):
        y = x.to(torch.bfloat16) / 3
        with torch.no_grad():
            x[0] = 5.0
        x = x.t()
        scalar = x.sum()
        return y.requires_grad_(), scalar

    recording = record(work, torch.ones(2, 3))
    changes = {c.name: c for step in recording.steps for c in step.changes}
    assert changes["y"].value.title == "tensor (2, 3) bfloat16"
    assert numbers(changes["y"].value.window)[0] == ["0.3340"] * 3
    assert changes["x"].value.title == "tensor (3, 2) float32" and changes["scalar"].value.text == "18.0"
    inside = next(c for s in recording.steps for c in s.changes if c.name == "x" and c.marks is not None)
    assert inside.marks.tolist() == [[True] * 3, [False] * 3]
    for strange in (torch.empty(2, device="meta"), torch.eye(2).to_sparse(), torch.zeros(2, dtype=torch.complex64)):
        assert show(strange).title and digest(strange)


def test_a_pytorch_module_shows_its_forward_and_its_buffers():
    torch = pytest.importorskip("torch")

    class Doubler(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.register_buffer("factor", torch.tensor([2.0]))

        def forward(self, x):
            self.factor += 1
            return x * self.factor

    module = Doubler()
    text = trace_lines(module, torch.ones(2)).describe()
    assert "Trace of Doubler" in text and "self.factor: tensor (1,) float32  3.0" in text
    assert "returns: tensor (2,) float32  3.0 3.0" in text
    assert "self.factor: tensor (1,) float32  2.0" in trace_lines(Doubler).describe()


def many_large_arrays():
    x = np.random.default_rng(0).standard_normal((200, 200))
    for i in range(300):
        x[i % 16] += i
        y = x * 2
        z = [x, y, x]
    return z


SOURCE = "def long():\n" + "".join(f"    x{i} = {i} * np.pi + np.zeros((20, 20))\n" for i in range(400))


@pytest.mark.slow
def test_what_is_saved_stays_below_200_kb():
    space = {"np": np}
    linecache.cache["<long>"] = (len(SOURCE), None, SOURCE.splitlines(keepends=True), "<long>")
    exec(compile(SOURCE, "<long>", "exec"), space)
    for function in (many_large_arrays, space["long"]):
        shown = trace_lines(function)
        assert 10_000 < len(json.dumps(shown.get_state(), default=str)) < 200_000
        assert shown.steps and shown.describe()
    assert len(shown.steps) == 401, "all of 400 statements that ran once"


def test_the_last_visit_survives_every_cut():
    shown = trace_lines(many_large_arrays)
    last = [step for step in shown.steps if step["of"] == 300][-1]
    assert last["visit"] == 300 and last["changes"]


def test_the_description_tells_every_line_with_numbers():
    attention = RotaryPositionAttention(4)
    shown = trace_lines(attention.forward, Q, K, V)
    text = shown.describe()
    assert text == trace_lines(attention.forward, Q, K, V).describe()
    assert "0x" not in text and __file__ not in text
    assert text.startswith("Trace of RotaryPositionAttention.forward: 35 steps in 11 calls, returned (array (5, 4)")
    _, weights = attention.forward(Q, K, V)
    row = " | ".join(" ".join(f"{entry:.4f}" for entry in line) for line in weights)
    assert f"weights: array (5, 5) float64  {row}" in text
    assert shown.exception is None and np.array_equal(shown.result[1], weights)


def test_the_picture_and_the_bundle():
    data, _ = trace_lines(RotaryPositionAttention(4).forward, Q, K, V)._repr_mimebundle_()
    assert data["text/plain"].startswith("Trace of") and data["image/png"].startswith("iVBOR")
    assert "application/vnd.jupyter.widget-view+json" in data


def test_the_picture_begins_with_the_lines_that_change_values():
    """Chapter 02 asks in which line positions enter: it is in the picture that GitHub shows."""
    shown = trace_lines(RotaryPositionAttention(4).forward, Q, K, V)
    drawn = [text.get_text() for text in shown.snapshot().texts]
    assert any("return rotation_angles(np.arange(seq_len), self.inv_freq)" in line for line in drawn)
    assert not any("_check" in line for line in drawn)
    assert drawn[2] == "RotaryPositionAttention.forward" and drawn[3].lstrip().startswith("96")


def test_an_exception_is_shown_and_not_raised():
    def broken(x):
        return x / np.ones(3)

    shown = trace_lines(broken, np.ones(2))
    assert isinstance(shown.exception, ValueError) and shown.result is None
    assert "ended by ValueError: operands could not be broadcast" in shown.headline
    assert "raises ValueError" in shown.describe()


@pytest.mark.parametrize("step", [-1, 35, "1", None])
def test_a_step_that_does_not_exist_is_refused(step):
    shown = trace_lines(RotaryPositionAttention(4).forward, Q, K, V)
    with pytest.raises(traitlets.TraitError):
        shown.step = step
    assert shown.step == 0


def test_trace_lines_is_found_in_the_package():
    assert ropelib.trace_lines is trace_lines
    with pytest.raises(AttributeError, match="no attribute 'trace_line'"):
        ropelib.trace_line  # noqa: B018
