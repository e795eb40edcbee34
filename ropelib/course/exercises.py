"""Exercises from solutions: what stands between the markers goes, everything else stays.

python -m ropelib.course.exercises            write exercises/ from solutions/, run from top to bottom
python -m ropelib.course.exercises --check    only say where exercises/ differs from that

The markers and the cell metadata are nbgrader's, so that its own release of a solution has the same cells. What a
question closes comes from the question itself: this writes it into the solution's text, under the title.
"""

import argparse
import importlib
import importlib.util
import re
import sys
import tempfile
from collections.abc import Collection, Iterator
from pathlib import Path

import nbformat

from ropelib.checks.core import Question
from ropelib.course import notebooks
from ropelib.course.notebooks import ROOT, code_cells

STUB = "# your code here"
SOLUTION = re.compile(r"^([ \t]*)### BEGIN SOLUTION\n.*?^[ \t]*### END SOLUTION$", re.DOTALL | re.MULTILINE)
HIDDEN = re.compile(r"^[ \t]*### BEGIN HIDDEN TESTS\n.*?^[ \t]*### END HIDDEN TESTS$\n?", re.DOTALL | re.MULTILINE)
MARKER = re.compile(r"### (?:BEGIN|END) (?:SOLUTION|HIDDEN TESTS)")
CHECK = re.compile(r"^ch\d\d\.\w+\.check\(\w+\)$")
UNTOUCHED = "○ Not attempted yet"
EFFORT, TIME = "points.* You will be able to ", "**Time** about "
WHAT_IS_OPEN = (
    "**What is open.** Where a program is asked for, write it yourself: what answers that question ready-made is "
    "closed for it. The line under the title says what that is, and the check here and the grader refuse a program "
    "that calls it, in the same words. Where a value is asked for, compute it with whatever helps, the chapter's own "
    "tools included."
)
CLOSED, OPEN = "*Closed for this question: ", "*Nothing is closed for this question.*"
INCLUDING = {"ropelib.reference": " (with `ropelib.rotate`, `ropelib.inverse_frequencies` and the like)"}


def rule(question: Question) -> str:
    """What an answer must not use, as the exercise says it."""
    if not question.closed:
        return OPEN
    rooms = [f"`{room}`{INCLUDING.get(room, '')}" for room in question.closed]
    return f"{CLOSED}{', '.join(rooms[:-1])}{' and ' if rooms[:-1] else ''}{rooms[-1]}.*"


def ruled(solution: nbformat.NotebookNode, questions: Collection[Question]) -> nbformat.NotebookNode:
    """The solution with what is open in its introduction, and under the title of each question."""
    fresh = nbformat.from_dict(solution)
    texts = [cell for cell in fresh.cells if cell.cell_type == "markdown"]
    for cell in texts[:1]:
        cell.source = _inserted(cell.source, WHAT_IS_OPEN, before=TIME)
    titles = [cell for cell in texts if EFFORT in cell.source]
    for cell, question in zip(titles, questions, strict=False):
        cell.source = _inserted(cell.source, rule(question), after=EFFORT)
    return fresh


def _inserted(text: str, sentence: str, *, before: str = "", after: str = "") -> str:
    """A text with a sentence as a paragraph of its own, in place of the one that stood there for it."""
    ours = (CLOSED, OPEN, WHAT_IS_OPEN[:18])
    paragraphs = [paragraph for paragraph in text.split("\n\n") if not paragraph.startswith(ours)]
    places = [place for place, paragraph in enumerate(paragraphs) if (before or after) in paragraph]
    if places:
        paragraphs.insert(places[0] + bool(after), sentence)
    return "\n\n".join(paragraphs)


def unsolved(solution: nbformat.NotebookNode) -> nbformat.NotebookNode:
    """The exercise of a solution, not run: no solutions, no hidden tests, no outputs; graded cells are locked.

    Raises ValueError where a marker has no partner.
    """
    exercise = nbformat.from_dict(solution)
    for cell in exercise.cells:
        cell.source = HIDDEN.sub("", SOLUTION.sub(rf"\1{STUB}", cell.source)).rstrip()
        if marker := MARKER.search(cell.source):
            raise ValueError(f"every marker must have its partner in the same cell, but {marker.group()} has none")
        if cell.metadata.get("nbgrader", {}).get("grade"):
            cell.metadata.update(deletable=False, editable=False)
    for cell in code_cells(exercise):
        cell.outputs, cell.execution_count = [], None
    return exercise


def write(solution: Path, folder: Path) -> Path:
    """Write the exercise of solution into folder, run from top to bottom, and return its path."""
    folder.mkdir(parents=True, exist_ok=True)
    target = folder / solution.name
    fresh = unsolved(nbformat.read(solution, as_version=4))
    with tempfile.TemporaryDirectory() as private:
        scratch = Path(private) / solution.name
        scratch.write_text(nbformat.writes(fresh) + "\n", encoding="utf-8")
        notebooks.execute(scratch)
        target.write_bytes(scratch.read_bytes())
    return target


def differences(names: Collection[str], root: Path = ROOT) -> list[str]:
    """Which of these notebooks in exercises/ are not, byte for byte, what solutions/ gives, or not unsolved."""
    found = []
    with tempfile.TemporaryDirectory() as private:
        for name in sorted(names):
            solution, exercise = root / "solutions" / name, root / "exercises" / name
            if not solution.exists():
                found.append(f"exercises/{name} has no solution: delete it, or write one")
                continue
            if _with_rules(solution) != solution.read_text(encoding="utf-8"):
                found.append(f"solutions/{name} does not say what is closed: run `make exercises`")
            fresh = write(solution, Path(private))
            if not exercise.exists() or exercise.read_bytes() != fresh.read_bytes():
                found.append(f"exercises/{name} is not what solutions/{name} gives: run `make exercises`")
            found += _already_solved(fresh)
    return found


def names(root: Path = ROOT) -> set[str]:
    """The names of all notebooks in solutions/ and in exercises/."""
    return {path.name for folder in ("solutions", "exercises") for path in (root / folder).glob("*.ipynb")}


def _with_rules(solution: Path) -> str:
    """The text of a solution's file, with the rules of its chapter's questions where it has any."""
    text = solution.read_text(encoding="utf-8")
    module = f"ropelib.checks.ch{solution.name[:2]}"
    if importlib.util.find_spec(module) is None:
        return text
    notebook = nbformat.reads(text, as_version=4)
    fresh = ruled(notebook, importlib.import_module(module).QUESTIONS)
    return text if fresh == notebook else nbformat.writes(fresh) + "\n"


def _already_solved(exercise: Path) -> Iterator[str]:
    for cell in code_cells(nbformat.read(exercise, as_version=4)):
        shown = "".join(output.get("data", {}).get("text/plain", "") for output in cell.outputs)
        if CHECK.match(cell.source) and not shown.startswith(UNTOUCHED):
            yield f"exercises/{exercise.name}: {cell.source} should say {UNTOUCHED!r}, but says {shown[:80]!r}"


def main() -> int:
    parser = argparse.ArgumentParser(prog="make exercises", description="Write exercises/ from solutions/.")
    parser.add_argument("--check", action="store_true", help="write nothing; say what differs")
    if parser.parse_args().check:
        found = differences(names())
        print("\n".join(found) or "exercises/ is what solutions/ gives.")
        return min(len(found), 1)
    for solution in sorted((ROOT / "solutions").glob("*.ipynb")):
        solution.write_text(_with_rules(solution), encoding="utf-8")
        print(write(solution, ROOT / "exercises").relative_to(ROOT), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
