"""The system calls that a submission may not make: a filter that the kernel keeps until the process ends.

Only these are refused, with EPERM: new processes, other programs, namespaces, other processes' memory, sockets,
memory that the limit on address space does not count, and the parts of the kernel that exercises never need.
"""

import ctypes
import errno
import platform
import struct

# By name: the numbers on x86-64 and on 64-bit ARM; -1 where a system has no such call.
REFUSED = {
    "fork": (57, -1),
    "vfork": (58, -1),
    "execve": (59, 221),
    "execveat": (322, 281),
    "unshare": (272, 97),
    "setns": (308, 268),
    "mount": (165, 40),
    "chroot": (161, 51),
    "ptrace": (101, 117),
    "process_vm_readv": (310, 270),
    "process_vm_writev": (311, 271),
    "pidfd_getfd": (438, 438),
    "kcmp": (312, 272),
    "socket": (41, 198),
    "memfd_create": (319, 279),
    "memfd_secret": (447, 447),
    "shmget": (29, 194),
    "msgget": (68, 186),
    "semget": (64, 190),
    "mq_open": (240, 180),
    "bpf": (321, 280),
    "perf_event_open": (298, 241),
    "userfaultfd": (323, 282),
    "io_uring_setup": (425, 425),
    "add_key": (248, 217),
    "request_key": (249, 218),
    "keyctl": (250, 219),
    "open_by_handle_at": (304, 265),
    "personality": (135, 92),
}
MACHINES = {"x86_64": (0, 0xC000003E, 56), "aarch64": (1, 0xC00000B7, 220), "arm64": (1, 0xC00000B7, 220)}
CLONE3 = 435
CLONE_THREAD = 0x10000
FIRST_X32_CALL = 0x40000000

ALLOW, REFUSE = 0x7FFF0000, 0x00050000
NUMBER, ARCHITECTURE, FIRST_ARGUMENT = 0, 4, 16  # offsets in struct seccomp_data
LOAD, EQUALS, AT_LEAST, HAS_BITS, RETURN = 0x20, 0x15, 0x35, 0x45, 0x06
PR_SET_NO_NEW_PRIVS, PR_SET_SECCOMP, FILTER_MODE = 38, 22, 2


def install() -> None:
    """Put the filter on this process, for good. Raises OSError where the kernel has no seccomp for this machine."""
    if platform.machine() not in MACHINES:
        raise OSError(errno.ENOSYS, f"no filter of system calls is known for {platform.machine()}")
    program = _program(*MACHINES[platform.machine()])
    code = b"".join(struct.pack("<HBBI", *instruction) for instruction in program)
    buffer = ctypes.create_string_buffer(code, len(code))
    filter_ = struct.pack("<HxxxxxxQ", len(program), ctypes.addressof(buffer))
    libc = ctypes.CDLL(None, use_errno=True)
    for arguments in ((PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), (PR_SET_SECCOMP, FILTER_MODE, filter_, 0, 0)):
        if libc.prctl(*arguments):
            raise OSError(ctypes.get_errno(), "the filter of system calls was not accepted")


def _program(column: int, architecture: int, clone: int) -> list[tuple[int, int, int, int]]:
    """Instructions of classic BPF: (code, jump if true, jump if false, constant)."""
    refused = [numbers[column] for numbers in REFUSED.values() if numbers[column] >= 0]
    program = [(LOAD, 0, 0, ARCHITECTURE), (EQUALS, 1, 0, architecture), (RETURN, 0, 0, REFUSE | errno.EPERM)]
    program += [(LOAD, 0, 0, NUMBER), (AT_LEAST, 0, 1, FIRST_X32_CALL), (RETURN, 0, 0, REFUSE | errno.EPERM)]
    # "No such call" makes the C library fall back to clone, whose flags a filter can read.
    program += [(EQUALS, 0, 1, CLONE3), (RETURN, 0, 0, REFUSE | errno.ENOSYS)]
    for number in refused:
        program += [(EQUALS, 0, 1, number), (RETURN, 0, 0, REFUSE | errno.EPERM)]
    program += [(EQUALS, 1, 0, clone), (RETURN, 0, 0, ALLOW)]
    program += [(LOAD, 0, 0, FIRST_ARGUMENT), (HAS_BITS, 1, 0, CLONE_THREAD)]
    return [*program, (RETURN, 0, 0, REFUSE | errno.EPERM), (RETURN, 0, 0, ALLOW)]
