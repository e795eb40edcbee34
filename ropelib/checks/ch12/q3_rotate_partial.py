"""A kernel for heads of which only the first features are rotated."""

from collections.abc import Callable

import numpy as np

from ropelib.checks.ch12.rooms import ANSWERED_BY
from ropelib.checks.core import Misconception
from ropelib.checks.inputs import generator, halves
from ropelib.checks.kernel import KernelQuestion, changed, compiled, remembered
from ropelib.checks.observe import Case
from ropelib.launch import launch
from ropelib.reference import Floats

Result = tuple[Floats, int]

KERNEL = """
@triton.jit
def partial_kernel(x, out, cos, sin, seq, PAIRS: tl.constexpr, REST: tl.constexpr,
                   BLOCK: tl.constexpr, BLOCK_PAIRS: tl.constexpr, BLOCK_REST: tl.constexpr):
    tokens = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)[:, None]
    rows = (tl.program_id(1) * seq + tokens) * (2 * PAIRS + REST)

    pairs = tl.arange(0, BLOCK_PAIRS)[None, :]
    inside = (tokens < seq) & (pairs < PAIRS)
    c = tl.load(cos + tokens * PAIRS + pairs, mask=inside, other=0.0)
    s = tl.load(sin + tokens * PAIRS + pairs, mask=inside, other=0.0)
    a = tl.load(x + rows + pairs, mask=inside, other=0.0)
    b = tl.load(x + rows + PAIRS + pairs, mask=inside, other=0.0)
    tl.store(out + rows + pairs, a * c - b * s, mask=inside)
    tl.store(out + rows + PAIRS + pairs, a * s + b * c, mask=inside)

    rest = tl.arange(0, BLOCK_REST)[None, :]
    kept = (tokens < seq) & (rest < REST)
    values = tl.load(x + rows + 2 * PAIRS + rest, mask=kept, other=0.0)
    tl.store(out + rows + 2 * PAIRS + rest, values, mask=kept)
"""


def rotate_partial(x: Floats, cos: Floats, sin: Floats, block: int) -> Result:
    pairs = cos.shape[1]
    a, b = x[..., :pairs], x[..., pairs : 2 * pairs]
    out = x.copy()
    out[..., :pairs] = a * cos - b * sin
    out[..., pairs : 2 * pairs] = a * sin + b * cos
    return out, 0


def launched(source: str) -> Callable[[Floats, Floats, Floats, int], Result]:
    """The function of the exercise that launches a kernel."""

    @remembered
    def program(x: Floats, cos: Floats, sin: Floats, block: int) -> Result:
        import torch

        heads, seq, head_dim = x.shape
        pairs = cos.shape[1]
        rest = head_dim - 2 * pairs
        x, cos, sin = map(torch.from_numpy, (x, cos, sin))
        out = torch.full_like(x, 99)
        strayed = launch(
            compiled(source), (-(-seq // block), heads), x, out, cos, sin, seq,
            PAIRS=pairs, REST=rest, BLOCK=block, BLOCK_PAIRS=_power(pairs), BLOCK_REST=_power(rest),
        )  # fmt: skip
        return out.numpy(), strayed

    return program


def _power(number: int) -> int:
    return 1 << max(0, number - 1).bit_length()


def _case(label: str, rng: np.random.Generator, shape: tuple[int, ...], pairs: int, block: int, weight: float) -> Case:
    x = halves(rng, *shape).astype(np.float32)
    angles = rng.uniform(0.2, 1.4, (shape[1], pairs))
    return Case(label, (x, np.cos(angles).astype(np.float32), np.sin(angles).astype(np.float32), block), weight=weight)


def _cases(seed: int) -> list[Case]:
    rng = generator(12, 3, seed)
    return [
        _case("one pair and one feature that stays", rng, (1, 2, 3), 1, 2, 1),
        _case("two heads", rng, (2, 2, 8), 2, 2, 1),
        _case("tokens that do not fill a block", rng, (2, 5, 7), 3, 2, 2),
        _case("three pairs, five features that stay", rng, (2, 3, 11), 3, 4, 2),
        _case("nothing stays", rng, (1, 4, 6), 3, 4, 1),
    ]


def _variant(name: str, message: str, *changes: tuple[str, str]) -> Misconception:
    return Misconception(name, launched(changed(KERNEL, *changes)), message)


QUESTION = KernelQuestion(
    name="rotate_partial",
    title="A kernel that rotates a part",
    objective="write a kernel whose block is rotated in one part and copied in another, each with a mask of its own",
    difficulty="moderate",
    minutes=25,
    points=5,
    reference=rotate_partial,
    kernel=KERNEL,
    cases=_cases,
    answered_by=ANSWERED_BY,
    misconceptions=[
        _variant(
            "the rest is not copied",
            "The rotated part is right. Of the features behind it nothing arrived in out: 99 is what the launcher "
            "filled it with. A fresh output holds only what you store: who stores the rest?",
            ("    tl.store(out + rows + 2 * PAIRS + rest, values, mask=kept)\n", ""),
        ),
        _variant(
            "the rest is filled with zeros",
            "The features that stay have become 0. Is your mask for the load the same as that for the store, and does "
            "it say `<` and not `>`?",
            (
                "values = tl.load(x + rows + 2 * PAIRS + rest, mask=kept",
                "values = tl.load(x + rows + rest, mask=rest < 0",
            ),
        ),
        _variant(
            "the rest is taken from the front",
            "The features behind the rotated part are copies of the first ones of the row. At which feature does the "
            "part that stays begin, for loading as well as for storing?",
            ("tl.load(x + rows + 2 * PAIRS + rest", "tl.load(x + rows + rest"),
        ),
        _variant(
            "rows too short",
            "Only the first token is right: the rows are taken to be 2 · PAIRS long. How many features lie between "
            "the starts of two tokens?",
            ("(2 * PAIRS + REST)", "(2 * PAIRS)"),
        ),
        _variant(
            "partner in the other half of the head",
            "The partner of feature i is looked for half a *head* further on. Only 2 · PAIRS features are rotated: "
            "where does their second half begin?",
            ("rows + PAIRS + pairs", "rows + (2 * PAIRS + REST) // 2 + pairs"),
        ),
        _variant(
            "neighbours paired",
            "This rotates neighbours, features 2i and 2i + 1. The task asks for the half pairing: which feature is the "
            "partner of feature 0?",
            ("rows + PAIRS + pairs", "rows + 2 * pairs + 1"),
            ("+ rows + pairs", "+ rows + 2 * pairs"),
        ),
        _variant(
            "turned clockwise",
            "This turns the other way. Which of the two stores has the minus?",
            ("a * c - b * s", "a * c + b * s"),
            ("a * s + b * c", "b * c - a * s"),
        ),
        _variant(
            "sine and cosine exchanged in the second store",
            "The first coordinate of every pair is right, the second is a · cos + b · sin. Does that keep the length "
            "of a vector? The chapter had this bug, too.",
            ("a * s + b * c", "a * c + b * s"),
        ),
        _variant(
            "all programs on the first head",
            "Only head 0 has been written, and by every program: the others still hold 99. Which number tells a "
            "program its head, and how many tokens does a head have?",
            ("(tl.program_id(1) * seq + tokens)", "tokens"),
        ),
        _variant(
            "heads one behind the other, without seq",
            "Program (p, h) starts h rows after the start of x. Between two heads lie all tokens of one: how many rows "
            "is that?",
            ("(tl.program_id(1) * seq + tokens)", "(tl.program_id(1) + tokens)"),
        ),
        _variant(
            "every program on the first block",
            "Every program rotates the tokens 0 to BLOCK − 1. Which number tells a program where its block of tokens "
            "starts?",
            ("tl.program_id(0) * BLOCK + ", ""),
        ),
        _variant(
            "tokens not masked",
            "Where the tokens do not fill the last block, the kernel writes behind them: into the next head, or into "
            "memory that is not ours. Which comparison is missing in the masks, or lets one token too many in? If both "
            "comparisons stand there: are they joined by `&`?",
            ("(tokens < seq) & ", ""),
        ),
        _variant(
            "rotated part not masked by token",
            "The part that stays is masked, the rotated part is not: behind the last token of a head the kernel still "
            "rotates. What has the mask of the first part to contain besides `pairs < PAIRS`? If it stands there: is "
            "it joined by `&`?",
            ("(tokens < seq) & (pairs < PAIRS)", "pairs < PAIRS"),
        ),
        _variant(
            "rest not masked by token",
            "The rotated part is masked, the part that stays is not: behind the last token of a head the kernel still "
            "copies. What has the mask of the second part to contain besides `rest < REST`? If it stands there: is it "
            "joined by `&`?",
            ("(tokens < seq) & (rest < REST)", "rest < REST"),
        ),
        _variant(
            "tokens across",
            "The tokens lie across the block, as the pairs do, so that pair i is taken from token i. Which of the two "
            "goes down, and what makes a column of `tl.arange`?",
            ("tl.arange(0, BLOCK)[:, None]\n", "tl.arange(0, BLOCK)\n"),
        ),
        _variant(
            "the two program numbers exchanged",
            "Right where the grid has as many programs one way as the other. It is (blocks of tokens, heads): which of "
            "them does program_id(0) count, and which program_id(1)?",
            ("tl.program_id(0)", "tl.program_id(9)"),
            ("tl.program_id(1)", "tl.program_id(0)"),
            ("tl.program_id(9)", "tl.program_id(1)"),
        ),
        _variant(
            "rows of the tables as long as the part",
            "The rows of the tables are taken to be 2 · PAIRS long. They hold one number for each *pair*: how far "
            "apart do they start?",
            ("tokens * PAIRS + pairs", "tokens * 2 * PAIRS + pairs"),
        ),
        _variant(
            "the rest begins too early",
            "The part that stays is taken to begin at feature PAIRS. There begins the second half of the rotated part: "
            "how many features are rotated?",
            ("rows + 2 * PAIRS + rest", "rows + PAIRS + rest"),
        ),
        _variant(
            "pairs not masked",
            "Right, as long as PAIRS is a power of two. A block of BLOCK_PAIRS has more columns than there are pairs: "
            "what do the spare ones overwrite?",
            ("(tokens < seq) & (pairs < PAIRS)", "(tokens < seq) & (pairs < BLOCK_PAIRS)"),
        ),
        _variant(
            "rest masked by the block",
            "Right, as long as REST is a power of two. BLOCK_REST is how wide the block is, not how many features "
            "stay: what do the spare columns overwrite?",
            ("(rest < REST)", "(rest < BLOCK_REST)"),
        ),
        _variant(
            "rest masked with one too many",
            "One feature behind the end of the row is copied as well, and there the next row begins. The features that "
            "stay are numbered from 0: is number REST one of them?",
            ("(rest < REST)", "(rest <= REST)"),
        ),
        _variant(
            "first members stored without a mask",
            "The masks are right, and the first members of the pairs are written behind the last token all the same. "
            "Does every store carry its mask?",
            ("a * c - b * s, mask=inside)", "a * c - b * s)"),
        ),
        _variant(
            "second members stored without a mask",
            "The masks are right, and the second members of the pairs are written behind the last token all the same. "
            "Does every store carry its mask?",
            ("a * s + b * c, mask=inside)", "a * s + b * c)"),
        ),
        _variant(
            "rest stored without a mask",
            "The masks are right, and the part that stays is written behind the last token all the same. Does every "
            "store carry its mask?",
            ("values, mask=kept)", "values)"),
        ),
    ],
    hints=[
        "Start from the chapter's naive kernel. A row is now 2 · PAIRS + REST long, and the rotated part stands at its "
        "front.",
        "The part that stays is a second block, `rest = tl.arange(0, BLOCK_REST)[None, :]`, loaded from and stored to "
        "feature 2 · PAIRS + rest of the same rows.",
        "Two masks: (tokens < seq) & (pairs < PAIRS) for the tables and the pairs, (tokens < seq) & (rest < REST) for "
        "the rest. Both stand on every load and on every store.",
    ],
    explanation="One program, two blocks, two masks. Doing the copy in the same kernel is worth it: a second operation "
    "for the rest would cost a launch of its own, and PyTorch's slicing would make a copy of everything. The check "
    "sees stores only: a load without a mask passes here, and on a GPU may read memory that is not yours (question 5, "
    "F).",
)
