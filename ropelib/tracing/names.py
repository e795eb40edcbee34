"""What the names of a running function hold, and what has changed since one looked last."""

from collections.abc import Hashable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from inspect import CO_OPTIMIZED, CO_VARARGS, CO_VARKEYWORDS
from types import BuiltinFunctionType, CodeType, FrameType, FunctionType, ModuleType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ropelib.tracing.snapshots import Shown, digest, gradient, show
from ropelib.tracing.statements import Source

NOT_DATA = (ModuleType, FunctionType, BuiltinFunctionType, type)


@dataclass(frozen=True)
class Change:
    """state: "new", "changed", "same" (assigned, and equal), "deleted", "returned", "yielded"

    marks: which entries of value.window differ from what the name held before; None where that cannot be said
    """

    name: str
    state: str
    value: Shown | None = None
    marks: NDArray[np.bool_] | None = None


class Names:
    """The names of one call: its variables, the attributes of self and those written in it, the globals it mentions,
    and the gradients of all these."""

    def __init__(self, frame: FrameType, source: Source, span: tuple[int, int]) -> None:
        self._is_function = bool(frame.f_code.co_flags & CO_OPTIMIZED)
        self._top_level = () if self._is_function else source.top_level_names()
        self._attributes = source.attributes(span)
        self._arguments = _argument_names(frame.f_code)
        self._held: dict[str, tuple[Hashable, Shown]] = {}
        self.changes(frame, ())

    def arguments(self) -> list[Change]:
        """What the function was called with, all of it new."""
        return [Change(name, "new", self._held[name][1]) for name in self._arguments if name in self._held]

    def changes(self, frame: FrameType, assigned: Sequence[str]) -> list[Change]:
        """What has changed since the last look; of the names assigned, also those that hold what they held."""
        found = dict(_with_gradients(self._look(frame)))
        order = [*(name for name in assigned if name in found), *found]
        changes = [change for name in dict.fromkeys(order) if (change := self._compare(name, found[name], assigned))]
        gone = [name for name in self._held if name not in found]
        for name in gone:
            del self._held[name]
        return changes + [Change(name, "deleted") for name in gone]

    def _compare(self, name: str, value: Any, assigned: Sequence[str]) -> Change | None:
        now, before = digest(value), self._held.get(name)
        if before and before[0] == now:
            return Change(name, "same", show(value)) if name in assigned else None
        shown = show(value)
        self._held[name] = now, shown
        if before is None:
            return Change(name, "new", shown)
        return Change(name, "changed", shown, _marks(before[1], shown))

    def _look(self, frame: FrameType) -> Iterator[tuple[str, Any]]:
        """Every name with its value. Nothing of the reader's runs: attributes are read from where they are stored."""
        if self._is_function:
            values = {name: value for name, value in frame.f_locals.items() if not name.startswith(".")}
            mentioned = frame.f_code.co_names
        else:
            values, mentioned = {}, self._top_level
        for name in mentioned:
            if name in frame.f_globals and not isinstance(frame.f_globals[name], NOT_DATA):
                values.setdefault(name, frame.f_globals[name])
        yield from ((name, value) for name, value in values.items() if not isinstance(value, ModuleType))
        for table in _tables(values.get("self")):
            yield from ((f"self.{name}", value) for name, value in table.items() if not name.startswith("_"))
        for owner, name in self._attributes:
            for table in _tables(values.get(owner)):
                if name in table:
                    yield f"{owner}.{name}", table[name]


def _with_gradients(values: Iterable[tuple[str, Any]]) -> Iterator[tuple[str, Any]]:
    for name, value in values:
        yield name, value
        if (slope := gradient(value)) is not None:
            yield f"{name}.grad", slope


def _tables(owner: Any) -> Iterator[dict[str, Any]]:
    """Where an object keeps its attributes; PyTorch's modules have tables of their own."""
    try:
        own = object.__getattribute__(owner, "__dict__")
    except AttributeError:
        return
    if isinstance(owner, NOT_DATA):
        return
    yield from (table for table in (own, own.get("_parameters"), own.get("_buffers")) if isinstance(table, dict))


def _argument_names(code: CodeType) -> tuple[str, ...]:
    count = code.co_argcount + code.co_kwonlyargcount
    count += bool(code.co_flags & CO_VARARGS) + bool(code.co_flags & CO_VARKEYWORDS)
    return tuple(name for name in code.co_varnames[:count] if name not in ("self", "cls"))


def _marks(before: Shown, now: Shown) -> NDArray[np.bool_] | None:
    if before.window is None or now.window is None or before.shape != now.shape:
        return None
    both_nan = (before.window != before.window) & (now.window != now.window)
    return (before.window != now.window) & ~both_nan
