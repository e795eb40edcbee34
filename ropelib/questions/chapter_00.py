"""00 Start here."""

import numpy as np

from ropelib.questions import Question, ask, figures, question, right, wrong
from ropelib.worked_example import K, PositionFreeAttention, Q, RotaryPositionAttention, V

ORDER = [4, 2, 0, 3, 1]


@question("00-between", "the output of attention with two keys")
def between() -> Question:
    scores, values = 2.0 * np.array([1.0, 0.0]), np.array([10.0, 20.0])

    def softmax(x: np.ndarray) -> np.ndarray:
        return np.exp(x) / np.exp(x).sum()

    return ask(
        "One query, q = 2. Two keys, 1 and 0, so the scores are 2 and 0. Their values are 10 and 20.\n"
        "What is the output of attention?",
        wrong(
            figures(values[scores.argmax()]),
            "That is the value of the best key alone: a *hard* choice. Softmax is named after not doing that: "
            "however good the best key is, the other one keeps a positive weight.",
        ),
        right(
            figures(softmax(scores) @ values),
            f"Softmax turns the scores 2 and 0 into the weights {softmax(scores)[0]:.4f} and "
            f"{softmax(scores)[1]:.4f}. They are positive and sum to 1, so the output is a mixture of the values, "
            "nearer to that of the better key.",
        ),
        wrong(
            figures(values.mean()),
            "That is the plain average. It would be right if both scores were equal: then nothing sets one key "
            "above the other. Here the scores differ by 2, and e² is more than 7.",
        ),
        wrong(
            figures(softmax(-scores) @ values),
            "You read a score as a distance, smaller meaning better. A score is a product: the larger it is, the "
            "more of that key's value is in the output.",
        ),
    )


@question("00-shuffle", "a shuffled sentence, without positions")
def shuffle() -> Question:
    def change(attention: PositionFreeAttention, row: int) -> float:
        """How far the shuffled sentence's row is from the output of "cat" in the sentence as it was."""
        before, _ = attention.forward(Q, K, V)
        after, _ = attention.forward(Q[ORDER], K[ORDER], V[ORDER])
        return float(np.abs(after[row] - before[1]).max())

    plain, cat = PositionFreeAttention(4), ORDER.index(1)
    return ask(
        'The sentence "The cat sat on mat" is shuffled to "mat sat The on cat"; every token keeps its query, key and '
        "value. Attention has no positions and no mask.\n"
        'By how much does the output vector of "cat" change, in the number that changes most?',
        right(
            figures(change(plain, cat)),
            'Not at all. The output of "cat" is a sum over all five tokens, and a sum does not know the order of '
            "its terms. Shuffled inputs give the same outputs, shuffled.",
        ),
        wrong(
            figures(change(RotaryPositionAttention(4), cat)),
            "That is the change with RoPE, which tells places apart (chapter 01). Here nothing does: the sum runs "
            "over the same five terms, in another order.",
        ),
        wrong(
            figures(change(plain, 1)),
            'That is what you get by comparing row 1 with row 1. But row 1 of the shuffled table belongs to "sat". '
            '"cat" has moved to the last row: follow the token, not the row.',
        ),
        wrong(
            figures(change(PositionFreeAttention(4, causal=True), cat)),
            'That is the change under a causal mask, which hides later tokens: "cat" sees two tokens before the '
            "shuffle and five after it. Without a mask, every token sees all five in any order.",
        ),
    )


@question("00-four-terms", "what adding position vectors does to a score")
def four_terms() -> Question:
    frequencies, table = np.array([1.0, 0.01]), np.random.default_rng(0).standard_normal((15, 4))

    def sines(positions: np.ndarray) -> np.ndarray:
        angles = positions[:, None] * frequencies
        return np.concatenate([np.sin(angles), np.cos(angles)], axis=1)

    def unchanged(before: np.ndarray, after: np.ndarray) -> str:
        """The terms that are the same with the position vectors before the move and after it."""
        terms = {
            "x·x": lambda p: Q @ K.T,
            "x·p": lambda p: Q @ p.T,
            "p·x": lambda p: p @ K.T,
            "p·p": lambda p: p @ p.T,
        }
        return ", ".join(name for name, term in terms.items() if np.allclose(term(before), term(after)))

    here, moved = np.arange(5), np.arange(5) + 10
    return ask(
        "With position vectors of sines and cosines added to the tokens' vectors, a score has four terms: "
        "x·x (content with content), x·p, p·x, and p·p (position with position).\n"
        "The whole sentence moves ten places to the right. Which terms keep their values?",
        wrong(
            unchanged(table[here], table[moved]),
            "That would be so if every position had a vector of its own, learned or random: then p·p changes too. "
            "Sines and cosines are special: sin·sin + cos·cos is the cosine of the *difference* of two angles.",
        ),
        right(
            unchanged(sines(here), sines(moved)),
            "The content has not moved. And p·p is a sum of cosines of differences of positions, so it is relative "
            "already: RoPE grew out of that. Only the two mixed terms know the absolute place.",
        ),
        wrong(
            unchanged(sines(here), sines(here)),
            "That would be so if the positions were counted from the beginning of the sentence, wherever it stands. "
            "Here they are counted from the beginning of the text, and two of the four terms notice.",
        ),
    )
