"""Never ending, ending too early, and taking everything there is."""

from tests.attacks.attack import FULL, HALF, IMPORT, PERIOD, TURN, Attack, with_cell, with_turn

STUBBORN = """
while True:
    try:
        while True: sum(range(100))
    except BaseException:
        pass
"""
IN_TIME = "Is there a loop that cannot end?"
LEFT_OUT = "was left out"

ATTACKS = [
    Attack("loops_in_a_cell", with_cell("while True: pass"), FULL, "took longer than"),
    Attack("loops_in_an_answer", with_turn("while True: pass"), says=IN_TIME),
    Attack("swallows_interrupts_in_a_cell", with_cell(STUBBORN), FULL, LEFT_OUT),
    Attack("swallows_interrupts_in_an_answer", with_turn(STUBBORN), says=IN_TIME),
    Attack("loops_inside_c_code", with_turn("import re", "re.match('(a+)+$', 'a' * 60 + 'b')"), says=IN_TIME),
    Attack(
        "blocks_all_signals",
        with_turn(
            "import signal",
            "signal.setitimer(signal.ITIMER_REAL, 0)",
            "signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())",
            "while True: pass",
        ),
        says=IN_TIME,
    ),
    Attack("sleeps", with_turn("import time", "time.sleep(1e6)"), says=IN_TIME),
    Attack("waits_for_input", with_cell("input('a number: ')"), FULL, "EOFError"),
    Attack("exits_in_a_cell", with_cell("import os\nos._exit(0)"), FULL, LEFT_OUT),
    Attack("exits_in_an_answer", with_turn("import os", "os._exit(0)"), says="ended the process"),
    Attack("raises_system_exit", with_turn("raise SystemExit"), says="SystemExit"),
    Attack("raises_keyboard_interrupt", with_turn("raise KeyboardInterrupt"), says="KeyboardInterrupt"),
    Attack("crashes", with_turn("import ctypes", "ctypes.string_at(0)"), says="ended the process (signal 11)"),
    Attack("aborts", with_turn("import os", "os.abort()"), says="ended the process"),
    Attack(
        "overflows_the_stack",
        with_turn("import sys", "sys.setrecursionlimit(10**9)", "f = lambda n: f(n + 1) + [n][0]", "return f(0)"),
    ),
    Attack("recurses", with_turn("return turn(x, angle)"), says="RecursionError"),
    Attack("bombs_with_forks", with_turn("import os", "while True: os.fork()"), says="PermissionError"),
    Attack(
        "bombs_with_threads",
        with_turn(
            "import threading, time",
            "threading.stack_size(32768)",
            "while True: threading.Thread(target=time.sleep, args=(60,)).start()",
        ),
        says="RuntimeError",
    ),
    Attack("bombs_memory", with_turn("kept = []", "while True: kept.append(bytearray(1 << 20))"), says="MemoryError"),
    Attack("asks_for_64_gigabytes", with_turn("return np.ones(1 << 33)"), says="MemoryError"),
    Attack(
        "bombs_the_disk",
        with_turn(
            "import os",
            "for n in range(10**6):",
            "    with open(f'file{n}', 'wb') as file:",
            "        file.write(b'x' * (15 << 20))",
        ),
        says="OSError",
    ),
    Attack("writes_one_huge_file", with_turn("open('f', 'wb').truncate(1 << 40)"), says="OSError"),
    Attack("opens_every_descriptor", with_turn("kept = [open('/dev/null') for _ in range(10**6)]"), says="OSError"),
    Attack(
        "prints_a_gigabyte",
        with_cell("import os\nfor _ in range(64):\n    print('x' * (16 << 20))\n    os.write(1, b'y' * (1 << 20))"),
        FULL,
    ),
    Attack("floods_with_lines", with_cell("for _ in range(200_000): print('x', flush=True)"), FULL),
    Attack("raises_a_huge_message", with_turn("raise ValueError('x' * (64 << 20))"), says="ValueError"),
    Attack(
        "raises_what_cannot_be_shown",
        with_turn(
            "class Evil(Exception):",
            "    def __str__(self): raise SystemExit",
            "Evil.__name__ = 'E' * 10**6",
            "raise Evil",
        ),
    ),
    Attack("returns_a_huge_array", with_turn("return np.zeros((4096, 4096))"), says="too large to be an answer"),
    Attack("returns_a_huge_view", with_turn("return np.broadcast_to(1.0, (10**6, 10**6))"), says="MemoryError"),
    Attack("returns_a_huge_text", with_turn("return 'x' * (100 << 20)")),
    Attack("returns_a_huge_list", with_turn("return list(range(10**6))")),
    Attack("returns_a_deep_list", with_turn("r = []", "for _ in range(10**5): r = [r]", "return r")),
    Attack("returns_what_never_ends", with_turn("import itertools", "return itertools.count()")),
    Attack("prepares_a_crash_for_the_next_question", with_cell("import atexit, os\natexit.register(os.abort)"), FULL),
    Attack("crashes_in_every_cell", ("import os\nos.abort()",) * 6, (0, 0, 0), LEFT_OUT),
    Attack(
        "spoils_numpy_for_everyone",
        (IMPORT, TURN, HALF, PERIOD, "np.stack = np.cos = np.concatenate = None"),
        (0, 0, 1),
    ),
]
