"""07 Decoding with a cache."""

import numpy as np

from ropelib.questions import Question, ask, question, right, wrong
from ropelib.reference import cos_sin, inverse_frequencies, rotate, rotation_angles


@question("07-forgotten-offset", "a decoder without its offset")
def forgotten_offset() -> Question:
    return ask(
        "A decoder forgets the offset: every new token is a sequence of length 1, so it gets position 0.\n"
        "What does its output look like?",
        wrong("it stops with an error about shapes", "A token at position 0 has the same shape as one at position 6."),
        right(
            "it looks plausible, and is wrong",
            "From the first decoded token on: the cache stays where it is and the new token jumps back, so every "
            "distance is wrong. Prefill alone looks right.",
        ),
        wrong(
            "it is right, since RoPE is relative",
            "Relative means that all positions may move together. Here only one of them moves.",
        ),
    )


@question("07-left-padding", "a prompt padded on the left")
def left_padding() -> Question:
    tokens, padding = 6, 4
    q, k, v = np.random.default_rng(0).standard_normal((3, tokens, 8))

    def output(queries: int, keys: int, values: int | None = None) -> np.ndarray:
        """Causal attention with positions that begin at these numbers; values are rotated where one is given."""
        turned = [_rotated(x, first) for x, first in ((q, queries), (k, keys))]
        scores = np.where(np.tri(tokens, dtype=bool), turned[0] @ turned[1].T, -np.inf)
        weights = np.exp(scores - scores.max(axis=1, keepdims=True))
        return weights / weights.sum(axis=1, keepdims=True) @ (v if values is None else _rotated(v, values))

    def unchanged(moved: np.ndarray, still: np.ndarray) -> str:
        same = np.isclose(moved, still).all(axis=1)
        return {0: "of none", 1: "of the first only", tokens: "of all six"}[int(same.sum())]

    return ask(
        "A prompt of 6 tokens is padded on the left with 4. Its tokens stand at positions 4 to 9 instead of 0 to 5, "
        "the padding is hidden, and nobody corrects the positions.\nOf which tokens does the output stay the same?",
        wrong(
            unchanged(output(padding, padding, padding), output(0, 0, 0)),
            "So it is where a token is told its absolute position, as by added sinusoids (chapter 04): those need "
            "corrected position_ids. RoPE does not tell a token where it stands.",
        ),
        wrong(
            unchanged(output(padding, 0), output(0, 0)),
            "So it would be if the queries moved and the keys did not: the first token sees itself alone, whatever "
            "its score. Here queries and keys have moved together.",
        ),
        right(
            unchanged(output(padding, padding), output(0, 0)),
            "All tokens of the row moved alike, and static RoPE sees differences only.",
        ),
    )


def _rotated(x: np.ndarray, first: int) -> np.ndarray:
    return rotate(x, *cos_sin(rotation_angles(np.arange(first, first + len(x)), inverse_frequencies(x.shape[1]))))


@question("07-ring", "a ring of cached keys")
def ring() -> Question:
    return ask(
        "A sliding window keeps its keys in a ring: position n in slot n mod w. Slots are reused, so a slot says "
        "nothing about a position.\nMust the keys be rotated again when the ring turns?",
        right(
            "no, each key once is enough",
            "Each key carries its position in its own rotation, and a sum over the slots does not mind their order.",
        ),
        wrong(
            "yes, by the number of slots that it moved",
            "A key does not move: it stays in its slot until a newer one replaces it.",
        ),
        wrong(
            "yes, by one position with every token",
            "Then every key would move and the new query would not, and every distance would be wrong.",
        ),
    )


@question("07-absorb", "an up-projection and a rotation")
def absorb() -> Question:
    return ask(
        "Without RoPE, q · (W_UK c) = (W_UKᵀ q) · c, so the matrix moves to the query once for all keys. Now the query "
        "is rotated by its position m and the key by its position n.\nCan W_UK still be absorbed once for all keys?",
        wrong("yes, everything is linear", "It is, but the matrix that stands in between now differs from key to key."),
        right(
            "no, not once for all keys",
            "Between q and W_UK stands R(n − m), which differs from key to key: each would need an absorbed query of "
            "its own.",
        ),
        wrong(
            "yes, if the key is rotated before W_UK is applied",
            "The latent vector c has no pairs of its own: the rotation belongs to the key that W_UK makes of it.",
        ),
    )
