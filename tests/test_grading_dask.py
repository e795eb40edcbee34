"""The same work on a Dask cluster, one of whose workers dies in mid-run."""

import csv
import subprocess
import sys
import time
from pathlib import Path

import pytest

from ropelib.grading import command_line, probe, remedies
from tests.attacks import exam
from tests.attacks.attack import HALF, HONEST, IMPORT, PERIOD, WRONG_TURN, notebook

ROOT = Path(__file__).resolve().parents[1]
NO_DASK = "NOT RUN: no Dask; install it (python -m pip install distributed)"

pytestmark = pytest.mark.slow


@pytest.fixture
def submissions(tmp_path):
    for number in range(12):
        folder = tmp_path / "submitted" / f"student{number}"
        folder.mkdir(parents=True)
        cells = (IMPORT, WRONG_TURN, HALF, PERIOD) if number % 4 == 0 else HONEST
        (folder / f"{exam.NAME}.ipynb").write_text(notebook([*cells, "import time\ntime.sleep(0.2)"]))
    return tmp_path / "submitted"


def command(submissions, out, *more):
    flags = [] if probe.isolation_or_reason()[0] else [remedies.FLAG]
    return [str(submissions), "--out", str(out), "--assignment", f"{exam.NAME}=tests.attacks.exam", *flags, *more]


def totals(out):
    with open(out / "grades.csv", newline="") as file:
        return {row["student"]: row["total"] for row in csv.DictReader(file)}


def test_a_killed_worker_loses_no_grade(submissions, tmp_path):
    pytest.importorskip("distributed", reason=NO_DASK)
    from tests.dask_cluster import cluster

    out = tmp_path / "grades"
    with cluster(tmp_path, workers=2) as running:
        arguments = command(submissions, out, "--scheduler", running.address)
        run = [sys.executable, "-m", "ropelib.grading", *arguments]
        with subprocess.Popen(run, cwd=ROOT, stderr=subprocess.PIPE, text=True) as grading:
            deadline = time.monotonic() + 60
            while len(list(out.glob("private/records/*/*.json"))) < 3 and time.monotonic() < deadline:
                time.sleep(0.02)
            done = len(list(out.glob("private/records/*/*.json")))
            running.kill_one()
            _, said = grading.communicate(timeout=120)
    assert "2 Dask workers" in said and 3 <= done < 12
    assert grading.returncode == 0, said
    assert totals(out) == {f"student{n}": "3" if n % 4 == 0 else "6" for n in range(12)}


def test_a_scheduler_that_does_not_answer_is_refused(submissions, tmp_path, capsys, monkeypatch):
    pytest.importorskip("distributed", reason=NO_DASK)
    monkeypatch.setattr("ropelib.grading.pool.SECONDS_TO_CONNECT", 1)
    out = tmp_path / "grades"
    assert command_line.main(command(submissions, out, "--scheduler", "tcp://127.0.0.1:9")) == 2
    assert "no Dask scheduler answers at tcp://127.0.0.1:9" in capsys.readouterr().err and not out.exists()
