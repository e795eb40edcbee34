"""13 A kernel at the limit."""

from statistics import median

from ropelib.measured import measured
from ropelib.questions import Question, ask, question, right, wrong

BATCH, SEQ, HEADS, HEAD_DIM = 4, 4096, (32, 8), 128
MULTIPROCESSORS, THREADS, LIFE = 132, 2048, 0.8


@question("13-waves", "many small programs")
def waves() -> Question:
    programs = 2048 * sum(HEADS)
    at_once = MULTIPROCESSORS * THREADS // 128
    return ask(
        f"The medium case: one text of 2048 tokens, {sum(HEADS)} heads. A kernel rotates one token of one head a "
        f"program, so there are {programs} programs, of 128 threads. {MULTIPROCESSORS} multiprocessors hold {THREADS} "
        f"threads each, and a program lives {LIFE} µs or longer. A copy takes 12 µs.\nHow long does the rotation take?",
        wrong(
            "about 12 µs",
            "The bytes are those of a copy, and bytes are one ceiling. This kernel does not come near it: it has to "
            "send very many programs through a limited number of places.",
        ),
        right(
            f"{programs / at_once * LIFE:.0f} µs or more",
            f"{at_once} programs find room at once, so they come in {programs / at_once:.0f} waves, of {LIFE} µs each.",
        ),
        wrong(
            f"{programs * LIFE / 1000:.0f} ms or more",
            "So it would be, if one program ran after another. Thousands of them run at the same time.",
        ),
        wrong(
            f"{programs / (MULTIPROCESSORS * THREADS) * LIFE:.1f} µs more than a copy",
            "That counts one thread for a program. Each program takes 128 of the places, so there are 128 times as "
            "many waves.",
        ),
    )


@question("13-one-launch", "two launches become one")
def one_launch() -> Question:
    return ask(
        "q and k are rotated by one launch instead of two. A launch costs 1.7 µs besides its bytes, however many they "
        "are.\nWhat is gained in the large case (88 µs), and in the medium one (15 µs)?",
        wrong(
            "50 % of the large case, 50 % of the medium one",
            "It would be, if starting were all there is. Most of the time goes to bytes, and they stay the same.",
        ),
        wrong(
            "2 % of the large case, 2 % of the medium one",
            "One launch less is the same number of microseconds in both, so it cannot be the same share of 88 and of "
            "15.",
        ),
        right(
            "2 % of the large case, 11 % of the medium one",
            "1.7 of 88 and 1.7 of 15: what is fixed counts where the rest is small.",
        ),
    )


@question("13-neighbours", "where neighbouring programs read")
def neighbours() -> Question:
    row = HEADS[0] * HEAD_DIM * 2
    return ask(
        f"q lies in memory as (batch, seq, heads {HEADS[0]}, head_dim {HEAD_DIM}), 2 bytes a number. A program rotates "
        "32 tokens of one head, and programs are numbered by blocks of tokens: program 1 has the next 32 tokens of the "
        "same head.\nHow many bytes lie between the first numbers that programs 0 and 1 read?",
        wrong(
            f"{HEAD_DIM * 2}",
            "So far apart are two heads of one token. Program 1 has the same head, 32 tokens on.",
        ),
        wrong(
            f"{row}",
            "So far apart are two tokens that follow each other here, and 32 tokens where those of a head are "
            "neighbours. Program 1 begins 32 tokens on, and all heads of a token lie between.",
        ),
        right(
            f"{32 * row}",
            f"32 tokens, and each of them has all its heads side by side: {HEADS[0]} · {HEAD_DIM} · 2 = {row} bytes.",
        ),
    )


@question("13-overflow", "a number that does not fit")
def overflow() -> Question:
    step, position = 100, 5
    return ask(
        f"One turn is divided into 256 units, and a pair turns by {step} units from token to token. The phase is kept "
        f"in 8 bits, which hold 0 to 255. At position {position} it should be {step * position}.\n"
        "What is kept, and what is lost?",
        wrong(
            "255, the largest number there is, and the angle is wrong",
            "Some formats stop at their largest value. Integers of a fixed size go on at 0.",
        ),
        right(
            f"{step * position % 256}, and nothing that matters is lost",
            f"{step * position} − 256: one whole turn fell away, and cos and sin do not see whole turns.",
        ),
        wrong(
            f"{step * position % 256}, and the position can no longer be told, so the angle is wrong",
            "The position cannot be told, but nobody asks for it: cos and sin need the angle modulo one turn.",
        ),
    )


@question("13-table-bytes", "bytes of the tables")
def table_bytes() -> Question:
    row, heads = HEAD_DIM // 2 * 2 * 4, sum(HEADS)
    table, asked, moved = SEQ * row, BATCH * SEQ * heads * row, 2 * BATCH * SEQ * heads * HEAD_DIM * 2
    return ask(
        f"{BATCH} texts of {SEQ} tokens, {heads} heads of {HEAD_DIM} numbers, tables of float32. Every head fetches "
        f"the cos and sin of its tokens for itself. The rotation itself moves {moved / 1e6:.0f} MB.\n"
        "How many bytes of the tables do the programs ask for?",
        wrong(
            f"{table / 1e6:.0f} MB, the size of the tables",
            "So many there are. Each row is asked for by every head of every text.",
        ),
        wrong(
            f"{asked / BATCH / 1e6:.0f} MB, every row once for each head",
            "There are four texts, and all of them use the same rows: each text asks for them anew.",
        ),
        right(
            f"{asked / 1e6:.0f} MB, as many as the rotation moves",
            f"{row} bytes for a token of a head: 64 pairs, two tables, 4 bytes. Its numbers are 256 bytes read and 256 "
            "written, just as many.",
        ),
    )


@question("13-one-token", "the time of a single token")
def one_token() -> Question:
    moved = 2 * sum(HEADS) * HEAD_DIM * 2
    return ask(
        f"Decoding: one new token, {sum(HEADS)} heads. Its rotation moves {moved / 1e3:.0f} KB, and the memory moves "
        "4.1 TB a second.\nHow long does one launch take, if launches follow each other without a pause?",
        wrong(
            f"{moved / 4.1e6:.3f} µs",
            "The bytes alone would take so long. Before the first one arrives, the program must have started, and "
            "asked for it.",
        ),
        right(
            "between one and two µs",
            "A start, and the life of one program: at this size the two ceilings that do not depend on bytes.",
        ),
        wrong(
            "about 80 µs, as in the large case",
            "The large case spends its 80 µs on 336 MB. Here there is hardly anything to move.",
        ),
    )


@question("13-stopwatch", "a stopwatch around a call")
def stopwatch() -> Question:
    return ask(
        "`start = perf_counter(); rotate(q, k); print(perf_counter() - start)` prints 32 µs for a rotation of 336 MB, "
        "on a GPU whose memory needs 81 µs for a copy of them.\nWhat has been measured?",
        wrong(
            "a kernel that is more than twice as fast as a copy",
            "The bytes have to be moved. Nothing that reads and writes them is faster than the memory.",
        ),
        right(
            "how long Python needs to hand the work over",
            "A launch puts work into a queue and returns. The GPU is still busy while Python reads the clock.",
        ),
        wrong(
            "the kernel, with data that was still in the cache",
            "336 MB fit into no cache of this GPU. Caches can fool you too, with smaller data.",
        ),
    )


def _time(case: str, name: str) -> float:
    """Of one large case forward, µs on an NVIDIA H200: the median over the processes."""
    results = [r for run in measured("kernels") for r in run["results"] if not r["case"].get("backward")]
    return median(r["times"][name]["median"] for r in results if r["case"]["name"] == case)


@question("13-opponents", "a kernel at the limit beside other good ones")
def opponents() -> Question:
    case = "bf16 half bshd 128"
    ours, others = _time(case, "ropelib exact"), _time(case, "Hugging Face, torch.compile")
    eager = _time(case, "Hugging Face eager") / ours
    liger = _time("bf16 half bhsd 128", "liger-kernel") / _time("bf16 half bhsd 128", "ropelib exact in place")
    return ask(
        "The kernel of `ropelib` reaches 98 % of a copy in the large case.\nHow does it stand to the best of the other "
        "kernels there?",
        wrong(
            f"{eager:.0f} times as fast",
            "That is true of Hugging Face's function run operation by operation, and so of programs that are no kernel "
            "at all. Kernels that read and write every number once cannot be so far apart.",
        ),
        wrong(
            f"{liger:.1f} times as fast",
            "That is true of Liger-Kernel when q and k lie as (batch, heads, seq, head_dim) in memory, an order "
            "that it is not written for. In its own order it is a few percent behind.",
        ),
        right(
            f"{100 * (1 - ours / others):.0f} % faster",
            "Nobody passes the copy, so beside 98 % there is little room, and several others are good: "
            f"{ours:.1f} µs against {others:.1f} of the kernel that `torch.compile` writes.",
        ),
        wrong(
            "2 % slower",
            "Two percent are missing to the copy, and a copy is no rotation. No other kernel is nearer to it.",
        ),
    )
