"""11 One sequence on many devices."""

import numpy as np

from ropelib.questions import Question, ask, figures, question, right, wrong

TOKENS, DEVICES, SHARE = 16, 4, 4


def zigzag() -> np.ndarray:
    """(devices, share): block r from the front and block r from the back."""
    blocks = np.arange(TOKENS).reshape(2 * DEVICES, -1)
    return np.stack([np.concatenate([blocks[r], blocks[-1 - r]]) for r in range(DEVICES)])


def same_offsets(true: np.ndarray, believed: np.ndarray) -> int:
    """How many pairs of tokens are as far apart in one list of positions as in the other, with the sign."""
    return int((true[:, None] - true == believed[:, None] - believed).sum())


@question("11-from-zero", "two devices that both count from zero")
def from_zero() -> Question:
    tokens = np.arange(8)
    return ask(
        "Eight tokens, four on each of two devices. Each device counts its own from 0 and rotates queries and keys by "
        "that count.\nHow many of the 64 scores, of every query with every key, are right?",
        wrong(
            f"{tokens.size**2}, since RoPE is relative",
            "Relative means that query and key may move together. Token 4 has moved back by 4; token 3, its neighbour "
            "on the other device, has not moved.",
        ),
        right(
            f"{same_offsets(tokens, tokens % 4)}: those of two tokens on one device",
            "Two tokens of one device have moved alike, so their offset is what it was. Of two tokens on different "
            "devices only one has moved.",
        ),
        wrong(
            f"{same_offsets(tokens, tokens % 4) // 2}: those within the first device",
            "Its tokens are the only ones with the right positions. But a score needs the right offset only, and the "
            "second device has 16 of those as well.",
        ),
        wrong(
            f"{tokens.size}: those of a token with itself",
            "The offset 0 is safe, but not alone. On the second device the tokens counted as 1 and 3 are still two "
            "places apart.",
        ),
    )


@question("11-last-device", "the work of the first device and of the last")
def last_device() -> Question:
    work = (np.arange(TOKENS).reshape(DEVICES, SHARE) + 1).sum(axis=1)
    return ask(
        "Device 0 holds tokens 0 to 3 of 16, device 3 tokens 12 to 15. A score that the causal mask hides is not "
        "computed.\nHow many times as many scores as device 0 does device 3 compute?",
        wrong(
            figures(1.0, 1),
            "Both have four queries. But the queries of device 3 see keys of all four devices, and those of device 0 "
            "their own.",
        ),
        wrong(
            figures(float(DEVICES), 1),
            "You counted the shares that each of them sees, 4 and 1. The device's own share is seen by halves only, "
            "and for device 0 it is all there is.",
        ),
        right(
            figures(work[-1] / work[0], 1),
            f"The token at position p sees p + 1 keys: 13 + 14 + 15 + 16 = {work[-1]} of them against 1 + 2 + 3 + 4 = "
            f"{work[0]}.",
        ),
        wrong(
            figures(2.0 * DEVICES - 1, 1),
            "That is where it goes when shares become long: three whole squares and half of one, against half a "
            "square. With four tokens the diagonal still counts.",
        ),
    )


@question("11-zigzag-inside", "a share in two pieces, counted in one go")
def zigzag_inside() -> Question:
    held = zigzag()[0]
    return ask(
        f"Device 0 holds the tokens {', '.join(map(str, held))} and rotates them by the positions 0, 1, 2, 3.\n"
        "How many of the 16 scores between its own queries and its own keys are right?",
        wrong(
            f"{held.size**2}",
            "Inside a share it was so as long as the share was in one piece. Tokens 1 and 14 are 13 places apart, and "
            "here they have become neighbours.",
        ),
        right(
            f"{same_offsets(held, np.arange(SHARE))}",
            "Tokens 0 and 1 are right among themselves, and 14 and 15 are: four scores for each piece.",
        ),
        wrong(
            f"{same_offsets(held, np.arange(SHARE)) // 2}",
            "Those of tokens 0 and 1, whose positions are right, or of every token with itself. For a score the offset "
            "is enough, and tokens 14 and 15 are neighbours, as the positions 2 and 3 are.",
        ),
        wrong(
            "0",
            "A wrong position alone spoils no score. It takes two positions whose difference is wrong.",
        ),
    )


@question("11-after-exchange", "positions after an exchange of tokens for heads")
def after_exchange() -> Question:
    shares = zigzag()

    def shown(positions: np.ndarray) -> str:
        first = ", ".join(str(n) for n in positions[:8])
        return f"{first}, …"

    return ask(
        "Four devices with zigzag shares exchange tokens for heads *before* the rotation. Device 3 now has all 16 "
        "tokens of its head: first those of device 0, then those of device 1, and so on.\n"
        "By which positions does it rotate them?",
        wrong(
            shown(np.arange(TOKENS)),
            "All tokens are there, but not in the order of the text: the third to arrive is token 14.",
        ),
        right(
            shown(shares.ravel()),
            "A token keeps its position on its way, so the positions stand in the order of arrival.",
        ),
        wrong(
            shown(np.tile(shares[3], DEVICES)),
            "Those are the tokens that device 3 owned before the exchange. What it has now belongs to everybody.",
        ),
        wrong(
            shown(np.concatenate([shares[3], shares[:3].ravel()])),
            "A device does not begin with its own: all of them put down what comes from device 0 first.",
        ),
    )


@question("11-decode-bytes", "a hundred times the cache")
def decode_bytes() -> Question:
    number, head_dim, others = 8, 8, DEVICES - 1
    query, result = head_dim * number, (head_dim + 1) * number
    small, large = TOKENS, 100 * TOKENS
    return ask(
        f"With {small} tokens in the cache, one step of decoding sent {others * (query + result)} bytes. How many does "
        f"it send with {large}?",
        right(
            f"{others * (query + result)}",
            f"To each of three devices a query of {query} bytes, and back an output and the logarithm of its "
            f"denominator, {result} bytes. Nothing of it knows how long the cache is.",
        ),
        wrong(
            f"{100 * others * (query + result)}",
            "The scores grow with the cache, but they are computed where the keys are and do not travel.",
        ),
        wrong(
            f"{large * others // DEVICES * 2 * head_dim * number}",
            "Those are the keys and values of three devices. They stay where they are.",
        ),
        wrong(
            f"{others * (query + result * large // small)}",
            "You let the answers grow a hundredfold. Each device sums over its keys before it answers, and what comes "
            "back is one output.",
        ),
    )


@question("11-own-length", "a text that is longer than its shares")
def own_length() -> Question:
    return ask(
        f"Trained on 8 tokens; a text of {TOKENS} lies on {DEVICES} devices. Each device takes the length for dynamic "
        f"NTK from its own tensor, which has {SHARE} rows. Its positions are right, and its angles are positions times "
        "frequencies.\nWhat do the scores look like?",
        right(
            "they fit together everywhere, and are those of the unscaled model",
            "4 is below 8, so every device concludes that nothing needs stretching. All of them conclude the same, and "
            "so nothing looks wrong.",
        ),
        wrong(
            "right: all devices have the same frequencies",
            "The same, yes, and so the scores fit together. But a text of 16 calls for slower ones than a text of 4.",
        ),
        wrong(
            "right within a share, wrong across",
            "That needs frequencies or starting points that differ from device to device, and here all devices draw "
            "the same conclusion.",
        ),
        wrong(
            "an error, since position 15 lies beyond a length of 4",
            "A length of 4 changes the frequencies, or leaves them. The angle is a product with any position, and "
            "nothing compares the two. (Code that reads its angles from a table of that length would fail.)",
        ),
    )
