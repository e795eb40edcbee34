"""From a damaged address back to the program that wrote there."""

from collections.abc import Callable

import numpy as np

from ropelib.checks.ch12.rooms import ANSWERED_BY
from ropelib.checks.core import Misconception, Question
from ropelib.checks.inputs import fair, generator
from ropelib.checks.observe import Case

Shape = tuple[int, int, int, int]
Program = Callable[[int, Shape, Shape, int], tuple[int, int]]


def who_wrote(address: int, shape: Shape, strides: Shape, block: int) -> tuple[int, int]:
    heads = shape[1]
    places = np.indices(shape)
    addresses = sum(stride * place for stride, place in zip(strides, places, strict=True))
    for batch, head, token, _ in np.argwhere(addresses == address).tolist():
        return token // block, batch * heads + head
    return -1, -1


def _contiguous(shape: Shape) -> Shape:
    return shape[1] * shape[2] * shape[3], shape[2] * shape[3], shape[3], 1


def _by_token(shape: Shape, row: int | None = None) -> Shape:
    """The strides of (batch, heads, seq, head_dim) kept as (batch, seq, row), where row begins with the heads."""
    _, heads, seq, head_dim = shape
    row = row or heads * head_dim
    return seq * row, head_dim, row, 1


def _case(
    label: str, rng: np.random.Generator, shape: Shape, strides: Shape, block: int, weight: float, gap: bool = False
) -> Case:
    """An address in the last text, in the last head or the one before, and beyond the first block.

    Whatever order in memory is not that of strides gives another program.
    """
    batch, heads, seq, head_dim = shape

    def draw() -> Case:
        place = (
            batch - 1,
            heads - 1 if gap else heads // 2,
            int(rng.integers(block + 1, seq)),
            int(rng.integers(1, head_dim)),
        )
        address = sum(stride * index for stride, index in zip(strides, place, strict=True))
        if gap:
            address += head_dim
        return Case(label, (address, shape, strides, block), weight=weight)

    others = [layout for layout in (_contiguous, _by_token) if layout(shape) != strides and heads > 1]
    return draw() if gap else fair(draw, who_wrote, [_exchanged, _rounded_up, *map(_assuming, others)])


def _cases(seed: int) -> list[Case]:
    rng = generator(12, 2, seed)
    one, several, many = (1, 1, 8, 2), (1, 3, 12, 4), (2, 3, 12, 4)
    return [
        _case("one head", rng, one, _contiguous(one), 2, 0.5),
        _case("three heads, one behind the other", rng, several, _contiguous(several), 4, 1),
        _case("three heads, tokens first in memory", rng, several, _by_token(several), 4, 1),
        _case("two texts", rng, many, _by_token(many), 4, 1),
        _case("queries inside a fused projection", rng, many, _by_token(many, 40), 2, 1),
        _case("between the queries of a fused projection", rng, many, _by_token(many, 40), 4, 0.5, gap=True),
    ]


def _found(address: int, shape: Shape, strides: Shape) -> list[int]:
    """batch, head, token, feature of an address, or nothing."""
    places = np.argwhere(sum(s * p for s, p in zip(strides, np.indices(shape), strict=True)) == address)
    return places[0].tolist() if len(places) else []


def _then(answer: Callable[[list[int], Shape, int], tuple[int, int]]) -> Program:
    def program(address: int, shape: Shape, strides: Shape, block: int) -> tuple[int, int]:
        place = _found(address, shape, strides)
        return answer(place, shape, block) if place else (-1, -1)

    return program


def _assuming(layout: Callable[[Shape], Shape]) -> Program:
    return lambda address, shape, strides, block: who_wrote(address, shape, layout(shape), block)


_exchanged = _then(lambda place, shape, block: (place[0] * shape[1] + place[1], place[2] // block))
_rounded_up = _then(lambda place, shape, block: (-(-place[2] // block), place[0] * shape[1] + place[1]))


def _without_gaps(address: int, shape: Shape, strides: Shape, block: int) -> tuple[int, int]:
    batch, rest = divmod(address, strides[0])
    token, rest = divmod(rest, strides[2]) if strides[2] > strides[1] else (0, rest)
    head, rest = divmod(rest, strides[1])
    token = token or rest // strides[2]
    return token // block, batch * shape[1] + head


QUESTION = Question(
    name="who_wrote",
    title="Which program wrote there?",
    objective="find the program that is responsible for an address, in any memory order",
    difficulty="moderate",
    minutes=15,
    points=3,
    reference=who_wrote,
    cases=_cases,
    answered_by=ANSWERED_BY,
    misconceptions=[
        Misconception(
            "token instead of block",
            _then(lambda p, shape, block: (p[2], p[0] * shape[1] + p[1])),
            "The first number is a token, not a program. How many tokens does one program take?",
        ),
        Misconception(
            "the two numbers exchanged",
            _exchanged,
            "The two numbers have changed places. Which axis of the grid counts blocks of tokens, program_id(0) or "
            "program_id(1)?",
        ),
        Misconception(
            "batch forgotten",
            _then(lambda p, shape, block: (p[2] // block, p[1])),
            "The head is right, the text it belongs to is lost: all texts have the same second number. How does the "
            "kernel get batch *and* head out of program_id(1)?",
        ),
        Misconception(
            "batch fastest",
            _then(lambda p, shape, block: (p[2] // block, p[1] * shape[0] + p[0])),
            "This counts all texts of head 0 before head 1. The kernel takes batch = program_id(1) // heads: which of "
            "the two runs faster?",
        ),
        Misconception(
            "rounded up",
            _rounded_up,
            "The quotient of token and block is rounded up. That gives the number of blocks that many tokens need. In "
            "which block does token 1 stand?",
        ),
        Misconception(
            "taken for contiguous",
            _assuming(_contiguous),
            "Right, as long as heads lie one behind the other. Which argument says how they lie?",
        ),
        Misconception(
            "taken for tokens first",
            _assuming(_by_token),
            "Right, as long as each token's heads lie together, without anything in between. Which argument says how "
            "they lie?",
        ),
        Misconception(
            "gap not noticed",
            _without_gaps,
            "There is an address at which no query stands: behind the heads of a token come its keys and values. Which "
            "test shows that quotients and remainders led you into a gap?",
        ),
    ],
    hints=[
        "The element (batch, head, token, feature) stands at the sum of the four indices times their strides. Turn "
        "that round.",
        "The tensors are small: you may try every element. np.indices(shape) gives the four indices of all of them at "
        "once.",
        "Program (token // block, batch · heads + head), or (−1, −1) where no element has the address.",
    ],
    explanation="That is how one reads a report of a memory checker: it names an address, and the grid and the strides "
    "say who was there.",
)
