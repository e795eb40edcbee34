"""A kernel that finds its rows of the tables by position_ids, forward and backward."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from ropelib.checks.ch12.rooms import ANSWERED_BY
from ropelib.checks.core import Misconception
from ropelib.checks.inputs import generator, halves
from ropelib.checks.kernel import KernelQuestion, changed, compiled, remembered
from ropelib.checks.observe import Case
from ropelib.launch import launch
from ropelib.reference import Floats

Ids = NDArray[np.int32]
Result = tuple[Floats, Floats, int]

KERNEL = """
@triton.jit
def rows_kernel(x, out, cos, sin, position_ids, seq, heads, SIGN: tl.constexpr, PAIRS: tl.constexpr,
                BLOCK: tl.constexpr, BLOCK_PAIRS: tl.constexpr):
    tokens = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)[:, None]
    pairs = tl.arange(0, BLOCK_PAIRS)[None, :]
    inside = (tokens < seq) & (pairs < PAIRS)

    ids = tl.load(position_ids + tokens, mask=tokens < seq, other=0)
    c = tl.load(cos + ids * PAIRS + pairs, mask=inside, other=0.0)
    s = tl.load(sin + ids * PAIRS + pairs, mask=inside, other=0.0) * SIGN

    rows = (tokens * heads + tl.program_id(1)) * 2 * PAIRS
    a = tl.load(x + rows + 2 * pairs, mask=inside, other=0.0)
    b = tl.load(x + rows + 2 * pairs + 1, mask=inside, other=0.0)
    tl.store(out + rows + 2 * pairs, a * c - b * s, mask=inside)
    tl.store(out + rows + 2 * pairs + 1, a * s + b * c, mask=inside)
"""


def rotate_rows(x: Floats, upstream: Floats, cos: Floats, sin: Floats, position_ids: Ids, block: int) -> Result:
    c, s = cos[position_ids][:, None], sin[position_ids][:, None]
    both = []
    for values, sign in ((x, 1), (upstream, -1)):
        turned = np.empty_like(values)
        turned[..., 0::2] = values[..., 0::2] * c - sign * values[..., 1::2] * s
        turned[..., 1::2] = sign * values[..., 0::2] * s + values[..., 1::2] * c
        both.append(turned)
    return both[0], both[1], 0


def launched(source: str) -> Callable[[Floats, Floats, Floats, Floats, Ids, int], Result]:
    """The function of the exercise that launches a kernel twice."""

    @remembered
    def program(x: Floats, upstream: Floats, cos: Floats, sin: Floats, position_ids: Ids, block: int) -> Result:
        import torch

        seq, heads, head_dim = x.shape
        x, upstream, cos, sin, position_ids = map(torch.from_numpy, (x, upstream, cos, sin, position_ids))
        pairs, results, strayed = head_dim // 2, [], 0
        for values, sign in ((x, 1), (upstream, -1)):
            out = torch.full_like(values, 99)
            strayed += launch(
                compiled(source), (-(-seq // block), heads), values, out, cos, sin, position_ids, seq, heads,
                SIGN=sign, PAIRS=pairs, BLOCK=block, BLOCK_PAIRS=1 << (pairs - 1).bit_length(),
            )  # fmt: skip
            results.append(out.numpy())
        return results[0], results[1], strayed

    return program


def _case(label: str, rng: np.random.Generator, shape: tuple[int, ...], ids: Ids, block: int, weight: float) -> Case:
    x, upstream = (halves(rng, *shape).astype(np.float32) for _ in range(2))
    angles = rng.uniform(0.2, 1.4, (10, shape[2] // 2))
    tables = np.cos(angles).astype(np.float32), np.sin(angles).astype(np.float32)
    return Case(label, (x, upstream, *tables, ids.astype(np.int32), block), weight=weight)


def _cases(seed: int) -> list[Case]:
    rng = generator(12, 4, seed)
    packed = np.array([7, 8, 0, 1, 2])
    return [
        _case("one token, one pair", rng, (1, 1, 2), rng.integers(2, 10, 1), 1, 1),
        _case("two heads, positions that jump", rng, (2, 2, 4), rng.permutation(np.arange(2, 10))[:2], 2, 1),
        _case("two packed texts, a block that is not full", rng, (5, 2, 4), packed, 4, 2),
        _case("three pairs", rng, (4, 1, 6), rng.permutation(np.arange(4, 10))[:4], 2, 1),
    ]


def _variant(name: str, message: str, *changes: tuple[str, str]) -> Misconception:
    return Misconception(name, launched(changed(KERNEL, *changes)), message)


QUESTION = KernelQuestion(
    name="rotate_rows",
    title="Rows by position_ids, there and back",
    objective="write a kernel that looks up its own rows, in the memory order of a model, and serves as its own "
    "backward pass",
    difficulty="demanding",
    minutes=25,
    points=5,
    reference=rotate_rows,
    kernel=KERNEL,
    cases=_cases,
    answered_by=ANSWERED_BY,
    misconceptions=[
        _variant(
            "rows by token number",
            "Every token is turned by the row of its own number. The texts here are packed: in which array does it "
            "say which row a token wants, and who loads that?",
            ("ids = tl.load(position_ids + tokens, mask=tokens < seq, other=0)", "ids = tokens"),
        ),
        _variant(
            "one id for the block",
            "All tokens of a program are turned by the id of the first one. A load gives as many numbers as it gets "
            "addresses: which addresses does each token need?",
            (
                "tl.load(position_ids + tokens, mask",
                "tl.load(position_ids + tl.program_id(0) * BLOCK + 0 * tokens, mask",
            ),
        ),
        _variant(
            "ids of the first block",
            "Every program uses the ids of the first BLOCK tokens. Are the addresses of the ids made from `tokens`, "
            "with the program's number in it?",
            (
                "tl.load(position_ids + tokens, mask=tokens < seq",
                "tl.load(position_ids + tl.arange(0, BLOCK)[:, None], mask=tokens < seq",
            ),
        ),
        _variant(
            "row taken for an address",
            "Row n of a table does not start at element n. How many elements does a row have?",
            ("ids * PAIRS + pairs", "ids + pairs"),
        ),
        _variant(
            "rows as long as a head",
            "The rows of the tables are taken to be head_dim long. They hold one number for each *pair*: how far "
            "apart do they start?",
            ("ids * PAIRS + pairs", "ids * 2 * PAIRS + pairs"),
        ),
        _variant(
            "halves paired",
            "This rotates feature i with feature i + PAIRS. The task asks for neighbours: at which two places does "
            "pair i stand?",
            ("rows + 2 * pairs + 1", "rows + pairs + PAIRS"),
            ("rows + 2 * pairs,", "rows + pairs,"),
        ),
        _variant(
            "heads before tokens",
            "The rows are those of (heads, seq, head_dim), head after head. Here x is (seq, heads, head_dim): what "
            "lies between a token and the next one of the same head?",
            ("(tokens * heads + tl.program_id(1))", "(tl.program_id(1) * seq + tokens)"),
        ),
        _variant(
            "heads forgotten in the stride",
            "The next token of the same head is looked for in the very next row. All heads of a token come first: how "
            "many rows are that?",
            ("(tokens * heads + tl.program_id(1))", "(tokens + tl.program_id(1))"),
        ),
        _variant(
            "all programs on the first head",
            "Only head 0 has been written, by every program. Which number tells a program its head?",
            ("(tokens * heads + tl.program_id(1))", "(tokens * heads)"),
        ),
        _variant(
            "SIGN ignored",
            "Forward is right, and the gradient is turned forward, too. What has the backward pass to do with the "
            "angle, and which parameter tells the kernel?",
            (" * SIGN", ""),
        ),
        _variant(
            "cosine negated as well",
            "Forward is right. Backward, both sine and cosine have changed their signs, which is a turn by half a "
            "circle more. Which of the two is the same for φ and −φ?",
            (
                "c = tl.load(cos + ids * PAIRS + pairs, mask=inside, other=0.0)",
                "c = tl.load(cos + ids * PAIRS + pairs, mask=inside, other=0.0) * SIGN",
            ),
        ),
        _variant(
            "backward and forward exchanged",
            "Both results turn the wrong way: the forward pass is the backward pass of the other. Which of the two "
            "stores has the minus when SIGN is 1?",
            ("other=0.0) * SIGN", "other=0.0) * -SIGN"),
        ),
        _variant(
            "SIGN in the first store only",
            "Forward is right. Backward, only the even outputs are turned back: SIGN stands in one of the two stores. "
            "What do both have in common that could be multiplied once?",
            ("other=0.0) * SIGN", "other=0.0)"),
            ("a * c - b * s", "a * c - b * s * SIGN"),
        ),
        _variant(
            "head taken for a feature",
            "Head h starts h elements after head 0 here. How many elements has a head?",
            ("(tokens * heads + tl.program_id(1)) * 2 * PAIRS", "tokens * heads * 2 * PAIRS + tl.program_id(1)"),
        ),
        _variant(
            "ids in a row",
            "The ids lie across the block, as the pairs do, so that pair i is turned by the position of token i. Which "
            "way do the tokens go, and what makes a column of the ids?",
            (
                "tl.load(position_ids + tokens, mask=tokens < seq",
                "tl.load(position_ids + tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)[None, :], "
                "mask=tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)[None, :] < seq",
            ),
        ),
        _variant(
            "sine and cosine exchanged in the second store",
            "The even outputs are right, the odd ones are a · cos + b · sin. The chapter looked for that bug: which "
            "property of a rotation shows it?",
            ("a * s + b * c", "a * c + b * s"),
        ),
        _variant(
            "tokens not masked",
            "Right where the tokens fill their blocks. Otherwise the last program goes on behind the last token. "
            "Which comparison is missing in the mask of the stores? If both stand there: are they joined by `&`?",
            ("inside = (tokens < seq) & (pairs < PAIRS)", "inside = pairs < PAIRS"),
        ),
        _variant(
            "pairs not masked",
            "Right where PAIRS is a power of two. With three pairs, a block has four columns: whose numbers does the "
            "fourth overwrite?",
            ("(tokens < seq) & (pairs < PAIRS)", "(tokens < seq) & (pairs < BLOCK_PAIRS)"),
        ),
    ],
    hints=[
        "A load takes a block of addresses and gives a block of numbers, and these may be used to make addresses "
        "again: ids = tl.load(position_ids + tokens, …), then cos + ids * PAIRS + pairs.",
        "In (seq, heads, head_dim), row number tokens * heads + head starts at element 2 · PAIRS times that.",
        "Multiply the sine by SIGN, once, where it is loaded. Everything else is the chapter's kernel for neighbours.",
    ],
    explanation="Loads that depend on loads are how kernels follow page tables and lists of positions. And a backward "
    "pass for one factor of −1 is why nobody writes a second kernel for RoPE. (The check sees stores only: a "
    "load without a mask passes here, and on a GPU may read memory that is not yours, as F of question 5 does.)",
)
