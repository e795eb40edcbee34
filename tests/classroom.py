"""Students' folders and the grader's results, for tests."""

import csv
import subprocess
import sys
from pathlib import Path

from ropelib.grading import command_line
from tests.attacks import exam
from tests.attacks.attack import HALF, HONEST, IMPORT, PERIOD, notebook

ROOT = Path(__file__).resolve().parents[1]
FILE = f"{exam.NAME}.ipynb"
CLOCKWISE = (IMPORT, HONEST[1].replace("(angle)", "(-angle)"), HALF, PERIOD)


class Classroom:
    def __init__(self, folder, flags):
        self.submissions, self.out = folder / "submitted", folder / "grades"
        self.submissions.mkdir()
        self.flags = ["--assignment", f"{exam.NAME}=tests.attacks.exam", "--jobs", "1", *flags]

    def hand_in(self, student, cells=HONEST, place=FILE):
        path = self.submissions / student / place
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(notebook(cells))

    def arguments(self, *more):
        return [str(self.submissions), "--out", str(self.out), *self.flags, *more]

    def grade(self, *more):
        return command_line.main(self.arguments(*more))

    def in_a_process(self, *more):
        command = [sys.executable, "-m", "ropelib.grading", *self.arguments(*more)]
        return subprocess.Popen(command, cwd=ROOT, stderr=subprocess.PIPE, text=True)

    def rows(self):
        with open(self.out / "grades.csv", newline="") as file:
            return {row["student"]: row for row in csv.DictReader(file)}

    def records(self):
        return {path.stem: path.stat().st_mtime_ns for path in self.out.glob("private/records/*/*.json")}
