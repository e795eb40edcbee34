"""02 The cat sat on the mat."""

import numpy as np

from ropelib.questions import Question, ask, figures, question, right, wrong
from ropelib.reference import rotation_matrix
from ropelib.worked_example import TOKENS, K, PositionFreeAttention, Q, RotaryPositionAttention, V

BASE, HEAD_DIM = 10_000.0, 4
CAT, ON = TOKENS.index("cat"), TOKENS.index("on")


@question("02-second-frequency", "the second frequency of a head of four numbers")
def second_frequency() -> Question:
    return ask(
        "The frequencies are θᵢ = b^(−2i/d). What is θ₁ for b = 10 000 and d = 4, in radians a token?",
        wrong(
            f"{2 * 1 / HEAD_DIM:g}",
            "That is the exponent 2i/d without its base. The frequency is b to the power of −1/2.",
        ),
        right(
            f"{BASE ** (-2 * 1 / HEAD_DIM):g}",
            "The exponent is −2·1/4 = −1/2, so θ₁ is one over the square root of 10 000. Pair 1 turns a hundred "
            "times more slowly than pair 0.",
        ),
        wrong(
            f"{BASE**-1:g}",
            "You used the exponent −i instead of −2i/d. A practice problem that circulates on the web prints its "
            "solution with that slip; its own program, run, gives the right number.",
        ),
    )


@question("02-turned-pair", "the pair (2, 1), turned by a small angle")
def turned_pair() -> Question:
    def turned(angle: float) -> str:
        a, b = rotation_matrix(angle) @ np.array([2.0, 1.0])
        return f"({figures(a)}, {figures(b)})"

    return ask(
        'Pair 1 of the query of "cat" is (2, 1). "cat" stands at position 1, and θ₁ = 0.01.\n'
        "What is the rotated pair, roughly?",
        right(
            turned(0.01),
            "A turn by 0.01 rad, counter-clockwise: the first number loses 0.01 times the second, the second gains "
            "0.01 times the first.",
        ),
        wrong(
            turned(-0.01),
            "That is the clockwise turn. Counter-clockwise, an arrow to the upper right moves left and up: the "
            "first number must fall.",
        ),
        wrong(
            turned(1.0),
            "You turned by a whole radian. That is the angle of pair 0 at position 1; pair 1 has its own frequency, "
            "a hundred times lower.",
        ),
    )


@question("02-cat-the", "a weight, with and without positions")
def cat_the() -> Question:
    (_, rotary), (_, plain) = (kind(4).forward(Q, K, V) for kind in (RotaryPositionAttention, PositionFreeAttention))
    _, causal = PositionFreeAttention(4, causal=True).forward(Q, K, V)
    return ask(
        f'With RoPE, "cat" gives its largest weight, {rotary[CAT, 0]:.4f}, to "The".\n'
        'What does it give to "The" without any positions?',
        wrong(
            figures(1 / len(TOKENS), 4),
            "A fifth for everybody: so it would be if only positions made tokens differ. But the five keys differ "
            "in content, and content is all that is left.",
        ),
        right(
            figures(plain[CAT, 0], 4),
            f'Almost the same. The query of "cat" is (0, 0) in the fast pair, so only the slow pair has a say, and '
            f"that one hardly turns within a sentence. The weight {rotary[CAT, 0]:.4f} was content, not RoPE.",
        ),
        wrong(
            figures(causal[CAT, 0], 4),
            'That is the weight if "cat" may see only "The" and itself: a causal mask without positions. A mask '
            "hides tokens; leaving positions out hides none.",
        ),
    )


@question("02-farthest", "how the farthest token is scored")
def farthest() -> Question:
    attention, distance = RotaryPositionAttention(4), np.abs(np.arange(5) - ON)
    angles = attention.compute_angles(5)
    rotated_q, rotated_k = attention.apply_rotation(Q, angles), attention.apply_rotation(K, angles)
    far = int(distance.argmax())

    def place(scores: np.ndarray) -> str:
        return ["first", "second", "third", "fourth", "fifth"][int((scores > scores[far]).sum())]

    row = attention.scale_scores(attention.compute_scores(rotated_q, rotated_k))[ON]
    return ask(
        f'The token farthest from "on" is "{TOKENS[far]}", three places away. Order the five scores of the query '
        '"on" with RoPE from best to worst.\n'
        f'Which place does "{TOKENS[far]}" take?',
        wrong(
            place(-distance),
            'That is the order by distance: the farthest comes last. "Near is good, far is bad" is a story about '
            'RoPE, not its formula: "sat" is nearer than "The", and its score is lower.',
        ),
        right(
            place(row),
            f'Its score is +{row[far]:.4f}, better than that of "sat", which is one token away, and of "cat". '
            "Content and angles together explain the row; distance alone does not.",
        ),
        wrong(
            place((Q @ K.T)[ON]),
            f'That is its place without positions, shared with "cat" and "mat": three equal scores. RoPE breaks '
            f'the tie, and "mat" passes "{TOKENS[far]}".',
        ),
    )


@question("02-rotated-values", "what happens if values are rotated too")
def rotated_values() -> Question:
    return ask(
        "Suppose that queries, keys and also values are rotated by their positions. Then the whole sentence moves by "
        "three positions.\n"
        "Does the output of attention change?",
        wrong(
            "no, nothing changes",
            "So it is when values are left alone. Queries and keys meet in a dot product, where absolute angles "
            "cancel. Values are averaged, and an average keeps every angle.",
        ),
        wrong(
            "yes, since the weights change",
            "The weights come from queries and keys, and of their angles only differences are left. They would change "
            "if the queries were rotated and the keys were not.",
        ),
        right(
            "yes, though no weight changes",
            "The weights are still relative, but each value now carries its absolute angle into the output. The "
            "layers above would see the same sentence differently at every place in a text.",
        ),
    )
