"""What a wrong number of heads does to a permutation, and where nobody would notice."""

import numpy as np

from ropelib.checks.core import Misconception, Question
from ropelib.checks.observe import Case


def accident() -> dict[str, int]:
    coarse, coarse_right = (np.arange(1024).reshape(parts, -1, 2).swapaxes(1, 2).ravel() for parts in (32 // 8, 8))
    fine = np.arange(256).reshape(32 // 4, -1, 2).swapaxes(1, 2).ravel()
    return {
        "query_heads": 8 * 8,
        "rows_right": int((coarse == coarse_right).sum()),
        "strangers": int((coarse // 128 != np.arange(1024) // 128).sum()),
        "strangers_fine": int((fine // 64 != np.arange(256) // 64).sum()),
    }


QUESTION = Question(
    name="accident",
    title="Right by accident",
    objective="predict which models a wrong cut of W_k spares, and what it does to the others",
    difficulty="moderate",
    minutes=10,
    points=2,
    reference=accident,
    cases=lambda seed: [
        Case(name, calls=False, entry=name) for name in ("query_heads", "rows_right", "strangers", "strangers_fine")
    ],
    misconceptions=[
        Misconception(
            "as many query heads as key heads",
            {"query_heads": 8},
            "With 8 query heads and 8 key heads, W_k is cut into 8 // 8 = 1 part. How many parts should there be?",
        ),
        Misconception(
            "twice as many query heads",
            {"query_heads": 16},
            "With 16 query heads and 8 key heads, W_k is cut into 2 parts. For which number of query heads does the "
            "division give 8?",
        ),
        Misconception(
            "a common model's heads",
            {"query_heads": 32},
            "32 query heads and 8 key heads: that is Llama 3 8B, and W_k is cut into 4 parts. Is that the number of "
            "its key heads?",
        ),
        Misconception(
            "no row right",
            {"rows_right": 0},
            "Some rows do land where they belong. Row 0 of the matrix, for instance: what does either cut do with it?",
        ),
        Misconception(
            "all rows right",
            {"rows_right": 1024},
            "If all 1024 rows were right, so would the model be. The cut is into 4 parts of 256 rows, each of two "
            "heads: where does row 128 go?",
        ),
        Misconception(
            "a quarter right",
            {"rows_right": 256},
            "More than that. In a part of 256 rows, its first 64 are right: and its last 64?",
        ),
        Misconception(
            "no strangers",
            {"strangers": 0},
            "With parts of 256 rows and heads of 128, the even rows of *two* heads come first. From which heads do "
            "the first 128 rows of such a part come?",
        ),
        Misconception(
            "everybody a stranger",
            {"strangers": 1024},
            "Not all rows change their head. Row 0 stays row 0: count the rows with new // 128 equal to old // 128, "
            "and subtract.",
        ),
        Misconception(
            "strangers counted in pairs",
            {"strangers": 256},
            "That counts pairs, or only the rows that move up. Rows are asked for, in either direction.",
        ),
        Misconception(
            "half, as before",
            {"strangers_fine": 128},
            "With 4 key heads of 64 rows, the cut is into 8 parts of 32 rows. Each part lies inside one head: can a "
            "row leave its head?",
        ),
        Misconception(
            "everybody, as before",
            {"strangers_fine": 256},
            "A row moves within its part of 32 rows only. How many of those parts make one head, and does any part "
            "reach over its border?",
        ),
    ],
    hints=[
        "query_heads: the cut is right if the number of parts equals the number of key heads.",
        "For the others, permute row numbers instead of rows: np.arange(rows).reshape(parts, rows // parts // 2, 2)"
        ".swapaxes(1, 2).ravel() says which old row stands at each new place.",
        "Compare that with the same for the right number of parts, or divide old and new numbers by head_dim: equal "
        "quotients mean the same head.",
    ],
    explanation="A cut that is too coarse carries rows into other heads; one that is too fine keeps every row in its "
    "head, and is wrong all the same. Only key heads squared comes out right: 64 = 8² is Llama 2 70B.",
)
