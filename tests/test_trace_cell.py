"""The cell magic %%trace, in a shell of IPython."""

import re
import sys

import pytest
from IPython.core.interactiveshell import InteractiveShell


@pytest.fixture
def shell():
    shell = InteractiveShell.instance()
    shell.run_cell("%load_ext ropelib.trace\nimport numpy as np")
    yield shell
    InteractiveShell.clear_instance()


def test_the_cell_magic_runs_the_cell_in_the_notebook(shell):
    shell.run_cell("def helper(a):\n    b = a + 1\n    return b")
    done = shell.run_cell("%%trace\nx = np.zeros(3)\nfor i in range(2):\n    x[i] = helper(i)\ndef late(): return x\n")
    assert done.success and shell.user_ns["x"].tolist() == [1, 2, 0] and shell.user_ns["late"]() is shell.user_ns["x"]
    text = done.result.describe()
    assert text.splitlines()[0] == "Trace of this cell: 12 steps in 3 calls"
    assert "   1       x = np.zeros(3)" in text and "x: array (3,) float64  1.0 2.0 0.0" in text
    assert "helper" in text and "returns: int  2" in text
    later = shell.run_cell("from ropelib import trace_lines\ntrace_lines(late)")
    assert "returns: array (3,) float64" in later.result.describe()


def test_a_cell_that_begins_with_a_definition_has_no_step_there(shell):
    done = shell.run_cell("%%trace\ndef long(n):\n    x = np.arange(n)\n    return x\ny = long(40)")
    text = done.result.describe()
    assert text.splitlines()[0] == "Trace of this cell: 4 steps in 2 calls"
    assert "   1       def long(n):\n           n: int  40" in text
    assert "x: array (40,) int64  0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 …" in text


def test_the_cell_magic_follows_named_classes_into_their_module(shell):
    shell.run_cell("from ropelib.worked_example import *")
    done = shell.run_cell("%%trace RotaryPositionAttention\noutput, _ = RotaryPositionAttention(4).forward(Q, K, V)")
    assert "RotaryPositionAttention.apply_rotation" in done.result.describe()
    assert "helper" not in done.result.describe()
    assert "takes names of functions and classes" in str(shell.run_cell("%%trace nobody\n1").error_in_exec)


def test_an_exception_in_a_traced_cell_is_shown_and_raised(shell, capsys):
    done = shell.run_cell("%%trace\na = 1\na / 0\nb = 2")
    assert isinstance(done.error_in_exec, ZeroDivisionError)
    assert "b" not in shell.user_ns and shell.user_ns["a"] == 1
    shown, report = capsys.readouterr().out.split("ZeroDivisionError", 1)
    assert "Trace of this cell: 2 steps in 1 call" in shown
    assert "a / 0" in report and "ropelib" not in report and "run_cell_magic" not in report


@pytest.mark.slow
def test_an_endless_recursion_is_told_without_the_tracers_lines(shell, capsys):
    assert not shell.run_cell("%%trace\ndef deeper(n):\n    return deeper(n + 1)\ndeeper(0)").success
    report = re.sub(r"\x1b\[[\d;]*m", "", capsys.readouterr().out.split("Traceback", 1)[1])
    assert "return deeper(n + 1)" in report and "_keep_room" not in report and "run_cell_magic" not in report


def test_what_is_no_python_is_told_with_its_line(shell, capsys):
    assert not shell.run_cell("%%trace\na = 1\na = = 1").success
    told = capsys.readouterr().err
    assert told == "UsageError: line 2 of the cell is not Python: invalid syntax\na = = 1\n    ^\n"


def test_the_last_expression_is_the_value_of_the_cell(shell, capsys):
    done = shell.run_cell("%%trace\nfor i in range(3):\n    i * 10\ni + 40")
    assert done.result == 42 and "last value 42" in capsys.readouterr().out
    assert sys.displayhook is shell.displayhook or sys.displayhook is sys.__displayhook__
    assert shell.run_cell("%%trace\n1 + 1\na = 5").result.describe().startswith("Trace of this cell: 2 steps in 1 call")
    assert "no line of it ran" in shell.run_cell("%%trace\n# nothing\n").result.describe()
