"""What the process of one submission gives up before it runs the first line of it."""

import ctypes
import mmap
import os
import resource
from dataclasses import dataclass
from pathlib import Path

from . import seccomp

NEW_MOUNTS, NEW_NAMES, NEW_IPC, NEW_USERS, NEW_PROCESSES = 0x20000, 0x4000000, 0x8000000, 0x10000000, 0x20000000
PRIVATE, RECURSIVE, READ_ONLY, NO_SETUID, NO_DEVICES, NO_PROGRAMS = 0x40000, 0x4000, 1, 2, 4, 8
PR_SET_DUMPABLE, PR_CAPBSET_DROP, PR_SET_NO_NEW_PRIVS = 4, 24, 38
CAPABILITY_VERSION_3 = 0x20080522
NOBODY = 65534
HOME = "/sandbox/home"


@dataclass(frozen=True)
class Limits:
    """What one process may use.

    memory:  bytes it may allocate beyond what Python and the libraries hold at its start
    file:    bytes of one file; the whole of its disk is four times that, in memory
    threads: that it may have; further processes it may have none
    cpu:     seconds
    """

    memory: int = 1 << 30
    file: int = 16 << 20
    threads: int = 64
    cpu: int = 120


def become_nobody() -> None:
    """Leave the superuser behind, where it started this: its files and limits must not apply to a submission."""
    if os.getuid() == 0:
        os.setgroups([])
        os.setresgid(NOBODY, NOBODY, NOBODY)
        os.setresuid(NOBODY, NOBODY, NOBODY)
        # Otherwise its own /proc files belong to the superuser, and it could not write its user map.
        _prctl(PR_SET_DUMPABLE, 1)
    _prctl(PR_SET_NO_NEW_PRIVS, 1)


def enter_namespaces() -> None:
    """Make the next child the first process of its own world. Raises OSError where the system forbids that."""
    user, group = os.getuid(), os.getgid()
    _checked(_libc().unshare(NEW_USERS | NEW_MOUNTS | NEW_NAMES | NEW_IPC | NEW_PROCESSES), "unshare")
    Path("/proc/self/setgroups").write_text("deny")
    Path("/proc/self/uid_map").write_text(f"{user} {user} 1")
    Path("/proc/self/gid_map").write_text(f"{group} {group} 1")


def hide_the_others(limits: Limits) -> None:
    """An empty /proc, and an empty disk of its own: nothing is left of earlier submissions, or for later ones."""
    options = f"size={4 * limits.file},nr_inodes=1024,mode=700".encode()
    _mount(b"/", PRIVATE | RECURSIVE)
    _mount(b"/proc", READ_ONLY | NO_SETUID | NO_DEVICES | NO_PROGRAMS, b"size=4k,nr_inodes=2")
    _mount(HOME.encode(), NO_SETUID | NO_DEVICES | NO_PROGRAMS, options)


def drop_privileges(limits: Limits) -> None:
    """Lower every limit, drop every capability, and filter system calls. None of it can be taken back."""
    for kind, most in (
        (resource.RLIMIT_AS, _address_space() + limits.memory),
        (resource.RLIMIT_FSIZE, limits.file),
        (resource.RLIMIT_NPROC, limits.threads),
        (resource.RLIMIT_NOFILE, 64),
        (resource.RLIMIT_CPU, limits.cpu),
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_MEMLOCK, 0),
        (resource.RLIMIT_MSGQUEUE, 0),
    ):
        resource.setrlimit(kind, (most, most))
    for capability in range(64):
        _libc().prctl(PR_CAPBSET_DROP, capability, 0, 0, 0)
    header = (ctypes.c_uint32 * 2)(CAPABILITY_VERSION_3, 0)
    _checked(_libc().capset(header, (ctypes.c_uint32 * 6)()), "capset")
    seccomp.install()


def _address_space() -> int:
    """Bytes of address space in use, found by trying limits: the sandbox may have no /proc to read it from."""
    _, hard = resource.getrlimit(resource.RLIMIT_AS)
    low, high = 0, 1 << 46
    while high - low > 1 << 20:
        middle = (low + high) // 2
        try:
            resource.setrlimit(resource.RLIMIT_AS, (middle, hard))
            mmap.mmap(-1, mmap.PAGESIZE).close()
            high = middle
        except (OSError, MemoryError):
            low = middle
    resource.setrlimit(resource.RLIMIT_AS, (hard, hard))
    return high


def _mount(where: bytes, flags: int, options: bytes | None = None) -> None:
    kind = None if flags & PRIVATE else b"tmpfs"
    call = _libc().mount
    call.argtypes = [ctypes.c_char_p, ctypes.c_char_p, ctypes.c_char_p, ctypes.c_ulong, ctypes.c_char_p]
    _checked(call(b"none", where, kind, flags, options), f"mount {where.decode()}")


def _prctl(option: int, value: int) -> None:
    _checked(_libc().prctl(option, value, 0, 0, 0), f"prctl {option}")


def _libc() -> ctypes.CDLL:
    return ctypes.CDLL(None, use_errno=True)


def _checked(status: int, what: str) -> None:
    if status:
        number = ctypes.get_errno()
        raise OSError(number, f"{what}: {os.strerror(number)}")
