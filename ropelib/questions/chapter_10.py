"""10 Positions in two dimensions."""

import numpy as np

from ropelib.axial import axial_frequencies, rotation_angles_nd, sectioned_frequencies
from ropelib.questions import Question, ask, figures, question, right, wrong

BASE = 100.0


def plain_score(offset: tuple[float, float]) -> float:
    """The chapter's small head: equal contents, (1, 0) in each of the four pairs."""
    return float(np.cos(rotation_angles_nd([offset], axial_frequencies((2, 2), BASE))).sum())


@question("10-right-neighbour", "the next number in a flat numbering")
def right_neighbour() -> Question:
    rows, columns = np.divmod(np.arange(16), 4)

    def patch(number: int) -> str:
        return f"the patch in row {rows[number]}, column {columns[number]}"

    at = 3  # row 0, column 3: the end of the first row
    return ask(
        "The patch in row 0, column 3 stands at the right edge. By the flat numbering, which patch is "
        "“the patch on my right” to it?",
        wrong(
            "none, since the picture ends there",
            "In the picture, yes. RoPE does not see the picture but the difference of two numbers, and there is a "
            "patch whose number is larger by 1.",
        ),
        right(
            patch(at + 1),
            "It has the number 4, and 4 − 3 = 1. To a head with flat positions the left edge of the next row is a "
            "right neighbour like any other.",
        ),
        wrong(
            patch(at - 3),
            "That would be a picture rolled into a tube, whose rows close upon themselves. The numbering is a spiral: "
            "it goes on one row below.",
        ),
        wrong(
            patch(at + 4),
            "That is the patch below, 4 numbers further on. Which one is a single number further on?",
        ),
    )


@question("10-angles", "the four angles of one patch")
def angles() -> Question:
    row, column = 2, 3
    matrix = axial_frequencies((2, 2), BASE)

    def shown(found: np.ndarray) -> str:
        return ", ".join(figures(angle, 1) for angle in np.ravel(found))

    return ask(
        f"By how many radians do the four pairs of the patch in row {row}, column {column} turn?",
        right(
            shown(rotation_angles_nd([(row, column)], matrix)),
            "Pairs 0 and 1 belong to the row and turn by 2 × 1.0 and 2 × 0.1; pairs 2 and 3 belong to the column and "
            "turn by 3 × 1.0 and 3 × 0.1.",
        ),
        wrong(
            shown(rotation_angles_nd([(column, row)], matrix)),
            "You exchanged the axes: the first row of the matrix, and so pairs 0 and 1, belongs to the row.",
        ),
        wrong(
            shown((row + column) * matrix.sum(axis=0)),
            "You added row and column before multiplying. Then (2, 3) and (3, 2) could not be told apart. The zeros in "
            "the matrix keep the two out of each other's pairs.",
        ),
        wrong(
            shown((4 * row + column) * matrix.sum(axis=0)),
            "That is patch number 11 of the flat numbering. Here every pair sees one of the two positions.",
        ),
    )


@question("10-corner", "a score one down and one to the right")
def corner() -> Question:
    here, beside = plain_score((0, 0)), plain_score((0, 1))
    return ask(
        f"The score is {figures(here, 4)} at offset (0, 0), and {figures(beside, 4)} at (0, 1) and at (1, 0) alike. "
        "What is it at (1, 1)?",
        wrong(
            figures(beside, 4),
            "That counts one of the two steps. The step down has moved the row's pairs, and the step to the right the "
            "column's.",
        ),
        right(
            figures(plain_score((1, 1)), 4),
            f"Each step costs {figures(here - beside, 4)}, and they touch different pairs, so both losses add up.",
        ),
        wrong(
            figures(beside**2 / here, 4),
            "You multiplied the two losses as fractions. A score is a sum over pairs, and each pair sees one axis "
            "only: what is lost on one is subtracted, not scaled.",
        ),
        wrong(
            figures(plain_score((0, np.sqrt(2))), 4),
            "That is the score at a distance of √2 along one axis. Nothing in the formula measures distances in the "
            "plane.",
        ),
    )


@question("10-diagonal", "the two diagonals of an axial head")
def diagonal() -> Question:
    return ask(
        "Is there a query and a key with which axial RoPE gives a higher score to both patches on the line, (−1, −1) "
        "and (1, 1), than to both beside it, (−1, 1) and (1, −1)?",
        wrong(
            "yes, if the key is turned beforehand, as for one place",
            "That makes one place stand out, say (1, 1). If (−1, −1) is to stand out too, rows −1 and 1 must be good, "
            "and columns −1 and 1, and then all four corners are.",
        ),
        wrong(
            "yes, if the frequencies are fast enough",
            "Speed does not help. A fast pair of the row still knows nothing of the column.",
        ),
        right(
            "no, whatever the query, the key and the frequencies",
            "The four scores are not free: two and two of them always have the same sum. So the lower one on the line "
            "is never above the higher one beside it.",
        ),
        wrong(
            "yes, with more than two pairs for each axis",
            "More pairs make f and g more flexible, and the score is still f + g.",
        ),
    )


@question("10-fastest-column", "the fastest pair that sees columns")
def fastest_column() -> Question:
    base, width = 1e6, 30
    time, row, column = (width * of_axis.max() for of_axis in sectioned_frequencies((16, 24, 24), base))
    return ask(
        "Base 1 000 000, 64 pairs, sections of 16, 24 and 24 pairs for time, rows and columns.\n"
        "By how many radians does the fastest pair that belongs to columns turn across a picture 30 patches wide?",
        wrong(
            figures(time, 3),
            "That is pair 0, with θ = 1. It belongs to time. Which pair is the first that belongs to columns?",
        ),
        wrong(
            figures(row, 3),
            "That is pair 16, the first of the rows. The columns come after them.",
        ),
        right(
            figures(column, 3),
            f"The columns begin at pair 40, and its frequency is 1 000 000^(−40/64) = "
            f"{figures(column / width, 6)}. The range goes from fast to slow, and columns come last.",
        ),
        wrong(
            figures(width * base ** (-24 / 64), 3),
            "You counted 24 pairs from the start. Before the columns come 16 pairs of time and 24 of rows.",
        ),
    )


@question("10-resolution", "two details, at twice the resolution")
def resolution() -> Question:
    return ask(
        "In a picture of 4 × 4 patches two details stand in one row, 2 columns apart. Our small head with plain "
        "contents looks at them again at 8 × 8 patches, with halved positions.\nWhich score does it give them?",
        right(
            figures(plain_score((0, 2)), 4),
            "They are 4 patches apart now, and 4 halves are 2: the offset, and with it the score, is what it was.",
        ),
        wrong(
            figures(plain_score((0, 4)), 4),
            "That is offset 4, with positions that go on. Halved positions count two patches as one step.",
        ),
        wrong(
            figures(plain_score((0, 1)), 4),
            "You halved the old offset. At twice the resolution the details are 4 patches apart, and that is what is "
            "halved.",
        ),
        wrong(
            figures(plain_score((0, 0.5)), 4),
            "That is the score of two neighbouring patches, half a step apart. The two details have three patches "
            "between them.",
        ),
    )
