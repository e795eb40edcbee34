"""What an attack is, and the honest work around it."""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.attacks import exam

IMPORT = "import numpy as np"
TURN = """
def turn(x, angle):
    a, b = x[..., 0], x[..., 1]
    return np.stack([a * np.cos(angle) - b * np.sin(angle), a * np.sin(angle) + b * np.cos(angle)], axis=-1)
"""
HALF = """
def rotate_half(x, cos, sin):
    a, b = np.split(x, 2, axis=-1)
    return np.concatenate([a * cos - b * sin, a * sin + b * cos], axis=-1)
"""
PERIOD = "period = 8.0"
WRONG_TURN = "def turn(x, angle):\n    return x + 1"
HONEST = (IMPORT, TURN, HALF, PERIOD)
# Points for (turn, rotate_half, period). A cheat adds nothing to a turn that is wrong.
FULL, WITHOUT_TURN, NOTHING = (3, 2, 1), (0, 2, 1), (0, 0, 0)


@dataclass(frozen=True)
class Attack:
    """One submission.

    name:    of the test, and of the student where student is not given
    cells:   of the notebook; {OUT}, {SUBMISSIONS}, {ROOT} and {PORT} stand for this run's
    earns:   its points, of the exam for (turn, rotate_half, period), or None where it must not be graded
    says:    what the record must contain, in its questions, its notes or its reason
    student: the folder's name
    write:   makes the submission in the student's folder, where cells are not enough
    assignment: that it is handed in for
    """

    name: str
    cells: Sequence[str] = ()
    earns: tuple[float, ...] | None = WITHOUT_TURN
    says: str = ""
    student: bytes = b""
    write: Callable[[Path], None] | None = None
    assignment: str = exam.NAME

    @property
    def folder(self) -> bytes:
        return self.student or self.name.encode()


def with_turn(*lines: str, before: str = "") -> tuple[str, ...]:
    """Honest work, but for a turn whose body is an attack."""
    body = "\n".join(f"    {line}" for line in "\n".join(lines).splitlines())
    return (IMPORT, f"{before}\ndef turn(x, angle):\n{body}", HALF, PERIOD)


def with_cell(source: str, *, turn: str = TURN) -> tuple[str, ...]:
    """Honest work, with an attack in a cell in the middle."""
    return (IMPORT, turn, source, HALF, PERIOD)


def report(source: str) -> tuple[str, ...]:
    """An attack that collects what it got hold of in `got`, and has nowhere to put it but an error's message."""
    spy = "\n".join(f"    {line}" for line in source.strip().splitlines())
    raises = "def turn(x, angle):\n    raise RuntimeError(f'got {got}')"
    return (IMPORT, f"got = []\ntry:\n{spy}\nexcept BaseException as error:\n    pass", raises, HALF, PERIOD)


GOT_NOTHING = "got []"


def notebook(cells: Sequence[str], **metadata: object) -> str:
    listed = [
        {"cell_type": "code", "id": f"c{n}", "metadata": {}, "outputs": [], "execution_count": None, "source": source}
        for n, source in enumerate(cells)
    ]
    return json.dumps({"nbformat": 4, "nbformat_minor": 5, "metadata": metadata, "cells": listed})


def file_name() -> str:
    return f"{exam.NAME}.ipynb"


def content(data: bytes) -> Callable[[Path], None]:
    """Writes these bytes as the notebook."""
    return lambda folder: (folder / file_name()).write_bytes(data)
