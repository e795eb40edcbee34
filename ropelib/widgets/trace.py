"""A function's own lines, and what each of them did to every value.

    trace_lines(function, *args, **kwargs)      runs it once, and shows every line of it
    %%trace                                     the same for a whole cell, once this module is imported
    %%trace RotaryPositionAttention             … and also for the module in which that name is defined

The lines recorded are those of the function and of all functions of the same notebook or module that it calls. Their
steps stand in the order in which they were done: a line that calls comes after the lines that it called.
"""

import contextlib
import functools
import textwrap
from collections.abc import Callable
from typing import Any

import traitlets
from IPython import get_ipython
from IPython.core.error import UsageError
from IPython.display import display
from matplotlib.figure import Figure

from ropelib import plotting
from ropelib.trace import record, record_cell
from ropelib.tracing.packed import pack
from ropelib.tracing.steps import Recording
from ropelib.tracing.words import CELL, headline, in_brief, in_words
from ropelib.widgets.base import Interactive, module_source, style_source
from ropelib.widgets.picture import Line, page

NUMBERS_IN_TEXT, NUMBERS_IN_PICTURE, LINES_IN_PICTURE, COLUMNS_IN_PICTURE = 25, 4, 28, 90
COLORS = {"title": plotting.INK, "line": plotting.INK, "value": plotting.QUERY}


def trace_lines(function: Callable[..., Any], *args: Any, **kwargs: Any) -> "Trace":
    """Run function(*args, **kwargs) once and show what every line of it changed.

    function: a function, method, class, or callable object (a PyTorch module) that is written in Python
    returns:  a widget; its result is what the function returned, its exception what it raised, or None

    Raises ValueError where the function is not written in Python, or its source cannot be found.
    """
    name = getattr(function, "__qualname__", type(function).__name__).replace("<locals>.", "")
    return Trace(record(function, *args, **kwargs), name)


class Trace(Interactive):
    """The lines of a recording; step is the number of the step that is shown."""

    _esm = module_source("trace")
    _css = style_source("trace")

    headline = traitlets.Unicode().tag(sync=True)
    sections = traitlets.List().tag(sync=True)
    steps = traitlets.List().tag(sync=True)
    values = traitlets.List().tag(sync=True)
    total = traitlets.Int(0).tag(sync=True)
    step = traitlets.Int(0).tag(sync=True)

    def __init__(self, recording: Recording, name: str) -> None:
        self.result, self.exception = recording.result, recording.exception
        self._packed = pack(recording)
        super().__init__(
            headline=headline(recording, name),
            sections=self._packed.sections,
            steps=self._packed.steps,
            values=self._packed.values,
            total=recording.total,
        )

    def describe(self) -> str:
        """Every line that ran, with the values that its last visit changed."""
        return "\n".join([self.headline, *(text for _, text in in_words(self._packed, NUMBERS_IN_TEXT))])

    def snapshot(self) -> Figure:
        """The lines that changed values, as many as fit."""
        words = list(in_brief(self._packed, NUMBERS_IN_PICTURE))
        lines = [
            Line(
                text if len(text) <= COLUMNS_IN_PICTURE else f"{text[:COLUMNS_IN_PICTURE]}…",
                COLORS[kind],
                code=True,
                bold=kind == "title",
            )
            for kind, text in words
        ]
        if len(lines) > LINES_IN_PICTURE:
            more = Line(f"… and {len(lines) - LINES_IN_PICTURE} lines more: run the cell", bold=True)
            lines = [*lines[:LINES_IN_PICTURE], more]
        return page([*(Line(text, bold=True) for text in textwrap.wrap(self.headline, 88)), *lines])

    @traitlets.validate("step")
    def _exists(self, proposal: Any) -> int:
        if not 0 <= proposal.value < max(len(self.steps), 1):
            raise traitlets.TraitError(f"step must be 0 to {len(self.steps) - 1}, but got {proposal.value}")
        return proposal.value


def trace_cell(shell: Any, names: str, cell: str) -> Any:
    """Run a cell in the notebook's namespace and show what every line of it changed.

    names:   of functions or classes, whose modules are recorded as well
    returns: the value of an expression in its last line, as without %%trace; where there is none, the trace

    An exception of the cell is shown at its line, and then raised as it would be without %%trace.
    Raises UsageError for a name that is not defined, or that no module of Python code defines; for a cell that is no
    Python.
    """
    also = [_globals(shell, name) for name in names.split()]
    try:
        text = shell.transform_cell(cell)
        recording = record_cell(text, file := shell.compile.cache(text), shell.user_ns, also)
    except SyntaxError as error:
        raise UsageError(_no_python(error)) from None
    shown = Trace(recording, CELL)
    if recording.exception is None and recording.result is None:
        return shown
    display(shown)
    if recording.exception is None:
        return recording.result
    raise _told_in_the_cell(recording.exception, file, shell)


def _no_python(error: SyntaxError) -> str:
    """What is wrong with the cell, with its line and a mark below the place."""
    line = (error.text or "").rstrip()
    return f"line {error.lineno} of the cell is not Python: {error.msg}\n{line}\n{' ' * ((error.offset or 1) - 1)}^"


def _told_in_the_cell(error: Exception, file: str, shell: Any) -> Exception:
    """The error, which IPython will report without the lines of the tracer, around the cell's and beyond them."""
    frames = error.__traceback__
    while frames.tb_next and frames.tb_frame.f_code.co_filename != file:
        frames = frames.tb_next
    last = frames
    while last.tb_next and not last.tb_next.tb_frame.f_globals.get("__name__", "").startswith("ropelib.tracing"):
        last = last.tb_next
    last.tb_next = None
    report = functools.partial(shell.InteractiveTB.structured_traceback, type(error), error, frames, tb_offset=0)
    with contextlib.suppress(AttributeError):  # an exception with slots
        error._render_traceback_ = report
    return error


def register(shell: Any) -> None:
    """Add the cell magic %%trace."""
    shell.register_magic_function(lambda line, cell: trace_cell(shell, line, cell), "cell", "trace")


def _globals(shell: Any, name: str) -> dict[str, Any]:
    found = shell.user_ns.get(name)
    space = getattr(getattr(found, "__init__", None) if isinstance(found, type) else found, "__globals__", None)
    if space is None:
        raise UsageError(f"%%trace takes names of functions and classes written in Python, but got {name!r}")
    return space


if get_ipython() is not None:
    register(get_ipython())
