"""What a process in the sandbox can still do, found by trying."""

import os
import socket
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

MUST_BE_REFUSED = "must be refused, but was possible: "


def findings(hidden: Sequence[str]) -> list[str]:
    """Each thing that a sandbox must refuse and this one allows, in words; none where it holds.

    hidden: paths of the host that must not be seen
    """
    trials: dict[str, Callable[[], object]] = {
        "opening a network connection": socket.socket,
        "starting a process": _fork,
        "writing outside the temporary folder": lambda: Path("/written").write_text(""),
        "reading the list of users": lambda: Path("/etc/passwd").read_text(),
        "allocating 64 GB": lambda: bytearray(64 << 30),
        "becoming the superuser": lambda: os.setuid(0),
        **{f"reading {path}": lambda path=path: os.stat(path) for path in hidden},
        "starting a program": lambda: os.execv(sys.executable, [sys.executable, "-c", ""]),
    }
    return [MUST_BE_REFUSED + what for what, trial in trials.items() if _succeeds(trial)]


def _fork() -> None:
    if os.fork() == 0:
        os._exit(0)


def _succeeds(trial: Callable[[], object]) -> bool:
    try:
        trial()
    except (OSError, MemoryError):
        return False
    return True
