"""One page a student: what was right, what was not, and the mistake's name where it has one."""

import re
from collections.abc import Sequence
from typing import Any

from ropelib.checks.result import HEADINGS
from ropelib.grading.gradebook import Entry
from ropelib.grading.page import page, text

NOT_ASKED = "Not looked at"
CODE = re.compile(r"`([^`]+)`")


def feedback(row: Sequence[Entry]) -> str:
    """The page of one student.

    row: the student's entries
    """
    body = [f"<h1>{text(row[0].student)}</h1>"]
    for entry in row:
        total = entry.total()
        earned = "no points" if total is None else f"{total:g} of {entry.assignment.points:g} points"
        body.append(f"<h2>{text(entry.assignment.name)}: {text(earned)}</h2>")
        if entry.status != "graded":
            body.append(f"<p>{text(entry.status)}: {text(entry.reason)}</p>")
        graded = entry.record["questions"] if entry.status == "graded" else {}
        body += [_question(entry, question.name, graded.get(question.name)) for question in entry.assignment.questions]
        body += _notes(entry)
    return page(f"Feedback for {row[0].student}", "\n".join(body))


def _question(entry: Entry, name: str, result: dict[str, Any] | None) -> str:
    points, override = entry.points(name), entry.override(name)
    if points is None:
        return ""
    of = next(question.points for question in entry.assignment.questions if question.name == name)
    level = "full" if points == of else "part" if points > 0 else "none"
    lines = [f'<section class="{level}"><h3>{text(result["title"] if result else name)}</h3>']
    lines.append(f"<p><strong>{points:g} of {of:g} points</strong> for <code>{text(name)}</code></p>")
    if override:
        lines.append(f"<p>Set by your instructor: {text(override.reason)}</p>")
    if result:
        lines.append(f"<p>{text(HEADINGS.get(result['outcome'], NOT_ASKED))}.</p>")
        lines.append(_message(result["message"], as_code=result["outcome"] == "raised"))
        lines.append(_example(result["example"]))
    return "\n".join([*filter(None, lines), "</section>"])


def _message(message: str, *, as_code: bool) -> str:
    """Prose as paragraphs, with what stands between backticks as code; an error as it is."""
    if as_code:
        return f"<pre>{text(message)}</pre>"
    paragraphs = (CODE.sub(r"<code>\1</code>", text(line)) for line in message.splitlines() if line)
    return "".join(f"<p>{paragraph}</p>" for paragraph in paragraphs)


def _example(example: dict[str, str]) -> str:
    rows = [(title, example[name]) for name, title in (("call", "for"), ("got", "got")) if example.get(name)]
    cells = (f'<tr><th scope="row">{title}</th><td><pre>{text(value)}</pre></td></tr>' for title, value in rows)
    return f"<table>{''.join(cells)}</table>" if rows else ""


def _notes(entry: Entry) -> list[str]:
    notes = entry.record.get("notes", []) if entry.record and entry.status == "graded" else []
    if not notes:
        return []
    return ["<h3>While your notebook ran</h3><ul>", *(f"<li>{text(note)}</li>" for note in notes), "</ul>"]
