"""All attacks are handed in together, between two honest students, and each must earn what its honest code earns."""

import csv
import hashlib
import json
import os
import socket
import subprocess
import sys
from html import unescape
from pathlib import Path

import pytest

from ropelib.grading import probe, store
from tests.attacks import answers_taken, broken, crashes, escapes, exam, lies, tensors
from tests.attacks.attack import FULL, HONEST, Attack, notebook

ROOT = Path(__file__).resolve().parents[2]
HONEST_STUDENTS = [Attack("first_honest", HONEST, FULL), Attack("zz_last_honest", HONEST, FULL)]
KINDS = [answers_taken, lies, escapes, crashes, broken, tensors]
ATTACKS = [*HONEST_STUDENTS, *(attack for kind in KINDS for attack in kind.ATTACKS)]
ASSIGNMENTS = {module.NAME: module for module in (exam, tensors)}
SEED = 72_057_594_037_927_931

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def batch(tmp_path_factory):
    """One run of the grader over everything, with short limits."""
    # The probe starts one process and asks for one large allocation: bombs only go off where it found limits.
    if probe.isolation_or_reason()[0] is None:
        pytest.skip("NOT RUN: no bubblewrap; install it (on Debian: apt-get install bubblewrap)")
    folder = tmp_path_factory.mktemp("batch")
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(0.1)
        batch = Batch(folder, server.getsockname()[1])
        batch.outcome = batch.run()
        with pytest.raises(TimeoutError):
            server.accept()
    return batch


class Batch:
    def __init__(self, folder, port):
        self.submissions, self.out = folder / "submissions", folder / "out"
        self.names = {"OUT": self.out, "SUBMISSIONS": self.submissions, "ROOT": ROOT, "PORT": port}
        for attack in ATTACKS:
            self.hand_in(attack)
        os.symlink("first_honest", self.submissions / "a_linked_student")
        self.before = digest(self.submissions)

    def hand_in(self, attack):
        student = Path(os.fsdecode(os.path.join(os.fsencode(self.submissions), attack.folder)))
        student.mkdir(parents=True)
        if attack.write:
            attack.write(student)
            return
        cells = attack.cells
        for name, value in self.names.items():
            cells = [cell.replace(f"{{{name}}}", str(value)) for cell in cells]
        (student / f"{attack.assignment}.ipynb").write_text(notebook(cells))

    def run(self):
        command = [sys.executable, "-m", "ropelib.grading", str(self.submissions), "--out", str(self.out)]
        for name, module in ASSIGNMENTS.items():
            command += ["--assignment", f"{name}={module.__name__}"]
        command += ["--seed", str(SEED), "--jobs", "4"]
        command += ["--seconds-per-cell", "3", "--seconds-per-call", "2", "--megabytes", "256"]
        return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=300)

    def record(self, attack):
        return store.Store.load(self, os.fsdecode(attack.folder), attack.assignment)

    def _path(self, student, assignment):
        return self.out / "private" / "records" / store.file_name(assignment) / f"{store.file_name(student)}.json"


def digest(folder):
    """Names, kinds and contents of everything in a folder, without following a link."""
    found = hashlib.sha256()
    for path in sorted(folder.rglob("*"), key=os.fsencode):
        found.update(os.fsencode(path) + str(path.lstat().st_mode).encode())
        if path.is_file() and not path.is_symlink():
            found.update(hashlib.sha256(path.read_bytes()).digest())
    return found.hexdigest()


def test_there_are_enough_attacks_and_no_two_have_one_name():
    assert len(ATTACKS) > 100
    assert len({attack.folder for attack in ATTACKS}) == len({attack.name for attack in ATTACKS}) == len(ATTACKS)


def test_the_batch_ends_and_says_that_not_everything_is_graded(batch):
    assert batch.outcome.returncode == 1, batch.outcome.stderr
    assert "Something handed in is not graded" in batch.outcome.stderr
    assert "a_linked_student is a link; links are not followed" in (batch.out / "report.html").read_text()


@pytest.mark.parametrize("attack", ATTACKS, ids=lambda attack: attack.name)
def test_it_earns_what_its_honest_code_earns(batch, attack):
    record = batch.record(attack)
    if attack.earns is None:
        assert record is None or record["outcome"] == "unreadable"
    else:
        assert record["outcome"] == "graded", record
        questions = [question.name for question in ASSIGNMENTS[attack.assignment].QUESTIONS]
        points = tuple(record["questions"][name]["points"] for name in questions)
        assert points == attack.earns, json.dumps(record, indent=1)


@pytest.mark.parametrize("attack", [a for a in ATTACKS if a.says], ids=lambda attack: attack.name)
def test_the_feedback_says_what_happened(batch, attack):
    name = store.file_name(os.fsdecode(attack.folder))
    page = unescape((batch.out / "feedback" / f"{name}.html").read_text())
    record = json.dumps(batch.record(attack), ensure_ascii=False)
    assert attack.says in page or attack.says in record, page


def test_the_gradebook_has_one_row_a_student_and_no_formula(batch):
    with open(batch.out / "grades.csv", newline="") as file:
        head, *rows = csv.reader(file)
    assert len(rows) == len(ATTACKS)
    assert not [field for row in rows for field in row if field[:1] in "=+-@\t\r" and field]
    assert not [field for row in rows for field in row if "\n" in field]
    by_student = {row[0]: dict(zip(head, row, strict=True)) for row in rows}
    for honest in HONEST_STUDENTS:
        assert by_student[honest.name]["total"] == "6" and exam.NAME not in by_student[honest.name]["status"]


def test_no_page_holds_markup_of_a_student_or_the_seed(batch):
    pages = [batch.out / "report.html", *(batch.out / "feedback").glob("*.html")]
    assert len(pages) == len(ATTACKS) + 1
    for page in pages:
        html = page.read_text()
        assert "<script" not in html and "<img" not in html and "default-src 'none'" in html
        assert str(SEED) not in html and str(SEED) not in (batch.out / "grades.csv").read_text()


def test_nothing_was_changed_or_left_behind(batch):
    assert digest(batch.submissions) == batch.before
    assert {path.name for path in batch.out.iterdir()} == {"feedback", "grades.csv", "private", "report.html"}
    assert {path.name for path in (batch.out / "private").iterdir()} == {"lock", "records", "seed.json"}
    left = subprocess.run(["pgrep", "-f", str(batch.out)], capture_output=True, text=True).stdout
    assert left == ""
    written = [path for path in ROOT.rglob("written_by_an_attack.py")]
    assert written == []
