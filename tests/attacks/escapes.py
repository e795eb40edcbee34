"""Reaching out: files, network, other processes, the superuser, the next submission."""

from tests.attacks.attack import FULL, GOT_NOTHING, Attack, report, with_cell

FIND_PROCESSES = """
import os
got += [name for name in os.listdir('/proc')]
"""
LIBC = "import ctypes\nlibc = ctypes.CDLL(None, use_errno=True)\n"

ATTACKS = [
    Attack("looks_into_proc", report(FIND_PROCESSES), says=GOT_NOTHING),
    Attack(
        "looks_at_the_environment",
        report(
            """
import os
known = {'HOME', 'TMPDIR', 'USER', 'LOGNAME', 'LANG', 'PATH', 'PWD', 'MPLBACKEND', 'MPLCONFIGDIR', 'PYTHONHASHSEED'}
known |= {'TRITON_INTERPRET'}
got += [name for name in os.environ if name not in known and not name.endswith('_THREADS') and name != 'LC_CTYPE']
"""
        ),
        says=GOT_NOTHING,
    ),
    Attack(
        "opens_a_connection",
        report(
            """
import socket, urllib.request
for family in (socket.AF_INET, socket.AF_INET6, socket.AF_UNIX):
    try:
        got.append(str(socket.socket(family)))
    except OSError:
        pass
try:
    got.append(urllib.request.urlopen('http://127.0.0.1:{PORT}/', timeout=1).status)
except OSError:
    pass
"""
        ),
        says=GOT_NOTHING,
    ),
    Attack(
        "leaves_a_daemon_behind",
        report(
            """
import os, subprocess, sys, multiprocessing, threading
for attempt in (os.fork, os.forkpty, lambda: subprocess.Popen([sys.executable, '-c', '']),
                lambda: os.posix_spawn(sys.executable, ['python'], {}), lambda: multiprocessing.Process().start()):
    try:
        got.append(str(attempt()))
    except (OSError, AttributeError):
        pass
threading.Thread(target=lambda: [None for _ in iter(int, 1)], daemon=True).start()
"""
        ),
        says=GOT_NOTHING,
    ),
    Attack(
        "kills_everything_it_can_name",
        report(
            """
import os, signal
for target in (os.getppid(), 1, 2, -1, 0):
    for number in (signal.SIGTERM, signal.SIGKILL):
        try:
            if target > 1 or os.getpid() != 1:
                os.kill(target, number)
                got.append(target)
        except OSError:
            pass
"""
        ),
        says=GOT_NOTHING,
    ),
    Attack("kills_its_process_group", with_cell("import os, signal\nos.killpg(0, signal.SIGKILL)"), FULL),
    Attack(
        "writes_where_it_must_not",
        report(
            """
import glob, os, sys
places = ['/', '/sandbox', '/sandbox/shown', '/sandbox/shown/ropelib', '/dev', '/usr/lib']
places += ['{OUT}', '{SUBMISSIONS}', '{ROOT}']
for place in places + sys.path:
    try:
        with open(os.path.join(place, 'written_by_an_attack.py'), 'w') as file:
            file.write('x')
        got.append(place)
    except OSError:
        pass
"""
        ),
        says=GOT_NOTHING,
    ),
    Attack(
        "calls_the_kernel_directly",
        report(
            LIBC
            + """
calls = {'ptrace': 101, 'process_vm_writev': 311, 'unshare': 272, 'setns': 308, 'mount': 165, 'bpf': 321,
         'perf_event_open': 298, 'keyctl': 250, 'io_uring_setup': 425, 'memfd_create': 319, 'userfaultfd': 323,
         'chroot': 161, 'fork': 57, 'vfork': 58, 'shmget': 29, 'open_by_handle_at': 304, 'umount2': 166, 'setuid': 105}
arguments = {'unshare': (0x10000000,), 'fork': (), 'vfork': (), 'setuid': (0,), 'shmget': (0, 4096, 0o1600)}
import os
for name, number in calls.items():
    me = os.getpid()
    result = libc.syscall(number, *arguments.get(name, (0, 0, 0, 0, 0)))
    if os.getpid() != me or result == 0 and name in ('fork', 'vfork'):
        os._exit(0)
    if result != -1:
        got.append(name)
"""
        ),
        says=GOT_NOTHING,
    ),
    Attack(
        "raises_its_limits",
        report(
            """
import resource
for name in ('RLIMIT_AS', 'RLIMIT_NPROC', 'RLIMIT_FSIZE', 'RLIMIT_CPU', 'RLIMIT_NOFILE'):
    kind = getattr(resource, name)
    try:
        resource.setrlimit(kind, (resource.getrlimit(kind)[1] + 1,) * 2)
        got.append(name)
    except (OSError, ValueError):
        pass
"""
        ),
        says=GOT_NOTHING,
    ),
    Attack(
        "poisons_the_next_submission",
        with_cell(
            "import os, sys\n"
            "for folder in (os.environ['HOME'], '.', '/tmp', '/dev/shm', '/var/tmp'):\n"
            "    for name in ('sitecustomize.py', 'numpy.py', 'matplotlibrc', 'left_behind'):\n"
            "        try:\n            open(os.path.join(folder, name), 'w').write('raise SystemExit')\n"
            "        except OSError: pass\n"
        ),
        FULL,
    ),
    Attack(
        "looks_for_what_others_left",
        report("import os\ngot += os.listdir(os.environ['HOME']) + os.listdir('.')"),
        says=GOT_NOTHING,
    ),
    Attack(
        "passes_its_descriptors_on",
        with_cell(
            "import os, socket\nfor n in range(3, 64):\n    try:\n"
            "        socket.send_fds(socket.socket(fileno=os.dup(n)), [b'\\n'], [0, 1, 2])\n    except OSError: pass",
        ),
        (3, 2, 1),
        "disturbed the connection",
    ),
]
