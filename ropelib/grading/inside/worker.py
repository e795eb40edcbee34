"""Run the cells of one submission, then its answers, on request. Whatever this sends may be forged by what it ran."""

import builtins
import linecache
import os
import re
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
LONGEST_BEGINNING = 60
ERROR = ("error_type", "error_message", "error_line", "error_source", "timed_out")


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
        self._failed: dict[int, dict[str, Any]] = {}
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
        facts = self._observed(self._execute, case, head["seconds"])[0]
        if facts["error_type"]:
            # A learner's cells have no such numbers.
            facts["error_message"] = facts["error_message"].replace(f"({name}, ", "(")
            facts["begins"] = next(filter(None, map(str.strip, source.splitlines())), "")[:LONGEST_BEGINNING]
            self._failed[number] = facts
        return facts, None

    def _execute(self, source: str, name: str) -> None:
        try:
            code = compile(source, name, "exec", dont_inherit=True)
        except SyntaxError:
            code = compile(notebook.without_magics(source), name, "exec", dont_inherit=True)
        exec(code, self._main.__dict__)

    def _ask(self, head: Mapping[str, Any], given: Mapping[str, Any]) -> tuple[dict[str, Any], Any]:
        name, own = head["name"], self._main.__dict__
        if name not in own and name not in self._handed_over:
            return {"kind": "missing", "attempted": False, **self._why_there_is_none(name)}, None
        answer = own.get(name, self._handed_over.get(name))
        case = observe.Case("", **given)
        facts, value = self._observed(answer, case, head["seconds"])
        facts["error_message"] += self._why_a_name_is_missing(facts)
        return (facts if facts["attempted"] else {**facts, **self._why_there_is_none(name)}), value

    def _why_a_name_is_missing(self, facts: Mapping[str, Any]) -> str:
        """What became of the cell that should have made a global name, where that failed."""
        name = re.match(r"name '(\w+)' is not defined", facts["error_message"])
        failed = [error for n, error in self._failed.items() if name and _makes(name[1], self._sources[n])]
        return f". The cell that makes it stopped: {failed[-1]['error_message']}" if failed else ""

    def _why_there_is_none(self, name: str) -> dict[str, Any]:
        """The error of the cell that an answer should have come from, as if the answer had raised it."""
        failed = [facts for number, facts in self._failed.items() if _makes(name, self._sources[number])]
        return {"attempted": True, **{fact: failed[-1][fact] for fact in ERROR}} if failed else {}

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


def _makes(name: str, source: str) -> bool:
    """Whether a cell defines or assigns this name, at the beginning of a line."""
    return bool(re.search(rf"^(?:def\s+{re.escape(name)}\b|{re.escape(name)}\s*=)", source, re.MULTILINE))


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
