"""The instructor's page: how the points are distributed, which mistakes were made by how many, what needs a look."""

import math
from collections import Counter
from collections.abc import Iterable, Sequence

from ropelib.grading.assignment import Assignment
from ropelib.grading.gradebook import Entry
from ropelib.grading.page import page, table, text

BINS = 10
WIDTH, HEIGHT, MARGIN = 560, 180, 24
OUTCOMES = ["correct", "wrong, recognised", "wrong", "raised", "not attempted", "not asked"]


def report(
    assignments: Sequence[Assignment],
    rows: Sequence[Sequence[Entry]],
    strays: Sequence[str],
    counted: str = "",
    withdrawn: Sequence[str] = (),
) -> str:
    """The page for all students.

    strays:    files that are nobody's assignment, as sentences
    counted:   which assignments count and why, as a sentence
    withdrawn: results whose submission is gone, as sentences
    """
    body = [f"<h1>Grading report: {len(rows)} students</h1>", f"<p>{text(counted)}</p>" if counted else ""]
    entries = [entry for row in rows for entry in row]
    troubles = [entry for entry in entries if entry.status not in ("graded", "missing") or entry.look]
    if strays or troubles or withdrawn:
        body.append("<h2>Needs a look</h2>")
    if troubles:
        body.append(table(["student", "assignment", "status", "reason"], [_trouble(entry) for entry in troubles]))
    body += _list("Files and folders that are nobody's assignment", strays)
    body += _list("Results that are kept, and in no table", withdrawn)
    if missing := [entry for entry in entries if entry.status == "missing"]:
        body.append("<h2>Missing</h2>")
        body.append(table(["student", "assignment", "reason"], [[*_who(entry), entry.reason] for entry in missing]))
    for number, assignment in enumerate(assignments):
        graded = [row[number] for row in rows if row[number].status == "graded"]
        body.append(f"<h2>{text(assignment.name)}: {len(graded)} graded</h2>")
        body += _about(assignment, graded) if graded else []
    return page("Grading report", "\n".join(body))


def mistakes(question: str, graded: Sequence[Entry]) -> list[tuple[int, str]]:
    """The recognised mistakes in a question with how many made each, most frequent first."""
    found = Counter(entry.record["questions"][question]["misconception"] for entry in graded)
    return [(count, name) for name, count in sorted(found.items(), key=lambda item: (-item[1], item[0])) if name]


def _about(assignment: Assignment, graded: Sequence[Entry]) -> list[str]:
    parts = [_histogram([entry.total() for entry in graded], assignment.points)]
    for question in assignment.questions:
        outcomes = Counter(entry.record["questions"][question.name]["outcome"] for entry in graded)
        mean = sum(entry.points(question.name) for entry in graded) / len(graded)
        parts.append(f"<h3>{text(question.title)} <code>{text(question.name)}</code></h3>")
        said = "; ".join(f"{outcomes[outcome]} {outcome}" for outcome in OUTCOMES if outcomes[outcome])
        by_hand = sum(entry.override(question.name) is not None for entry in graded)
        said += f"; {by_hand} set by hand" if by_hand else ""
        parts.append(f"<p>Mean {mean:.2f} of {question.points:g} points: {text(said)}.</p>")
        lines = [f"{count} of {len(graded)}: {name}" for count, name in mistakes(question.name, graded)]
        parts += ["<ul>", *(f"<li>{text(line)}</li>" for line in lines), "</ul>"] if lines else []
    return parts


def _histogram(totals: Sequence[float], most: float) -> str:
    """Bars with their counts as text, and the same in words for who does not see them."""
    counts = [0] * BINS
    for total in totals:
        counts[min(BINS - 1, math.floor(BINS * total / most))] += 1
    step, tallest = WIDTH / BINS, max(counts)
    bars = [_bar(index, count, count / tallest * HEIGHT, step) for index, count in enumerate(counts)]
    edges = (most * index / BINS for index in range(BINS + 1))
    words = f"Points of {len(totals)} submissions, median {_median(totals):g} of {most:g}"
    ticks = [_label(index * step, HEIGHT + 2 * MARGIN - 4, f"{edge:g}") for index, edge in enumerate(edges)]
    return (
        f'<svg role="img" aria-label="{text(words)}" width="{WIDTH + 2 * MARGIN}" height="{HEIGHT + 2 * MARGIN}">'
        f"{''.join([*bars, *ticks])}</svg>\n<p>{text(words)}.</p>"
    )


def _bar(index: int, count: int, height: float, step: float) -> str:
    left, top = MARGIN + index * step, MARGIN + HEIGHT - height
    rectangle = f'<rect x="{left + 2:.1f}" y="{top:.1f}" width="{step - 4:.1f}" height="{height:.1f}" fill="#0072B2"/>'
    return rectangle + (_label((index + 0.5) * step, top - 4, str(count)) if count else "")


def _label(x: float, y: float, words: str) -> str:
    return f'<text x="{MARGIN + x:.1f}" y="{y:.1f}" text-anchor="middle">{text(words)}</text>'


def _median(values: Iterable[float]) -> float:
    ordered = sorted(values)
    middle = len(ordered) // 2
    return ordered[middle] if len(ordered) % 2 else (ordered[middle - 1] + ordered[middle]) / 2


def _trouble(entry: Entry) -> list[object]:
    return [*_who(entry), entry.status, entry.look or entry.reason]


def _who(entry: Entry) -> list[object]:
    return [entry.student, entry.assignment.name]


def _list(heading: str, sentences: Sequence[str]) -> list[str]:
    if not sentences:
        return []
    return [f"<h3>{text(heading)}</h3><ul>", *(f"<li>{text(sentence)}</li>" for sentence in sentences), "</ul>"]
