"""One place holds versions, and the installer says what is wrong in one sentence."""

import ast
import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import nbformat
import pytest

import ropelib
from ropelib.course.notebooks import code_cells
from ropelib.grading.inside.notebook import without_magics

ROOT = Path(__file__).resolve().parents[1]
PINS = ROOT / "requirements" / "versions.txt"
GROUPS = ["lab", "test"]


def names(lines):
    """The requirements among lines, without comments, options and versions."""
    kept = [line.strip() for line in lines if line.strip() and line.strip()[0] not in "#-"]
    assert not [line for line in kept if re.search(r"[<>=~]=", line.split(";")[0])], "a version outside versions.txt"
    return {line.replace("'", '"') for line in kept}


def requirements(group):
    return names((ROOT / "requirements" / f"{group}.txt").read_text().splitlines())


def pins():
    lines = [line for line in PINS.read_text().splitlines() if line and line[0] not in "#"]
    assert all("==" in line for line in lines)
    return {re.split(r"==", line)[0].lower().replace("_", "-") for line in lines}


def install(*arguments, **environment):
    """Run the installer with its first argument as Python statements that come before it."""
    before, *rest = arguments
    code = f"{before}\nimport runpy, sys\nsys.argv = ['install.py', *{rest!r}]\n"
    code += f"runpy.run_path({str(ROOT / 'requirements' / 'install.py')!r}, run_name='__main__')"
    return subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, env={**os.environ, **environment}, cwd=ROOT
    )


@pytest.mark.parametrize("group", GROUPS)
def test_every_requirement_is_pinned_in_the_one_place(group):
    assert {re.split(r"[ ;]", name)[0].lower() for name in requirements(group)} <= pins()


def test_pyproject_names_what_a_learner_needs_and_no_versions():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert names(project["dependencies"]) == requirements("lab")


def test_the_conda_environment_takes_everything_else_from_the_pins():
    lines = [line.strip() for line in (ROOT / "environment.yml").read_text().splitlines()]
    assert "- -r requirements/lab.txt" in lines
    dependencies = [line[2:] for line in lines[lines.index("dependencies:") + 1 :]]
    assert "pip install --no-deps -r requirements/data.txt" in (ROOT / "environment.yml").read_text()
    assert dependencies == ["python=3.11", "make", "pip", "pip:", "-r requirements/lab.txt", "-e ."]


def test_the_peers_of_the_benchmark_are_those_that_it_knows():
    pytest.importorskip(
        "triton", reason="NOT RUN: no Triton, which there is for Linux on x86-64; run `make test` there"
    )
    from benchmarks.peers import PACKAGES

    assert requirements("bench") == set(PACKAGES) - requirements("test")


def test_torch_and_triton_fit_together_on_the_package_index():
    pinned = PINS.read_text()
    assert "torch==2.13.0" in pinned and "triton==3.7.1" in pinned, (
        "torch 2.13.0 for Linux requires exactly triton 3.7.1"
    )


def test_what_is_installed_here_is_what_is_pinned():
    from importlib.metadata import version

    for line in PINS.read_text().splitlines():
        name, pinned = re.match(r"([\w.-]+)==([^ ;]+)", line).groups()
        if name in requirements("lab") | requirements("test"):
            assert version(name).split("+")[0] == pinned


@pytest.mark.parametrize("version", ["(3, 10, 4)", "(3, 14, 0)"])
def test_a_python_outside_the_tested_range_gets_one_sentence(version):
    outcome = install(
        f"import sys, pathlib; pathlib.Path.exists = lambda self: False; sys.version_info = {version}", "lab"
    )
    assert outcome.returncode != 0
    assert re.fullmatch(
        r"The course runs on Python 3\.11 to 3\.13, but .* PYTHON=python3\.12`\.", outcome.stderr.strip()
    )


def test_a_python_without_venv_gets_one_sentence():
    before = "import importlib.util, pathlib; pathlib.Path.exists = lambda self: False\n"
    before += "find = importlib.util.find_spec\n"
    before += "importlib.util.find_spec = lambda name, *a: None if name == 'ensurepip' else find(name, *a)"
    outcome = install(before, "lab")
    assert outcome.returncode != 0
    assert re.fullmatch(r"This Python cannot make virtual environments: .* again\.", outcome.stderr.strip())


def test_the_installer_is_readable_by_old_pythons():
    ast.parse((ROOT / "requirements" / "install.py").read_text(), feature_version=(3, 6))


@pytest.fixture
def course(tmp_path):
    """A copy of the installer in a path with a space, with `venv` and `pip` replaced by a recorder."""
    root = tmp_path / "a course"
    shutil.copytree(ROOT / "requirements", root / "requirements")
    return root


def fake_install(course, group, *, fail=""):
    """Build with commands that only leave a trace, or fail at the file named; return what was run."""
    code = f"""
import json, sys
sys.path.insert(0, {str(course / "requirements")!r})
import install
ran = []
def record(*command):
    ran.append(list(command))
    if "venv" in command:
        install.VENV_PYTHON.parent.mkdir(parents=True, exist_ok=True)
        install.VENV_PYTHON.touch()
        (install.VENV / "pyvenv.cfg").write_text("version = " + sys.version.split()[0])
        for left in install.VENV.glob("ready-*"):
            left.unlink()
    if {fail!r} and command[-1].endswith({fail!r}):
        raise install.subprocess.CalledProcessError(1, command)
install.run = record
install.brings_cuda_for_nothing = lambda requirements: False
try:
    install.main({group!r})
finally:
    print(json.dumps(ran))
"""
    outcome = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, env={**os.environ, "TORCH_INDEX": ""}
    )
    return json.loads(outcome.stdout.splitlines()[-1]), outcome


def built(ran):
    return any("venv" in command for command in ran)


def test_the_environment_is_built_once_and_extended_for_tests(course):
    first, _ = fake_install(course, "lab")
    assert built(first) and any(command[-1].endswith("lab.txt") for command in first)
    assert fake_install(course, "lab")[0] == [], "ready: nothing is run"
    tests, _ = fake_install(course, "test")
    assert not built(tests) and any(command[-1].endswith("test.txt") for command in tests)
    assert fake_install(course, "test")[0] == [] and fake_install(course, "lab")[0] == []


def test_changed_pins_rebuild_it(course):
    fake_install(course, "test")
    pins = course / "requirements" / "versions.txt"
    pins.write_text(pins.read_text() + "six==1.16.0\n")
    assert built(fake_install(course, "lab")[0])
    assert not built(fake_install(course, "test")[0])


def test_an_interrupted_install_is_repaired_from_the_start(course):
    ran, outcome = fake_install(course, "lab", fail="lab.txt")
    assert built(ran) and outcome.returncode != 0
    assert "The installation stopped" in outcome.stderr and "Run the same make command again" in outcome.stderr
    assert built(fake_install(course, "lab")[0])
    fake_install(course, "test", fail="test.txt")
    assert built(fake_install(course, "test")[0]), "a half-copied package would pass for an installed one"


def test_a_course_without_its_language_model_is_installed_and_says_what_is_missing(course):
    ran, outcome = fake_install(course, "lab", fail="data.txt")
    assert outcome.returncode == 0 and ran[-1][-1].endswith("data.txt") and "--no-deps" in ran[-1]
    assert "Chapters 04, 08 and 09 need them" in " ".join(outcome.stdout.split())
    again, _ = fake_install(course, "lab")
    assert not built(again) and [command[-1] for command in again] == [ran[-1][-1]], "only the data are tried again"
    assert fake_install(course, "lab")[0] == []


def test_another_python_than_the_one_that_built_it_is_mentioned(course):
    fake_install(course, "lab")
    (course / ".venv" / "pyvenv.cfg").write_text("home = /usr/bin\nversion = 3.99.1\n")
    _, outcome = fake_install(course, "lab")
    assert "Using the .venv that is there, with Python 3.99.1. `make clean` first" in outcome.stdout


def test_a_moved_course_is_rebuilt(course):
    fake_install(course, "lab")
    moved = course.with_name("moved")
    course.rename(moved)
    assert built(fake_install(moved, "lab")[0])


def test_torch_comes_from_the_index_that_the_learner_names(course):
    code = f"""
import sys
sys.path.insert(0, {str(course / "requirements")!r})
import install
install.run = lambda *command: print(" ".join(command))
install.install_torch(install.ROOT / "requirements")
"""
    environment = {**os.environ, "TORCH_INDEX": "https://example.org/whl/cpu"}
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environment).stdout
    assert "--index-url https://example.org/whl/cpu torch" in ran and "versions.txt" in ran


def test_make_alone_prints_help():
    shown = subprocess.run(["make"], cwd=ROOT, capture_output=True, text=True).stdout
    for target in ("lab", "test", "check", "execute", "exercises", "grade", "release", "bench", "clean"):
        assert re.search(rf"^  {target}\t\S", shown, re.MULTILINE), target


def test_importing_ropelib_loads_numpy_and_nothing_heavy():
    code = (
        "import sys, ropelib; print([m for m in ('torch', 'triton', 'matplotlib', 'ipywidgets') if m in sys.modules])"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout.strip() == "[]"


def test_every_public_name_loads_when_it_is_first_used():
    code = "import ropelib; print(all(hasattr(ropelib, name) for name in ropelib.__all__), hasattr(ropelib, 'nothing'))"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout.strip() == "True False"


def rooms_imported(source):
    """The modules of ropelib that code imports, and those behind the names that ropelib itself passes on."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (alias.name.partition("ropelib.")[2] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module == "ropelib":
            yield from (room_of(alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.module.partition("ropelib.")[2]


def room_of(name):
    if name in ropelib._ROOMS:
        return ropelib._ROOMS[name]
    return getattr(vars(ropelib).get(name), "__module__", name).removeprefix("ropelib.")


def test_rooms_are_found_however_they_are_imported():
    source = "import numpy\nimport ropelib.module as m\nfrom ropelib.tiny_training import LENGTHS, texts\n"
    source += "from ropelib import RotaryEmbedding, rotate, plotting, trace_lines\nfrom os import path"
    found = set(rooms_imported(source)) - {""}
    assert found == {"module", "tiny_training", "reference", "plotting", "widgets.trace"}


def test_the_rooms_that_learners_import_stay_small():
    paths = [path for folder in ("notebooks", "exercises") for path in (ROOT / folder).glob("*.ipynb")]
    cells = [cell for path in paths for cell in code_cells(nbformat.read(path, as_version=4))]
    named = {room for cell in cells for room in rooms_imported(without_magics(cell.source))}
    rooms = {path.stem: len(path.read_text().splitlines()) for path in (ROOT / "ropelib").glob("*.py")}
    counted = {room: lines for room, lines in rooms.items() if room in named}
    assert len(counted) > 15 and sum(counted.values()) <= 2500, counted
