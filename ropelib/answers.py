"""What a learner answered: one line of JSON an answer, in work/.course/answers.jsonl, appended and never rewritten.

A line that cannot be read (half written, edited by hand) is passed over and stays where it is. Outside a work/
folder, as in the course's own notebooks/, nothing is read and nothing is kept.
"""

import json
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO

FOLDER, NAME = ".course", "answers.jsonl"


@dataclass(frozen=True)
class Answer:
    """key: of the question; text: of the option, which outlives a change of order; at: a time in UTC."""

    key: str
    text: str
    right: bool
    at: str


def file() -> Path | None:
    """Where answers are kept: .course in the current directory or the nearest one above it, or None."""
    try:
        here = Path.cwd()
        folders = [folder / FOLDER for folder in (here, *here.parents)]
        return next((folder / NAME for folder in folders if folder.is_dir()), None)
    except OSError:
        return None


def history() -> list[Answer]:
    """Every answer that can be read, oldest first."""
    path = file()
    try:
        lines = path.read_text(encoding="utf-8", errors="replace").splitlines() if path else []
    except OSError:
        return []
    return [answer for line in lines if (answer := _read(line))]


def keep(key: str, text: str, *, right: bool) -> str:
    """Append an answer → an empty string, or a sentence that says why it could not be kept."""
    path = file()
    if path is None:
        return "Not saved: this notebook is not in your work folder, which `make lab` opens."
    answer = Answer(key, text, right, datetime.now(UTC).isoformat(timespec="seconds"))
    line = json.dumps(asdict(answer), ensure_ascii=False)
    try:
        # A line that was cut off must not swallow this one; an empty line does no harm.
        with path.open("a+b") as kept:
            kept.write((b"" if _ends_a_line(kept) else b"\n") + f"{line}\n".encode())
    except OSError as error:
        return f"Not saved: {error.strerror or error}."
    return ""


def _ends_a_line(kept: BinaryIO) -> bool:
    if not kept.seek(0, 2):
        return True
    kept.seek(-1, 2)
    return kept.read(1) == b"\n"


def _read(line: str) -> Answer | None:
    try:
        entry = json.loads(line)
        answer = Answer(entry["key"], entry["text"], entry["right"], entry["at"])
    except (ValueError, KeyError, TypeError, RecursionError):
        return None
    kinds = (answer.key, str), (answer.text, str), (answer.right, bool), (answer.at, str)
    return answer if all(isinstance(value, kind) for value, kind in kinds) else None
