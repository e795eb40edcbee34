"""09 Stretching the context."""

import numpy as np

from ropelib import scaling
from ropelib.measured import measured
from ropelib.questions import Question, ask, figures, question, right, wrong

HEAD_DIM, BASE = 64, 100_000.0
TRAINED, FACTOR = 8192, 4.0


def tokens(count: float) -> str:
    """A number of tokens as the chapters print it: with a space from 10 000 on."""
    return f"{count:.0f}" if count < 10_000 else f"{count:,.0f}".replace(",", " ")


@question("09-linear", "the fastest pair under interpolation")
def linear() -> Question:
    before = scaling.default(HEAD_DIM, BASE)[0][0]

    def turns(after: float) -> str:
        return f"{figures(before)} before, {figures(after)} after"

    return ask(
        "Position interpolation with factor 4: position 4 is treated as if it were 1. By how many radians does pair 0 "
        "turn from one token to the next?",
        wrong(
            turns(before),
            "You spared the fast pairs. Interpolation divides the position itself, and that stands in the angle of "
            "every pair.",
        ),
        right(
            turns(scaling.linear(HEAD_DIM, BASE, factor=FACTOR)[0][0]),
            "All pairs are divided by 4, the fast ones too. Two neighbours now differ by an angle at which the model "
            "has never seen neighbours.",
        ),
        wrong(
            turns(before * FACTOR),
            "You multiplied. Four times as many tokens have to share the old angles, so each of them gets a quarter.",
        ),
    )


@question("09-ntk-reach", "how far NTK-aware scaling carries")
def ntk_reach() -> Question:
    inv_freq, slower = (rule[0] for rule in (scaling.default(HEAD_DIM, BASE), _ntk()))
    unfinished = TRAINED * inv_freq < 2 * np.pi
    carries = TRAINED * inv_freq / slower
    return ask(
        "NTK-aware scaling with factor 4, on a model trained on 8192 tokens. Pairs 20 to 31 have not completed a turn "
        "in training. Up to which position do all of them stay within the angles that they have seen?",
        wrong(
            tokens(carries[0]),
            "That is pair 0, which is not slowed down at all. It need not be: it has gone round 1304 times in "
            "training, and has no new angle to show.",
        ),
        wrong(
            tokens(TRAINED * np.sqrt(FACTOR)),
            "That is a pair in the middle of the head, divided by √4. Which pair is the first that has not completed "
            "its turn?",
        ),
        right(
            tokens(carries[unfinished].min()),
            "Pair 20 is the one to watch: it is divided by 4^(20/31), and that is 2.45, not 4. The pairs after it "
            "are divided by more.",
        ),
        wrong(
            tokens(carries[-1]),
            "That is the last pair, the only one that is divided by the full factor. All others are divided by less, "
            "and the first of them to leave its trained angles sets the limit.",
        ),
    )


def _ntk() -> scaling.Scaled:
    return scaling.ntk(HEAD_DIM, BASE, factor=FACTOR)


@question("09-two-ramps", "YaRN on paper and YaRN in code")
def two_ramps() -> Question:
    factor, kept = 16.0, {"factor": 16.0, "original_max_position_embeddings": 4096}
    code = scaling.yarn(128, 10_000.0, **kept)[0]
    paper = scaling.llama3(128, 10_000.0, low_freq_factor=1.0, high_freq_factor=32.0, **kept)[0]
    widest = (code / paper).argmax()
    divisors = [scaling.default(128, 10_000.0)[0][widest] / rule[widest] for rule in (code, paper)]
    ours = {"factor": FACTOR, "original_max_position_embeddings": TRAINED}
    of_ours = (
        scaling.yarn(HEAD_DIM, BASE, **ours)[0]
        / scaling.llama3(HEAD_DIM, BASE, low_freq_factor=1.0, high_freq_factor=32.0, **ours)[0]
    )
    return ask(
        "Llama 2, stretched from 4096 to 65 536 tokens. The paper blends along the number of turns, the code along "
        "the index of the pair, and both begin at 32 turns and end at 1.\n"
        "What is the largest quotient between the two frequencies of one pair?",
        wrong(
            figures(of_ours.max()),
            "That is our own model, stretched by 4. The larger the factor, the further apart are a pair that has been "
            "slowed down by it and one that has not, and the two ramps with them.",
        ),
        right(
            figures((code / paper).max()),
            f"At pair {widest}, where the code divides by {figures(divisors[0])} and the paper by "
            f"{figures(divisors[1])}. Turns fall geometrically, so on the way along the index they are soon used up.",
        ),
        wrong(
            figures(np.sqrt(factor)),
            "That is √16, as if one rule had come half of the way to 16 before the other sets out. Both set out at the "
            "same pair.",
        ),
        wrong(
            figures(factor),
            "That is the quotient of a pair left alone to one divided in full. The two ramps agree at both ends.",
        ),
    )


@question("09-temperature", "what YaRN's factor does to a score")
def temperature() -> Question:
    score = 10.0
    attention_factor = scaling.yarn(HEAD_DIM, BASE, factor=FACTOR, original_max_position_embeddings=TRAINED)[1]
    return ask(
        f"YaRN with factor 4 multiplies cos and sin by {attention_factor:.4f}. A query and a key had a score of 10, at "
        "an angle that the rule leaves alone. What is it now?",
        wrong(
            figures(score),
            "That holds for a rotation. With longer cos and sin the vectors grow, and so does their product.",
        ),
        wrong(
            figures(score * attention_factor),
            "That is one of the two vectors. The tables serve queries and keys alike.",
        ),
        right(
            figures(score * attention_factor**2),
            "Query and key grow by that factor each, so their score by its square. Softmax becomes sharper.",
        ),
    )


@question("09-gap", "reading the same lines again, far away")
def gap() -> Question:
    found = measured("long_context")["copy"]
    passage = found["titles"].index("hamlet")  # the one of the two passages that the chapter reads
    losses = dict(zip(found["gaps"], found["second time"]["none"][passage], strict=True))
    first, near, far = found["first time"][passage], losses[0], losses[8000]
    return ask(
        "The model, as trained, reads 160 tokens at a loss of "
        f"{figures(first)} nats each. Right after them it reads the same 160 again, at a loss of "
        f"{figures(near)}: it copies. Now the second time comes 8000 positions later; the trained length is 8192.\n"
        "What is the loss of the second time, about?",
        wrong(
            figures(near),
            "8000 is below 8192, so this should work, says the label. The label is what the makers configured, not "
            "what was practised.",
        ),
        wrong(
            figures((first + near) / 2),
            "You expect a memory that fades evenly. Copying is nearly perfect far out, and then breaks off.",
        ),
        right(
            figures(far),
            "As if it had never seen the passage, or nearly so. Distances close to the trained length hardly occur in "
            "training, and the slowest pairs have no other angles to go by.",
        ),
    )


@question("09-perplexity", "where perplexity notices")
def perplexity() -> Question:
    found = measured("long_context")["perplexity"]
    block = found["block"]
    worse = np.exp(np.array(found["loss"]["none"]) - np.array(found["loss"]["NTK 4"])) > 1.5

    def between(number: int) -> str:
        return f"from {tokens(number * block)} to {tokens((number + 1) * block)}"

    return ask(
        "One forward of 16 384 tokens of Hamlet, with the model as trained and with NTK-aware scaling by 4. Copying "
        "fails beyond a gap of some 6000.\n"
        "In which block of 1024 tokens is the perplexity of the model as trained for the first time half as high "
        "again as that of the scaled one?",
        wrong(
            between(6),
            "There, copying is failing. But few words of a play are copied from 6000 tokens back: most are predicted "
            "from the last sentence.",
        ),
        wrong(
            between(TRAINED // block),
            "That is the first block beyond the trained length. Its tokens do have some neighbours at distances never "
            "seen, and thousands at familiar ones, which is where the answers are.",
        ),
        right(
            between(int(worse.argmax())),
            "Thousands of tokens too late. Perplexity is an average over words that mostly need the last few lines, "
            "so it shows the damage when near tokens are drowned too.",
        ),
    )
