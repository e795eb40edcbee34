"""What to do where students' code cannot be locked in. Importable on every system, to say so on every system."""

import os
import platform
import shutil
from pathlib import Path

FLAG = "--without-sandbox-at-my-own-risk"
RISK = f"""
Or accept the risk: with {FLAG} the students' code runs as you, can read and write your files, use
your network, and change any grade. Do that only on a machine that you can throw away."""
CONTAINER = """
In a container: build an IMAGE with bubblewrap (on Debian: apt-get install bubblewrap) and this course installed, and
let bubblewrap make namespaces in it. The container itself needs no network.
  podman run --rm --network none --pids-limit 512 --security-opt seccomp=unconfined --security-opt unmask=ALL \\
    -v "$PWD":/course -w /course IMAGE make grade SUBMISSIONS=submitted
With Docker, write --security-opt systempaths=unconfined --security-opt apparmor=unconfined instead of unmask=ALL."""
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


def _setting(name: str) -> str:
    try:
        return Path(os.path.join("/proc/sys", name)).read_text().strip()
    except OSError:
        return ""
