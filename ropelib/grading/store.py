"""Results on disk: one file a submission, written at one stroke, with the key of everything it depends on.

A run that was interrupted continues where it stopped; a submission, a question or a seed that changed is graded anew.
"""

import contextlib
import fcntl
import hashlib
import json
import os
import re
import secrets
from collections.abc import Collection
from pathlib import Path
from typing import Any

SAFE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,79}")
LOOKS_LIKE_OURS = re.compile(r".*-[0-9a-f]{12}")


class Store:
    """The folder of one course's results, for one run at a time. What is in private/ is the instructor's alone.

    Raises OSError where it cannot be made, or another run holds it.
    """

    def __init__(self, out: Path) -> None:
        self.out = out
        self._private = out / "private"
        self._private.mkdir(parents=True, exist_ok=True)
        self._private.chmod(0o700)
        self._lock = open(self._private / "lock", "w")  # noqa: SIM115  held until close
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            self._lock.close()
            raise BlockingIOError(f"another run is writing to {out}") from error

    def close(self) -> None:
        self._lock.close()

    def seed(self, given: int | None) -> int:
        """The course's secret seed: the one given, else the one recorded, else a new one; it is recorded here only."""
        path = self._private / "seed.json"
        if given is None:
            try:
                return int(json.loads(path.read_text())["seed"])
            except FileNotFoundError:
                given = secrets.randbits(63)
            except (ValueError, KeyError, TypeError) as error:
                raise ValueError(f"{path} must hold the seed, but is damaged; without it all is graded anew") from error
        write(path, json.dumps({"seed": given}))
        return given

    def load(self, student: str, assignment: str) -> dict[str, Any] | None:
        """The record of a submission, or None where there is none that can be read."""
        try:
            record = json.loads(self._path(student, assignment).read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return None
        fits = isinstance(record, dict) and (record.get("student"), record.get("assignment")) == (student, assignment)
        return record if fits else None

    def save(self, record: dict[str, Any]) -> None:
        write(self._path(record["student"], record["assignment"]), json.dumps(record, indent=1))

    def others(self, present: Collection[tuple[str, str]]) -> list[tuple[str, str]]:
        """The (student, assignment) of every record but those of present, sorted. None is ever removed."""
        paths = {self._path(*names) for names in present}
        found = []
        for path in (self._private / "records").glob("*/*.json"):
            if path not in paths:
                with contextlib.suppress(OSError, ValueError, KeyError, TypeError):
                    record = json.loads(path.read_text(encoding="utf-8"))
                    found.append((str(record["student"]), str(record["assignment"])))
        return sorted(found)

    def has(self, student: str, assignment: str) -> bool:
        return self._path(student, assignment).exists()

    def _path(self, student: str, assignment: str) -> Path:
        return self._private / "records" / file_name(assignment) / f"{file_name(student)}.json"


def file_name(name: str) -> str:
    """A name that is safe as a file's, and different for different names; plain names stay as they are."""
    plain = SAFE.fullmatch(name) and not LOOKS_LIKE_OURS.fullmatch(name)
    if plain:
        return name
    digest = hashlib.sha256(os.fsencode(name)).hexdigest()[:12]
    return f"{re.sub(r'[^A-Za-z0-9._-]+', '-', name).strip('.-')[:60] or 'student'}-{digest}"


def write(path: Path, text: str, *, durable: bool = True) -> None:
    """Write a file at one stroke: whoever reads it, at any moment, reads the old one or the new one.

    durable: wait until it is on the disk
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".{path.name}.{os.getpid()}.partial")
    with open(partial, "w", encoding="utf-8", errors="backslashreplace") as file:
        file.write(text)
        file.flush()
        if durable:
            os.fsync(file.fileno())
    os.replace(partial, path)


def key(content: bytes, *parts: str) -> str:
    """Of everything that a grade depends on."""
    digest = hashlib.sha256(content)
    for part in parts:
        digest.update(b"\0" + part.encode())
    return digest.hexdigest()
