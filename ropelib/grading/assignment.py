"""An assignment: the notebook's name, the questions in it, and what its sandbox needs."""

import ast
import functools
import hashlib
import importlib
import importlib.util
import sys
from argparse import ArgumentTypeError
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from ropelib.checks.core import Question
from ropelib.grading.inside.notebook import code_cells, without_magics

ROPELIB = Path(__file__).resolve().parents[1]
EXERCISES = ROPELIB.parent / "exercises"


@dataclass(frozen=True)
class Assignment:
    """One notebook to hand in.

    name:    of its file, without .ipynb
    module:  where its questions are, in a list QUESTIONS
    preload: modules to import once for all submissions, outside their time and memory
    """

    name: str
    module: str
    preload: tuple[str, ...] = ("numpy",)

    @property
    def questions(self) -> list[Question]:
        return importlib.import_module(self.module).QUESTIONS

    @property
    def points(self) -> float:
        return sum(question.points for question in self.questions)

    def digest(self) -> str:
        """Of everything that a grade depends on, except the submission and the seed."""
        questions = Path(importlib.import_module(self.module).__file__).read_bytes()
        parts = [self.name, self.module, *self.preload, digest_of_the_library()]
        return hashlib.sha256("\n".join(parts).encode() + questions).hexdigest()


@functools.cache
def digest_of_the_library() -> str:
    """Of ropelib as it is on this machine, and of the Python that runs it."""
    parts = [sys.version.encode(), *(source.read_bytes() for source in sorted(ROPELIB.rglob("*.py")))]
    return hashlib.sha256(b"\0".join(parts)).hexdigest()


def of_the_course(folder: Path = EXERCISES) -> list[Assignment]:
    """An assignment for each exercise whose chapter has questions."""
    exercises = [(path, f"ropelib.checks.ch{path.stem[:2]}") for path in sorted(folder.glob("[0-9][0-9]_*.ipynb"))]
    return [Assignment(path.stem, module, imports(path)) for path, module in exercises if _is_installed(module)]


def named(text: str) -> Assignment:
    """An assignment from "name=module". Raises ArgumentTypeError where there are no such questions."""
    name, separator, module = text.partition("=")
    if not separator or not name or "/" in name:
        raise ArgumentTypeError(f"an assignment is NAME=MODULE, but got {text!r}")
    try:
        found = importlib.import_module(module)
        _, preload = found.QUESTIONS, found.PRELOAD
    except (ImportError, AttributeError) as error:
        raise ArgumentTypeError(f"{module} must have lists QUESTIONS and PRELOAD, but: {error}") from error
    return Assignment(name, module, tuple(preload))


def imports(exercise: Path) -> tuple[str, ...]:
    """The installed modules that an exercise imports; a submission's own imports load when it runs."""
    statements = (node for source in code_cells(exercise.read_bytes()) for node in ast.walk(_tree(source)))
    names = {name for node in statements for name in _names(node) if name.split(".")[0] != "ropelib"}
    return tuple(sorted({"numpy"} | {name for name in names if _is_installed(name.split(".")[0])}))


def _tree(source: str) -> ast.AST:
    return ast.parse(without_magics(source))


def _names(node: ast.AST) -> Iterable[str]:
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    return [node.module] if isinstance(node, ast.ImportFrom) and node.module else []


def _is_installed(name: str) -> bool:
    try:
        return importlib.util.find_spec(name) is not None
    except ImportError:
        return False
