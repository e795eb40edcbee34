"""The command line of bubblewrap: what a sandbox can see, and what it has to do without."""

import os
import shutil
from collections.abc import Sequence
from pathlib import Path

from ropelib.grading import view
from ropelib.grading.inside.isolation import HOME

SHOWN_AT = "/sandbox/shown"
SYSTEM = [Path(path) for path in ("/usr/lib", "/usr/lib64", "/lib", "/lib64")]
CAP_SYS_ADMIN = 21


def around(shown: Path, closed: Sequence[str], *, with_proc: bool) -> list[str]:
    """The command that makes a sandbox around a program.

    with_proc: the program writes its own user map there before the first submission, and hides it then
    """
    command = [shutil.which("bwrap") or "bwrap", "--unshare-ipc", "--unshare-pid", "--unshare-net", "--unshare-uts"]
    command += ["--unshare-cgroup-try", "--die-with-parent", "--new-session", "--cap-drop", "ALL"]
    if _may_mount():
        # The superuser stays one just long enough to read its own Python, then becomes nobody.
        command += ["--cap-add", "CAP_SETUID", "--cap-add", "CAP_SETGID"]
    else:
        command += ["--unshare-user", "--uid", "65534", "--gid", "65534"]
    libraries = [*view.python_folders(), *view.library_folders()]
    devices = [Path("/dev", name) for name in ("null", "zero", "random", "urandom")]
    command += _parents([*libraries, *devices, *SYSTEM, Path(HOME)])
    command += [part for path in SYSTEM for part in _system_folder(path)]
    command += [part for path in libraries for part in ("--ro-bind", str(path), str(path))]
    elsewhere = ["ropelib", *(room for room in closed if not room.startswith("ropelib"))]
    for path in (path for room in elsewhere for path in view.copies_of(room)):
        command += ["--tmpfs", str(path)] if path.is_dir() else ["--ro-bind", "/dev/null", str(path)]
    command += [part for path in devices for part in ("--dev-bind", str(path), str(path))]
    command += ["--ro-bind-try", "/etc/ld.so.cache", "/etc/ld.so.cache", "--ro-bind", str(shown), SHOWN_AT]
    command += ["--size", str(64 << 20), "--perms", "1777", "--tmpfs", HOME]
    command += ["--proc", "/proc"] if with_proc else []
    return [*command, "--remount-ro", "/", "--chdir", "/"]


def _may_mount() -> bool:
    """Whether this is a superuser with its full rights; that of a container usually has to do without this one."""
    try:
        status = Path("/proc/self/status").read_text()
    except OSError:
        return False
    rights = next((line.split()[1] for line in status.splitlines() if line.startswith("CapEff")), "0")
    return os.getuid() == 0 and bool(int(rights, 16) >> CAP_SYS_ADMIN & 1)


def _parents(paths: Sequence[Path]) -> list[str]:
    """Folders on the way to paths, which bubblewrap would make unreadable to anyone but the superuser."""
    folders = {parent for path in paths for parent in path.parents if parent != Path("/")}
    return [part for folder in sorted(folders) for part in ("--perms", "0755", "--dir", str(folder))]


def _system_folder(path: Path) -> list[str]:
    if path.is_symlink():
        return ["--symlink", os.readlink(path), str(path)]
    return ["--ro-bind-try", str(path), str(path)]
