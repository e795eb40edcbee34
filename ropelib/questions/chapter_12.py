"""12 A first Triton kernel."""

from ropelib.questions import Question, ask, question, right, wrong


@question("12-bytes-or-arithmetic", "the time of a rotation")
def bytes_or_arithmetic() -> Question:
    numbers = 4 * 4096 * (32 + 8) * 128
    by_bytes, by_arithmetic = 2 * numbers * 2 / 4.8e12, 3 * numbers / 67e12
    return ask(
        "4 · 4096 tokens, 40 heads of 128 numbers, 2 bytes each: all are read once and written once. Each pair takes "
        "6 operations.\nThe machine moves 4.8 · 10¹² bytes and does 67 · 10¹² operations a second. Which takes longer?",
        wrong(
            f"the arithmetic, about {67 / 4.8:.0f} times",
            "That is the quotient of the two speeds. The machine is that much better at arithmetic than at moving "
            "bytes, so it is the bytes that it has to wait for.",
        ),
        wrong(
            "both about the same",
            "Each number is moved twice, 4 bytes, and takes part in 3 operations, so the counts are alike. The speeds "
            "are not.",
        ),
        right(
            f"the bytes, about {by_bytes / by_arithmetic:.0f} times",
            "For each number 4 bytes and 3 operations, and a machine that does fourteen operations in the time of one "
            "byte.",
        ),
    )


@question("12-traffic", "bytes that three lines move")
def traffic() -> Question:
    products, sums, joined = 4 * (0.5 + 0.5), 2 * (0.5 + 0.5 + 0.5), 1 + 1
    moved = (products + sums + joined) / 2
    return ask(
        "Four products, a difference, a sum and a concatenation. a and b are halves of x.\n"
        "How many times the unavoidable traffic (x read once, the result written once) do they move?",
        wrong(
            "1 time",
            "So it would be if a and b stayed in registers from the first operation to the last. Each of the seven "
            "goes to memory and back.",
        ),
        right(
            f"{moved:g} times",
            f"Counted in x: {products:g} for the products, {sums:g} for difference and sum, {joined:g} for the "
            f"concatenation. Together {products + sums + joined:g}, and 2 are unavoidable.",
        ),
        wrong(
            "7 times",
            "Seven round trips of all of x. But a product reads half of x and writes half of x.",
        ),
    )


@question("12-odd-size", "fifty tokens in blocks of 32")
def odd_size() -> Question:
    rows = -(-50 // 32) * 32 - 50
    return ask(
        "`naive` is called with 50 tokens of 16 numbers, in blocks of 32, and with tables of 64 rows.\n"
        "How many rows of 16 numbers does it rotate?",
        wrong(
            "0: an error is raised",
            "By whom? A kernel holds addresses and knows no shape. Only far outside may a GPU stop it.",
        ),
        wrong(
            f"32: the last {50 - 32} are left out",
            f"`cdiv` rounds up, so there is a second program, which takes these {50 - 32}.",
        ),
        wrong(
            "50: as many as there are tokens",
            f"The second program has 32 rows like the first, and only {50 - 32} of them are tokens.",
        ),
        right(
            f"{50 + rows}: the last {rows} are no tokens",
            f"Two blocks of 32. Addresses go on behind a tensor, so {rows} rows of 16 numbers that are not ours are "
            "read and written as well.",
        ),
    )


@question("12-strides", "how far apart tokens lie")
def strides() -> Question:
    heads, seq, head_dim = 2, 3, 4
    return ask(
        f"A tensor is kept as (batch 1, seq {seq}, heads {heads}, head_dim {head_dim}) and transposed to "
        "(batch, heads, seq, head_dim).\nHow many elements lie between the starts of two adjacent tokens of a head?",
        wrong(
            str(head_dim),
            "The tokens of a head would be neighbours if the tensor had been copied into its new order. A transpose "
            "moves nothing.",
        ),
        right(
            str(heads * head_dim),
            f"Between them lie all {heads} heads of token 0, of {head_dim} numbers each: the memory still has its old "
            "order.",
        ),
        wrong(
            str(seq * head_dim),
            "So far apart are two heads of a contiguous (batch, heads, seq, head_dim) tensor.",
        ),
    )


@question("12-suspicious", "a kernel with one mistake")
def suspicious() -> Question:
    return ask(
        "The kernel above is for the interleaved pairing. What does it do wrong?",
        wrong(
            "it reads the wrong neighbours",
            "2·pairs and 2·pairs + 1 are neighbours, as this pairing wants them.",
        ),
        wrong(
            "the even outputs are wrong",
            "a · cos − b · sin is the first coordinate of a turn by the angle.",
        ),
        right(
            "the odd outputs are wrong",
            "The second coordinate of a turn is a · sin + b · cos. Here cos and sin have changed places.",
        ),
        wrong(
            "it writes behind the last token",
            "Both stores carry the mask, and PAIRS is a power of two here.",
        ),
    )
