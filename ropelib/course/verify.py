"""Verify the course, and end with a ledger of what ran, what did not, and how to mend it.

python -m ropelib.course.verify                      everything
python -m ropelib.course.verify --chapter 03         one chapter
python -m ropelib.course.verify --fast               lint and the fast tests
python -m ropelib.course.verify NOTEBOOK [...]       these notebooks, wherever they are
"""

import argparse
import os
import subprocess
import sys
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

import nbformat
import pytest

from ropelib import environment
from ropelib.course import exercises, notebooks
from ropelib.course.notebooks import ROOT

MOST_IGNORED = 0.05
NO_GPU = "NOT RUN: no GPU"


@dataclass
class Ledger:
    """A pytest plugin that counts: hand it to pytest.main, then read it."""

    chapters: list[Path]
    outcomes: Counter = field(default_factory=Counter)
    not_run: dict[str, str] = field(default_factory=dict)
    cells_passed: Counter = field(default_factory=Counter)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        file = report.location[0]
        is_cell = file.endswith(".ipynb")
        if report.skipped and not hasattr(report, "wasxfail"):
            self.not_run[report.nodeid] = str(report.longrepr[2]).removeprefix("Skipped: ")
        elif report.failed:
            self.outcomes["failed"] += 1
        elif report.when == "call" and report.passed:
            self.outcomes["cell" if is_cell else "passed"] += 1
            self.cells_passed[(ROOT / file).resolve()] += is_cell

    def unverified(self) -> list[Path]:
        """Notebooks of which not every code cell ran and agreed."""
        return [path for path in self.chapters if self.cells_passed[path.resolve()] != len(_code_cells(path))]

    def sentences(self) -> list[str]:
        return [self._notebooks(), self._tests()]

    def _tests(self) -> str:
        passed, failed, not_run = self.outcomes["passed"], self.outcomes["failed"], len(self.not_run)
        if not passed + failed + not_run:
            return "tests      not part of this run"
        return f"tests      {passed} passed, {failed} failed, {not_run} not run"

    def _cells(self) -> tuple[int, int]:
        """How many code cells the chapters have, and how many of them are not compared."""
        cells = [cell for path in self.chapters for cell in _code_cells(path)]
        return len(cells), sum(map(notebooks.is_ignored, cells))

    def _notebooks(self) -> str:
        if not self.chapters:
            return "notebooks  not part of this run"
        cells, ignored = self._cells()
        done = len(self.chapters) - len(self.unverified())
        return (
            f"notebooks  {done} of {len(self.chapters)} verified: of {cells} cells {self.outcomes['cell']} ran "
            f"and agreed; {ignored} ran without being compared ({_share(ignored, cells)})"
        )

    def defects(self, *, strict: bool) -> list[str]:
        found = [f"{path.name}: not verified" for path in self.unverified()]
        cells, ignored = self._cells()
        if ignored > max(1, MOST_IGNORED * cells):
            found.append(f"{_share(ignored, cells)} of the cells are not compared; {MOST_IGNORED:.0%} may be")
        if strict:
            missing = {reason for reason in self.not_run.values() if not reason.startswith(NO_GPU)}
            found += [f"under CI=true nothing may be left out: {reason}" for reason in sorted(missing)]
        return found


def verify(chapters: list[Path], tests: list[str], *, lint: bool = False) -> int:
    """Run tests and strict nbval over chapters, print the ledger → 0 where all is well, else 1."""
    started = time.perf_counter()
    defects = _lint() if lint else []
    defects += [sentence for path in chapters for sentence in notebooks.problems(path)]
    defects += exercises.differences({path.name for path in chapters if path.parent.name in ("solutions", "exercises")})
    left_out = {path: reason for path in chapters if (reason := _reason_to_leave_out(path))}
    chapters = [path for path in chapters if path not in left_out]
    ledger = Ledger(chapters, not_run={str(path): reason for path, reason in left_out.items()})
    status = 0
    if tests or chapters:
        status = pytest.main([*_pytest_options(len(chapters)), *tests, *map(str, chapters)], plugins=[ledger])
    defects += ledger.defects(strict=os.environ.get("CI") == "true")
    if status != 0:
        defects.append(f"pytest ended with status {int(status)}: the failures are above")
    print("\nLedger", *ledger.sentences(), *_not_run_table(ledger.not_run), sep="\n  ")
    print(f"  time       {time.perf_counter() - started:.0f} s")
    print(
        "\n".join(["", *defects, f"FAILED: {len(defects)} defects"] if defects else ["", "Everything that ran passed."])
    )
    return 1 if defects else 0


def _reason_to_leave_out(path: Path) -> str:
    """Why a notebook cannot run here, or nothing."""
    is_chapter = path.parent.name == "notebooks"
    missing = [need for need in environment.missing_for(path.name[:2]) if is_chapter or need.in_exercises]
    if not missing:
        return ""
    return f"NOT RUN: {path.name} needs {missing[0].package}, which is not installed; {missing[0].remedy}"


def _pytest_options(chapters: int) -> list[str]:
    # Cells of one notebook share a kernel, so a notebook must not be split over workers.
    workers = min(os.cpu_count() or 1, 8)
    options = ["-q", "-c", str(ROOT / "pyproject.toml"), "--rootdir", str(ROOT), "--nbval"]
    return options + (["-n", str(workers), "--dist", "loadfile"] if chapters != 1 else [])


def _not_run_table(not_run: dict[str, str]) -> list[str]:
    reasons = Counter(not_run.values())
    return [f"{count:>9} × {reason}" for reason, count in sorted(reasons.items())]


def _code_cells(path: Path) -> list[nbformat.NotebookNode]:
    return notebooks.code_cells(nbformat.read(path, as_version=4))


def _share(part: int, whole: int) -> str:
    return f"{100 * part / max(whole, 1):.1f} %"


def _tree() -> list[Path]:
    """Every notebook that git tracks or would track."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "*.ipynb"]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    if listed.returncode:
        return notebooks.find()
    return [ROOT / line for line in sorted(set(listed.stdout.splitlines())) if (ROOT / line).exists()]


def _lint() -> list[str]:
    checks = (["check", "."], ["format", "--check", "."])
    failed = [check for check in checks if subprocess.run([sys.executable, "-m", "ruff", *check], cwd=ROOT).returncode]
    return [f"ruff {' '.join(check)}: the findings are at the top" for check in failed]


def main() -> int:
    parser = argparse.ArgumentParser(prog="make test", description="Verify the course.")
    parser.add_argument("notebooks", nargs="*", type=Path, help="verify only these")
    parser.add_argument("--chapter", metavar="NN", help="verify only notebooks whose name starts with this")
    parser.add_argument("--fast", action="store_true", help="lint and the tests that are not marked slow")
    options = parser.parse_args()
    os.chdir(ROOT)
    if options.notebooks:
        return verify([path.resolve() for path in options.notebooks], [])
    if options.chapter is not None:
        chosen = notebooks.find(options.chapter)
        if not chosen:
            print(notebooks.none_found(options.chapter), file=sys.stderr)
            return 2
        return verify(chosen, [])
    if options.fast:
        return verify([], ["tests", "-m", "not slow"], lint=True)
    return verify(_tree(), ["tests"], lint=True)


if __name__ == "__main__":
    sys.exit(main())
