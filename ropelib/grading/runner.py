"""Grade one submission: run it in a sandbox, put the questions to it, and judge the answers out here.

Everything that comes out of a sandbox is a claim, and is only ever compared: no line of a submission runs here.
"""

import hashlib
import re
import time
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any

import numpy as np

from ropelib.checks.core import Question
from ropelib.checks.observe import Case, Observed, RoomIsClosed
from ropelib.checks.result import Result
from ropelib.grading.assignment import Assignment
from ropelib.grading.lane import Lane
from ropelib.grading.sandbox import Lost, Process, Rooms

SECONDS_TO_READ = 30
GRACE = 1.5
MOST_NOTES = 20
LONGEST_TEXT = 4000
# How Python spells a byte of a file's name that is not UTF-8.
UNDECODED = re.compile("[\udc80-\udcff]")
NOT_SENT = {"label", "weight"}
NOT_ASKED = (
    "The time for the whole notebook was used up before this answer was looked at. It may well be right: which cell "
    "takes so long? Your instructor sees this too."
)


@dataclass(frozen=True)
class Seconds:
    """How long things may take.

    cell:       one cell of the notebook
    call:       one call of an answer
    submission: everything; what is not asked by then is not asked
    """

    cell: float = 20
    call: float = 5
    submission: float = 300


@dataclass
class Grading:
    """The grading of one submission, from its bytes to a record of plain JSON."""

    content: bytes
    assignment: Assignment
    seed: int
    seconds: Seconds
    lane: Lane
    _observed: dict[str, list[Observed]] = field(default_factory=dict)
    _notes: list[str] = field(default_factory=list)
    _said_of_cells: dict[int, dict[tuple[str, ...], str]] = field(default_factory=dict)
    _not_asked: list[str] = field(default_factory=list)

    def record(self) -> dict[str, Any]:
        """What it earned. Raises SandboxFailed where the sandbox itself does not work."""
        started = time.monotonic()
        self._deadline = started + self.seconds.submission
        by_rooms: dict[tuple[str, ...], list[Question]] = {}
        for question in self.assignment.questions:
            by_rooms.setdefault(tuple(sorted(question.closed)), []).append(question)
        for closed, questions in by_rooms.items():
            if reason := self._run(Rooms(closed, self.assignment.preload), questions):
                return {"outcome": "unreadable", "reason": clean(reason)}
        results = {question.name: self._judged(question) for question in self.assignment.questions}
        # What fails only where something is closed is named at the question that is asked there.
        failed = (list(said.values())[-1] for _, said in sorted(self._said_of_cells.items()) if all(said.values()))
        notes = list(dict.fromkeys([*self._notes, *failed]))[:MOST_NOTES]
        seconds = round(time.monotonic() - started, 3)
        return {"outcome": "graded", "questions": results, "notes": notes, "look": self._look(), "seconds": seconds}

    def _look(self) -> str:
        """Why an instructor should look at it although it is graded; empty where there is no reason."""
        if not self._not_asked:
            return ""
        return f"its {self.seconds.submission:g} seconds were used up; not asked: {', '.join(self._not_asked)}"

    def _run(self, rooms: Rooms, questions: list[Question]) -> str | None:
        """Put the questions to the notebook, afresh after a crash and without what crashed → why it is unreadable."""
        pending = list(questions)
        skipped: set[int] = set()
        while pending:
            if time.monotonic() > self._deadline:
                self._notes.append(f"The notebook used up its {self.seconds.submission:g} seconds.")
                self._not_asked += [question.name for question in pending]
                return None
            with self.lane.process(rooms) as process:
                try:
                    head, _ = process.request({"do": "read"}, np.frombuffer(self.content, np.uint8), SECONDS_TO_READ)
                except Lost:
                    return "it cannot be unfolded within the memory and the time that a notebook gets"
                if "cells" not in head:
                    return str(head.get("unreadable", "it is not a notebook"))
                if self._cells(process, rooms.closed, int(head["cells"]), skipped):
                    self._ask(process, pending)
        return None

    def _cells(self, process: Process, closed: tuple[str, ...], count: int, skipped: set[int]) -> bool:
        """Run the cells in order → whether the process and some time are left."""
        for number in range(count):
            if number in skipped:
                continue
            left = self._deadline - time.monotonic()
            if left <= 0:
                return False
            limit = min(self.seconds.cell, left)
            try:
                head, _ = process.request({"do": "cell", "number": number, "seconds": limit}, None, limit + GRACE)
            except Lost as lost:
                skipped.add(number)
                self._notes.append(f"Cell {number + 1} {lost}, and was left out.")
                return False
            cell = f"The cell “{begins}”" if (begins := clean(head.get("begins", ""), 60)) else f"Cell {number + 1}"
            error, message = clean(head.get("error_type", ""), 80), clean(head.get("error_message", ""), 300)
            if head.get("timed_out") is True:
                over = "the whole notebook may take" if limit == left else f"{limit:.3g} seconds"
                self._notes.append(f"{cell} took longer than {over}, and was interrupted.")
                continue
            said = f"{cell} did not run to its end: " if error == RoomIsClosed.__name__ else f"{cell} raised {error}: "
            self._said_of_cells.setdefault(number, {})[closed] = f"{said}{message}" if error else ""
        return True

    def _ask(self, process: Process, pending: list[Question]) -> None:
        """Put the pending questions, in order, as far as the process lives."""
        while pending and time.monotonic() < self._deadline:
            question = pending.pop(0)
            seen: list[Observed] = []
            for case in question.cases(self.seed):
                try:
                    seen.append(self._observe(process, question, case))
                except Lost as lost:
                    timed_out = "in time" in str(lost)
                    end = Observed(error_type="Stopped", error_message=f"it {lost}", timed_out=timed_out)
                    self._observed[question.name] = self._rest(question, seen, end)
                    return
                if seen[-1].timed_out:
                    break
            self._observed[question.name] = self._rest(question, seen, Observed(timed_out=True))

    def _observe(self, process: Process, question: Question, case: Case) -> Observed:
        given = {field.name: getattr(case, field.name) for field in fields(case) if field.name not in NOT_SENT}
        given["kwargs"] = dict(case.kwargs)
        head = {"do": "ask", "name": question.name, "seconds": self.seconds.call}
        started = time.monotonic()
        answer, value = process.request(head, given, self.seconds.call + GRACE)
        late = time.monotonic() - started > self.seconds.call + GRACE / 2
        return believed(answer, value, late)

    def _rest(self, question: Question, seen: list[Observed], end: Observed) -> list[Observed]:
        return seen + [end] * (len(question.cases(self.seed)) - len(seen))

    def _judged(self, question: Question) -> dict[str, Any]:
        if question.name in self._not_asked:
            facts = {"outcome": "not asked", "points": 0.0, "message": NOT_ASKED, "misconception": "", "example": {}}
            return {**facts, "of": question.points, "title": question.title}
        try:
            result = question.judge_all(self._observed[question.name], self.seed)
        except Exception as error:
            # Claims may be of any form: whatever the comparison cannot bear is no right answer.
            self._notes.append(f"{question.name} was not comparable: {clean(error, 300)}")
            result = Result("wrong", "This answer could not be compared. Ask your instructor to look at it.")
        return {
            "outcome": result.outcome,
            "points": round(question.points * min(max(float(result.fraction), 0.0), 1.0), 2),
            "of": question.points,
            "title": question.title,
            "message": clean(result.message),
            "misconception": clean(result.misconception, 200),
            # Not what was expected: these inputs come again when the work is handed in again.
            "example": {"call": clean(example.call), "got": clean(example.got)} if (example := result.example) else {},
        }


def seed_of(seed: int, assignment: str) -> int:
    """The secret seed of one assignment, from that of the course."""
    return int.from_bytes(hashlib.sha256(f"{seed}/{assignment}".encode()).digest()[:6])


def believed(head: Mapping[str, Any], value: Any, late: bool) -> Observed:
    """What a sandbox claims to have observed, with every field of the type and length that it should have."""
    changed = head.get("inputs_modified")
    return Observed(
        value=_cleaned(value),
        kind=clean(head.get("kind", ""), 80),
        attempted=head.get("attempted") is not False,
        inputs_modified=tuple(clean(name, 80) for name in changed[:20]) if isinstance(changed, list) else (),
        aliases_input=head.get("aliases_input") is True,
        error_type=clean(head.get("error_type", ""), 80),
        error_message=clean(head.get("error_message", ""), 500),
        error_line=line if isinstance(line := head.get("error_line"), int) and 0 <= line < 1 << 20 else 0,
        error_source=clean(head.get("error_source", ""), 200),
        timed_out=late or head.get("timed_out") is True,
    )


def clean(text: object, longest: int = LONGEST_TEXT) -> str:
    """Text that can be written anywhere: no control characters, no changes of direction, no half characters."""
    kept = UNDECODED.sub(lambda byte: f"\\x{ord(byte[0]) - 0xDC00:02x}", str(text)[:longest])
    return "".join(letter if letter == "\n" or unicodedata.category(letter)[0] != "C" else "�" for letter in kept)


def _cleaned(value: Any) -> Any:
    if isinstance(value, str):
        return clean(value)
    if isinstance(value, (list, tuple)):
        return type(value)(map(_cleaned, value))
    if isinstance(value, dict):
        return {clean(key, 200): _cleaned(item) for key, item in value.items()}
    return value
