"""The sandbox: that it works or is refused with a remedy, what it shows, and that each way to isolate holds."""

import contextlib
import re
import stat
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from ropelib.grading import command_line, probe, remedies, view
from ropelib.grading.assignment import Assignment
from ropelib.grading.inside import seccomp
from ropelib.grading.inside.isolation import Limits
from ropelib.grading.lane import Lane
from ropelib.grading.runner import Grading, Seconds
from ropelib.grading.sandbox import Lost, Rooms, Sandbox, SandboxFailed
from tests.attacks import exam
from tests.attacks.attack import HONEST, with_cell, with_turn
from tests.attacks.attack import notebook as written

pytestmark = pytest.mark.slow

ROOT = Path(__file__).resolve().parents[1]
EXAM = Assignment(exam.NAME, "tests.attacks.exam")
NOT_RUN = "NOT RUN: no bubblewrap; install it (on Debian: apt-get install bubblewrap)"


@pytest.fixture(scope="session")
def isolation():
    found = probe.isolation_or_reason()[0]
    if found is None:
        pytest.skip(NOT_RUN)
    return found


# ── whether there is one ────────────────────────────────────────────────────


def test_the_probe_finds_what_a_process_can_do_without_a_sandbox(isolation):
    sandbox = Sandbox(Rooms(), isolation, selfcheck=[str(Path(np.__file__).parent)])
    with contextlib.closing(sandbox):
        (finding,) = sandbox.spawn().findings
    assert "was possible" in finding and "numpy" in finding


def refusal(tmp_path, capsys):
    (tmp_path / "submitted").mkdir()
    assert command_line.main([str(tmp_path / "submitted"), "--out", str(tmp_path / "out")]) == 2
    error = capsys.readouterr().err
    assert remedies.FLAG in error and "podman run" in error and not (tmp_path / "out").exists()
    return error


def test_without_bubblewrap_the_refusal_says_how_to_install_it(tmp_path, capsys, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    error = refusal(tmp_path, capsys)
    assert "bubblewrap (bwrap) is not installed" in error and "apt-get install bubblewrap" in error


@pytest.mark.parametrize(
    "setting, value, advice",
    [
        ("kernel/apparmor_restrict_unprivileged_userns", "1", "/etc/apparmor.d/bwrap"),
        ("kernel/unprivileged_userns_clone", "0", "sysctl kernel.unprivileged_userns_clone=1"),
        ("user/max_user_namespaces", "0", "sysctl user.max_user_namespaces"),
    ],
)
def test_installed_but_forbidden_is_found_by_running_it(tmp_path, capsys, monkeypatch, setting, value, advice):
    fake = tmp_path / "bwrap"
    fake.write_text("#!/bin/sh\necho 'bwrap: setting up uid map: Permission denied' >&2\nexit 1\n")
    fake.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    monkeypatch.setattr(remedies, "_setting", lambda name: value if name == setting else "")
    error = refusal(tmp_path, capsys)
    assert "setting up uid map: Permission denied" in error and advice in error
    assert "apt-get install" not in error.replace("Debian: apt-get install bubblewrap)", "")


@pytest.mark.parametrize("system", ["Darwin", "Windows"])
def test_other_systems_are_sent_to_a_container(system, monkeypatch):
    monkeypatch.setattr("platform.system", lambda: system)
    assert "Linux only" in remedies.remedy() and "WSL2" in remedies.remedy() and "podman run" in remedies.remedy()


def test_python_for_windows_gets_a_sentence_too(tmp_path):
    code = "import runpy, sys; sys.modules['fcntl'] = None; sys.argv[1:] = ['x', '--out', 'y']\n"
    code += "import platform; platform.system = lambda: 'Windows'\n"
    code += "runpy.run_module('ropelib.grading', run_name='__main__')"
    outcome = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert outcome.returncode == 2 and "inside WSL2" in outcome.stderr and "Traceback" not in outcome.stderr


def test_the_filter_knows_the_numbers_of_this_kernels_headers():
    headers = {0: Path("/usr/include/x86_64-linux-gnu/asm/unistd_64.h"), 1: Path("/usr/include/asm-generic/unistd.h")}
    there = {column: path for column, path in headers.items() if path.exists()}
    if not there:
        pytest.skip("NOT RUN: no kernel headers; install them (on Debian: apt-get install linux-libc-dev)")
    for column, path in there.items():
        known = dict(re.findall(r"#define __NR_(\w+)\s+(\d+)", path.read_text()))
        for name, numbers in seccomp.REFUSED.items():
            assert int(known.get(name, -1)) == numbers[column], name
        assert int(known["clone3"]) == seccomp.CLONE3


# ── what it shows ───────────────────────────────────────────────────────────


def test_the_sandbox_shows_no_answers(tmp_path):
    view.build(tmp_path / "shown", ("ropelib.reference", "ropelib.worked_example"))
    names = {path.relative_to(tmp_path / "shown").as_posix() for path in (tmp_path / "shown").rglob("*.py")}
    assert "inside/observe.py" in names and "ropelib/tables.py" in names
    assert not [name for name in names if re.search("checks/|course|grading|reference|worked", name)]
    assert stat.S_IMODE((tmp_path / "shown").stat().st_mode) == 0o755


def test_every_installed_copy_of_a_closed_package_is_found():
    assert [path.name for path in view.copies_of("numpy.fft")][:1] == ["fft"]
    assert any(path.name == "six.py" for path in view.copies_of("six"))
    assert list(view.copies_of("no_such_package")) == []


def test_closed_packages_cannot_be_read_where_they_are_installed(isolation, tmp_path, monkeypatch):
    packages = tmp_path / "site-packages"
    secrets = [
        packages / "ropelib" / "checks" / "core.py",
        packages / "transformers" / "llama.py",
        packages / "solo.py",
    ]
    for path in (*secrets, packages / "open_package" / "fine.py"):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("answer = 8.0")
    monkeypatch.syspath_prepend(packages)
    paths = [*map(str, secrets), str(packages / "open_package" / "fine.py")]
    source = f"read = []\nfor path in {paths!r}:\n    try: read.append(open(path).read())\n"
    source += "    except OSError: read.append('')"
    with (
        contextlib.closing(Lane(isolation, Limits())) as lane,
        lane.process(Rooms(("transformers", "solo"))) as process,
    ):
        assert asked(process, source, "read") == ["", "", "", "answer = 8.0"]


def asked(process, source, name):
    """The value of a name after a cell has run."""
    process.request({"do": "read"}, np.frombuffer(written([source]).encode(), np.uint8), 5)
    process.request({"do": "cell", "number": 0, "seconds": 2}, None, 5)
    given = {"args": (), "kwargs": {}, "calls": False}
    return process.request({"do": "ask", "name": name, "seconds": 1}, given, 5)[1]


def test_the_strongest_isolation_that_holds_is_taken(monkeypatch):
    def tried(kind):
        if kind == "fork":
            raise SandboxFailed("unshare: Operation not permitted")
        return []

    monkeypatch.setattr(probe, "_tried", tried)
    assert probe.isolation_or_reason() == ("sandbox", "")
    monkeypatch.setattr(probe, "_tried", lambda kind: [f"{kind} let a process start"])
    assert probe.isolation_or_reason() == (None, "fork let a process start; sandbox let a process start")


# ── every way to isolate ────────────────────────────────────────────────────


def graded(cells, isolation, **seconds):
    limits = Seconds(**{"cell": 2, "call": 1, **seconds})
    with contextlib.closing(Lane(isolation, Limits(memory=256 << 20))) as lane:
        record = Grading(written(cells).encode(), EXAM, 7, limits, lane).record()
    return [record["questions"][question.name]["points"] for question in exam.QUESTIONS], record


HOSTILE = {
    "forks": with_turn("import os", "while True: os.fork()"),
    "takes_memory": with_turn("return np.ones(1 << 33)"),
    "kills_everything": with_turn("import os", "os.kill(-1, 9)", "os.killpg(0, 9)", "return x"),
    "exits": with_turn("import os", "os._exit(0)"),
    "reads_the_reference": with_turn("return open('/sandbox/shown/ropelib/reference.py').read()"),
    "imports_it": with_turn("import ropelib", "return ropelib.rotate(x, np.ones((1, 1)), np.ones((1, 1)))"),
}


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["fork", "sandbox"])
@pytest.mark.parametrize("name", HOSTILE)
def test_both_isolations_hold_and_cost_only_the_question(isolation, kind, name):
    if kind == "fork" and isolation != "fork":
        pytest.skip("NOT RUN: no namespaces inside a sandbox; run the tests where bubblewrap's children may make them")
    assert graded(HOSTILE[name], kind)[0] == [0, 2, 1]


def test_without_a_sandbox_honest_work_is_graded_too():
    points, record = graded(HONEST, "none")
    assert points == [3, 2, 1] and record["notes"] == []


def test_time_for_everything_is_limited_too(isolation):
    points, record = graded((*HONEST, "import time", "time.sleep(1)", "time.sleep(1)"), isolation, submission=1)
    assert points == [0, 0, 0] and "used up its 1 seconds" in record["notes"][-1]
    assert record["look"] == "its 1 seconds were used up; not asked: turn, rotate_half, period"
    assert {question["outcome"] for question in record["questions"].values()} == {"not asked"}


def test_a_cell_that_kills_the_process_is_left_out_and_the_others_count(isolation):
    points, record = graded(with_cell("import os\nos.abort()"), isolation)
    assert points == [3, 2, 1] and "Cell 3 ended the process" in record["notes"][0]


def test_nothing_of_one_submission_reaches_the_next(isolation):
    lane = Lane(isolation, Limits())
    with contextlib.closing(lane):
        for _ in range(2):
            with lane.process(Rooms()) as process:
                source = "import os\nfound = os.listdir('.')\nopen('left', 'w').write('x')"
                assert asked(process, source, "found") == []


def test_a_sandbox_that_died_is_replaced(isolation):
    lane = Lane(isolation, Limits())
    with contextlib.closing(lane):
        with lane.process(Rooms()) as process:
            process.sandbox.kill()
            with pytest.raises(Lost):
                for _ in range(10_000):
                    process.request({"do": "read"}, np.zeros(1, np.uint8), 5)
        with lane.process(Rooms()) as process:
            head, _ = process.request({"do": "read"}, np.frombuffer(written(HONEST).encode(), np.uint8), 5)
            assert head["cells"] == len(HONEST)
