"""Follow a function line by line with sys.settrace, and keep what every statement changed.

Python reports "call", "line", "exception" and "return". A statement is over when the next one is about to run, so
what has changed by then is booked on the one before.
"""

import dis
import itertools
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from inspect import CO_OPTIMIZED
from types import CodeType, FrameType
from typing import Any

from ropelib.tracing.names import Change, Names
from ropelib.tracing.snapshots import show
from ropelib.tracing.statements import Source, Statement

MOST_VISITS = 50
DEFINITIONS = ("FunctionDef", "AsyncFunctionDef", "ClassDef")
# What the next line says about a loop or a branch: it is in the block, or it is not.
OUTCOMES = {
    "If": ("true", "false"),
    "While": ("true", "false, the loop ends"),
    "For": ("", "no more items"),
    "AsyncFor": ("", "no more items"),
    "match_case": ("matches", "does not match"),
}


@dataclass(eq=False)
class Step:
    """One run of one statement. visit: which run of this statement; call, depth: which call, and how deep it is."""

    file: str
    statement: Statement
    visit: int
    call: int
    function: str
    depth: int
    changes: list[Change] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Recording:
    """steps:    in order of time; of every statement at most the first 49 visits and the last
    sections: (file, first line, last line, title) of each function, in the order of their first calls
    visits:   how often each statement ran, by (file, first line)
    result, exception: what the function returned, or raised
    """

    steps: list[Step]
    sections: list[tuple[str, int, int, str]]
    sources: dict[str, Source]
    visits: Counter
    calls: int
    result: Any
    exception: Exception | None


class Tracer:
    """Follows the code root, and every function whose globals are one of the namespaces."""

    def __init__(self, namespaces: Sequence[dict[str, Any]], root: CodeType) -> None:
        self._namespaces, self._root = {id(namespace) for namespace in namespaces}, root
        self._sources: dict[str, Source | None] = {}
        self._spans: dict[CodeType, tuple[int, int] | None] = {}
        self._sections: list[tuple[str, int, int, str]] = []
        self._steps: dict[int, Step] = {}
        self._latest: dict[tuple[str, int], int] = {}
        self._visits: Counter = Counter()
        self._numbers, self._calls = itertools.count(), itertools.count(1)
        self._live: dict[FrameType, _Call] = {}
        self._depth = 0

    def run(self, work: Callable[[], Any]) -> Recording:
        result = exception = None
        with _tracing(self._enter):
            try:
                result = work()
            except Exception as error:
                exception = error
        sources = {file: source for file, source in self._sources.items() if source}
        steps, calls = list(self._steps.values()), next(self._calls) - 1
        return Recording(steps, self._sections, sources, self._visits, calls, result, exception)

    def section(self, code: CodeType) -> tuple[int, int] | None:
        """The lines of the function of this code; None where it is not to be followed."""
        if code not in self._spans:
            is_function = code.co_flags & CO_OPTIMIZED and not code.co_name.startswith("<")
            source = self.source(code.co_filename) if is_function or code is self._root else None
            self._spans[code] = span = source.span(code) if source else None
            if span:
                title = "this cell" if code.co_name == "<module>" else code.co_qualname.replace("<locals>.", "")
                self._sections.append((code.co_filename, *span, title))
        return self._spans[code]

    def source(self, file: str) -> Source | None:
        if file not in self._sources:
            try:
                self._sources[file] = Source(file)
            except (OSError, SyntaxError):
                self._sources[file] = None
        return self._sources[file]

    def begin(self, code: CodeType, statement: Statement, call: int, depth: int) -> Step:
        """A new step; where its statement has run too often, in place of that statement's latest."""
        place = code.co_filename, statement.start
        self._visits[place] += 1
        if self._visits[place] > MOST_VISITS:
            self._steps.pop(self._latest[place])
        self._latest[place] = number = next(self._numbers)
        title = "" if code.co_name == "<module>" else code.co_name
        self._steps[number] = step = Step(code.co_filename, statement, self._visits[place], call, title, depth)
        return step

    def _enter(self, frame: FrameType, event: str, argument: Any) -> Callable[..., Any] | None:
        if id(frame.f_globals) not in self._namespaces or self.section(frame.f_code) is None:
            return None
        self._depth += 1
        # A generator that goes on is reported as a call once more, with the frame it had.
        if frame not in self._live:
            self._live[frame] = _Call(self, frame, next(self._calls), self._depth)
        return self._follow

    def _follow(self, frame: FrameType, event: str, argument: Any) -> Callable[..., Any]:
        call = self._live[frame]
        if event == "line":
            call.reach(frame)
        elif event == "exception":
            call.fail(frame, argument[0], argument[1])
        elif event == "return":
            self._depth -= 1
            if not call.leave(frame, argument):
                del self._live[frame]
        return self._follow


class _Call:
    """One call of one function: its names after the last statement, and the statement under way."""

    def __init__(self, tracer: Tracer, frame: FrameType, number: int, depth: int) -> None:
        self._tracer, self._code, self._number, self._depth = tracer, frame.f_code, number, depth
        self._source = tracer.source(frame.f_code.co_filename)
        self._names = Names(frame, self._source, tracer.section(frame.f_code))
        self._step: Step | None = None
        self._is_raising = False
        self._arguments = self._names.arguments()
        header = self._source.statement(frame.f_code.co_firstlineno)
        self._called = self._begin(header) if header and header.kind in DEFINITIONS else None

    def reach(self, frame: FrameType) -> None:
        """A line is about to run: of another statement, or one more of the statement under way."""
        statement = self._source.statement(frame.f_lineno)
        if statement is None or (self._step and statement is self._step.statement):
            return
        self._settle(frame, frame.f_lineno)
        self._is_raising = False
        if statement.kind not in DEFINITIONS:
            self._step = self._begin(statement)
        else:
            # A definition is shown where it is called: binding its name is no step. Its body may be on its own line.
            self._step = self._called if self._called and self._called.statement is statement else None

    def fail(self, frame: FrameType, kind: type[BaseException], error: BaseException | None) -> None:
        # An iterator that is exhausted is reported as an exception too, though none is raised here.
        if issubclass(kind, StopIteration) and _opcode(frame) in ("FOR_ITER", "SEND", "END_SEND"):
            return
        self._is_raising = True
        if self._step is None or kind is GeneratorExit:
            return
        note = f"raises {kind.__name__}: {error}".removesuffix(": ").removesuffix(": None")
        if note[:200] not in self._step.notes:
            self._step.notes.append(note[:200])

    def leave(self, frame: FrameType, value: Any) -> bool:
        """The function hands over to its caller → whether it will go on."""
        opcode = _opcode(frame)
        if self._step and opcode in ("YIELD_VALUE", "RESUME") and not self._is_raising:
            # What the yield assigns is known when the generator goes on.
            self._step.changes += [*self._names.changes(frame, ()), Change("", "yielded", show(value))]
            return True
        self._settle(frame, None)
        if self._step and opcode.startswith("RETURN") and (value is not None or self._step.statement.kind == "Return"):
            self._step.changes.append(Change("", "returned", show(value)))
        return False

    def _begin(self, statement: Statement) -> Step:
        """A new step; the first one of a call tells what the function was called with."""
        step = self._tracer.begin(self._code, statement, self._number, self._depth)
        step.changes, self._arguments = self._arguments, []
        return step

    def _settle(self, frame: FrameType, next_line: int | None) -> None:
        """Book what has changed since the last line on the statement that has just run."""
        if self._step is None:
            self._names.changes(frame, ())
            return
        statement, block = self._step.statement, self._step.statement.body
        enters = bool(block) and next_line is not None and block[0] <= next_line <= block[1]
        if block and block[0] > statement.stop and not self._is_raising:
            self._step.notes += filter(None, [OUTCOMES.get(statement.kind, ("", ""))[not enters]])
        leaves_a_block = statement.kind in ("For", "AsyncFor", "With", "AsyncWith") and not enters
        changes = self._names.changes(frame, () if leaves_a_block or self._is_raising else statement.assigned)
        # Python deletes the name of a caught exception unasked, after the last line of its block.
        self._step.changes += [c for c in changes if c.state != "deleted" or statement.kind == "Delete"]


@contextmanager
def _tracing(function: Callable[..., Any]) -> Iterator[None]:
    previous = sys.gettrace()
    sys.settrace(function)
    try:
        yield
    finally:
        sys.settrace(previous)


def _opcode(frame: FrameType) -> str:
    return dis.opname[frame.f_code.co_code[frame.f_lasti]] if frame.f_lasti >= 0 else ""
