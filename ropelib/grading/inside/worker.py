"""Run the cells of one submission, then its answers, on request. Whatever this sends may be forged by what it ran."""

import builtins
import linecache
import os
import signal
import sys
import types
from collections.abc import Mapping
from dataclasses import fields
from typing import Any

import numpy as np

from . import notebook, observe, rooms
from .codec import Channel, frame

LONGEST_TEXT = 500


class TimeLimit(BaseException):
    """A cell or a call took longer than it may."""


class Worker:
    """One submission.

    channel: to the parent, which asks for one thing at a time
    closed:  names of the rooms that answer a question
    """

    def __init__(self, channel: Channel, closed: list[str]) -> None:
        self._channel = channel
        self._sources: list[str] = []
        self._handed_over: dict[str, Any] = {}
        self._main = types.ModuleType("__main__")
        self._timed_out = False
        sys.modules["__main__"], sys.argv = self._main, ["notebook"]
        self._main.__dict__["__builtins__"] = _builtins_to_spoil()
        rooms.close(closed, self._handed_over)
        # What a submission may replace in NumPy stays as it is where answers are written down.
        observe.np = types.SimpleNamespace(**vars(np))
        signal.signal(signal.SIGALRM, self._on_alarm)

    def serve(self) -> None:
        """Answer requests until the parent ends this process."""
        self._channel.send(frame({"ready": True}))
        tasks = {"read": self._read, "cell": self._cell, "ask": self._ask}
        while True:
            head, data = self._channel.receive()
            answer, value = tasks[head["do"]](head, data)
            self._channel.send(_small_enough({**answer, "id": head["id"]}, value))

    def _read(self, _: Mapping[str, Any], content: np.ndarray) -> tuple[dict[str, Any], Any]:
        try:
            self._sources = notebook.code_cells(content.tobytes())
        except notebook.Unreadable as error:
            return {"unreadable": str(error)}, None
        return {"cells": len(self._sources)}, None

    def _cell(self, head: Mapping[str, Any], _: Any) -> tuple[dict[str, Any], Any]:
        number, source = head["number"], self._sources[head["number"]]
        name = f"cell {number + 1}"
        linecache.cache[name] = (len(source), None, source.splitlines(keepends=True), name)
        case = observe.Case("", (source, name))
        return self._observed(self._execute, case, head["seconds"])[0], None

    def _execute(self, source: str, name: str) -> None:
        try:
            code = compile(source, name, "exec", dont_inherit=True)
        except SyntaxError:
            code = compile(notebook.without_magics(source), name, "exec", dont_inherit=True)
        exec(code, self._main.__dict__)

    def _ask(self, head: Mapping[str, Any], given: Mapping[str, Any]) -> tuple[dict[str, Any], Any]:
        name, own = head["name"], self._main.__dict__
        if name not in own and name not in self._handed_over:
            return {"kind": "missing", "attempted": False}, None
        answer = own.get(name, self._handed_over.get(name))
        case = observe.Case("", **given)
        return self._observed(answer, case, head["seconds"])

    def _observed(self, answer: Any, case: observe.Case, seconds: float) -> tuple[dict[str, Any], Any]:
        """Observe under a time limit. An answer that swallows the interruption is ended by the parent."""
        self._timed_out = False
        try:
            signal.setitimer(signal.ITIMER_REAL, seconds)
            seen = observe.observe(answer, case)
        except BaseException as error:  # KeyboardInterrupt and our own TimeLimit are let through by observe
            seen = observe.Observed(error_type=type(error).__name__, error_message=str(error)[:LONGEST_TEXT])
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)
        facts = {field.name: getattr(seen, field.name) for field in fields(seen) if field.name != "value"}
        facts = {name: fact[:LONGEST_TEXT] if isinstance(fact, str) else fact for name, fact in facts.items()}
        return {**facts, "timed_out": self._timed_out}, seen.value

    def _on_alarm(self, *_: Any) -> None:
        self._timed_out = True
        raise TimeLimit("this took longer than it may")


class _Silence:
    """get_ipython and display, for code that calls them: there is no notebook to show anything in."""

    def __call__(self, *_: Any, **__: Any) -> "_Silence":
        return self

    def __getattr__(self, _: str) -> "_Silence":
        return self


def _builtins_to_spoil() -> types.ModuleType:
    """Built-in functions that a submission may replace, without changing them for the code that watches it."""
    copy = types.ModuleType("builtins")
    copy.__dict__.update(vars(builtins), display=_Silence(), get_ipython=_Silence())
    sys.modules["builtins"] = copy
    return copy


def _small_enough(head: dict[str, Any], value: Any) -> bytes:
    try:
        return frame(head, value)
    except ValueError:
        return frame({**head, "kind": f"{head.get('kind', 'value')} that is too large to be an answer"}, None)


def silence() -> None:
    """Send what a submission prints to nowhere: a gigabyte of it costs nothing."""
    nowhere = os.open(os.devnull, os.O_RDWR)
    for descriptor in (0, 1, 2):
        os.dup2(nowhere, descriptor)
    sys.stdin, sys.stdout, sys.stderr = (os.fdopen(n, mode) for n, mode in ((0, "r"), (1, "w"), (2, "w")))
