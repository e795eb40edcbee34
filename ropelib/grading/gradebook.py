"""What everyone earned, as one table: the records, the instructor's overrides, and who is missing."""

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from ropelib.grading.assignment import Assignment
from ropelib.grading.overrides import Override, Overrides
from ropelib.grading.runner import clean

FORMULA = ("=", "+", "-", "@", "\t", "\r", "'")


@dataclass(frozen=True)
class Entry:
    """One student's work on one assignment.

    status: "graded", "missing", "unreadable", "ambiguous", "not graded" (the grader's own failure) or
            "not graded yet"
    reason: for any status but "graded"
    record: of the grading, where there is one
    """

    student: str
    assignment: Assignment
    status: str
    reason: str
    record: dict[str, Any] | None
    overrides: Overrides

    @property
    def look(self) -> str:
        """Why a graded one needs a look all the same; empty where it needs none."""
        return str(self.record.get("look", "")) if self.status == "graded" and self.record else ""

    def override(self, question: str) -> Override | None:
        return self.overrides.get((self.student, self.assignment.name, question))

    def points(self, question: str) -> float | None:
        """What counts: the override, else the graded points, else None."""
        if override := self.override(question):
            return override.points
        return self.record["questions"][question]["points"] if self.status == "graded" else None

    def total(self) -> float | None:
        """The sum of the points that there are; None where there are none."""
        known = [points for question in self.assignment.questions if (points := self.points(question.name)) is not None]
        return round(sum(known), 2) if known else None


def as_csv(assignments: Sequence[Assignment], rows: Sequence[Sequence[Entry]]) -> str:
    """One row a student, a column a question. An empty field is no grade, which is not the same as 0 points.

    rows: the entries of each student, in the order of assignments
    """
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    questions = [f"{a.name}/{question.name}" for a in assignments for question in a.questions]
    writer.writerow(["student", "total", "out of", *questions, "status"])
    out_of = sum(assignment.points for assignment in assignments)
    for row in rows:
        totals = [total for entry in row if (total := entry.total()) is not None]
        points = [entry.points(question.name) for entry in row for question in entry.assignment.questions]
        status = "; ".join(f"{e.assignment.name}: {e.status}, {e.look or e.reason}" for e in row if _is_unusual(e))
        total = f"{sum(totals):g}" if totals else ""
        fields = [row[0].student, total, f"{out_of:g}", *("" if p is None else f"{p:g}" for p in points)]
        writer.writerow([*map(harmless, fields), harmless(status or "graded")])
    return text.getvalue()


def _is_unusual(entry: Entry) -> bool:
    return entry.status != "graded" or bool(entry.look)


def harmless(text: str) -> str:
    """Text that a spreadsheet takes for text: never for a formula, never for a second line."""
    text = clean(text).replace("\n", " ")
    return f"'{text}" if text.startswith(FORMULA) else text
