"""Whether a sandbox works on this system, found by running one; and where it does not, what to do about it."""

import contextlib
import shutil
from pathlib import Path

from ropelib.grading.remedies import remedy
from ropelib.grading.sandbox import Isolation, Rooms, Sandbox, SandboxFailed
from ropelib.grading.view import ROPELIB


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
