"""Count the programs of a launch and the rows of the tables that they ask for."""

from math import ceil

from ropelib.checks.ch13.rooms import ANSWERED_BY
from ropelib.checks.core import Misconception, Question
from ropelib.checks.inputs import generator
from ropelib.checks.observe import Case


def angles_asked(batch: int, seq: int, q_heads: int, k_heads: int, block_s: int, block_h: int) -> tuple[int, int]:
    groups = -(-q_heads // block_h) + -(-k_heads // block_h)
    blocks = -(-seq // block_s)
    return batch * blocks * groups, batch * seq * groups


def _cases(seed: int) -> list[Case]:
    rng = generator(13, 2, seed)
    batch, seq = int(rng.integers(2, 6)), int(rng.integers(20, 60)) * 16
    # Not 6, with which the groups of q and of k, rounded up apart, are as many as those of all heads together.
    odd = int(rng.choice([3, 4, 5, 7, 8]))
    return [
        Case("two tokens, two heads, one at a time", (1, 2, 1, 1, 1, 1)),
        Case("tiles that fit", (batch, seq, 32, 8, 16, 2)),
        Case("a last block that is not full", (batch, seq + odd, 24, 8, 16, 8), weight=2),
        Case("groups that are not full", (batch, seq, 4 * odd + 1, odd + 2, 8, 4), weight=2),
        Case("tiles wider than the heads", (batch + 1, 8 * seq + 3, 12, 2, 32, 16)),
    ]


def _with(groups: int, batch: int, seq: int, block_s: int) -> tuple[int, int]:
    return batch * ceil(seq / block_s) * groups, batch * seq * groups


def _heads_together(batch: int, seq: int, q_heads: int, k_heads: int, block_s: int, block_h: int) -> tuple[int, int]:
    return _with(ceil((q_heads + k_heads) / block_h), batch, seq, block_s)


def _rounded_down(batch: int, seq: int, q_heads: int, k_heads: int, block_s: int, block_h: int) -> tuple[int, int]:
    groups = q_heads // block_h + k_heads // block_h
    return batch * (seq // block_s) * groups, batch * seq * groups


def _one_text(batch: int, *sizes: int) -> tuple[int, int]:
    return angles_asked(1, *sizes)


def _hidden_rows(batch: int, seq: int, q_heads: int, k_heads: int, block_s: int, block_h: int) -> tuple[int, int]:
    programs, _ = angles_asked(batch, seq, q_heads, k_heads, block_s, block_h)
    return programs, programs * block_s


def _nothing_shared(batch: int, seq: int, q_heads: int, k_heads: int, block_s: int, block_h: int) -> tuple[int, int]:
    programs, _ = angles_asked(batch, seq, q_heads, k_heads, block_s, block_h)
    return programs, batch * seq * (q_heads + k_heads)


def _rows_of_a_text(batch: int, seq: int, *sizes: int) -> tuple[int, int]:
    return angles_asked(batch, seq, *sizes)[0], angles_asked(1, seq, *sizes)[1]


def _queries_only(batch: int, seq: int, q_heads: int, k_heads: int, block_s: int, block_h: int) -> tuple[int, int]:
    return _with(ceil(q_heads / block_h), batch, seq, block_s)


def _axes_exchanged(batch: int, seq: int, q_heads: int, k_heads: int, block_s: int, block_h: int) -> tuple[int, int]:
    return angles_asked(batch, seq, q_heads, k_heads, block_h, block_s)


def _texts_joined(batch: int, seq: int, *sizes: int) -> tuple[int, int]:
    return angles_asked(1, batch * seq, *sizes)


def _one_row(*sizes: int) -> tuple[int, int]:
    programs, _ = angles_asked(*sizes)
    return programs, programs


def _turned_round(*sizes: int) -> tuple[int, int]:
    programs, rows = angles_asked(*sizes)
    return rows, programs


QUESTION = Question(
    name="angles_asked",
    title="Who asks for an angle?",
    objective="count the programs of a launch, and how often they ask for the angles of a token",
    difficulty="moderate",
    minutes=15,
    points=4,
    reference=angles_asked,
    cases=_cases,
    answered_by=ANSWERED_BY,
    misconceptions=[
        Misconception(
            "q and k in one tile",
            _heads_together,
            "This lets a tile begin in q and end in k. They are two tensors, and a program belongs to one of them: "
            "round up for each.",
        ),
        Misconception(
            "rounded down",
            _rounded_down,
            "This rounds down. Who rotates the tokens and heads that fill no tile?",
        ),
        Misconception(
            "one text",
            _one_text,
            "These are the numbers of one text. Do programs of different texts share anything?",
        ),
        Misconception(
            "hidden rows fetched",
            _hidden_rows,
            "You count all rows of the last block. Those beyond the end are masked: does a masked load ask for "
            "anything?",
        ),
        Misconception(
            "nothing shared",
            _nothing_shared,
            "Here each head asks for itself. Which heads get their angles from one and the same load?",
        ),
        Misconception(
            "texts share rows",
            _rows_of_a_text,
            "The programs are right; the rows are those of one text. Texts use the same rows, but each program asks "
            "for itself.",
        ),
        Misconception(
            "queries only",
            _queries_only,
            "These are the programs of q. Who rotates k?",
        ),
        Misconception(
            "tokens and heads exchanged",
            _axes_exchanged,
            "The two sides of the tile have changed places: `block_s` counts tokens, `block_h` counts heads.",
        ),
        Misconception(
            "texts joined",
            _texts_joined,
            "Here all texts are one long row of tokens, and a tile may end in the next text. A tile belongs to one "
            "text: round up for each.",
        ),
        Misconception(
            "one row for a program",
            _one_row,
            "The programs are right, and each fetches a single row. How many tokens has a tile, and do they share a "
            "row?",
        ),
        Misconception(
            "rows before programs",
            _turned_round,
            "Both numbers are right, and they have changed places: which of them is asked for first?",
        ),
    ],
    hints=[
        "How many groups of block_h heads has q, and how many has k? −(−a // b) rounds a division up.",
        "A program for each text, each block of tokens, and each group of heads.",
        "A program fetches the row of a token once, whatever the number of its heads. Rows beyond the end are masked.",
    ],
    explanation="The rows asked for fall with the number of heads in a tile, and with nothing else: not with the "
    "number of tokens in it, since every token has a row of its own.",
)
