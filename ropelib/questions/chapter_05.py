"""05 Two pairings."""

import numpy as np

from ropelib.questions import Question, ask, question, right, wrong
from ropelib.reference import cos_sin, inverse_frequencies, rotate, rotation_angles


def rotated_at(x: np.ndarray, position: int, pairing: str) -> np.ndarray:
    cos, sin = cos_sin(rotation_angles([position], inverse_frequencies(x.shape[-1])))
    return rotate(x[None], cos, sin, pairing=pairing)[0]


@question("05-columns", "where the second unit vector lands")
def columns() -> Question:
    def landing(pairing: str, unit: int) -> str:
        return " and ".join(map(str, np.flatnonzero(rotated_at(np.eye(8)[unit], 3, pairing))))

    return ask(
        "A head has 8 numbers. The second unit vector, (0, 1, 0, 0, 0, 0, 0, 0), is rotated by position 3 with the "
        "half pairing.\nIn which columns are there non-zero numbers afterwards?",
        right(
            landing("half", 1),
            "Column 1 is the first member of pair 1, and its partner stands half a head later, in column 5.",
        ),
        wrong(
            landing("interleaved", 1),
            "That is the interleaved pairing: column 1 with its neighbour, column 0. Half pairs a column with the "
            "one half a head away.",
        ),
        wrong(
            landing("half", 0),
            "That is where the first unit vector lands. The second belongs to the next pair.",
        ),
    )


@question("05-permutation", "the two pairings and a reordering")
def permutation() -> Question:
    x, order = np.arange(1.0, 9.0), np.r_[0:8:2, 1:8:2]
    half, interleaved = (rotated_at(x, 3, pairing) for pairing in ("half", "interleaved"))
    claims = {
        "half(x) = interleaved(x)": np.allclose(half, interleaved),
        "half(P x) = P interleaved(x)": np.allclose(rotated_at(x[order], 3, "half"), interleaved[order]),
        "half(P x) = interleaved(x)": np.allclose(rotated_at(x[order], 3, "half"), interleaved),
    }
    whys = [
        "The same angles, but other numbers turn together: without a reordering the results differ.",
        "The same multiplications in another order. Reorder what goes in, and what comes out is reordered alike.",
        "You reordered what goes in and forgot that what comes out is reordered too.",
    ]
    made = zip(claims.items(), whys, strict=True)
    options = [(right if holds else wrong)(text, why) for (text, holds), why in made]
    return ask("P takes the even columns first, then the odd ones. Which of these is true for every x?", *options)


@question("05-repair", "which matrices to permute")
def repair() -> Question:
    return ask(
        "A layer was trained with interleaved pairs and now runs in code that pairs halves.\n"
        "The rows of which matrices must be permuted, within each head, to restore its scores?",
        wrong("W_q", "Then every score is a dot product of a vector in one order with a vector in the other."),
        right(
            "W_q and W_k",
            "Only queries and keys are rotated, so only their rows are out of order. A dot product does not mind "
            "that both its vectors are reordered alike.",
        ),
        wrong(
            "W_q, W_k, W_v and W_o",
            "Values are never rotated. Permuting W_v and W_o as well would scramble an output that was right.",
        ),
    )


@question("05-famous-test", "what the test of relativity finds")
def famous_test() -> Question:
    return ask(
        "Six programs differ from the right rotation: exponent −i, exponent without its minus, a clockwise turn, "
        "positions that start at 1, a swap without its minus, a tiled table with neighbours.\n"
        'How many of them does the test "the score depends on the offset only" find?',
        wrong("all six", "It would, if being relative were the same as being right. Four of the six are relative."),
        wrong(
            "four",
            "You counted wrong exponents as failures. They are wrong frequencies, and any frequencies are relative.",
        ),
        right(
            "two",
            "Only the two that are no rotations at all. A wrong exponent, a clockwise turn and positions from 1 are "
            "perfectly relative, only not the RoPE that the weights were trained with.",
        ),
    )
