"""What can be said about a kernel before it runs, and about its time afterwards."""

from ropelib.checks.ch13.rooms import ANSWERED_BY
from ropelib.checks.core import Misconception, Question
from ropelib.checks.observe import Case

TOKENS, Q_HEADS, K_HEADS, HEAD_DIM, BYTES = 2 * 3072, 24, 8, 64, 4
BANDWIDTH, MEASURED = 2.5e12, 50.0


def before_measuring() -> dict[str, float]:
    tokens, heads, head_dim = 2 * 3072, 24 + 8, 64
    moved = 2 * tokens * heads * head_dim * 4
    shortest = moved / 2.5e12 * 1e6
    return {
        "moved_mb": moved / 1e6,
        "shortest_us": shortest,
        "share": shortest / 50.0,
        "per_byte": 6 / (2 * 2 * 4),
        "table_mb": tokens * heads * (head_dim // 2) * 2 * 4 / 1e6,
    }


def _moving(factor: float) -> dict[str, float]:
    right = before_measuring()
    return {name: right[name] * factor for name in ("moved_mb", "shortest_us", "share")}


def _entry(name: str, factor: float) -> dict[str, float]:
    return {name: before_measuring()[name] * factor}


QUESTION = Question(
    name="before_measuring",
    title="Before anything runs",
    objective="predict the time of a kernel from its bytes, and to judge a measurement by it",
    difficulty="warm-up",
    minutes=10,
    points=3,
    reference=before_measuring,
    cases=lambda seed: [Case(name, calls=False, entry=name) for name in before_measuring()],
    answered_by=ANSWERED_BY,
    tolerance=0.02,
    misconceptions=[
        Misconception(
            "read but not written",
            lambda: _moving(1 / 2),
            "These are the bytes that are read. Where does the result go?",
        ),
        Misconception(
            "two bytes a number",
            lambda: _moving(1 / 2) | {"moved_mb": before_measuring()["moved_mb"] / 2, "per_byte": 6 / 8},
            "This takes two bytes a number, as bfloat16 has. How many has float32?",
        ),
        Misconception(
            "queries only",
            lambda: _moving(Q_HEADS / (Q_HEADS + K_HEADS)),
            "24 heads are counted here. What else is rotated besides the queries?",
        ),
        Misconception(
            "values rotated",
            lambda: _moving((Q_HEADS + 2 * K_HEADS) / (Q_HEADS + K_HEADS)),
            "40 heads are counted here. Are the values rotated?",
        ),
        Misconception(
            "one text",
            lambda: _moving(1 / 2) | {"table_mb": before_measuring()["table_mb"] / 2},
            "This is one text of 3072 tokens. How many are in the batch?",
        ),
        Misconception(
            "mebibytes",
            lambda: _entry("moved_mb", 1e6 / 2**20),
            "That is in units of 2²⁰ bytes. How many bytes are a megabyte?",
        ),
        Misconception(
            "milliseconds",
            lambda: _entry("shortest_us", 1e-3),
            "That is in milliseconds. How many microseconds are one of them?",
        ),
        Misconception(
            "share upside down",
            lambda: {"share": MEASURED / before_measuring()["shortest_us"]},
            "A share above 1 would mean: faster than the memory. Which of the two times must be the smaller one?",
        ),
        Misconception(
            "bytes read only, in the time",
            lambda: _entry("shortest_us", 1 / 2),
            "That is the time for half of the bytes: reading without writing, one text of two, or two bytes a number?",
        ),
        Misconception(
            "share in percent",
            lambda: _entry("share", 100),
            "That is a percentage. The entry asks for a number between 0 and 1.",
        ),
        Misconception(
            "operations for a number",
            lambda: _entry("per_byte", 1 / 2),
            "Six operations are for a pair, and a pair is two numbers, each read and written: 16 bytes. Have you "
            "counted half of the operations, or twice the bytes?",
        ),
        Misconception(
            "bytes read only",
            lambda: _entry("per_byte", 2),
            "These are operations for a byte that is read. Bytes that are written take their time as well.",
        ),
        Misconception(
            "bytes per operation",
            lambda: {"per_byte": 16 / 6},
            "That is how many bytes go with an operation. Asked are operations for a byte: which is divided by which?",
        ),
        Misconception(
            "size of the tables",
            lambda: {"table_mb": 3072 * 32 * 2 * 4 / 1e6},
            "So large are the tables. But each program asks for its rows itself: how many heads ask for the same row?",
        ),
        Misconception(
            "half of the tables",
            lambda: _entry("table_mb", 1 / 2),
            "That is half of it. Have you counted both texts, and both tables, cos and sin?",
        ),
        Misconception(
            "rows of full width",
            lambda: _entry("table_mb", 2),
            "A row of 64 numbers would hold every angle twice. How many pairs has a head of 64 numbers?",
        ),
    ],
    hints=[
        "Every number of q and k is read once and written once. The time is bytes divided by bytes a second.",
        "6144 tokens, 32 heads, 64 numbers, 4 bytes, twice. A share of a copy is the shortest time over the measured "
        "one.",
        "A pair: 6 operations, 2 numbers, each read and written with 4 bytes. The tables: for each token of each head, "
        "32 pairs, two tables, 4 bytes.",
    ],
    explanation="100 MB in 50 µs is 80 % of what the memory can do. The tables are asked for half as many bytes as q "
    "and k move. They come from the cache, though, so sharing them need not gain anything: chapter 13 measured that.",
)
