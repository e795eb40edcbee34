"""Count bytes before there is any code: a decode step, three lines in bfloat16, tables, and a detour."""

from ropelib.checks.ch12.rooms import ANSWERED_BY
from ropelib.checks.core import Misconception, Question
from ropelib.checks.observe import Case

HEADS, HEAD_DIM, BANDWIDTH = 32 + 8, 128, 4.8e12


def bytes_first() -> dict[str, float]:
    numbers = (32 + 8) * 128
    unavoidable = 2 * numbers * 2
    products, sums = 4 * (0.5 * 2 + 0.5 * 4), 2 * (0.5 * 4 + 0.5 * 4 + 0.5 * 4)
    joined, cast = 4 + 4, 4 + 2
    row = 2 * 64 * 4
    return {
        "decode_us": 64 * unavoidable / 4.8e12 * 1e6,
        "three_lines": (products + sums + joined + cast) / (2 + 2),
        "table_once": 100 * row / unavoidable,
        "table_by_head": 100 * (32 + 8) * row / unavoidable,
        "detour": (2 + 2) / 2,
    }


def _decode(factor: float) -> dict[str, float]:
    return {"decode_us": factor * 64 * HEADS * HEAD_DIM / BANDWIDTH * 1e6}


def _tables(factor: float) -> dict[str, float]:
    right = bytes_first()
    return {name: factor * right[name] for name in ("table_once", "table_by_head")}


QUESTION = Question(
    name="bytes_first",
    title="Bytes first",
    objective="predict times and overheads of operations from the bytes that they move",
    difficulty="warm-up",
    minutes=15,
    points=4,
    reference=bytes_first,
    cases=lambda seed: [Case(name, calls=False, entry=name) for name in bytes_first()],
    answered_by=ANSWERED_BY,
    tolerance=0.02,
    misconceptions=[
        Misconception(
            "one way only",
            lambda: _decode(2),
            "This counts one byte in two: what is read without what is written, or numbers of one byte. What does a "
            "rotation do with a number, and how many bytes has it?",
        ),
        Misconception(
            "four bytes a number",
            lambda: _decode(2 * 4),
            "That takes four bytes a number, as in float32. How many has bfloat16?",
        ),
        Misconception(
            "query heads only",
            lambda: {"decode_us": 64 * 32 * HEAD_DIM * 4 / BANDWIDTH * 1e6},
            "That is the traffic of 32 heads. What else is rotated besides the queries?",
        ),
        Misconception(
            "one text",
            lambda: _decode(4 / 64),
            "That is the time for one text. The server answers 64 at once, each with a token of its own.",
        ),
        Misconception(
            "in seconds",
            lambda: _decode(4 * 1e-6),
            "The bytes are right. Is the result in seconds or in millionths of a second?",
        ),
        Misconception(
            "as in float32",
            lambda: {"three_lines": 4.5},
            "That is what the chapter counted for float32 all the way. Here x has 2 bytes a number and the tables 4: "
            "of which dtype is x · cos?",
        ),
        Misconception(
            "cast forgotten",
            lambda: {"three_lines": (12 + 12 + 8) / 4},
            "The result of the three lines is still float32. The model wants bfloat16 back: what does that cast read, "
            "and what does it write?",
        ),
        Misconception(
            "everything in float32",
            lambda: {"three_lines": (16 + 12 + 8 + 6) / 4},
            "The products read 4 bytes for each number of x here. What they read is x itself: how many bytes are that?",
        ),
        Misconception(
            "against float32",
            lambda: {"three_lines": (12 + 12 + 8 + 6) / 8},
            "The bytes are right, and then they are divided by the traffic of a float32 tensor. x comes and goes in "
            "bfloat16: what is unavoidable?",
        ),
        Misconception(
            "half of the tables",
            lambda: _tables(0.5),
            "That is half of it. A rotation needs sines as well as cosines, and a number of these tables has how many "
            "bytes?",
        ),
        Misconception(
            "twice the tables",
            lambda: _tables(2),
            "That is twice as much. How many columns do tables need for head_dim = 128, and does the traffic to "
            "compare with go one way or both?",
        ),
        Misconception(
            "read by every head",
            lambda: {"table_once": bytes_first()["table_by_head"]},
            "That is what it costs if every head reads the row anew. If it comes from memory once, how many heads "
            "share those bytes?",
        ),
        Misconception(
            "read once",
            lambda: {"table_by_head": bytes_first()["table_once"]},
            "That is what it costs if all heads of a token share one read. Now each of the 40 reads the row for "
            "itself.",
        ),
        Misconception(
            "as a fraction",
            lambda: _tables(0.01),
            "That is a fraction. The entries ask for a percentage.",
        ),
        Misconception(
            "the detour is free",
            lambda: {"detour": 1},
            "The rotated key goes to memory, comes back, and goes to memory again, into the cache. Which of these "
            "trips does a kernel save that writes into the cache itself?",
        ),
        Misconception(
            "only the second write counted",
            lambda: {"detour": 1.5},
            "Rotating reads and writes, and so does copying. Does a copy only write?",
        ),
    ],
    hints=[
        "Unavoidable for one token: (32 + 8) · 128 numbers, 2 bytes each, once in and once out.",
        "three_lines: a product reads half of x in bfloat16 and writes half of x in float32. From there on all is "
        "float32, until the last cast reads 4 bytes and writes 2 for every number.",
        "A row of both tables has 2 · 64 numbers of 4 bytes. detour: count the trips of the key through memory.",
    ],
    explanation="At 64 texts the bytes of a decode step take a quarter of a microsecond, less than starting a kernel "
    "does: there the launch is what counts. And a table that every head reads anew doubles the traffic, unless a cache "
    "comes to the rescue: chapter 13 lets heads share it.",
)
