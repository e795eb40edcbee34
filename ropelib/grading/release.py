"""Build what students get: the course without solutions, tests, the grader, or the programs behind the checks.

    python -m ropelib.grading.release --out release/rope-course.zip

Only what is named here goes in, so that a new file of the instructor's stays out until someone decides otherwise.
"""

import argparse
import importlib
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path

from ropelib.grading.recorded import record

ROOT = Path(__file__).resolve().parents[2]
TOP = "rope-course"
FILES = (
    *("LICENSE", "Makefile", "README.md", "environment.yml", "pyproject.toml"),
    *("ropelib/course/__init__.py", "ropelib/course/workspace.py"),
    *("ropelib/grading/__init__.py", "ropelib/grading/recorded.py"),
    *("ropelib/grading/inside/__init__.py", "ropelib/grading/inside/codec.py"),
)
CHECKS = ("__init__", "compare", "core", "observe", "result", "verdict")
PATTERNS = (
    "requirements/*",
    "notebooks/*.ipynb",
    "notebooks/*.md",
    "notebooks/images/*",
    "exercises/*",
    "ropelib/*.py",
    *(f"ropelib/{package}/*" for package in ("kernels", "questions", "tracing", "widgets")),
    "benchmarks/results/*.json",
)
CHAPTER = '''"""The questions of chapter {number} as released: recorded results, without the programs behind them."""

from ropelib.grading.recorded import load

RECORDED = {recorded!r}
QUESTIONS = [load(text) for text in RECORDED]
globals().update({{question.name: question for question in QUESTIONS}})
'''
EARLIEST = (1980, 1, 1, 0, 0, 0)  # that a ZIP file can tell; equal contents shall give equal files


def build(target: Path, root: Path = ROOT) -> list[str]:
    """Write the bundle → the names in it."""
    contents = dict(sorted({**dict(_copied(root)), **dict(_chapters(root))}.items()))
    target.parent.mkdir(parents=True, exist_ok=True)
    partial = target.with_name(f".{target.name}.partial")
    with zipfile.ZipFile(partial, "w", zipfile.ZIP_DEFLATED) as bundle:
        for name, content in contents.items():
            bundle.writestr(zipfile.ZipInfo(f"{TOP}/{name}", EARLIEST), content, zipfile.ZIP_DEFLATED)
    partial.replace(target)
    return list(contents)


def _copied(root: Path) -> Iterator[tuple[str, bytes]]:
    named = [root / name for name in (*FILES, *(f"ropelib/checks/{module}.py" for module in CHECKS))]
    found = [path for pattern in PATTERNS for path in root.glob(pattern) if path.is_file()]
    for path in (*named, *found):
        if not path.name.startswith("."):
            yield path.relative_to(root).as_posix(), path.read_bytes()


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
