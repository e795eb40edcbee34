"""Follow functions line by line with sys.settrace: Python reports "call", "line", "exception" and "return"."""

import itertools
import sys
import time
import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from inspect import CO_OPTIMIZED
from types import CodeType, FrameType
from typing import Any

from ropelib.tracing.call import Call
from ropelib.tracing.statements import Source
from ropelib.tracing.steps import Kept, Recording

# What comes later is not recorded: the function runs on to its end at its own speed.
MOST_STEPS, MOST_SECONDS = 200_000, 30.0
# The tracer stands on the stack too. What runs untraced must not fail for it, and near the end of the stack it
# stops while there is still room to look at every value.
DEEPER, ROOM = 100, 60


class Tracer:
    """Follows the code root, and every function whose globals are one of the namespaces."""

    def __init__(self, namespaces: Sequence[dict[str, Any]], root: CodeType) -> None:
        self._namespaces, self._root = {id(namespace) for namespace in namespaces}, root
        self._sources: dict[str, Source | None] = {}
        self._spans: dict[CodeType, tuple[int, int] | None] = {}
        self._sections: list[tuple[str, int, int, str]] = []
        self._kept = Kept()
        self._calls = itertools.count(1)
        self._live: dict[FrameType, Call] = {}
        self._running: list[Call] = []
        self._is_over = False

    def run(self, work: Callable[[], Any]) -> Recording:
        result = exception = None
        self._until = time.perf_counter() + MOST_SECONDS
        with _tracing(self._enter), _deeper():
            try:
                result = work()
            except Exception as error:
                exception = error
            is_whole = sys.gettrace() == self._enter
        if exception is not None and not self._is_over:
            self._close(exception)
            is_whole = True
        sources = {file: source for file, source in self._sources.items() if source}
        calls = next(self._calls) - 1
        return Recording(
            self._kept.steps(), self._sections, sources, self._kept.visits, calls, is_whole, result, exception
        )

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

    def _enter(self, frame: FrameType, event: str, argument: Any) -> Callable[..., Any] | None:
        if id(frame.f_globals) not in self._namespaces or self.section(frame.f_code) is None:
            return None
        _keep_room()
        code, caller = frame.f_code, self._running[-1].place if self._running else None
        # A generator that goes on is reported as a call once more, with the frame it had.
        if frame in self._live:
            self._live[frame].caller = caller
        else:
            source, span, depth = self.source(code.co_filename), self.section(code), len(self._running) + 1
            self._live[frame] = Call(frame, source, span, self._kept, next(self._calls), depth, caller)
        self._running.append(self._live[frame])
        return self._follow

    def _follow(self, frame: FrameType, event: str, argument: Any) -> Callable[..., Any]:
        call = self._live[frame]
        if event == "line":
            call.reach(frame)
        elif event == "exception":
            call.fail(frame, argument[0], argument[1])
        elif event == "return":
            if self._running[-1:] == [call]:
                self._running.pop()
            if not call.leave(frame, argument):
                del self._live[frame]
        if self._kept.total >= MOST_STEPS or time.perf_counter() > self._until:
            self._is_over = True
            sys.settrace(None)
        return self._follow

    def _close(self, error: Exception) -> None:
        """Python stops reporting when a tracer raises, as at the end of the stack. The traceback knows the rest."""
        frames = [frame for frame, _ in traceback.walk_tb(error.__traceback__) if frame in self._live]
        for frame in reversed(frames):
            call = self._live.pop(frame)
            call.fail(frame, type(error), error)
            call.leave(frame, None)


@contextmanager
def _tracing(function: Callable[..., Any]) -> Iterator[None]:
    previous = sys.gettrace()
    sys.settrace(function)
    try:
        yield
    finally:
        sys.settrace(previous)


@contextmanager
def _deeper() -> Iterator[None]:
    before = sys.getrecursionlimit()
    sys.setrecursionlimit(before + DEEPER)
    try:
        yield
    finally:
        sys.setrecursionlimit(before)


def _keep_room() -> None:
    try:
        sys._getframe(sys.getrecursionlimit() - ROOM)
    except ValueError:
        return
    raise RecursionError("maximum recursion depth exceeded")
