"""A whole run: find what was handed in, grade what changed, and write the gradebook, the feedback and the report."""

from collections.abc import Iterator, Sequence
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


class Course:
    """The submissions of one course and the results that they have so far.

    folder:      SUBMISSIONS
    assignments: those that can be handed in
    results:     where the records are

    Raises OSError where folder cannot be listed, ValueError for overrides that fit nothing.
    """

    def __init__(self, folder: Path, assignments: Sequence[Assignment], results: Store, settings: Settings) -> None:
        self._store, self._settings = results, settings
        self._found = submissions.find(folder, [assignment.name for assignment in assignments])
        handed_in = {assignment for _, assignment in self._found.files}
        self.assignments = [assignment for assignment in assignments if assignment.name in handed_in]
        self._digests = {assignment.name: assignment.digest() for assignment in self.assignments}
        self._overrides = overrides.read(results.out / "overrides.csv", self._found.students, self.assignments)
        self._unreadable: dict[Names, str] = {}
        self._stale = [names for names in self._ordered() if not self._is_kept(names)]

    def run(self, pool: Pool) -> bool:
        """Grade what has no grade, or one that is not of now → whether everything handed in is graded."""
        self._store.forget_all_but(set(self._found.files))
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
        store.write(self._store.out / "report.html", report(self.assignments, rows, self._found.strays))
        return not self._found.strays and all(entry.status in ("graded", "missing") for row in rows for entry in row)

    def _write_feedback(self) -> None:
        folder = self._store.out / "feedback"
        names = {f"{store.file_name(student)}.html": student for student in self._found.students}
        for name, student in names.items():
            store.write(folder / name, feedback(self._row(student)), durable=False)
        for path in folder.glob("*.html"):
            if path.name not in names:
                path.unlink()

    def _jobs(self) -> Iterator[Job]:
        """The stale submissions, each read when its turn comes."""
        by_name = {assignment.name: assignment for assignment in self.assignments}
        for student, assignment in self._stale:
            try:
                content = submissions.read(self._found.files[student, assignment][0])
            except submissions.Unreadable as error:
                self._unreadable[student, assignment] = f"it {error}"
            else:
                key = self._key(content, assignment)
                yield Job(student, by_name[assignment], content, key, self._settings)

    def _is_kept(self, names: Names) -> bool:
        """Whether a submission needs no grading: it has a record of what it is now, or it can have none."""
        paths = self._found.files[names]
        if len(paths) > 1:
            self._unreadable[names] = "it is there more than once: " + ", ".join(clean(path) for path in paths)
            return True
        try:
            content = submissions.read(paths[0])
        except submissions.Unreadable as error:
            self._unreadable[names] = f"it {error}"
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
            status, reason = "missing", "nothing was handed in under this name"
        elif names in self._unreadable:
            status, reason = "unreadable", self._unreadable[names]
        elif names in self._stale or record is None:
            status, reason = "not graded yet", "the run was interrupted; the same command continues it"
        else:
            status, reason = record["outcome"], record.get("reason", "")
        return Entry(student, assignment, status, reason, record, self._overrides)
