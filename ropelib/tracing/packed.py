"""A recording as plain lists and texts that fit into a notebook, and as words."""

import json
import textwrap
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from ropelib.tracing.names import Change
from ropelib.tracing.snapshots import Shown, numbers, summary
from ropelib.tracing.tracer import MOST_VISITS, Recording, Step

LARGEST = 150_000
MOST_LINES, LONGEST_LINE = 600, 160
# Rows and columns shown of an array, and visits kept of a statement: the first pair that fits is taken.
SIZES = [(16, MOST_VISITS), (16, 20), (8, 20), (8, 8), (4, 8), (4, 3), (2, 2)]
STATES = {"same": "assigned, equal to before", "returned": "returns", "yielded": "yields"}


@dataclass(frozen=True)
class Packed:
    """rows number the lines of all sections from 0; a step and a change refer to rows and values by number.

    sections: {title, first (line number), lines}
    steps:    {row, rows (how many its statement has), visit, of, call, function, depth, changes, notes}
    changes:  {name, state, value, marks}, marks as [row, column] of the entries that differ
    values:   {title, text, perhaps parts (values)}
              or {title, rows (numbers with spaces between), wide, tall (whether cut), note}
    """

    sections: list[dict[str, Any]]
    steps: list[dict[str, Any]]
    values: list[dict[str, Any]]


def pack(recording: Recording) -> Packed:
    """The recording in at most 150 kB of JSON: arrays are cut, then the visits in the middle of a loop left out."""
    sections, rows = _sections(recording)
    steps = [step for step in recording.steps if (step.file, step.statement.start) in rows]
    for size, visits in SIZES:
        packed = _pack(recording, sections, rows, _thin(recording, steps, visits), size)
        if len(json.dumps([packed.steps, packed.values])) <= LARGEST:
            return packed
    while len(json.dumps([packed.steps, packed.values])) > LARGEST:
        steps = steps[: len(steps) // 2]
        packed = _pack(recording, sections, rows, _thin(recording, steps, visits), size)
    return packed


def headline(recording: Recording, title: str) -> str:
    """One sentence: what ran, how much of it, and how it ended."""
    calls, count = recording.calls, sum(recording.visits.values())
    ran = (
        f"Trace of {title}: {count} {'step' if count == 1 else 'steps'} in {calls} {'call' if calls == 1 else 'calls'}"
    )
    if recording.exception is not None:
        return f"{ran}, ended by {type(recording.exception).__name__}: {recording.exception}"[:300]
    return ran if recording.result is None else f"{ran}, returned {summary(recording.result)}"


def in_words(packed: Packed, numbers: int) -> Iterator[tuple[str, str]]:
    """Every line that ran, with what its last visit changed → ("title" | "line" | "value", text).

    numbers: how many entries of an array are written out
    """
    last, row = {step["row"]: step for step in packed.steps}, 0
    for section in packed.sections:
        ran = [number for number in range(len(section["lines"])) if row + number in last]
        if ran:
            yield "title", section["title"]
        for number in ran:
            step = last[row + number]
            times = f"×{step['of']}" if step["of"] > 1 else ""
            yield "line", f"{section['first'] + number:>4} {times:>4}  {section['lines'][number]}"
            told = [
                *step["notes"],
                *(text for change in step["changes"] for text in _told(change, packed.values, numbers)),
            ]
            yield from (("value", f"{'':>11}{text}") for text in told)
        row += len(section["lines"])


def _told(change: dict[str, Any], values: list[dict[str, Any]], numbers: int) -> Iterator[str]:
    if change["value"] is None:
        yield f"{change['name']}: {change['state']}"
        return
    value = values[change["value"]]
    yield f"{change['name'] or change['state']}: {_value_told(value, numbers)}"
    yield from (f"  {_value_told(part, numbers)}" for part in value.get("parts", ()))


def _value_told(value: dict[str, Any], numbers: int) -> str:
    if "text" in value:
        return f"{value['title']}  {value['text']}".rstrip()
    entries = " | ".join(value["rows"]).split(" ")
    places = [place for place, entry in enumerate(entries) if entry != "|"]
    start = " ".join(entries if len(places) <= numbers else [*entries[: places[numbers - 1] + 1], "…"])
    return f"{value['title']}  {start}".rstrip()


def _sections(recording: Recording) -> tuple[list[dict[str, Any]], dict[tuple[str, int], int]]:
    """The source of every function, none twice, and the row of each (file, line)."""
    outer: list[tuple[str, int, int, str]] = []
    for span in recording.sections:
        if not any(_is_within(span, other) for other in outer):
            outer = [other for other in outer if not _is_within(other, span)] + [span]
    sections, rows = [], {}
    for file, first, last, title in outer:
        last = min(last, first + MOST_LINES - len(rows) - 1)
        text = textwrap.dedent("\n".join(recording.sources[file].lines[first - 1 : last]))
        lines = [line[:LONGEST_LINE] for line in text.split("\n")] if last >= first else []
        if lines:
            rows |= {(file, first + number): len(rows) + number for number in range(len(lines))}
            sections.append({"title": title, "first": first, "lines": lines})
    return sections, rows


def _is_within(inner: tuple, outer: tuple) -> bool:
    return inner[0] == outer[0] and outer[1] <= inner[1] and inner[2] <= outer[2]


def _thin(recording: Recording, steps: list[Step], visits: int) -> list[Step]:
    """Of every statement its first visits, and its last."""
    total = recording.visits
    return [step for step in steps if step.visit < visits or step.visit == total[step.file, step.statement.start]]


def _pack(recording: Recording, sections: list, rows: dict, steps: list[Step], size: int) -> Packed:
    values: dict[str, int] = {}
    packed = [
        {
            "row": rows[step.file, step.statement.start],
            "rows": _height(recording, step),
            "visit": step.visit,
            "of": recording.visits[step.file, step.statement.start],
            "call": step.call,
            "function": step.function,
            "depth": step.depth,
            "changes": [_change(change, values, size) for change in step.changes],
            "notes": step.notes,
        }
        for step in steps
    ]
    return Packed(sections, packed, [json.loads(text) for text in values])


def _height(recording: Recording, step: Step) -> int:
    """The lines of the statement without the comments and empty lines that follow its header."""
    lines = recording.sources[step.file].lines
    stop = step.statement.stop
    while stop > step.statement.start and lines[stop - 1].strip()[:1] in ("", "#"):
        stop -= 1
    return stop - step.statement.start + 1


def _change(change: Change, values: dict[str, int], size: int) -> dict[str, Any]:
    number, marks = None, []
    if change.value is not None:
        text = json.dumps(_value(change.value, size))
        number = values.setdefault(text, len(values))
    if change.marks is not None:
        shown = change.marks[:size, :size]
        marks = [[int(row), int(column)] for row, column in zip(*shown.nonzero(), strict=True)]
    return {"name": change.name, "state": _state(change, len(marks), size), "value": number, "marks": marks}


def _state(change: Change, marked: int, size: int) -> str:
    if change.state != "changed" or change.marks is None:
        return STATES.get(change.state, change.state)
    rows, columns = change.value.shape
    shown = min(rows, size) * min(columns, size)
    where = "" if shown == rows * columns else " shown"
    return f"changed, {marked} of {shown} entries{where}" if marked or not where else "changed, outside the part shown"


def _value(shown: Shown, size: int) -> dict[str, Any]:
    if shown.window is None:
        parts = {"parts": [_value(part, size) for part in shown.parts]} if shown.parts else {}
        return {"title": shown.title, "text": shown.text, **parts}
    rows, columns = shown.shape
    cut = [f"{size} of {count} {name}" for count, name in ((rows, "rows"), (columns, "columns")) if count > size]
    notes = [f"the first {' and '.join(cut)}"] if cut else []
    notes += [shown.note] if shown.note else []
    texts = [" ".join(row) for row in numbers(shown.window[:size, :size])]
    return {"title": shown.title, "rows": texts, "wide": columns > size, "tall": rows > size, "note": "; ".join(notes)}
