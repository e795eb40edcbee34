"""03 Many frequencies."""

import numpy as np

from ropelib.questions import Question, ask, figures, question, right, wrong
from ropelib.reference import inverse_frequencies

HEAD_DIM, BASE = 128, 10_000.0
TEXT = 4096


def aligned(distances: np.ndarray, head_dim: int = HEAD_DIM) -> np.ndarray:
    """The score of a key that equals its query, relative to distance 0."""
    return np.cos(np.asarray(distances)[:, None] * inverse_frequencies(head_dim)).mean(axis=1)


@question("03-orders", "how far apart the frequencies of a head lie")
def orders() -> Question:
    inv_freq = inverse_frequencies(HEAD_DIM)
    return ask(
        "A head has d = 128 numbers and b = 10 000. How many orders of magnitude (powers of ten) lie between the "
        "fastest and the slowest of its 64 frequencies?",
        right(
            figures(np.log10(inv_freq[0] / inv_freq[-1])),
            "Just under four: 4 · (1 − 2/d). The exponent 2i/d stops one step before 1, so the slowest frequency is "
            "a little above 1/10 000.",
        ),
        wrong(
            figures(len(f"{BASE:.0f}")),
            "You counted the digits of 10 000. It has five, but it is 10 to the power of 4, and no frequency can be "
            "below 1/b.",
        ),
        wrong(
            figures(np.log(inv_freq[0] / inv_freq[-1])),
            "That is the natural logarithm of the quotient, a power of e. Orders of magnitude are powers of ten.",
        ),
        wrong(
            figures(np.log10(inv_freq[0] / BASE**-1)),
            "You let the exponent run all the way to 1, as if the last pair had i = d/2. Counting starts at 0, so "
            "the last pair is i = d/2 − 1.",
        ),
    )


@question("03-no-turn", "pairs that do not complete a turn")
def no_turn() -> Question:
    inv_freq = inverse_frequencies(HEAD_DIM)

    def unfinished(frequencies: np.ndarray, turn: float = 2 * np.pi) -> str:
        return str(int((TEXT * frequencies < turn).sum()))

    return ask(
        "A text of 4096 tokens, a head with d = 128, b = 10 000. How many of the 64 pairs do not complete a single "
        "turn within the text?",
        wrong(
            unfinished(inverse_frequencies(4)),
            "That holds for the two pairs of chapter 02, whose slower one turns once in 628 tokens. With 64 pairs, "
            "the slowest needs 54 410 tokens.",
        ),
        wrong(
            unfinished(np.linspace(inv_freq[0], inv_freq[-1], len(inv_freq))),
            "So it would be if the frequencies were spread evenly from 1 to 0.0001: then only the very last pair is "
            "so slow. They are spread evenly on a *logarithmic* axis, and that gives the slow ones many places.",
        ),
        right(
            unfinished(inv_freq),
            "Pairs 46 to 63. Pair i turns 4096 · θᵢ / 2π times, and from pair 46 on that is less than once. Those "
            "pairs show the model only a part of their circle.",
        ),
        wrong(
            unfinished(inv_freq, turn=1.0),
            "You compared 4096 · θᵢ with 1. That product is in radians, and a turn has 2π of them: you counted the "
            "pairs that do not complete one radian.",
        ),
    )


@question("03-impostor", "how nearly a far token passes for the token itself")
def impostor() -> Question:
    def short_of_one(score: float) -> str:
        return f"{figures(100 * (1 - score))} %"

    distances = np.arange(2, 2001)
    one_slow_turn = round(2 * np.pi / inverse_frequencies(4)[1])
    best = aligned(distances, 4)
    return ask(
        "The head of chapter 02 has two hands, θ = 1 and θ = 1/100. Its score at distance 0 is 1 (for q = k).\n"
        "Among the distances from 2 to 2000, how near to 1 does the most deceptive one come?",
        wrong(
            f"within {short_of_one(aligned(distances).max())}",
            "That is the head with 64 hands, d = 128. Two hands can agree far more nearly than 64.",
        ),
        wrong(
            f"within {short_of_one(aligned([one_slow_turn], 4)[0])}",
            f"That is the score after one turn of the slow hand, {one_slow_turn} tokens. The fast hand then is "
            "almost back, but not quite; after more turns of the slow one, both are nearer.",
        ),
        right(
            f"within {short_of_one(best.max())}",
            f"At {distances[best.argmax()]} tokens the slow hand has made three turns and the fast one almost "
            "exactly 300: both are back. Two hands are fooled later than one, but they are fooled.",
        ),
    )


@question("03-base", "what a larger base does")
def base() -> Question:
    small, large = inverse_frequencies(HEAD_DIM, BASE), inverse_frequencies(HEAD_DIM, 500_000.0)

    def slower(ratio: np.ndarray) -> str:
        first, last = (f"{max(r, 1 / r):.0f} times {'slower' if r > 1 else 'faster'}" for r in ratio[[0, -1]])
        return f"pair 0: {'the same' if np.isclose(ratio[0], 1) else first}; pair 63: {last}"

    return ask(
        "The base goes from 10 000 (Llama 2) to 500 000 (Llama 3), with d = 128. How does the speed of pair 0 and of "
        "the last pair change?",
        wrong(
            slower(np.full(64, 500_000.0 / BASE)),
            "You took every frequency to be proportional to 1/b. The base is raised to the power −2i/d, and that "
            "exponent is 0 for pair 0.",
        ),
        right(
            slower(small / large),
            "θ₀ = b⁰ = 1 whatever the base is. The last pair slows down by 50 to the power 63/64. The base stretches "
            "the line of wavelengths, and its left end is nailed down.",
        ),
        wrong(
            slower(large / small),
            "You lost the minus of the exponent: θᵢ = b^(−2i/d), so a larger base means slower hands and longer "
            "wavelengths.",
        ),
    )


@question("03-spread", "random scores, near and far")
def spread() -> Question:
    inv_freq, distances = inverse_frequencies(HEAD_DIM), np.array([0, 10, 1000, 10_000])
    sums = np.abs(np.cumsum(np.exp(1j * distances[:, None] * inv_freq), axis=1)).sum(axis=1)

    def spreads(share: np.ndarray) -> str:
        return ", ".join(figures(np.sqrt(HEAD_DIM) * abs(part), 1) for part in share)

    return ask(
        "Take 20 000 random queries and as many random keys with 128 numbers each. Rotate the keys by 0, 10, 1000 and "
        "10 000 positions.\n"
        "What is the spread (standard deviation) of the scores at these four distances, about?",
        wrong(
            spreads(aligned(distances)),
            "So it goes for keys that point the same way as their queries: the mean of 64 cosines falls. Random keys "
            "do not point anywhere in particular, and a rotated random key is another random key.",
        ),
        wrong(
            spreads(sums / sums[0]),
            "So falls a limit that no score can exceed; the paper proves one, and it comes further down. A limit that "
            "falls does not press down what lies far below it.",
        ),
        right(
            spreads(np.ones(4)),
            "√128 everywhere. A rotation keeps lengths, so rotated random keys are as random as before. "
            "No decay is built into the formula.",
        ),
    )


@question("03-waiting-key", "the distance that a key prefers")
def waiting_key() -> Question:
    distances = np.arange(0, 3001)
    sign_slip = distances[aligned(distances + 1000).argmax()]
    again_in_phase = distances[1:][np.cos(distances[1:]).argmax()]
    return ask(
        "Rotate a query forwards by 1000 positions and call the result a key.\n"
        "At which distance m − n, among 0 to 3000, does this key get its largest score from that query?",
        wrong(
            str(distances[aligned(distances).argmax()]),
            "The nearest token wins: so it would be if decay were built in, or if the key were the query itself. "
            "This key has been turned, and is best where the turning is undone.",
        ),
        right(
            str(distances[aligned(distances - 1000).argmax()]),
            "A query at m and a key at n = m − 1000 differ by 1000 positions of turning, and the key was turned by "
            "1000 beforehand: all 64 pairs line up again, at this distance and at no other.",
        ),
        wrong(
            str(sign_slip),
            "You took the wrong sign, so the turns add up instead of cancelling. A key that was turned *backwards* "
            "waits for a query 1000 tokens before it; among the later ones, none suits it well.",
        ),
        wrong(
            str(again_in_phase),
            "That is where the fastest pair comes round again (113 turns). One pair is fooled by its own turns; the "
            "other 63 are not.",
        ),
    )
