"""What a check found, in words: for a notebook as HTML, for a terminal and for nbval as text."""

from dataclasses import dataclass
from html import escape
from typing import Literal

import numpy as np

Outcome = Literal["correct", "not attempted", "raised", "wrong, recognised", "wrong"]

SIGNS = {"correct": "✓", "not attempted": "○", "raised": "!", "wrong, recognised": "✗", "wrong": "✗"}
HEADINGS = {
    "correct": "Correct",
    "not attempted": "Not attempted yet",
    "raised": "Your code raised an error",
    "wrong, recognised": "Not yet, and the mistake has a name",
    "wrong": "Not yet",
}
# At least 3:1 against white and against JupyterLab's dark ground; the sign and the heading say the same in words.
COLORS = {"correct": "#009E73", "not attempted": "#777777"}
WRONG = "#D55E00"
# JupyterLab breaks lines of <pre> inside words.
WRAP = "white-space:pre-wrap;word-break:normal;overflow-wrap:anywhere"
LONGEST = 1500


@dataclass(frozen=True)
class Example:
    """The smallest input that shows a mistake.

    call:       the call, as the learner could type it
    expected:   what it should give; empty where that would be the answer itself
    got:        what it gave
    difference: the largest difference of two numbers, or None where they cannot be compared
    """

    call: str
    expected: str
    got: str
    difference: float | None = None


@dataclass(frozen=True)
class Result:
    """The verdict on one answer, shown by a notebook as a box and by print as text.

    outcome:       one of five; HEADINGS says each in words
    message:       what to think about next
    fraction:      of the question's points, 0 to 1
    misconception: the name of the recognised mistake, else ""
    example:       the smallest input that shows it, where there is one
    title:         of the question
    """

    outcome: Outcome
    message: str
    fraction: float = 0.0
    misconception: str = ""
    example: Example | None = None
    title: str = ""

    def __str__(self) -> str:
        lines = [f"{SIGNS[self.outcome]} {self._heading()}", *_indented(self.message)]
        if self.example:
            width = max(len(name) for name, _ in self._example())
            for name, text in self._example():
                first, *rest = text.splitlines() or [""]
                lines += [f"  {name:<{width}}  {first}", *(f"  {'':<{width}}  {line}" for line in rest)]
        return "\n".join(lines)

    __repr__ = __str__

    def _repr_html_(self) -> str:
        color = COLORS.get(self.outcome, WRONG)
        rows = "".join(
            f'<tr><th scope="row" style="text-align:left;vertical-align:top;padding:.1em 1em .1em 0;'
            f'font-weight:normal">{escape(name)}</th><td style="text-align:left;padding:.1em 0">'
            f'<pre style="margin:0;background:none;color:inherit;{WRAP}">{escape(text)}</pre></td></tr>'
            for name, text in self._example()
        )
        table = f'<table style="margin:.5em 0 0;color:inherit;background:none">{rows}</table>' if rows else ""
        font = ";font-family:var(--jp-code-font-family, monospace)" if self.outcome == "raised" else ""
        paragraphs = "".join(
            f'<p style="margin:.4em 0 0{font}">{escape(line)}</p>' for line in self.message.splitlines()
        )
        return (
            f'<section aria-label="Result of the check" style="border-left:.4em solid {color};padding:.2em 0 .4em 1em;'
            f'max-width:56em"><strong><span aria-hidden="true">{SIGNS[self.outcome]} </span>'
            f"{escape(self._heading())}</strong>{paragraphs}{table}</section>"
        )

    def _heading(self) -> str:
        return HEADINGS[self.outcome] + (f": {self.title}" if self.title else "")

    def _example(self) -> list[tuple[str, str]]:
        if not self.example:
            return []
        rows = [("for", self.example.call), ("expected", self.example.expected), ("got", self.example.got)]
        if self.example.difference is not None:
            rows.append(("largest difference", f"{self.example.difference:.4g}"))
        return [(name, text) for name, text in rows if text]


@dataclass(frozen=True)
class Note:
    """A hint or a solution: text that keeps its line breaks."""

    heading: str
    text: str

    def __str__(self) -> str:
        return "\n".join([self.heading, *_indented(self.text)])

    __repr__ = __str__

    def _repr_html_(self) -> str:
        return (
            f'<section aria-label="{escape(self.heading)}" style="border-left:.4em solid #0072B2;'
            f'padding:.2em 0 .4em 1em;max-width:56em"><strong>{escape(self.heading)}</strong>'
            f'<pre style="margin:.4em 0 0;background:none;color:inherit;{WRAP}">{escape(self.text)}</pre>'
            "</section>"
        )


def shown(value: object, *, digits: int = 4, with_dtype: bool = False) -> str:
    """Plain data as a learner would type it, rounded, without minus zero: the same on every machine.

    with_dtype: name the dtype behind each array
    """
    text = _shown(value, digits, with_dtype)
    return text if len(text) <= LONGEST else f"{text[:LONGEST]} …"


def _shown(value: object, digits: int, with_dtype: bool) -> str:
    if isinstance(value, np.ndarray):
        rounded = value.round(digits) + 0 if value.dtype.kind in "fc" else value
        text = np.array2string(rounded, separator=", ", precision=digits, suppress_small=True, threshold=60)
        return f"{text} {value.dtype}" if with_dtype else text
    if isinstance(value, float):
        return f"{value:.6g}"
    if isinstance(value, (list, tuple)):
        inside = ", ".join(_shown(item, digits, with_dtype) for item in value)
        if isinstance(value, list):
            return f"[{inside}]"
        return f"({inside},)" if len(value) == 1 else f"({inside})"
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key!r}: {_shown(item, digits, with_dtype)}" for key, item in value.items()) + "}"
    return repr(value)


def _indented(text: str) -> list[str]:
    return [f"  {line}" if line else "" for line in text.splitlines()]
