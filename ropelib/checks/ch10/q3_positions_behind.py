"""Name the positions behind a table of scores, from what the scores depend on."""

from collections.abc import Callable

import numpy as np

from ropelib.checks.core import ROOMS, Misconception, Question
from ropelib.checks.inputs import generator
from ropelib.checks.observe import Case
from ropelib.reference import Floats

FLAT, AXIAL, MIXED, NOT_RELATIVE = "flat", "axial", "mixed", "not relative"


def positions_behind(scores: Floats, width: int) -> str:
    height = len(scores) // width
    s = scores.reshape(height, width, height, width)
    one_down = np.allclose(s[1:, :, 1:, :], s[:-1, :, :-1, :])
    one_right = np.allclose(s[:, 1:, :, 1:], s[:, :-1, :, :-1])
    if not (one_down and one_right):
        return "not relative"
    if np.allclose(scores[1:, 1:], scores[:-1, :-1]):
        return "flat"
    from_first = s[0, 0]
    is_a_sum = np.allclose(from_first, from_first[:, :1] + from_first[:1, :] - from_first[0, 0])
    return "axial" if is_a_sum else "mixed"


AXIAL_8 = np.array([[1.0, 0.3, 0.0, 0.0], [0.0, 0.0, 1.0, 0.3]])
DEALT_8 = np.array([[1.0, 0.0, 0.2, 0.0], [0.0, 0.5, 0.0, 0.1]])
DIAGONAL_8 = np.array([[1.0, 0.3, 0.7, 0.2], [-1.0, -0.3, -0.7, -0.2]])
FLAT_8 = np.array([1.0, 0.3, 0.5, 0.1])


def _scores(
    rng: np.random.Generator, shape: tuple[int, int], of_queries: Floats, of_keys: Floats | None = None
) -> tuple[Floats, int]:
    """The score of one query with one key at every pair of patches; the two matrices may differ."""
    places = np.indices(shape).reshape(2, -1).T
    return _of_angles(rng, places @ of_queries, places @ (of_queries if of_keys is None else of_keys)), shape[1]


def _of_angles(rng: np.random.Generator, of_queries: Floats, of_keys: Floats) -> Floats:
    # Contents of length 1 that do not all but vanish in any pair: then no property holds by accident.
    size, phase = rng.uniform(0.6, 1.4, (2, 4)), rng.uniform(0.3, 2.8, 4)
    turned = of_queries[:, None] - of_keys
    # In steps of 2⁻²⁰, pair by pair: sums are exact, and scores that should be equal are.
    return (np.rint(size.prod(axis=0) * np.cos(turned + phase) * 2**20) / 2**20).sum(axis=-1)


def _serpentine(rng: np.random.Generator, shape: tuple[int, int]) -> tuple[Floats, int]:
    """Flat positions, but every second row is numbered from right to left: each patch agrees with itself only."""
    numbers = np.arange(np.prod(shape)).reshape(shape)
    numbers[1::2] = numbers[1::2, ::-1]
    angles = numbers.reshape(-1, 1) * FLAT_8
    return _of_angles(rng, angles, angles), shape[1]


def _zero_with_itself(scores: Floats, width: int) -> tuple[Floats, int]:
    """As with one more pair, which does not turn."""
    return scores - scores[0, 0], width


def _numbered(width: int) -> Floats:
    """Flat positions as a matrix: row · width + column."""
    return np.outer([width, 1], FLAT_8)


def _cases(seed: int) -> list[Case]:
    rng = generator(10, 3, seed)
    mixed = rng.uniform(0.2, 1.0, (2, 4)) * rng.choice([-1, 1], (2, 4))
    noise, nearly = rng.uniform(-5e-13, 5e-13, (16, 16)), rng.choice([-0.025, 0.025], (16, 16))
    return [
        Case("axial, 4×4", _scores(rng, (4, 4), AXIAL_8)),
        Case("flat, 4×4", _scores(rng, (4, 4), _numbered(4)), weight=2),
        Case("mixed, 4×4", _scores(rng, (4, 4), mixed)),
        Case("axial, dealt out, 4×4, with rounding errors", (_scores(rng, (4, 4), DEALT_8)[0] + noise, 4), weight=2),
        Case("axial, a patch scores 0 with itself, 4×3", _zero_with_itself(*_scores(rng, (4, 3), AXIAL_8))),
        Case("flat, 3×5", _scores(rng, (3, 5), _numbered(5))),
        Case("one direction, 5×3", _scores(rng, (5, 3), DIAGONAL_8)),
        Case("keys not rotated by their rows", _scores(rng, (4, 4), AXIAL_8, AXIAL_8 * [[0], [1]]), weight=2),
        Case("keys not rotated by their columns", _scores(rng, (4, 4), AXIAL_8, AXIAL_8 * [[1], [0]]), weight=2),
        Case("axial queries, mixed keys", _scores(rng, (3, 4), AXIAL_8, mixed)),
        Case("numbered like a serpentine", _serpentine(rng, (4, 4)), weight=2),
        Case("axial but for 0.05, 4×4", (_scores(rng, (4, 4), AXIAL_8)[0] + nearly, 4)),
    ]


def _moves(scores: Floats, width: int) -> tuple[bool, bool]:
    """Whether the scores stay when query and key both go one down, and one to the right."""
    s = scores.reshape(-1, width, len(scores) // width, width)
    return np.allclose(s[1:, :, 1:], s[:-1, :, :-1]), np.allclose(s[:, 1:, :, 1:], s[:, :-1, :, :-1])


def _is_flat(scores: Floats) -> bool:
    return np.allclose(scores[1:, 1:], scores[:-1, :-1])


def _is_sum(scores: Floats, width: int) -> bool:
    s = scores[0].reshape(-1, width)
    return np.allclose(s, s[:, :1] + s[:1] - s[0, 0])


def _named(scores: Floats, width: int, relative: bool) -> str:
    if not relative:
        return NOT_RELATIVE
    if _is_flat(scores):
        return FLAT
    return AXIAL if _is_sum(scores, width) else MIXED


def _product_tested(scores: Floats, width: int) -> str:
    found, s = positions_behind(scores, width), scores[0].reshape(-1, width)
    is_product = np.allclose(s * s[0, 0], s[:, :1] * s[:1])
    return found if found in (FLAT, NOT_RELATIVE) else AXIAL if is_product else MIXED


def _corner_left_in(scores: Floats, width: int) -> str:
    found, s = positions_behind(scores, width), scores[0].reshape(-1, width)
    return found if found in (FLAT, NOT_RELATIVE) else AXIAL if np.allclose(s, s[:, :1] + s[:1]) else MIXED


def _sum_first(scores: Floats, width: int) -> str:
    return AXIAL if _is_sum(scores, width) else positions_behind(scores, width)


def _compared(equal: Callable[[Floats, Floats], bool]) -> Callable[[Floats, int], str]:
    """The right program, with another word for when two tables are equal."""

    def program(scores: Floats, width: int) -> str:
        s = scores.reshape(-1, width, len(scores) // width, width)
        if not (equal(s[1:, :, 1:], s[:-1, :, :-1]) and equal(s[:, 1:, :, 1:], s[:, :-1, :, :-1])):
            return NOT_RELATIVE
        if equal(scores[1:, 1:], scores[:-1, :-1]):
            return FLAT
        t = s[0, 0]
        return AXIAL if equal(t, t[:, :1] + t[:1] - t[0, 0]) else MIXED

    return program


def _diagonal_tried(scores: Floats, width: int) -> str:
    return _named(scores, width, np.allclose(np.diagonal(scores), scores[0, 0]))


def _renamed(names: dict[str, str]) -> Callable[[Floats, int], str]:
    return lambda scores, width: names.get(positions_behind(scores, width), positions_behind(scores, width))


QUESTION = Question(
    name="positions_behind",
    title="Which positions are behind these scores?",
    objective="tell flat, axial and mixed positions apart by what their scores depend on, and notice when none is "
    "relative",
    difficulty="demanding",
    minutes=25,
    points=4,
    reference=positions_behind,
    cases=_cases,
    answered_by=(*ROOMS, "ropelib.axial"),
    options=(FLAT, AXIAL, MIXED, NOT_RELATIVE),
    misconceptions=[
        Misconception(
            "moved to the right only",
            lambda scores, width: _named(scores, width, _moves(scores, width)[1]),
            "Some scores stay when both patches move to the right and change when both move down. You called them "
            "relative: which other direction must be tried?",
        ),
        Misconception(
            "moved down only",
            lambda scores, width: _named(scores, width, _moves(scores, width)[0]),
            "Some scores stay when both patches move down and change when both move to the right. You called them "
            "relative: which other direction must be tried?",
        ),
        Misconception(
            "relativity not tried",
            lambda scores, width: _named(scores, width, True),
            "A scheme is named for scores that change when both patches move together. What should be asked before "
            "anything else?",
        ),
        Misconception(
            "only the diagonal tried",
            _diagonal_tried,
            "Some scores stay where a patch looks at itself, and change between two patches that both move by the same "
            "step. You called them relative: which pairs of patches did you compare?",
        ),
        Misconception(
            "relative means equal numbers apart",
            lambda scores, width: FLAT if _is_flat(scores) else NOT_RELATIVE,
            "Axial and mixed scores are reported as not relative. You compared patches whose *numbers* are equally far "
            "apart, which is the test for flat positions. What does an offset of a row and a column stay equal under?",
        ),
        Misconception(
            "flat not tried",
            _renamed({FLAT: MIXED}),
            "Flat scores are reported as mixed. They are relative in rows and columns, and no sum, but they have one "
            "more property: two patches whose *numbers* are equally far apart have the same score. Where do you ask "
            "for it?",
        ),
        Misconception(
            "axial and mixed exchanged",
            _renamed({AXIAL: MIXED, MIXED: AXIAL}),
            "Axial and mixed are exchanged. Which of them has scores that are a function of the row plus a function of "
            "the column?",
        ),
        Misconception(
            "product instead of sum",
            _product_tested,
            "Axial scores are reported as mixed. They need not be symmetric, nor a product of a function of the row "
            "and one of the column; that is true of the weights, after exp. What are the scores themselves?",
        ),
        Misconception(
            "corner left in",
            _corner_left_in,
            "Axial scores are reported as mixed, unless a patch scores 0 with itself. The first column and the first "
            "row of a table both hold its corner, t[0, 0]: how often is it in their sum, and how often should it be?",
        ),
        Misconception(
            "sum tried first",
            _sum_first,
            "Keys that were not rotated by one axis have scores that look like a sum from the first patch, and you "
            "called them axial. What must hold before that question makes sense?",
        ),
        Misconception(
            "exact comparison",
            _compared(np.array_equal),
            "Two scores that differ by a rounding error were called different. How near is near enough?",
        ),
        Misconception(
            "too generous a comparison",
            _compared(lambda a, b: bool((np.abs(a - b) <= 0.11).all())),
            "Two scores that differ by 0.05 were called equal. That is far more than a rounding error: how large is "
            "one here?",
        ),
    ],
    hints=[
        "Three questions, one after the other. Do the scores stay when query and key move together, down as well as to "
        "the right? Do they depend on the numbers of the patches alone? Are they a sum?",
        "scores.reshape(height, width, height, width) has the row and column of the query, then those of the key. One "
        "down for both: compare s[1:, :, 1:, :] with s[:-1, :, :-1, :]. Use np.allclose.",
        "Flat positions: scores[1:, 1:] equals scores[:-1, :-1]. A sum: the scores from the first patch, a table t, "
        "are t[:, :1] + t[:1, :] - t[0, 0].",
    ],
    explanation="The order matters. Keys that are not rotated by one axis have scores that look like a sum, so the "
    "first question is whether the scores are relative. Flat ones are, in rows and columns too, since their row's "
    "frequencies are width times their column's: what sets them apart from mixed ones is a test of their own.",
)
