"""Whether a sandbox works on this system, found by running one; and where it does not, what to do about it."""

import contextlib
import os
import platform
import shutil
from pathlib import Path

from ropelib.grading.sandbox import Isolation, Rooms, Sandbox, SandboxFailed
from ropelib.grading.view import ROPELIB

FLAG = "--without-sandbox-at-my-own-risk"
RISK = f"""
Or accept the risk: with {FLAG} the students' code runs as you, can read and write your files, use
your network, and change any grade. Do that only on a machine that you can throw away."""
CONTAINER = """
In a container: install bubblewrap in the image (on Debian: apt-get install bubblewrap), and let it make
namespaces. The container's own network stays off.
  podman run --rm --network none --security-opt seccomp=unconfined --security-opt unmask=ALL \\
    -v "$PWD":/course -w /course IMAGE make grade SUBMISSIONS=submitted
  docker run --rm --network none --security-opt seccomp=unconfined --security-opt apparmor=unconfined \\
    --security-opt systempaths=unconfined -v "$PWD":/course -w /course IMAGE make grade SUBMISSIONS=submitted"""
INSTALL = """
Install it: on Debian and Ubuntu `sudo apt-get install bubblewrap`, on Fedora `sudo dnf install bubblewrap`, on
Arch `sudo pacman -S bubblewrap`."""
APPARMOR = """
This system's AppArmor forbids user namespaces to programs without a profile (Ubuntu since 23.10). Give bubblewrap
one, as the superuser, then run `systemctl reload apparmor`. In /etc/apparmor.d/bwrap:
  abi <abi/4.0>,
  include <tunables/global>
  profile bwrap /usr/bin/bwrap flags=(unconfined) {
    userns,
    include if exists <local/bwrap>
  }"""
DEBIAN = """
This kernel forbids user namespaces to ordinary users. As the superuser: `sysctl kernel.unprivileged_userns_clone=1`,
and the same line in a file of /etc/sysctl.d to keep it."""
NO_NAMESPACES = """
This kernel allows no user namespaces. As the superuser: `sysctl user.max_user_namespaces=15000`, and the same line
in a file of /etc/sysctl.d to keep it."""
OTHER_SYSTEM = """
bubblewrap exists for Linux only. On Windows, grade inside WSL2; on macOS, inside a container or a virtual machine."""


class Refused(Exception):
    """Nothing was graded; the message says why, and what to do."""


def isolation() -> Isolation:
    """The strongest isolation that works here. Raises Refused with the remedy where none does."""
    found, reason = isolation_or_reason()
    if found is None:
        raise Refused(f"Students' code cannot be locked in here: {reason}\n{remedy()}")
    return found


def isolation_or_reason() -> tuple[Isolation | None, str]:
    """The strongest isolation that holds when it is tried, or None and why."""
    reasons = []
    for kind in ("fork", "sandbox"):
        try:
            findings = _tried(kind)
        except (SandboxFailed, OSError) as error:
            reasons.append(str(error))
        else:
            if not findings:
                return kind, ""
            reasons += findings
    return None, "; ".join(dict.fromkeys(reasons))


def remedy() -> str:
    """What to do on this system, from the least to the most drastic."""
    if platform.system() != "Linux":
        return OTHER_SYSTEM + CONTAINER + RISK
    advice = "" if shutil.which("bwrap") else INSTALL
    if _setting("kernel/apparmor_restrict_unprivileged_userns") == "1":
        advice += APPARMOR
    if _setting("kernel/unprivileged_userns_clone") == "0":
        advice += DEBIAN
    if _setting("user/max_user_namespaces") == "0":
        advice += NO_NAMESPACES
    return advice + CONTAINER + RISK


def _tried(kind: Isolation) -> list[str]:
    """What a sandbox of this kind fails to refuse."""
    if shutil.which("bwrap") is None:
        raise SandboxFailed("bubblewrap (bwrap) is not installed")
    sandbox = Sandbox(
        Rooms(), kind, selfcheck=[str(ROPELIB / "checks"), str(ROPELIB / "grading"), str(Path.home() / ".profile")]
    )
    with contextlib.closing(sandbox):
        process = sandbox.spawn()
        process.end()
        return list(process.findings)


def _setting(name: str) -> str:
    try:
        return Path(os.path.join("/proc/sys", name)).read_text().strip()
    except OSError:
        return ""
