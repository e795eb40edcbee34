"""How far the reader has come: for each chapter the questions answered, and those worth another look.

What is committed, the picture and the description never depend on answers: the browser asks for them.
"""

from pathlib import Path
from typing import Any

import traitlets
from matplotlib.figure import Figure

from ropelib import answers, plotting, questions
from ropelib.tables import table
from ropelib.widgets.base import Interactive, module_source, style_source
from ropelib.widgets.picture import Line, page


def progress() -> "Progress":
    """A table of the chapters with the reader's own answers, as kept in work/.course/."""
    return Progress()


def standing() -> list[dict[str, Any]]:
    """For each chapter: how many questions were answered, how many right the first time, and the topics to revisit.

    A topic is to be revisited while the latest answer to its question is wrong, in the chapter's notebook.
    """
    first: dict[str, bool] = {}
    latest: dict[str, bool] = {}
    for answer in answers.history():
        first.setdefault(answer.key, answer.right)
        latest[answer.key] = answer.right
    rows = []
    for chapter in questions.chapters():
        answered = [key for key in questions.keys(chapter) if key in latest]
        revisit = [questions.topic(key) for key in answered if not latest[key]]
        right = sum(first[key] for key in answered)
        row = {"chapter": chapter, "answered": len(answered), "right": right, "revisit": revisit}
        rows.append(row | {"notebook": _notebook(chapter)})
    return rows


def _notebook(chapter: str) -> str:
    """The name of this chapter's notebook in the current folder, which is where a notebook runs; empty without one."""
    try:
        return next((path.name for path in sorted(Path.cwd().glob(f"{chapter}_*.ipynb"))), "")
    except OSError:
        return ""


class Progress(Interactive):
    """The questions of every chapter; in the browser, with the reader's answers beside them."""

    _esm = module_source("progress")
    _css = style_source("progress")

    chapters = traitlets.List(traitlets.Dict()).tag(sync=True)

    def __init__(self) -> None:
        counts = [{"chapter": chapter, "asked": len(questions.keys(chapter))} for chapter in questions.chapters()]
        super().__init__(chapters=counts)
        self.on_msg(self._hear)

    def describe(self) -> str:
        """How many questions each chapter asks. Answers are not in it."""
        rows = [row["chapter"] for row in self.chapters]
        counts = [[row["asked"]] for row in self.chapters]
        return table(counts, rows, ["questions"], corner="chapter")

    def snapshot(self) -> Figure:
        heading = Line("Your predictions: run this cell in your work folder to see them", plotting.QUERY, bold=True)
        return page([heading, *(Line(line, code=True) for line in self.describe().split("\n"))])

    def _hear(self, _widget: Any, message: Any, _buffers: Any) -> None:
        if message == {"kind": "recall"}:
            self.send({"kind": "progress", "rows": standing()})
