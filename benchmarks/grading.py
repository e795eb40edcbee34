"""How fast the grader is, and how much memory its own process takes.

    python -m benchmarks.grading                 all of it, some minutes
    python -m benchmarks.grading --submissions 50 --repeats 2 --thousand 100

NumPy: the course's exercises, solved, as they are handed in. PyTorch: a question with tensors for inputs, for which
each submission imports torch. A warm run forks each submission from a process that has the libraries loaded; a cold
one starts a sandbox and imports them each time. Every figure comes from whole runs of the command line, with writing
the gradebook, the feedback and the report.
"""

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from ropelib.grading.assignment import of_the_course

ROOT = Path(__file__).resolve().parents[1]
TENSORS = ("91_tensors", "tests.attacks.tensors", "import torch\n\n\ndef halve(x):\n    return x / 2\n")
COLD = (
    "import sys; from ropelib.grading import command_line, probe; probe.isolation = lambda: 'sandbox'; "
    "sys.exit(command_line.main(sys.argv[1:]))"
)
WARM = (
    "import sys; from ropelib.grading import command_line; status = command_line.main(sys.argv[1:]); "
    "lines = open('/proc/self/status').read().splitlines(); "
    "print([int(line.split()[1]) for line in lines if line.startswith('VmHWM')][0] / 1024); sys.exit(status)"
)


@dataclass
class Batch:
    """Submissions of one kind.

    name:    for the table
    file:    of each submission
    content: of each submission; all different, as those of different students are
    options: for the command line
    """

    name: str
    file: str
    content: str
    options: list[str]

    def hand_in(self, folder: Path, count: int) -> None:
        for number in range(count):
            student = folder / f"student{number:04}"
            student.mkdir(parents=True)
            (student / self.file).write_text(self.content.replace("STUDENT", str(number)))


def batches() -> list[Batch]:
    """The NumPy exercises of the course as one batch each, and the tensors."""
    found = []
    for assignment in of_the_course():
        solved = json.loads((ROOT / "solutions" / f"{assignment.name}.ipynb").read_text())
        solved["metadata"]["of"] = "STUDENT"
        found.append(Batch(f"NumPy, {assignment.name}", f"{assignment.name}.ipynb", json.dumps(solved), []))
    name, module, source = TENSORS
    cell = {"cell_type": "code", "metadata": {}, "outputs": [], "execution_count": None, "source": source}
    tensors = {"nbformat": 4, "nbformat_minor": 5, "metadata": {"of": "STUDENT"}, "cells": [cell]}
    found.append(Batch("PyTorch", f"{name}.ipynb", json.dumps(tensors), ["--assignment", f"{name}={module}"]))
    return found


def run(batch: Batch, count: int, jobs: int, program: str = WARM) -> tuple[float, float]:
    """Grade count submissions in a fresh process → seconds, and the most memory of that process in MB (0 if cold)."""
    with tempfile.TemporaryDirectory() as folder:
        batch.hand_in(Path(folder, "submitted"), count)
        command = [sys.executable, "-c", program, str(Path(folder, "submitted")), "--out", str(Path(folder, "grades"))]
        command += ["--jobs", str(jobs), *batch.options]
        started = time.perf_counter()
        outcome = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
        seconds = time.perf_counter() - started
        grades = Path(folder, "grades", "grades.csv").read_text().splitlines()[1:]
        if outcome.returncode or not all(_is_full(line) for line in grades):
            raise RuntimeError(f"{batch.name}: not everything earned everything\n{outcome.stderr}")
        return seconds, float(outcome.stdout or 0)


def _is_full(line: str) -> bool:
    fields = line.split(",")
    return fields[1] == fields[2] and fields[-1] == "graded"


def rates(batch: Batch, count: int, repeats: int, jobs: int, program: str = WARM) -> str:
    """Submissions a second: the median of several runs, and the least and the most."""
    measured = sorted(count / run(batch, count, jobs, program)[0] for _ in range(repeats))
    return f"{statistics.median(measured):5.1f}/s  ({measured[0]:.1f} to {measured[-1]:.1f}, {repeats} runs of {count})"


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.grading", description="Rates and memory of the grader.")
    parser.add_argument("--submissions", type=int, default=200, metavar="N", help="a run; %(default)s if not given")
    parser.add_argument("--repeats", type=int, default=5, metavar="N", help="%(default)s if not given")
    parser.add_argument("--jobs", type=int, default=os.cpu_count(), metavar="N", help="%(default)s if not given")
    parser.add_argument("--thousand", type=int, default=1000, metavar="N", help="submissions for the memory")
    options = parser.parse_args()
    print(f"{platform.machine()}, {os.cpu_count()} processors, Python {platform.python_version()}, {options.jobs} jobs")
    print(f"load average before: {os.getloadavg()[0]:.1f}\n")
    found = batches()
    for batch in found:
        print(f"{batch.name:<34} warm {rates(batch, options.submissions, options.repeats, options.jobs)}", flush=True)
    for batch in (found[0], found[-1]):
        few = max(4, options.submissions // 10)
        print(f"{batch.name:<34} cold {rates(batch, few, options.repeats, options.jobs, COLD)}", flush=True)
    for batch in (found[0], found[-1]):
        seconds, megabytes = run(batch, options.thousand, options.jobs)
        print(f"{batch.name:<34} {options.thousand} in {seconds:.0f} s, at most {megabytes:.0f} MB in the parent")
    return 0


if __name__ == "__main__":
    sys.exit(main())
