"""Points that an instructor sets by hand, in OUT/overrides.csv: read here, never written."""

import csv
import math
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path

from ropelib.grading.assignment import Assignment

COLUMNS = ["student", "assignment", "question", "points", "reason"]


@dataclass(frozen=True)
class Override:
    """Points that count instead of the graded ones, and why."""

    points: float
    reason: str


Overrides = Mapping[tuple[str, str, str], Override]


def read(path: Path, students: Collection[str], assignments: Collection[Assignment]) -> Overrides:
    """Every override by (student, assignment, question); none where there is no file.

    Raises ValueError naming the line that fits no student, question or number: an override that is silently without
    effect would be worse than none.
    """
    if not path.exists():
        return {}
    known = {(a.name, question.name): question.points for a in assignments for question in a.questions}
    found: dict[tuple[str, str, str], Override] = {}
    with open(path, encoding="utf-8-sig", newline="") as file:
        reader = csv.DictReader(file)
        if reader.fieldnames != COLUMNS:
            raise ValueError(f"{path.name} must start with {','.join(COLUMNS)}, but starts with {reader.fieldnames}")
        for row in reader:
            where = f"{path.name}, line {reader.line_num}"
            if None in row or None in row.values():
                raise ValueError(f"{where} must have {len(COLUMNS)} columns")
            student = row["student"] if row["student"] in students else row["student"].removeprefix("'")
            names = student, row["assignment"], row["question"]
            if student not in students or names[1:] not in known:
                raise ValueError(f"{where}: no such student, assignment and question: {', '.join(names)}")
            if names in found:
                raise ValueError(f"{where}: a second line for {', '.join(names)}; leave one of the two")
            found[names] = Override(_points(row["points"], known[names[1:]], where), row["reason"])
    return found


def _points(text: str, most: float, where: str) -> float:
    try:
        points = float(text)
    except ValueError:
        points = math.nan
    if not 0 <= points <= most:
        raise ValueError(f"{where}: points must be a number from 0 to {most:g}, but got {text!r}")
    return points
