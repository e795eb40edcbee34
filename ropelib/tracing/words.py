"""A trace in words: one sentence for all of it, every line that ran, and the lines that matter most."""

from collections.abc import Iterator, Sequence
from inspect import isasyncgen, iscoroutine, isgenerator
from typing import Any

from ropelib.tracing.packed import Packed, grouped
from ropelib.tracing.snapshots import summary
from ropelib.tracing.steps import Recording

CELL = "this cell"


def headline(recording: Recording, title: str) -> str:
    """One sentence: what ran, how much of it, and how it ended; where nothing ran, why."""
    if not recording.total:
        return f"Trace of {title}: {_why_nothing(recording)}"[:400]
    parts = [f"{_count(recording.total, 'step')} in {_count(recording.calls, 'call')}"]
    if not recording.is_whole:
        parts = [f"the first {parts[0]} (the rest ran without being recorded)"]
    if recording.exception is not None:
        parts.append(f"ended by {_error(recording.exception)}")
    elif recording.result is not None:
        parts.append(f"{'last value' if title == CELL else 'returned'} {summary(recording.result)}")
    return f"Trace of {title}: {', '.join(parts)}"[:400]


def in_words(packed: Packed, numbers: int) -> Iterator[tuple[str, str]]:
    """Every line that ran, with what its last visit changed → ("title" | "line" | "value", text).

    numbers: how many entries of an array are written out
    """
    for section, steps in _sections(packed):
        yield from _section_told(packed, section, steps, numbers)


def in_brief(packed: Packed, numbers: int) -> Iterator[tuple[str, str]]:
    """The lines that changed something, without what called functions were handed; functions that hand nothing back
    and leave nothing behind come last."""
    sections = _sections(packed)
    for section, steps in sorted(sections, key=lambda each: each is not sections[0] and not _has_effect(each[1])):
        is_first = section is packed.sections[0]
        telling = {row: step for row, step in steps.items() if _tells(section["lines"][row], step, is_first)}
        yield from _section_told(packed, section, telling, numbers)


def _sections(packed: Packed) -> list[tuple[dict[str, Any], dict[int, dict[str, Any]]]]:
    """Each section with the last visit of each of its lines, by the number of the line within it."""
    last, row, found = {step["row"]: step for step in packed.steps if step["visit"]}, 0, []
    for section in packed.sections:
        count = len(section["lines"])
        found.append((section, {n: last[row + n] for n in range(count) if row + n in last}))
        row += count
    return found


def _section_told(packed: Packed, section: dict, steps: dict[int, dict], numbers: int) -> Iterator[tuple[str, str]]:
    if steps:
        yield "title", section["title"]
    for number, step in steps.items():
        times = f"×{step['of']}" if step["of"] > 1 else ""
        yield "line", f"{section['first'] + number:>4} {times:>4}  {section['lines'][number]}"
        changes = (text for change in step["changes"] for text in _told(change, packed.values, numbers))
        yield from (("value", f"{'':>11}{text}") for text in (*step["notes"], *changes))


def _has_effect(steps: dict[int, dict[str, Any]]) -> bool:
    return any(
        change["state"] in ("returns", "yields") or "." in change["name"]
        for step in steps.values()
        for change in step["changes"]
    )


def _tells(line: str, step: dict[str, Any], is_first: bool) -> bool:
    if any(note.startswith("raises") for note in step["notes"]):
        return True
    is_handed_only = line.lstrip().startswith(("def ", "async def ")) and all(
        c["state"] == "new" for c in step["changes"]
    )
    return bool(step["changes"]) and (is_first or not is_handed_only)


def _told(change: dict[str, Any], values: Sequence[dict[str, Any]], numbers: int) -> Iterator[str]:
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
    if len(places) > numbers:
        entries = entries[: places[numbers - 1] + 1]
    more = ["…"] if len(places) > numbers or value["wide"] or value["tall"] else []
    return f"{value['title']}  {' '.join([*entries, *more])}".rstrip()


def _count(number: int, what: str) -> str:
    return f"{grouped(number)} {what}{'' if number == 1 else 's'}"


def _error(error: Exception) -> str:
    return f"{type(error).__name__}: {error}".removesuffix(": ")


def _why_nothing(recording: Recording) -> str:
    if recording.exception is not None:
        return f"no line of it ran, because calling it raised {_error(recording.exception)}"
    if isgenerator(recording.result):
        return (
            "no line of it ran. It returned a generator, whose lines run when it is consumed: trace a function that "
            "consumes it, for example lambda: list(…)"
        )
    if iscoroutine(recording.result) or isasyncgen(recording.result):
        return "no line of it ran. It is asynchronous: its lines run when it is awaited, and that is not traced"
    return f"no line of it ran. It gave {summary(recording.result)}"
