"""Keep of a trained matrix what leaves added positions relative."""

from collections.abc import Callable

import numpy as np

from ropelib.checks.core import ROOMS, Misconception, Question
from ropelib.checks.inputs import fair, generator, halves
from ropelib.checks.observe import Case
from ropelib.reference import Floats


def relative_part(M: Floats) -> Floats:
    half = len(M) // 2
    a, b, c, d = (np.diag(block) for block in (M[:half, :half], M[:half, half:], M[half:, :half], M[half:, half:]))
    along, across = np.diag((a + d) / 2), np.diag((c - b) / 2)
    return np.block([[along, -across], [across, along]])


def _cases(seed: int) -> list[Case]:
    rng = generator(4, 3, seed)

    def pairs(label: str, count: int) -> Case:
        def draw() -> Case:
            return Case(label, (halves(rng, 2 * count, 2 * count),), weight=2)

        return fair(draw, relative_part, [_no_turning, _no_lengthening])

    return [
        Case("one pair, a stretch", (np.diag([3.0, 1.0]),)),
        Case("one pair, a turn", (np.array([[0.0, -1.0], [1.0, 0.0]]),)),
        Case("one pair", (np.array([[1.0, 2.0], [5.0, 4.0]]),)),
        pairs("two pairs", 2),
        pairs("three pairs", 3),
        pairs("four pairs", 4),
    ]


def _blocks(M: Floats) -> tuple[Floats, Floats, Floats, Floats]:
    half = len(M) // 2
    return M[:half, :half], M[:half, half:], M[half:, :half], M[half:, half:]


def _from(change: Callable[..., tuple[Floats, Floats]], turned: float = 1.0) -> Callable[[Floats], Floats]:
    """Another rule from the entries a, b, c, d of each pair to its lengthening and its turning."""

    def program(M: Floats) -> Floats:
        along, across = (np.diag(part) for part in change(*map(np.diag, _blocks(M))))
        return np.block([[along, -turned * across], [turned * across, along]])

    return program


_no_turning = _from(lambda a, b, c, d: ((a + d) / 2, 0 * b))
_no_lengthening = _from(lambda a, b, c, d: (0 * a, (c - b) / 2))


def _within_pairs(M: Floats) -> Floats:
    return np.block([[np.diag(np.diag(block)) for block in row] for row in (_blocks(M)[:2], _blocks(M)[2:])])


def _other_pairs_kept(M: Floats) -> Floats:
    a, b, c, d = _blocks(M)
    along, across = (a + d) / 2, (c - b) / 2
    return np.block([[along, -across], [across, along]])


def _neighbours(M: Floats) -> Floats:
    order = np.r_[0 : len(M) : 2, 1 : len(M) : 2]
    back = np.argsort(order)
    return relative_part(M[np.ix_(order, order)])[np.ix_(back, back)]


QUESTION = Question(
    name="relative_part",
    title="What a matrix leaves relative",
    objective="split a trained matrix into what keeps added positions relative and what spoils them",
    difficulty="demanding",
    minutes=15,
    points=6,
    reference=relative_part,
    cases=_cases,
    answered_by=(*ROOMS, "ropelib.tiny_model", "ropelib.tiny_training"),
    misconceptions=[
        Misconception(
            "only the diagonal",
            lambda M: np.diag(np.diag(M)),
            "This keeps the diagonal of M. Stretching the two features of a pair differently was one of the matrices "
            "that spoil; and can a turn have zeros off the diagonal?",
        ),
        Misconception(
            "pairs as they are",
            _within_pairs,
            "Each pair keeps its four numbers. What is between different pairs is rightly gone, but 2 by 2 matrices "
            "do not all pass through a turn: what do a turn and a stretch have in common in their two diagonal "
            "entries?",
        ),
        Misconception(
            "turning left out",
            _no_turning,
            "The lengthening is right, the turning is missing. A matrix may turn each pair and stay relative.",
        ),
        Misconception(
            "lengthening left out",
            _no_lengthening,
            "The turning is right, the lengthening is missing.",
        ),
        Misconception(
            "symmetrised",
            _from(lambda a, b, c, d: ((a + d) / 2, (b + c) / 2)),
            "b and c are added. In a turn they have opposite signs: of which combination is a turn made, and which "
            "one is a mirror?",
        ),
        Misconception(
            "turned the other way",
            _from(lambda a, b, c, d: ((a + d) / 2, (c - b) / 2), turned=-1.0),
            "The turn goes the other way. Put in a matrix that is a turn already: it should come back unchanged.",
        ),
        Misconception(
            "not halved",
            _from(lambda a, b, c, d: (a + d, c - b)),
            "This is twice too large. Put in the identity: it should come back unchanged.",
        ),
        Misconception(
            "other pairs kept",
            _other_pairs_kept,
            "What M has between different pairs is still there. Two pairs turn at different speeds: does a product "
            "of one with the other depend on m − n only?",
        ),
        Misconception(
            "one turn for all pairs",
            _from(lambda a, b, c, d: ((a + d) / 2 * 0 + (a + d).mean() / 2, 0 * b + (c - b).mean() / 2)),
            "All pairs got the same lengthening and turning, the mean over the pairs. Each may have its own.",
        ),
        Misconception(
            "neighbours paired",
            _neighbours,
            "This takes neighbours for pairs. The sinusoids of the chapter hold all sines first: feature i belongs "
            "with feature i + d/2.",
        ),
    ],
    hints=[
        "Start with one pair, M = [[a, b], [c, d]]. Turn it along: what is the mean of R(φ) M R(−φ) over all angles φ?",
        "The mean is [[(a + d)/2, −(c − b)/2], [(c − b)/2, (a + d)/2]]: a turn and a stretch. What stands between "
        "different pairs has the mean 0.",
        "np.diag takes the diagonal of a block, and makes a diagonal matrix of a row. np.block puts four blocks "
        "together.",
    ],
    explanation="In one pair half of the numbers survive, two of four; with d features d of d². Training would have to "
    "find the others and set them to 0. RoPE turns after the matrices and does not have to ask.",
)
