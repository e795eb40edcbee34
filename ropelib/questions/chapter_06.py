"""06 RoPE in PyTorch."""

import itertools

from ropelib.questions import Question, ask, question, right, wrong


def distinct(largest: int, bits: int) -> int:
    """How many whole numbers from 0 to largest − 1 a floating-point format with so many bits can tell apart."""
    count, step, low = 0, 1, 0
    while low < largest:
        high = min(largest, step << bits)
        count += len(range(low, high, step))
        low, step = high, 2 * step
    return count


def last_whole(bits: int) -> int:
    """The largest whole number up to which a floating-point format with so many bits holds every one."""
    return next(number for number in itertools.count() if distinct(number + 2, bits) < number + 2)


@question("06-by-head", "a tensor in another memory order")
def by_head() -> Question:
    return ask(
        "x has shape (batch 1, seq 6, heads 6, head_dim 8), the tables have 6 rows, and the rotation broadcasts them "
        "from the right.\nWhat happens?",
        wrong("an error is raised", "The axis beside head_dim has 6 entries and so have the tables: everything fits."),
        right(
            "every token is turned by the number of its head",
            "The tables meet the axis that stands beside head_dim, and that is the heads. Head 0 is never turned, "
            "head 5 always by 5, and nothing complains.",
        ),
        wrong(
            "every token is turned by its position",
            "Names of axes exist in our heads only. The tables meet whatever axis stands beside head_dim.",
        ),
    )


@question("06-positions-left", "positions in bfloat16")
def positions_left() -> Question:
    left = distinct(2048, bits=8)
    # 2047 rounds up to 2048, which is one more number than those below 2048.
    return ask(
        "The positions 0 to 2047 are cast to bfloat16, which keeps 8 bits of a number.\n"
        "How many different numbers are left?",
        wrong(
            str(distinct(2**8, bits=8)),
            "Those are the numbers of 8 bits alone. The exponent adds another 128 with every doubling.",
        ),
        right(
            str(left + 1),
            "257 up to 256, and 128 more in each of the stretches to 512, 1024 and 2048, where only every second, "
            "fourth and eighth number exists.",
        ),
        wrong(
            str(distinct(2048, bits=24)), "So it would be in float32, which keeps 24 bits and tells all of these apart."
        ),
    )


@question("06-rounded-frequencies", "rounded frequencies, near and far")
def rounded_frequencies() -> Question:
    return ask(
        "We round `inv_freq` to bfloat16 and nothing else. The score of a query and a key five tokens apart is "
        "computed near position 0 and near position 30 000.\nHow good is it?",
        wrong(
            "it is wrong by more and more as the position grows",
            "The error of each angle does grow, but alike for both tokens, and only their difference counts.",
        ),
        right(
            "it is slightly wrong, and the same at both places",
            "Rounded frequencies are slightly different frequencies: another RoPE, every bit as relative as the first.",
        ),
        wrong(
            "it is exact",
            "Between the two lie five steps, each at a slightly wrong speed, so the score is slightly off.",
        ),
    )


@question("06-half", "a module that is cast")
def half() -> Question:
    last = last_whole(bits=11)
    return ask(
        "A rotary module keeps `inv_freq` as a buffer and writes `.float()` before it uses it. The model is cast with "
        "`.half()`.\nAre its angles still exact?",
        wrong(
            "yes, the forward pass casts back",
            "It casts back numbers that have lost their bits already: a buffer is cast together with the model.",
        ),
        right(
            "no, the bits were lost when the buffer was cast",
            "`.half()` casts buffers like parameters. At position 4000 an angle is off by about one radian.",
        ),
        wrong(
            f"up to position {last}, but no further",
            "That is where float16, with 11 bits, stops telling whole numbers apart. No position is cast here: the "
            "frequencies are, and their angles are off from position 1 on.",
        ),
    )


@question("06-backward", "the backward pass of a rotation")
def backward() -> Question:
    return ask(
        "What must the author of a RoPE kernel write to get its backward pass?",
        wrong(
            "a second, different kernel", "Most operations need one. The transpose of a rotation is a rotation again."
        ),
        right(
            "the same kernel with the sine negated",
            "The gradient goes back through the transpose of R(φ), and that is R(−φ).",
        ),
        wrong("nothing, gradients pass unchanged", "So it is for adding a constant. A turn turns the gradient, too."),
    )
