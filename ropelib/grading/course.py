"""A whole run: find what was handed in, grade what changed, and write the gradebook, the feedback and the report."""

from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path

from ropelib.grading import overrides, store, submissions
from ropelib.grading.assignment import Assignment
from ropelib.grading.feedback import feedback
from ropelib.grading.gradebook import Entry, as_csv
from ropelib.grading.pool import Pool
from ropelib.grading.progress import Progress
from ropelib.grading.report import report
from ropelib.grading.runner import clean
from ropelib.grading.store import Store
from ropelib.grading.work import Job, Settings

Names = tuple[str, str]
MOST_NAMED = 5


class Course:
    """The submissions of one course and the results that they have so far.

    folder:      SUBMISSIONS
    assignments: those that can be handed in
    results:     where the records are
    counted:     names of the assignments that count; where None, those that somebody handed in

    Raises OSError where folder cannot be listed, ValueError for overrides that fit nothing, and where results holds
    those of other students only.
    """

    def __init__(
        self,
        folder: Path,
        assignments: Sequence[Assignment],
        results: Store,
        settings: Settings,
        counted: Collection[str] | None = None,
    ) -> None:
        self._folder, self._store, self._settings = folder, results, settings
        self._found = submissions.find(folder, [assignment.name for assignment in assignments])
        handed_in = Counter(assignment for _, assignment in self._found.files)
        self.counted = _why_counted(handed_in, counted)
        counted = handed_in if counted is None else counted
        self.assignments = [assignment for assignment in assignments if assignment.name in counted]
        self._found.files = {names: paths for names, paths in self._found.files.items() if names[1] in counted}
        self.withdrawn = self._withdrawn()
        self._digests = {assignment.name: assignment.digest() for assignment in self.assignments}
        self._overrides = overrides.read(results.out / "overrides.csv", self._found.students, self.assignments)
        self._unreadable: dict[Names, tuple[str, str]] = {}
        self._stale = [names for names in self._ordered() if not self._is_kept(names)]

    def run(self, pool: Pool) -> bool:
        """Grade what has no grade, or one that is not of now → whether everything handed in is graded."""
        progress = Progress(len(self._stale), already=len(self._found.files) - len(self._stale) - len(self._unreadable))
        self.write()
        pending = set(self._stale)
        try:
            for record in pool.grade(self._jobs()):
                self._store.save(record)
                pending.discard((record["student"], record["assignment"]))
                progress.advance()
        finally:
            self._stale = [names for names in self._stale if names in pending]
            progress.finish()
            complete = self.write()
            self._write_feedback()
        return complete

    def write(self) -> bool:
        """Write grades.csv and report.html as things are → whether everything handed in is graded."""
        rows = [self._row(student) for student in self._found.students]
        store.write(self._store.out / "grades.csv", as_csv(self.assignments, rows))
        store.write(self._store.out / "report.html", self._report(rows))
        fine = all(entry.status in ("graded", "missing") and not entry.look for row in rows for entry in row)
        return fine and not self._found.strays

    def _report(self, rows: Sequence[Sequence[Entry]]) -> str:
        return report(self.assignments, rows, self._found.strays, self.counted, self.withdrawn)

    def _withdrawn(self) -> list[str]:
        """Sentences about results whose submission is no longer there: they are kept, and in no table."""
        others = self._store.others(self._found.files)
        overlap = any(self._store.has(*names) for names in self._found.files)
        if others and not overlap and not any(student in self._found.students for student, _ in others):
            students = sorted({student for student, _ in others})
            named = ", ".join(map(clean, students[:MOST_NAMED])) + (" …" if len(students) > MOST_NAMED else "")
            raise ValueError(
                f"{self._store.out} holds the results of other students ({named}), and of nobody in "
                f"{self._folder}: name another folder for these, with --out or `make grade GRADES=folder`"
            )
        counted = {assignment.name for assignment in self.assignments}
        return [
            f"{clean(student)}: {clean(assignment)} was graded and is no longer there"
            for student, assignment in others
            if assignment in counted
        ]

    def _write_feedback(self) -> None:
        folder = self._store.out / "feedback"
        names = {f"{store.file_name(student)}.html": student for student in self._found.students}
        for name, student in names.items():
            store.write(folder / name, feedback(self._row(student)), durable=False)

    def _jobs(self) -> Iterator[Job]:
        """The stale submissions, each read when its turn comes."""
        by_name = {assignment.name: assignment for assignment in self.assignments}
        for student, assignment in self._stale:
            try:
                content = submissions.read(self._found.files[student, assignment][0])
            except submissions.Unreadable as error:
                self._unreadable[student, assignment] = "unreadable", f"it {error}"
            else:
                key = self._key(content, assignment)
                yield Job(student, by_name[assignment], content, key, self._settings)

    def _is_kept(self, names: Names) -> bool:
        """Whether a submission needs no grading: it has a record of what it is now, or it can have none."""
        paths = self._found.files[names]
        if len(paths) > 1:
            places = ", ".join(clean(path.relative_to(self._folder / names[0])) for path in paths)
            self._unreadable[names] = "ambiguous", f"it was handed in more than once: {places}; leave one of them"
            return True
        try:
            content = submissions.read(paths[0])
        except submissions.Unreadable as error:
            self._unreadable[names] = "unreadable", f"it {error}"
            return True
        record = self._store.load(*names)
        return record is not None and record.get("key") == self._key(content, names[1])

    def _key(self, content: bytes, assignment: str) -> str:
        locked_in = self._settings.isolation != "none"
        settings = (self._settings.seed, locked_in, self._settings.seconds, self._settings.limits)
        return store.key(content, self._digests[assignment], *map(repr, settings))

    def _ordered(self) -> list[Names]:
        """Assignment by assignment, so that a sandbox serves as many submissions as it can."""
        return sorted(self._found.files, key=lambda names: (names[1], names[0]))

    def _row(self, student: str) -> list[Entry]:
        return [self._entry(student, assignment) for assignment in self.assignments]

    def _entry(self, student: str, assignment: Assignment) -> Entry:
        names = (student, assignment.name)
        record = self._store.load(*names)
        if names not in self._found.files:
            status, reason = "missing", self._about_a_gap(*names)
        elif names in self._unreadable:
            status, reason = self._unreadable[names]
        elif names in self._stale or record is None:
            status, reason = "not graded yet", "the run was interrupted; the same command continues it"
        else:
            status, reason = record["outcome"], record.get("reason", "")
        return Entry(student, assignment, status, reason, record, self._overrides)

    def _about_a_gap(self, student: str, assignment: str) -> str:
        similar = [name for name in self._found.strangers.get(student, ()) if name.startswith(assignment)]
        if not similar:
            return "nothing was handed in under this name"
        return f"{clean(similar[0])} was handed in; to be graded it must be called {assignment}.ipynb"


def _why_counted(handed_in: Counter[str], asked_for: Collection[str] | None) -> str:
    if asked_for is not None:
        return f"These assignments count, as --assignments asks: {', '.join(sorted(asked_for))}."
    by_whom = ", ".join(f"{name} (by {count})" for name, count in sorted(handed_in.items()))
    return f"These assignments count, because somebody handed them in: {by_whom}. --assignments 01,02 chooses."
