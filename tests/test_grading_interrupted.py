"""Runs that end too early, by Ctrl-C or by force: what is graded is kept, and no process stays behind."""

import contextlib
import json
import signal
import time
from pathlib import Path

import pytest

from ropelib.grading import command_line
from ropelib.grading.pool import LocalPool
from ropelib.grading.store import Store
from tests.attacks.attack import HONEST

pytestmark = pytest.mark.slow


def test_an_interrupted_run_continues(classroom, monkeypatch):
    students = [f"student{n}" for n in range(6)]
    for name in students:
        classroom.hand_in(name)

    def interrupted(pool, jobs):
        records = full(pool, jobs)
        yield next(records)
        yield next(records)
        raise KeyboardInterrupt

    full = LocalPool.grade
    monkeypatch.setattr(LocalPool, "grade", interrupted)
    assert classroom.grade() == command_line.INTERRUPTED
    kept = classroom.records()
    assert len(kept) == 2
    statuses = [row["status"] for row in classroom.rows().values()]
    assert statuses.count("graded") == 2 and sum("not graded yet" in status for status in statuses) == 4
    monkeypatch.setattr(LocalPool, "grade", full)
    assert classroom.grade() == 0
    assert {name: classroom.records()[name] for name in kept} == kept
    assert {row["total"] for row in classroom.rows().values()} == {"6"}


@pytest.mark.slow
def test_a_killed_run_leaves_whole_records_and_no_process(classroom):
    for n in range(8):
        classroom.hand_in(f"student{n}", (*HONEST, "import time\ntime.sleep(0.2)"))
    run = classroom.in_a_process()
    deadline = time.monotonic() + 60
    while len(classroom.records()) < 3 and time.monotonic() < deadline:
        time.sleep(0.02)
    locked_in = descendants(run.pid)
    run.send_signal(signal.SIGKILL)
    run.communicate()
    kept = classroom.records()
    assert 3 <= len(kept) < 8
    while time.monotonic() < deadline and any(map(is_alive, locked_in)):
        time.sleep(0.02)
    assert locked_in and not any(map(is_alive, locked_in))
    for path in classroom.out.glob("private/records/*/*.json"):
        assert json.loads(path.read_text())["outcome"] == "graded"
    _, said = classroom.in_a_process().communicate(timeout=120)
    assert f"{8 - len(kept)} of {8 - len(kept)} graded, {len(kept)} kept" in said
    assert {name: classroom.records()[name] for name in kept} == kept
    assert {row["total"] for row in classroom.rows().values()} == {"6"}


@pytest.mark.slow
def test_an_interruption_does_not_wait_for_the_students_code(classroom):
    classroom.hand_in("ada", (*HONEST, "while True: pass"))
    run = classroom.in_a_process("--seconds-per-cell", "100")
    deadline = time.monotonic() + 60
    # The table is first written just before the grading starts; the processes of the probe are gone by then.
    while not ((classroom.out / "grades.csv").exists() and descendants(run.pid)) and time.monotonic() < deadline:
        time.sleep(0.02)
    time.sleep(0.5)
    run.send_signal(signal.SIGINT)
    _, said = run.communicate(timeout=30)
    assert run.returncode == command_line.INTERRUPTED and "the same command continues" in said
    assert "not graded yet" in classroom.rows()["ada"]["status"] and classroom.records() == {}


def descendants(pid):
    """The processes below a process, as (id, start time), for an id can be given to another one."""
    found = {}
    for stat_file in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            fields = stat_file.read_text().rpartition(")")[2].split()
            found[int(stat_file.parent.name)] = (int(fields[1]), fields[19])
    below = {pid}
    for _ in range(8):
        below |= {child for child, (parent, _) in found.items() if parent in below}
    return {(child, found[child][1]) for child in below - {pid}}


def is_alive(process):
    pid, started = process
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return False
    return fields[19] == started and fields[0] != "Z"


def test_two_runs_do_not_write_to_one_folder(classroom, capsys):
    classroom.hand_in("ada")
    classroom.grade()
    holder = Store(classroom.out)
    assert classroom.grade() == 2 and "another run" in capsys.readouterr().err
    holder.close()
    assert classroom.grade() == 0
