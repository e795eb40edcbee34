"""Append rows to a pair of tables whose dtype is not fit for forming angles."""

from collections.abc import Callable

import numpy as np

from ropelib.checks.core import ROOMS, Misconception, Question
from ropelib.checks.inputs import fair, generator
from ropelib.checks.observe import Case
from ropelib.reference import Floats

Tables = tuple[Floats, Floats]


def grow_tables(cos: Floats, sin: Floats, seq_len: int, base: float) -> Tables:
    rows, pairs = cos.shape
    positions = np.arange(rows, seq_len)
    angles = np.outer(positions, base ** (-np.arange(pairs) / pairs))
    new_cos, new_sin = np.cos(angles).astype(cos.dtype), np.sin(angles).astype(cos.dtype)
    return np.concatenate([cos, new_cos]), np.concatenate([sin, new_sin])


def _case(label: str, rows: int, pairs: int, seq_len: int, base: float, dtype: str, weight: float = 1.0) -> Case:
    angles = np.outer(np.arange(rows), base ** (-np.arange(pairs) / pairs))
    return Case(label, (np.cos(angles).astype(dtype), np.sin(angles).astype(dtype), seq_len, base), weight=weight)


def _cases(seed: int) -> list[Case]:
    rng = generator(6, 4, seed)

    def far_out(dtype: str) -> Case:
        far = int(rng.integers(5000, 6000))
        return _case(f"{dtype}, far out", far, 2, far + int(rng.integers(3, 9)), 20.0, dtype, weight=2)

    return [
        _case("two rows more", 3, 2, 5, 100.0, "float64"),
        _case("long enough already", 6, 2, 4, 100.0, "float64"),
        _case("float32, another base", 4, 4, 4 + int(rng.integers(3, 9)), 500.0, "float32"),
        far_out("float32"),
        # One step in few digits and all steps in few digits are told apart here.
        fair(lambda: far_out("float16"), _angles_in_the_dtype, [_all_in_the_dtype]),
    ]


def _from(
    first: Callable[[int], int], count: Callable[[int, int], int]
) -> Callable[[Floats, Floats, int, float], Tables]:
    """The right program, with the new rows starting elsewhere."""

    def program(cos: Floats, sin: Floats, seq_len: int, base: float) -> Tables:
        rows, pairs = cos.shape
        positions = first(rows) + np.arange(count(rows, seq_len))
        angles = np.outer(positions, base ** (-np.arange(pairs) / pairs))
        new = np.cos(angles).astype(cos.dtype), np.sin(angles).astype(cos.dtype)
        return np.concatenate([cos, new[0]]), np.concatenate([sin, new[1]])

    return program


def _formed_in(
    cast: Callable[[Floats, Floats, np.dtype], Floats],
) -> Callable[[Floats, Floats, int, float], Tables]:
    """The right program, with something rounded to the dtype of the tables too early."""

    def program(cos: Floats, sin: Floats, seq_len: int, base: float) -> Tables:
        rows, pairs = cos.shape
        angles = cast(np.arange(rows, seq_len, dtype=float), base ** (-np.arange(pairs) / pairs), cos.dtype)
        new = np.cos(angles).astype(cos.dtype), np.sin(angles).astype(cos.dtype)
        return np.concatenate([cos, new[0]]), np.concatenate([sin, new[1]])

    return program


def _all_in_the_dtype(cos: Floats, sin: Floats, seq_len: int, base: float) -> Tables:
    rows, pairs = cos.shape
    # np.arange in float16 adds a step that it has rounded, so it strays further than positions cast one by one.
    positions = np.arange(rows, seq_len, dtype=cos.dtype)
    angles = np.outer(positions, (base ** (-np.arange(pairs) / pairs)).astype(cos.dtype))
    return np.concatenate([cos, np.cos(angles)]), np.concatenate([sin, np.sin(angles)])


_angles_in_the_dtype = _formed_in(lambda positions, inv_freq, dtype: np.outer(positions, inv_freq).astype(dtype))


def _not_cast(cos: Floats, sin: Floats, seq_len: int, base: float) -> Tables:
    return grow_tables(cos.astype(float), sin.astype(float), seq_len, base)


def _cut(cos: Floats, sin: Floats, seq_len: int, base: float) -> Tables:
    grown = grow_tables(cos, sin, seq_len, base)
    return grown[0][:seq_len], grown[1][:seq_len]


def _new_only(cos: Floats, sin: Floats, seq_len: int, base: float) -> Tables:
    grown = grow_tables(cos, sin, seq_len, base)
    return grown[0][len(cos) :], grown[1][len(cos) :]


def _missing(rows: int, seq_len: int) -> int:
    return max(0, seq_len - rows)


QUESTION = Question(
    name="grow_tables",
    title="A table that grows",
    objective="extend a table while a model runs, without a seam between the old rows and the new ones",
    difficulty="moderate",
    minutes=15,
    points=4,
    reference=grow_tables,
    cases=_cases,
    answered_by=(*ROOMS, "ropelib.rotation", "ropelib.module", "ropelib.ops"),
    misconceptions=[
        Misconception(
            "new rows start at 0",
            _from(lambda rows: 0, _missing),
            "The new rows start at position 0 again, so token number `rows` sits where token 0 sits. Which position "
            "belongs to the first missing row?",
        ),
        Misconception(
            "one position skipped",
            _from(lambda rows: rows + 1, _missing),
            "There is a seam: one position is skipped. A table of 3 rows holds positions 0, 1 and 2. Which comes next?",
        ),
        Misconception(
            "last row repeated",
            _from(lambda rows: rows - 1, _missing),
            "There is a seam: the last old row appears twice. A table of 3 rows holds 0, 1 and 2. Which comes next?",
        ),
        Misconception(
            "seq_len rows added",
            _from(lambda rows: rows, lambda rows, seq_len: seq_len),
            "This appends seq_len rows. The grown table should have seq_len rows altogether: how many are missing?",
        ),
        Misconception(
            "positions in the tables' dtype",
            _formed_in(lambda positions, inv_freq, dtype: np.outer(positions.astype(dtype).astype(float), inv_freq)),
            "The positions were cast to the dtype of the tables, and in float16 they collide from 2049 on. Form the "
            "angles in float64; what should be cast, and when?",
        ),
        Misconception(
            "angles in the tables' dtype",
            _angles_in_the_dtype,
            "The angles were cast to the dtype of the tables before the cosine was taken. An angle of 5000 rad has "
            "few digits left for the part of a turn. Cast last.",
        ),
        Misconception(
            "frequencies in the tables' dtype",
            _formed_in(lambda positions, inv_freq, dtype: np.outer(positions, inv_freq.astype(dtype).astype(float))),
            "The frequencies were cast to the dtype of the tables. That gives a relative RoPE, but another one than "
            "in the old rows: query and key on two sides of the seam turn at different speeds.",
        ),
        Misconception(
            "everything in the tables' dtype",
            _all_in_the_dtype,
            "Positions, frequencies and angles were all rounded to the dtype of the tables. Which of the steps from "
            "position to cosine may be taken in few digits: all of them, or only what comes after the last?",
        ),
        Misconception(
            "result not cast",
            _not_cast,
            "The numbers are right, but the tables come back in float64. Appending float64 rows widens the old rows "
            "too: cast the new rows to cos.dtype before they are appended.",
        ),
        Misconception(
            "table cut",
            _cut,
            "A table that is long enough already is cut to seq_len rows. Another request may still need the others: "
            "growing never removes a row.",
        ),
        Misconception(
            "only the new rows",
            _new_only,
            "Only the new rows come back. The old ones belong in front of them.",
        ),
        Misconception(
            "base ignored",
            lambda cos, sin, n, base: grow_tables(cos, sin, n, 10_000.0),
            "The new rows turn with base 10 000 whatever `base` says: old rows and new rows belong to two models.",
        ),
        Misconception(
            "exponent halved",
            lambda cos, sin, n, base: grow_tables(cos, sin, n, base**0.5),
            "The new rows turn too fast in all pairs but the first. The tables are half as wide as a head: the "
            "exponent is −2i/head_dim, and head_dim is twice the number of columns.",
        ),
    ],
    hints=[
        "How many rows are there, and which position does the first missing row belong to?",
        "head_dim is 2 · cos.shape[1], so the exponent −2i/head_dim is −i / cos.shape[1].",
        "np.arange(rows, seq_len) in NumPy's own integers, angles and cosines in float64, then .astype(cos.dtype), "
        "then np.concatenate([old, new]).",
    ],
    explanation="Positions count on from the number of rows; angles are formed in float64, and the cast comes last. "
    "Where the table is long enough, np.arange(rows, seq_len) is empty and nothing is added.",
)
