"""Build what students get: the course without solutions, tests, the grader, or the programs behind the checks.

    python -m ropelib.grading.release --out release/rope-course.zip

Programs go in because a chapter, an exercise or `make lab` needs them, and other files because they are named here:
a new file of the instructor's stays out until someone decides otherwise.
"""

import argparse
import importlib
import json
import re
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path

from ropelib.grading import reachable
from ropelib.grading.recorded import record

ROOT = Path(__file__).resolve().parents[2]
TOP = "rope-course"
FILES = ("LICENSE", "environment.yml", "pyproject.toml")
PATTERNS = (
    "requirements/*",
    "notebooks/*.ipynb",
    "notebooks/*.md",
    "notebooks/images/*",
    "exercises/*.ipynb",
    "benchmarks/results/*.json",
)
README = "ropelib/grading/students_readme.md"
TARGETS = ("help", "lab", "clean")
RECORDED = "ropelib.grading.recorded"
QUESTIONS = re.compile(r"ropelib/checks/ch\d\d")
SOLUTION = re.compile(r"; `ch\d\d\.\w+\.solution\(\)` shows a solution once you have tried\.")
CHAPTER = '''"""The questions of chapter {number} as released: recorded results, without the programs behind them."""

from ropelib.grading.recorded import load

RECORDED = {recorded!r}
QUESTIONS = [load(text) for text in RECORDED]
globals().update({{question.name: question for question in QUESTIONS}})
'''
EARLIEST = (1980, 1, 1, 0, 0, 0)  # that a ZIP file can tell; equal contents shall give equal files


def build(target: Path, root: Path = ROOT) -> list[str]:
    """Write the bundle → the names in it."""
    parts = (_copied(root), _programs(root), _chapters(root), _for_students(root))
    contents = dict(sorted(entry for part in parts for entry in part))
    target.parent.mkdir(parents=True, exist_ok=True)
    partial = target.with_name(f".{target.name}.partial")
    with zipfile.ZipFile(partial, "w", zipfile.ZIP_DEFLATED) as bundle:
        for name, content in contents.items():
            bundle.writestr(zipfile.ZipInfo(f"{TOP}/{name}", EARLIEST), content, zipfile.ZIP_DEFLATED)
    partial.replace(target)
    return list(contents)


def makefile(text: str) -> str:
    """The Makefile with the students' targets, and nothing that only others need."""
    paragraphs = [part for part in text.split("\n\n") if (rule := _target(part)) is None or rule in TARGETS]
    lines = "\n\n".join(paragraphs).splitlines()
    lines = [line for line in lines if (named := re.match(r'\t@echo "make (\w+)', line)) is None or named[1] in TARGETS]
    lines = [f".PHONY: {' '.join(TARGETS)}" if line.startswith(".PHONY:") else line for line in lines]
    used = re.findall(r"\w+", "\n".join(lines))
    lines = [line for line in lines if (name := re.match(r"(\w+) \?=", line)) is None or used.count(name[1]) > 1]
    return "\n".join(lines).replace("find ropelib tests ", "find ropelib ") + "\n"


def _target(paragraph: str) -> str | None:
    """The target of a paragraph that is a rule."""
    found = re.match(r"([a-z]+):(?!=)", paragraph)
    return found[1] if found else None


def readme(root: Path) -> str:
    """The students' README, with the chapters and exercises that there are."""
    lines = []
    for chapter in sorted((root / "notebooks").glob("[0-9][0-9]_*.ipynb")):
        cells = json.loads(chapter.read_text(encoding="utf-8"))["cells"]
        title = "".join(cells[0]["source"]).splitlines()[0].lstrip("# ")
        exercise = root / "exercises" / chapter.name
        practice = f", with [exercises](exercises/{chapter.name})" if exercise.exists() else ""
        lines.append(f"* [{title}](notebooks/{chapter.name}){practice}")
    return (root / README).read_text(encoding="utf-8").replace("{chapters}", "\n".join(lines))


def _copied(root: Path) -> Iterator[tuple[str, bytes]]:
    found = [path for pattern in PATTERNS for path in root.glob(pattern) if path.is_file()]
    for path in (*(root / name for name in FILES), *found):
        if not path.name.startswith("."):
            content = path.read_bytes()
            if path.parent.name == "exercises":
                content = SOLUTION.sub(". Solutions are with your instructor.", content.decode()).encode()
            yield path.relative_to(root).as_posix(), content


def _programs(root: Path) -> Iterator[tuple[str, bytes]]:
    """Every module that a notebook or a target of make leads to, but for the questions, which come as records."""
    notebooks = [path for folder in ("notebooks", "exercises") for path in (root / folder).glob("*.ipynb")]
    started = re.findall(r"-m (ropelib[\w.]+)", makefile((root / "Makefile").read_text(encoding="utf-8")))
    bundled = reachable.files(root, notebooks, [*started, RECORDED], leave_out=QUESTIONS)
    for path in bundled:
        if path != root / README:
            yield path.relative_to(root).as_posix(), path.read_bytes()


def _for_students(root: Path) -> Iterator[tuple[str, bytes]]:
    yield "README.md", readme(root).encode()
    yield "Makefile", makefile((root / "Makefile").read_text(encoding="utf-8")).encode()


def _chapters(root: Path) -> Iterator[tuple[str, bytes]]:
    for path in (root / "ropelib" / "checks").glob("ch[0-9][0-9]*"):
        questions = importlib.import_module(f"ropelib.checks.{path.stem}").QUESTIONS
        text = CHAPTER.format(number=path.stem[2:], recorded=[record(question) for question in questions])
        yield f"ropelib/checks/{path.stem}.py", text.encode()


def main() -> int:
    parser = argparse.ArgumentParser(prog="make release", description="Build the students' bundle.")
    parser.add_argument("--out", type=Path, default=ROOT / "release" / f"{TOP}.zip", metavar="FILE")
    target = parser.parse_args().out
    names = build(target)
    print(f"{target}: {len(names)} files, {target.stat().st_size >> 10} KB, without solutions, tests and the grader.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
