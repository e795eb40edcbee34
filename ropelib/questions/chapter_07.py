"""07 Decoding with a cache."""

from ropelib.questions import Question, ask, question, right, wrong


@question("07-forgotten-offset", "a decoder without its offset")
def forgotten_offset() -> Question:
    return ask(
        "A decoder forgets the offset: every new token is a sequence of length 1, so it gets position 0.\n"
        "What does its output look like?",
        wrong("an error about shapes", "A token at position 0 has the same shape as one at position 6."),
        right(
            "plausible numbers, wrong from the first decoded token on",
            "The cache stays where it is and the new token jumps back: every distance is wrong, and prefill alone "
            "looks right.",
        ),
        wrong(
            "right, since RoPE is relative",
            "Relative means that all positions may move together. Here only one of them moves.",
        ),
    )


@question("07-left-padding", "a prompt padded on the left")
def left_padding() -> Question:
    return ask(
        "A prompt of 6 tokens is padded on the left with 4. Its tokens stand at positions 4 to 9 instead of 0 to 5, "
        "and the padding is hidden.\nWhat happens to their output?",
        wrong(
            "it is wrong, unless corrected position_ids are passed",
            "All six moved by the same 4, and static RoPE sees differences only. Other methods do need the correction.",
        ),
        right("it is the same", "All tokens of the row moved alike, and static RoPE sees differences only."),
    )


@question("07-ring", "a ring of cached keys")
def ring() -> Question:
    return ask(
        "A sliding window keeps its keys in a ring: position n in slot n mod w. Slots are reused, so a slot says "
        "nothing about a position.\nMust the keys be rotated again when the ring turns?",
        right(
            "no",
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
            "no",
            "Between q and W_UK stands R(n − m), which differs from key to key: each would need an absorbed query of "
            "its own.",
        ),
        wrong(
            "yes, if the key is rotated before W_UK is applied",
            "The latent vector c has no pairs of its own: the rotation belongs to the key that W_UK makes of it.",
        ),
    )
