"""What stands in the sandbox for the modules that hold answers.

ropelib.checks is a stub that accepts every call and says nothing. A room that answers a question can be imported,
but everything in it raises when it is used: the cell that imports it runs on, and only the answer that needs it fails.
"""

import importlib
import sys
import types
from collections.abc import Sequence
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from typing import Any

from .observe import RoomIsClosed

CHECKS = "ropelib.checks"


class ClosedDoor:
    """Whatever is asked of a closed room: it can be passed around and written in annotations, but not used."""

    def __init__(self, name: str) -> None:
        self._name = name

    def __call__(self, *_: Any, **__: Any) -> None:
        raise RoomIsClosed(self._name)

    def __getattr__(self, name: str) -> "ClosedDoor":
        if name.startswith("__"):
            raise AttributeError(name)
        return ClosedDoor(f"{self._name}.{name}")

    def __getitem__(self, _: Any) -> "ClosedDoor":
        return self

    def __or__(self, _: Any) -> "ClosedDoor":
        return self

    __ror__ = __or__


class StubQuestion:
    """A question's face without its head: it takes an answer, remembers it, and says nothing."""

    def __init__(self, name: str, handed_over: dict[str, Any]) -> None:
        self._name = name
        self._handed_over = handed_over

    def check(self, answer: Any = None) -> str:
        self._handed_over[self._name] = answer
        return "This check runs when you work, not when your work is graded."

    def score(self, answer: Any = None) -> float:
        self.check(answer)
        return 0.0

    def hint(self, *_: Any, **__: Any) -> str:
        return ""

    solution = hint


class Doorkeeper(MetaPathFinder, Loader):
    """Imports the stub of ropelib.checks and the closed rooms.

    closed:      dotted names of modules, closed with everything below them
    handed_over: filled with the answers that a submission hands to its checks, by question
    """

    def __init__(self, closed: Sequence[str], handed_over: dict[str, Any]) -> None:
        self._closed = tuple(closed)
        self._handed_over = handed_over

    def find_spec(self, fullname: str, path: Any = None, target: Any = None) -> ModuleSpec | None:
        mine = any(fullname == name or fullname.startswith(f"{name}.") for name in (CHECKS, *self._closed))
        return ModuleSpec(fullname, self, is_package=True) if mine else None

    def create_module(self, spec: ModuleSpec) -> types.ModuleType:
        return types.ModuleType(spec.name)

    def exec_module(self, module: types.ModuleType) -> None:
        is_stub = module.__name__.startswith(CHECKS)

        def attribute(name: str) -> Any:
            if name.startswith("__"):
                raise AttributeError(name)
            if module.__name__ == CHECKS:
                return importlib.import_module(f"{CHECKS}.{name}")
            if is_stub:
                return StubQuestion(name, self._handed_over)
            return ClosedDoor(f"{module.__name__}.{name}")

        module.__getattr__ = attribute


def close(names: Sequence[str], handed_over: dict[str, Any]) -> None:
    """Take over the imports of ropelib.checks and of these rooms."""
    sys.meta_path.insert(0, Doorkeeper(names, handed_over))
