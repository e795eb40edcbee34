"""The positions of one device where blocks of a text are dealt out there and back."""

from collections.abc import Callable

import numpy as np

from ropelib.checks.core import Misconception, Question
from ropelib.checks.inputs import fair, generator
from ropelib.checks.observe import Case

Positions = np.ndarray


def there_and_back(rank: int, devices: int, block: int, tokens: int) -> Positions:
    lap, place = np.divmod(np.arange(tokens) // block, devices)
    owner = np.where(lap % 2 == 0, place, devices - 1 - place)
    return np.flatnonzero(owner == rank)


def _owned_by(owner: Callable[[Positions, Positions, int], Positions]) -> Callable[..., Positions]:
    """A program that gives every block to the device that owner says, from its lap, place and the devices."""

    def program(rank: int, devices: int, block: int, tokens: int) -> Positions:
        lap, place = np.divmod(np.arange(tokens) // block, devices)
        return np.flatnonzero(owner(lap, place, devices) == rank)

    return program


def _contiguous(rank: int, devices: int, block: int, tokens: int) -> Positions:
    share = len(there_and_back(rank, devices, block, tokens))
    return rank * share + np.arange(share)


def _in_one_piece(rank: int, devices: int, block: int, tokens: int) -> Positions:
    found = there_and_back(rank, devices, block, tokens)
    return found[0] + np.arange(len(found))


def _local(rank: int, devices: int, block: int, tokens: int) -> Positions:
    return np.arange(len(there_and_back(rank, devices, block, tokens)))


def _block_numbers(rank: int, devices: int, block: int, tokens: int) -> Positions:
    return there_and_back(rank, devices, block, tokens) // block


def _whole_blocks(rank: int, devices: int, block: int, tokens: int) -> Positions:
    return there_and_back(rank, devices, block, tokens // block * block)


def _beyond_the_end(rank: int, devices: int, block: int, tokens: int) -> Positions:
    return there_and_back(rank, devices, block, -(-tokens // block) * block)


def _single_tokens(rank: int, devices: int, block: int, tokens: int) -> Positions:
    return there_and_back(rank, devices, 1, tokens)


def _order_of_the_text(lap: Positions, place: Positions, devices: int) -> Positions:
    return place


def _backwards_first(lap: Positions, place: Positions, devices: int) -> Positions:
    return np.where(lap % 2 == 1, place, devices - 1 - place)


def _once_there_then_back(lap: Positions, place: Positions, devices: int) -> Positions:
    return np.where(lap == 0, place, devices - 1 - place)


BANK = [
    Misconception(
        "one piece for each device",
        _contiguous,
        "These positions follow each other without a gap, as in contiguous shares. How many blocks does this device "
        "get, and what lies between them?",
    ),
    Misconception(
        "counted on from the first token",
        _in_one_piece,
        "The first token is right, and from there you count on. What comes after the last token of a device's first "
        "block: its next token, or somebody else's?",
    ),
    Misconception(
        "counted from zero",
        _local,
        "These are the places of the tokens on their device, 0, 1, 2, … Asked for is where they stand in the text.",
    ),
    Misconception(
        "always in the same direction",
        _owned_by(_order_of_the_text),
        "Every lap begins at device 0 here. The second lap goes back: who gets its first block?",
    ),
    Misconception(
        "backwards first",
        _owned_by(_backwards_first),
        "The first lap begins at the last device here. Who gets block 0?",
    ),
    Misconception(
        "never there again",
        _owned_by(_once_there_then_back),
        "From the second lap on, all laps go back. In which direction does the third one go?",
    ),
    Misconception(
        "single tokens dealt out",
        _single_tokens,
        "Single tokens are dealt out. A device gets a whole block at a time: how many tokens are that?",
    ),
    Misconception(
        "numbers of blocks",
        _block_numbers,
        "These are the numbers of the blocks, repeated. Asked for are the positions of the tokens in them.",
    ),
    Misconception(
        "short block left out",
        _whole_blocks,
        "The last block of the text is shorter than the others, and its tokens belong to nobody here. Who gets it?",
    ),
    Misconception(
        "beyond the end",
        _beyond_the_end,
        "Some of these positions lie beyond the end of the text. How many tokens are left for the last block?",
    ),
]


def _cases(seed: int) -> list[Case]:
    rng = generator(11, 1, seed)

    def draw() -> Case:
        block, laps = (int(n) for n in rng.integers((2, 3), (5, 6)))
        devices = int(rng.choice([4, 6]))
        tokens = devices * block * laps - int(rng.integers(1, block))
        return Case(
            "several laps, the last block short", (int(rng.integers(devices)), devices, block, tokens), weight=3
        )

    return [
        Case("zigzag, device 1 of 4", (1, 4, 2, 16)),
        Case("zigzag, the last device", (3, 4, 2, 16)),
        Case("three laps of single tokens", (0, 2, 1, 6)),
        fair(draw, there_and_back, [wrong.wrong for wrong in BANK]),
    ]


QUESTION = Question(
    name="there_and_back",
    title="Dealt out there and back",
    objective="name the positions of a device's own tokens where a text is dealt out in blocks",
    difficulty="warm-up",
    minutes=15,
    points=4,
    reference=there_and_back,
    cases=_cases,
    sequence=True,
    misconceptions=BANK,
    hints=[
        "Take two devices, blocks of one token and six tokens with a pencil. The owners are 0, 1, 1, 0, 0, 1.",
        "A token's block is its position // block. A block's lap is its number // devices, and its place in the lap "
        "the rest, number % devices.",
        "In laps 0, 2, 4, … the owner is the place, in laps 1, 3, 5, … it is devices − 1 − place. np.flatnonzero(owner "
        "== rank) gives the tokens of one device.",
    ],
    explanation="With two laps this is zigzag. With more laps the blocks are shorter and the pieces more: a device "
    "that reads its positions from such a list, and from nothing else, works with all of them.",
)
