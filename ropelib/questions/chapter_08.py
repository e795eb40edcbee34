"""08 Inside a real model."""

from ropelib.questions import Question, ask, question, right, wrong


@question("08-half-pairing", "a model in the other pairing")
def half_pairing() -> Question:
    return ask(
        "A trained model has perplexity 37 on a text, and 212 with no rotation at all. Its pairs are neighbours; now "
        "the code pairs halves, and turns them by the same angles.\nWhat is its perplexity?",
        wrong(
            "37",
            "Both pairings are RoPE, and either can be trained. These weights were trained with one of them.",
        ),
        wrong(
            "between 37 and 212",
            "You may think that some position is better than none. But this is position in a code that the weights "
            "never learned, so it misleads where silence would not.",
        ),
        right(
            "more than 212",
            "Every pair now mixes two numbers that belong to different pairs: the scores change, and not in a way "
            "that the weights could read.",
        ),
    )


@question("08-wrong-base", "a base that is ten times too small")
def wrong_base() -> Question:
    return ask(
        "The model was trained with base 100 000 (perplexity 37) and now runs with base 10 000. You also ask it for "
        "the capital of France.\nWhat do you see?",
        wrong(
            "nonsense, and a perplexity in the hundreds",
            "All angles but those of pair 0 are wrong, but by little where it matters most: the fast pairs hardly "
            "depend on the base.",
        ),
        right(
            "the right answer, and a somewhat higher perplexity",
            "The fast pairs hardly depend on the base, and the slow ones hardly turn over a short text with either.",
        ),
        wrong(
            "the right answer, and the same perplexity",
            "With any base scores depend on the offset alone, but each base makes something else of an offset, and "
            "the weights know one.",
        ),
    )


@question("08-shift", "a whole text far from position 0")
def shift() -> Question:
    return ask(
        "A model was trained on positions 0 to 8191. All positions of a text are moved by 1 000 000 000, and angles "
        "are computed exactly.\nWhat happens to its losses?",
        right(
            "they stay as they are",
            "Up to rounding, that is. In every head of every layer only differences of positions count, and those have "
            "not changed.",
        ),
        wrong(
            "they rise to those without rotation",
            "Such positions were never trained, you may think. What was never trained is long distances. The "
            "distances in this text are as short as before.",
        ),
        wrong(
            "they rise a little",
            "Small errors would add up over 30 layers, but there is none: not approximately, but exactly, the "
            "position drops out of each score.",
        ),
    )


@question("08-bf16-positions", "positions without their last digits")
def bf16_positions() -> Question:
    return ask(
        "Perplexity is 37, and 212 with no rotation at all. The text starts at position 1 000 000 000, and positions "
        "are rounded to bfloat16, so that all 512 tokens get one and the same position.\nWhat is the perplexity?",
        wrong(
            "37",
            "A common shift changes nothing. But rounding moved the tokens by different amounts, onto one point.",
        ),
        wrong(
            "far more than 212",
            "The angle is arbitrary, but it is the same for all tokens, and a common angle drops out.",
        ),
        right(
            "212",
            "All distances are 0, so each query meets each key as if neither had been turned.",
        ),
    )


@question("08-bf16-frequencies", "frequencies without their last digits")
def bf16_frequencies() -> Question:
    return ask(
        "Now the positions are exact and the frequencies are rounded to bfloat16, which changes them by up to 0.3 %. "
        "With exact frequencies the perplexity is 37, and 212 with no rotation.\n"
        "What is it with the text at position 0, and at 1 000 000 000?",
        right(
            "37 at both",
            "Rounded frequencies are another set of frequencies, the same for all tokens: their "
            "angles are off by 0.01 at most over seven tokens, by 0.7 over 500, wherever the text begins.",
        ),
        wrong(
            "37 at position 0, 212 far out",
            "The angles far out are wrong by up to 1.4 million radians, but those of all tokens are, nearly alike: "
            "only the error over the distance is left.",
        ),
        wrong(
            "212 at both",
            "Near by, where the fast pairs decide, no angle is off by more than a hundredth of a radian, and even 500 "
            "tokens away none by more than 0.7: no pair loses its way.",
        ),
    )


@question("08-loudest-pair", "a head and its loudest pair")
def loudest_pair() -> Question:
    return ask(
        "A head looks at the previous token, whatever the words are. Pair 25, which turns once in 50 633 tokens, "
        "brings 42 % of the length into its scores; pair 0, which turns once in 6, brings 13 %.\n"
        "Which pairs make it prefer the previous token to the one before?",
        wrong(
            "pair 25",
            "It is by far the loudest. But from one token to the next it turns by about a ten-thousandth of a radian: "
            "it says the same about both.",
        ),
        right(
            "the fastest pairs",
            "Only a pair that turns noticeably within one token can tell the previous token from the one before.",
        ),
        wrong(
            "all pairs together",
            "The slow pairs turn by next to nothing within one token, so they cannot tell two neighbours apart.",
        ),
    )
