"""The command line: `make grade SUBMISSIONS=folder`, or python -m ropelib.grading SUBMISSIONS --out DIR."""

import argparse
import contextlib
import math
import sys
from collections.abc import Sequence
from pathlib import Path

from ropelib.grading import assignment, probe
from ropelib.grading.assignment import Assignment
from ropelib.grading.course import Course
from ropelib.grading.inside.isolation import Limits
from ropelib.grading.pool import DaskPool, LocalPool, Pool
from ropelib.grading.probe import Refused
from ropelib.grading.remedies import FLAG
from ropelib.grading.runner import Seconds
from ropelib.grading.store import Store
from ropelib.grading.work import Settings

GRADED, SOME_NOT, REFUSED, INTERRUPTED = 0, 1, 2, 130
SAID = {
    "fork": "each submission in namespaces of its own, inside a bubblewrap sandbox",
    "sandbox": "each process in a bubblewrap sandbox of its own (this system forbids namespaces inside one)",
    "none": "WITHOUT A SANDBOX: students' code runs as you",
}
EPILOG = """
SUBMISSIONS/<student>/NN_topic.ipynb is graded with the questions of chapter NN; one more folder between the two, as
nbgrader makes it, is accepted. DIR gets grades.csv, report.html and feedback/, one page a student, and keeps in
private/ what is the instructor's alone: the secret seed and the records. An interrupted run continues, and only what
changed is graded again. DIR/overrides.csv (student,assignment,question,points,reason) is read and never written.

What somebody handed in counts for everybody, and is missing where it is not there; --assignments names what counts.
A student whose folder is gone keeps feedback and records in DIR, and is in no table.

exit status: 0 everything handed in is graded, 1 something was not, and report.html says what (make then ends with
"Error 1"), 2 refused, 130 interrupted
"""


def main(arguments: list[str] | None = None) -> int:
    options = _parser().parse_args(arguments)
    try:
        return _grade(options)
    except (Refused, OSError, ValueError) as error:
        print(f"Refused: {_reason(error)}", file=sys.stderr)
        return REFUSED
    except KeyboardInterrupt:
        print("Interrupted: what is graded is kept, and the same command continues.", file=sys.stderr)
        return INTERRUPTED


def _grade(options: argparse.Namespace) -> int:
    assignments = options.assignment or assignment.of_the_course()
    if not assignments:
        raise Refused("there is no exercise to grade: exercises/ holds no notebook whose chapter has questions")
    if not options.submissions.is_dir():
        is_file = options.submissions.exists()
        raise Refused(f"{options.submissions} is no folder" if is_file else f"there is no folder {options.submissions}")
    if options.out.resolve().is_relative_to(options.submissions.resolve()):
        raise Refused(f"{options.out} lies in {options.submissions}: the results would be taken for a student")
    seconds = Seconds(options.seconds_per_cell, options.seconds_per_call, options.seconds_per_submission)
    limits = Limits(memory=int(options.megabytes * 2**20), cpu=math.ceil(seconds.submission))
    with contextlib.ExitStack() as stack:
        pool = _pool(options)
        stack.callback(pool.close)
        results = Store(options.out)
        stack.callback(results.close)
        settings = Settings(results.seed(options.seed), pool.isolation, seconds, limits)
        course = Course(options.submissions, assignments, results, settings, _counted(options.assignments, assignments))
        if not course.assignments:
            names = ", ".join(f"{one.name}.ipynb" for one in assignments)
            raise Refused(f"{options.submissions} holds no folder of a student with one of {names}")
        print(f"Grading with {pool.name}, {SAID[pool.isolation]}.", file=sys.stderr)
        kept = (f"Kept, and in no table: {one}." for one in course.withdrawn)
        print(course.counted, *kept, sep="\n", file=sys.stderr)
        complete = course.run(pool)
    print(f"Grades, report and feedback are in {options.out}.", file=sys.stderr)
    if not complete:
        print("Something handed in is not graded, or needs a look: report.html says what and why.", file=sys.stderr)
    return GRADED if complete else SOME_NOT


def _counted(asked_for: str | None, assignments: Sequence[Assignment]) -> list[str] | None:
    """The names of the assignments that are asked for, each by its name or its number."""
    if asked_for is None:
        return None
    names = [assignment.name for assignment in assignments]
    found = []
    for part in filter(None, map(str.strip, asked_for.split(","))):
        fitting = [name for name in names if part == name or name.startswith(f"{part}_")]
        if not fitting:
            raise Refused(f"--assignments: there is no assignment {part!r} among {', '.join(names)}")
        found += fitting
    return found


def _reason(error: Exception) -> str:
    if isinstance(error, OSError) and error.strerror and error.filename:
        return f"{error.filename}: {error.strerror}"
    return str(error)


def _pool(options: argparse.Namespace) -> Pool:
    wanted = "none" if options.without_sandbox else None
    if options.scheduler:
        return DaskPool(options.scheduler, wanted)
    return LocalPool(wanted or probe.isolation(), options.jobs)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m ropelib.grading",
        description="Grade notebooks, locked away, and write a gradebook, feedback and a report of misconceptions.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    own = "grade NAME.ipynb with the QUESTIONS of a module of your own, after importing its PRELOAD; repeatable"
    secret = "secret seed of the inputs; if not given, drawn once and kept in DIR/private"
    add = parser.add_argument
    add("submissions", type=Path, metavar="SUBMISSIONS", help="folder with one folder a student")
    add("--out", type=Path, required=True, metavar="DIR", help="folder for the results")
    add("--assignments", metavar="01,02", help="which ones count; those that somebody handed in if not given")
    add("--seed", type=int, metavar="N", help=secret)
    add("--jobs", type=_count, metavar="N", help="submissions at a time; as many as processors if not given")
    add("--scheduler", metavar="URL", help="an existing Dask scheduler to work on, for example tcp://host:8786")
    for name, default, what in (
        ("--seconds-per-cell", Seconds.cell, "for a cell of a notebook"),
        ("--seconds-per-call", Seconds.call, "for one call of an answer"),
        ("--seconds-per-submission", Seconds.submission, "for everything"),
        ("--megabytes", Limits.memory >> 20, "of memory for a submission"),
    ):
        add(name, type=_amount, default=default, metavar="N", help=f"{what}; {default} if not given")
    add("--assignment", type=assignment.named, action="append", metavar="NAME=MODULE", help=own)
    add(FLAG, dest="without_sandbox", action="store_true", help="run students' code as you, with all your rights")
    return parser


def _count(text: str) -> int:
    if not text.isdecimal() or not int(text):
        raise argparse.ArgumentTypeError(f"must be a whole number above 0, but got {text}")
    return int(text)


def _amount(text: str) -> float:
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not 0 < number < math.inf:
        raise argparse.ArgumentTypeError(f"must be a positive number, but got {text}")
    return number
