"""Find and read what was handed in: SUBMISSIONS/<student>/NN_topic.ipynb, or with one more folder between the two.

Names decide what a file is; nothing is guessed from its content, and no link is followed.
"""

import errno
import os
import stat
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

LARGEST = 16 << 20
NOBODYS = (".ipynb_checkpoints", ".git", ".DS_Store")
LINK = "is a link; links are not followed"


class Unreadable(Exception):
    """A file that cannot be graded; the message says why, as the end of "it …"."""


@dataclass
class Folder:
    """What SUBMISSIONS holds.

    students:  every name, sorted
    files:     (student, assignment) → the files that bear the assignment's name, nearly always one
    strangers: student → the names of notebooks that are no assignment's
    strays:    files and folders that are nobody's assignment, with what is wrong, as sentences
    """

    students: list[str] = field(default_factory=list)
    files: dict[tuple[str, str], list[Path]] = field(default_factory=lambda: defaultdict(list))
    strangers: dict[str, list[str]] = field(default_factory=dict)
    strays: list[str] = field(default_factory=list)


def find(submissions: Path, assignments: Sequence[str]) -> Folder:
    """Look through SUBMISSIONS. Raises OSError where it cannot be listed."""
    found = Folder()
    for entry in _sorted(submissions):
        if entry.name.startswith("."):
            found.strays += [f"{entry.name} is a hidden folder"] if entry.is_dir() else []
        elif entry.is_symlink():
            found.strays.append(f"{entry.name} {LINK}")
        elif entry.is_dir():
            found.students.append(entry.name)
            _look_into(entry, assignments, found)
        elif entry.name.endswith(".ipynb"):
            found.strays.append(f"{entry.name} lies outside the students' folders")
    return found


def read(path: Path) -> bytes:
    """The bytes of one regular file of acceptable size. Raises Unreadable."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        what = LINK if error.errno == errno.ELOOP else f"cannot be read: {error.strerror}"
        raise Unreadable(what) from error
    facts = os.fstat(descriptor)
    if not stat.S_ISREG(facts.st_mode):
        os.close(descriptor)
        raise Unreadable("is not a regular file")
    with open(descriptor, "rb") as file:
        if facts.st_size > LARGEST:
            raise Unreadable(f"has {facts.st_size >> 20} MB; at most {LARGEST >> 20} MB are read")
        content = file.read(LARGEST + 1)
    if len(content) > LARGEST:
        raise Unreadable("grew while it was read")
    return content


def _look_into(student: os.DirEntry, assignments: Sequence[str], found: Folder) -> None:
    strangers = []
    for entry in _notebooks(student, found):
        name = entry.name.removesuffix(".ipynb")
        if name in assignments:
            found.files[student.name, name].append(Path(entry.path))
        else:
            strangers.append(entry.name)
    found.strangers[student.name] = strangers
    # A student with everything handed in may keep other notebooks; one with a gap has perhaps misnamed one.
    lacking = [name for name in assignments if (student.name, name) not in found.files]
    if lacking:
        found.strays += [f"{student.name}: {stranger} has no assignment's name" for stranger in strangers]


def _notebooks(student: os.DirEntry, found: Folder) -> Iterator[os.DirEntry]:
    for entry in _sorted(Path(student.path)):
        if entry.name.endswith(".ipynb"):
            yield entry
        elif entry.is_symlink():
            found.strays.append(f"{student.name}: {entry.name} {LINK}")
        elif entry.is_dir():
            yield from (inner for inner in _sorted(Path(entry.path)) if inner.name.endswith(".ipynb"))


def _sorted(folder: Path) -> list[os.DirEntry]:
    with os.scandir(folder) as entries:
        return sorted((entry for entry in entries if entry.name not in NOBODYS), key=lambda entry: entry.name)
