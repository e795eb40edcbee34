"""A bubblewrap sandbox that holds one process with the libraries loaded, which forks a child for each submission.

Two walls stand between a submission and this machine: the sandbox (no network, no files but the libraries, no
superuser) and, inside it, the child's own namespaces, limits and filter of system calls, see inside/isolation.py.
"""

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal

from ropelib.grading import view
from ropelib.grading.bubblewrap import SHOWN_AT, around
from ropelib.grading.inside.codec import Channel, Closed, ProtocolError, TooLate, frame
from ropelib.grading.inside.isolation import HOME, Limits

Isolation = Literal["fork", "sandbox", "none"]

SECONDS_TO_START = 120
SECONDS_TO_END = 20
BOOT = (
    "import json, sys; settings = json.loads(sys.argv[1]); sys.path[:0] = settings.pop('path'); "
    "from inside.zygote import main; main(settings)"
)
ONE_THREAD = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMEXPR_NUM_THREADS")
ENVIRONMENT = {
    "HOME": HOME,
    "TMPDIR": HOME,
    "USER": "student",
    "LOGNAME": "student",
    "LANG": "C.UTF-8",
    "PATH": "",
    "MPLBACKEND": "Agg",
    "MPLCONFIGDIR": HOME,
    "PYTHONHASHSEED": "0",
    "TRITON_INTERPRET": "1",
    **dict.fromkeys(ONE_THREAD, "1"),
}


class SandboxFailed(Exception):
    """The sandbox itself does not work; no submission is to blame. The message is for the instructor."""


class Lost(Exception):
    """The process of a submission gave no usable answer; the message says why, as the end of "it …"."""


@dataclass(frozen=True)
class Rooms:
    """What makes one sandbox differ from another.

    closed:  dotted names of modules that answer a question
    preload: modules to import before the first submission
    """

    closed: tuple[str, ...] = ()
    preload: tuple[str, ...] = ("numpy",)


@dataclass
class Sandbox:
    """One running sandbox; close it after use. Used by one thread at a time.

    isolation: "fork": a child in namespaces of its own for each submission;
               "sandbox": where the system forbids those, a whole sandbox for each process;
               "none": no sandbox at all
    """

    rooms: Rooms
    isolation: Isolation = "fork"
    limits: Limits = field(default_factory=Limits)
    selfcheck: Sequence[str] = ()
    _process: subprocess.Popen | None = field(default=None, init=False)

    def start(self) -> None:
        """Start it, unless it runs. Raises SandboxFailed."""
        if self._process is not None:
            return
        self._folder = tempfile.TemporaryDirectory(prefix="grading-", ignore_cleanup_errors=True)
        shown = Path(self._folder.name) / "shown"
        view.build(shown, self.rooms.closed)
        self._log = tempfile.TemporaryFile()  # noqa: SIM115  read when the sandbox has ended
        self._control, inner = socket.socketpair()
        with inner:
            self._process = subprocess.Popen(
                self._command(shown),
                stdin=inner,
                stdout=self._log,
                stderr=self._log,
                env=ENVIRONMENT,
                cwd="/",
                start_new_session=True,
            )
        try:
            outcome = self._told(SECONDS_TO_START)
        except SandboxFailed:
            self.close()
            raise
        if "ready" not in outcome:
            self.close()
            raise SandboxFailed(outcome.get("failed", "it did not start"))

    def spawn(self) -> "Process":
        """A fresh isolated process, ready for one submission. Raises SandboxFailed."""
        self.start()
        mine, theirs = socket.socketpair()
        with theirs:
            try:
                socket.send_fds(self._control, [b"s"], [theirs.fileno()])
            except OSError as error:
                mine.close()
                raise SandboxFailed(self._last_words()) from error
        channel = Channel(mine)
        try:
            head, data = channel.receive(SECONDS_TO_START)
        except (Closed, TooLate, ProtocolError) as error:
            channel.close()
            raise SandboxFailed(self._last_words()) from error
        if "ready" not in head:
            channel.close()
            self.end()
            raise SandboxFailed(str(head.get("failed", "a process did not start")))
        return Process(self, channel, data)

    def end(self) -> int | None:
        """End the process that was spawned last → its exit status, above 128 for a signal; None if nobody knows."""
        try:
            self._control.send(b"k")
            return int(self._told(SECONDS_TO_END)["ended"])
        except (OSError, SandboxFailed, KeyError):
            return None
        finally:
            if self.isolation == "sandbox":
                self.close()

    def kill(self) -> None:
        """End everything in it at once; may be called by another thread than the one that uses it."""
        if process := self._process:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)

    def close(self) -> None:
        """End the sandbox and remove its traces."""
        if self._process is None:
            return
        self.kill()
        self._process.wait()
        self._process = None
        self._control.close()
        self._log.close()
        self._folder.cleanup()

    def _told(self, seconds: float) -> dict[str, Any]:
        """The next line from the zygote, which runs no submission: it is believed."""
        self._control.settimeout(seconds)
        line = b""
        try:
            while not line.endswith(b"\n"):
                received = self._control.recv(4096)
                if not received:
                    raise SandboxFailed(self._last_words())
                line += received
        except OSError as error:
            raise SandboxFailed("it does not answer") from error
        return json.loads(line)

    def _last_words(self) -> str:
        """What the sandbox wrote before it went: bubblewrap says in one line why it could not start."""
        try:
            self._process.wait(timeout=1)
        except subprocess.TimeoutExpired:
            return "it does not answer"
        self._log.seek(0)
        lines = self._log.read(4096).decode(errors="replace").strip().splitlines()
        return lines[-1] if lines else f"it ended with status {self._process.returncode}"

    def _command(self, shown: Path) -> list[str]:
        seen = str(shown) if self.isolation == "none" else SHOWN_AT
        settings = {
            "isolation": self.isolation,
            "limits": asdict(self.limits),
            "closed": self.rooms.closed,
            "preload": self.rooms.preload,
            "selfcheck": list(self.selfcheck),
            "path": [seen, *map(str, view.library_folders())],
        }
        program = [str(Path(sys.executable).resolve()), "-P", "-s", "-S", "-B", "-c", BOOT, json.dumps(settings)]
        if self.isolation == "none":
            return program
        return [*around(shown, self.rooms.closed, with_proc=self.isolation == "fork"), "--", *program]


@dataclass
class Process:
    """The process of one submission.

    findings: of the self-check, where the sandbox was asked for one
    """

    sandbox: Sandbox
    channel: Channel
    findings: Any = None
    _requests: int = 0
    _ended: bool = False
    _status: int | None = None

    def request(self, head: dict[str, Any], data: Any, seconds: float, *, most: int = 64 << 20) -> tuple[dict, Any]:
        """Ask for one thing → head, data of the answer. Raises Lost where none comes in time; then end the process."""
        self._requests += 1
        try:
            self.channel.send(frame({**head, "id": self._requests}, data, most_bytes=most), seconds)
            answer, value = self.channel.receive(seconds)
        except TooLate as error:
            raise Lost("did not finish in time") from error
        except Closed as error:
            raise Lost(f"ended the process{_how(self.end())}") from error
        except ProtocolError as error:
            raise Lost(f"disturbed the connection to the grader: {error}") from error
        if "failed" in answer:
            raise Lost(f"broke the process that runs it: {str(answer['failed'])[:200]}")
        if answer.get("id") != self._requests:
            raise Lost("disturbed the connection to the grader: an answer to another question")
        return answer, value

    def end(self) -> int | None:
        """End it, once → its exit status."""
        if not self._ended:
            self._ended = True
            self.channel.close()
            self._status = self.sandbox.end()
        return self._status


def _how(status: int | None) -> str:
    if status is None or status < 128:
        return ""
    return f" (signal {256 - status})"
