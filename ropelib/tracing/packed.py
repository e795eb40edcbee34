"""A recording as plain lists and texts that fit into a notebook."""

import json
import textwrap
from dataclasses import dataclass
from typing import Any

from ropelib.tracing.names import Change
from ropelib.tracing.snapshots import Shown, numbers
from ropelib.tracing.steps import FIRST_VISITS, LAST_VISITS, Place, Recording, Step

LARGEST = 150_000
MOST_LINES, LONGEST_LINE = 600, 160
# Rows and columns shown of an array, and visits kept of a statement: the first pair that fits is taken.
SIZES = [(16, FIRST_VISITS + LAST_VISITS), (16, 20), (8, 20), (8, 8), (4, 8), (4, 3), (2, 2)]
STATES = {"same": "assigned, equal to before", "returned": "returns", "yielded": "yields"}


@dataclass(frozen=True)
class Packed:
    """rows number the lines of all sections from 0; a step and a change refer to rows and values by number.

    sections: {title, first (line number), lines}
    steps:    {row, rows (how many its statement has), number (of all), visit, of, call, function, changes, notes,
              perhaps caller (a row)}; steps not kept: the number of the first, visit 0, and what is missing as a note
    changes:  {name, state, value, perhaps marks}, marks as [row, column] of the entries that differ
    values:   {title, text, perhaps parts (values)}
              or {title, rows (numbers with spaces between), wide, tall (whether cut), note}
    """

    sections: list[dict[str, Any]]
    steps: list[dict[str, Any]]
    values: list[dict[str, Any]]


def pack(recording: Recording) -> Packed:
    """The recording in at most 150 kB of JSON: arrays are cut, visits in the middle of a loop left out, then the
    steps in the middle of all."""
    sections, rows = _sections(recording)
    steps = [step for step in recording.steps if (step.file, step.statement.start) in rows]
    for size, visits in SIZES:
        packed = _pack(recording, sections, rows, _thin(recording, steps, visits), size)
        if len(json.dumps([packed.steps, packed.values])) <= LARGEST:
            return packed
    while len(json.dumps([packed.steps, packed.values])) > LARGEST:
        steps = [*steps[: len(steps) // 4], *steps[len(steps) - len(steps) // 4 :]]
        packed = _pack(recording, sections, rows, _thin(recording, steps, visits), size)
    return packed


def grouped(number: int) -> str:
    """A number of five digits and more in groups of three."""
    return f"{number:,}".replace(",", "\u202f") if number >= 10_000 else str(number)


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
    """Of every statement its first visits, and its last ones."""
    last = max(1, visits // 5)
    return [step for step in steps if not visits - last < step.visit <= recording.visits[step.place] - last]


def _pack(recording: Recording, sections: list, rows: dict[Place, int], steps: list[Step], size: int) -> Packed:
    values: dict[str, int] = {}
    packed: list[dict[str, Any]] = []
    number = 0
    for step in steps:
        if step.number > number + 1:
            packed.append(_gap(number + 1, step.number - 1, recording.total, rows[step.place]))
        number = step.number
        packed.append(_step(recording, rows, step, [_change(change, values, size) for change in step.changes]))
    if number < recording.total:
        packed.append(_gap(number + 1, recording.total, recording.total, packed[-1]["row"] if packed else 0))
    return Packed(sections, packed, [json.loads(text) for text in values])


def _step(recording: Recording, rows: dict[Place, int], step: Step, changes: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        "row": rows[step.place],
        "rows": _height(recording, step),
        "number": step.number,
        "visit": step.visit,
        "of": recording.visits[step.place],
        "call": step.call,
        "function": step.function,
        "changes": changes,
        "notes": step.notes,
        **({"caller": rows[step.caller]} if step.caller in rows else {}),
    }


def _gap(first: int, last: int, total: int, row: int) -> dict[str, Any]:
    """Stands for steps that are not kept."""
    which = f"Step {grouped(first)}" if first == last else f"Steps {grouped(first)} to {grouped(last)}"
    note = f"{which} of {grouped(total)} {'is' if first == last else 'are'} not kept."
    return {"row": row, "rows": 0, "number": first, "visit": 0, "of": 0, "changes": [], "notes": [note]}


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
    state = _state(change, len(marks), size)
    return {"name": change.name, "state": state, "value": number, **({"marks": marks} if marks else {})}


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
