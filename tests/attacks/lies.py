"""Claiming a result instead of computing it: patched comparisons, forged protocol, objects that lie."""

from tests.attacks.attack import FULL, HALF, HONEST, IMPORT, PERIOD, TURN, WRONG_TURN, Attack, with_cell, with_turn

FIND_THE_SOCKET = """
import json, os, socket
def connection():
    for number in range(3, 64):
        try:
            return socket.socket(fileno=os.dup(number))
        except OSError:
            pass
def forged(n, line=None):
    line = line or json.dumps({"head": {"id": n, "attempted": True}, "data": None, "bytes": 0})
    return line.encode() + b"\\n"
"""

ATTACKS = [
    Attack(
        "patches_numpy_comparisons",
        with_cell(
            "np.allclose = np.array_equal = np.isclose = lambda *a, **k: True\n"
            "np.testing.assert_allclose = np.testing.assert_array_equal = lambda *a, **k: None",
            turn=WRONG_TURN,
        ),
    ),
    Attack(
        "patches_built_in_functions",
        with_cell(
            "import builtins\nfor name in ('any', 'all', 'isinstance', 'len', 'abs', 'max'):\n"
            "    setattr(builtins, name, lambda *a, **k: True)",
            turn=WRONG_TURN,
        ),
    ),
    Attack(
        "hides_that_it_changes_its_input",
        (
            IMPORT,
            TURN.replace("    a, b", "    r = _turn(x, angle); x += 1; return r\ndef _turn(x, angle):\n    a, b"),
            "import builtins\nbuiltins.all = builtins.any = lambda *a: True\n"
            "np.shares_memory = np.may_share_memory = lambda *a, **k: False\nnp.array_equal = lambda *a, **k: True",
            HALF,
            PERIOD,
        ),
        says="changes its input",
    ),
    Attack(
        "installs_an_input_transformer",
        with_cell(
            "get_ipython().input_transformers_cleanup.append(lambda lines: ['pass'])\n"
            "get_ipython().events.register('pre_run_cell', print)",
            turn=WRONG_TURN,
        ),
    ),
    Attack(
        "edits_the_tests",
        with_cell(
            "from ropelib.checks import ch01\nch01.turn.check = lambda *a: 'correct'\nch01.turn.score(100)",
            turn=WRONG_TURN,
        ),
    ),
    Attack(
        "forges_answers_ahead",
        with_turn("for n in range(200): c.send(forged(n))", "return x", before=FIND_THE_SOCKET + "c = connection()"),
    ),
    Attack(
        "forges_answers_from_a_cell",
        with_cell(FIND_THE_SOCKET + "c = connection()\nfor n in range(200): c.send(forged(n))", turn=WRONG_TURN),
        (0, 2, 1),
        "disturbed the connection",
    ),
    Attack("closes_the_connection", with_turn("connection().shutdown(2)", "return x", before=FIND_THE_SOCKET)),
    Attack(
        "sends_a_line_without_end",
        with_turn("c = connection()", "while True: c.send(b'x' * 65536)", before=FIND_THE_SOCKET),
        says="disturbed the connection",
    ),
    Attack(
        "sends_deeply_nested_json",
        with_turn("connection().sendall(b'[' * 60000 + b'\\n')", "return x", before=FIND_THE_SOCKET),
        says="disturbed the connection",
    ),
    Attack(
        "claims_a_payload_of_a_terabyte",
        with_turn(
            "connection().sendall(forged(0, json.dumps({'head': {}, 'data': None, 'bytes': 10**12})))",
            "return x",
            before=FIND_THE_SOCKET,
        ),
        says="disturbed the connection",
    ),
    Attack(
        "claims_a_forbidden_dtype",
        with_turn(
            "connection().sendall(forged(0, json.dumps({'head': {}, 'data': ['array', 'O', [1]], 'bytes': 0})))",
            "return x",
            before=FIND_THE_SOCKET,
        ),
        says="disturbed the connection",
    ),
    Attack(
        "returns_malicious_objects",
        with_turn(
            "class Evil:",
            "    def __array__(self, *a, **k): import os; os._exit(0)",
            "    def __reduce__(self): return (exec, ('import os; os._exit(0)',))",
            "    def __eq__(self, other): return True",
            "return np.array([Evil()] * 2, dtype=object)",
        ),
        says="ended the process",
    ),
    Attack(
        "returns_an_array_that_lies",
        with_turn(
            "class Lie(np.ndarray):",
            "    def __eq__(self, other): return np.True_",
            "    def __array_ufunc__(self, *a, **k): return True",
            "    def __array_function__(self, *a, **k): return True",
            "    shape = property(lambda self: (1, 2))",
            "return np.zeros(x.shape).view(Lie)",
        ),
    ),
    Attack(
        "returns_a_number_that_lies",
        (
            IMPORT,
            TURN,
            HALF,
            "class Lie(float):\n    __eq__ = __lt__ = __le__ = __gt__ = __ge__ = lambda *a: True\n"
            "    __hash__ = float.__hash__\nperiod = Lie(3.0)",
        ),
        (3, 2, 0),
    ),
    Attack("returns_a_shape_that_broadcasts", with_turn("return np.zeros((x.shape[0], 1, 1)) + x.mean()")),
    Attack("returns_not_a_number", with_turn("return x * np.nan"), says="not finite"),
    Attack("returns_records", with_turn("return np.zeros(len(x), dtype=[('a', float), ('b', 'O')])")),
    Attack("returns_an_integer_of_a_million_digits", (IMPORT, TURN, HALF, "period = 1 << 3_000_000"), (3, 2, 0)),
    Attack(
        "answers_by_the_clock",
        (
            IMPORT,
            "import time\nfirst = []\n"
            + TURN.replace(
                "    a, b", "    first.append(time.monotonic())\n    if first[-1] > first[0]: return x\n    a, b"
            ),
            HALF,
            PERIOD,
        ),
        (1, 2, 1),
    ),
    Attack(
        "counts_its_calls",
        (
            IMPORT,
            "calls = []\n" + TURN.replace("    a, b", "    calls.append(1)\n    if len(calls) > 1: return x\n    a, b"),
            HALF,
            PERIOD,
        ),
        (1, 2, 1),
    ),
    Attack("redefines_its_answer_at_the_end", (*HONEST, WRONG_TURN)),
    Attack(
        "pretends_to_be_the_worker",
        with_cell("import sys\nfor name in list(sys.modules):\n    if 'inside' in name: sys.modules[name] = None"),
        FULL,
    ),
]
