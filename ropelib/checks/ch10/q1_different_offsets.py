"""Count what a head can tell apart: flat offsets, axial offsets, and the flat ones that mean several things."""

from collections.abc import Callable

from ropelib.checks.core import Misconception, Question
from ropelib.checks.inputs import generator
from ropelib.checks.observe import Case

Counts = list[int]


def different_offsets(height: int, width: int) -> Counts:
    rows, columns = range(1 - height, height), range(1 - width, width)
    flat = [row * width + column for row in rows for column in columns]
    ambiguous = {number for number in flat if flat.count(number) > 1}
    return [len(set(flat)), len(flat), len(ambiguous)]


def _cases(seed: int) -> list[Case]:
    rng = generator(10, 1, seed)
    height, width = (int(n) for n in rng.permutation(range(5, 10))[:2])
    return [
        Case("two by two", (2, 2)),
        Case("the 4×4 grid", (4, 4), weight=2),
        Case("a single row", (1, 6)),
        Case("a grid that is not square", (height, width), weight=3),
    ]


def _but(
    flat: Callable[[int, int], int] = lambda height, width: 2 * height * width - 1,
    axial: Callable[[int, int], int] = lambda height, width: (2 * height - 1) * (2 * width - 1),
    ambiguous: Callable[[int, int], int] = lambda height, width: 2 * (height - 1) * (width - 1),
) -> Callable[[int, int], Counts]:
    """The right numbers with one thing exchanged."""
    return lambda height, width: [flat(height, width), axial(height, width), ambiguous(height, width)]


def _lengths(height: int, width: int) -> int:
    return len({row**2 + column**2 for row in range(height) for column in range(width)})


QUESTION = Question(
    name="different_offsets",
    title="How much can an offset say?",
    objective="count the offsets that a head can tell apart, and those that mean more than one thing",
    difficulty="warm-up",
    minutes=10,
    points=4,
    reference=different_offsets,
    cases=_cases,
    sequence=True,
    misconceptions=[
        Misconception(
            "flat distances without a sign",
            _but(flat=lambda height, width: height * width),
            "The first number counts distances, from 0 to the last patch. A score tells before from after: which "
            "offsets are missing?",
        ),
        Misconception(
            "axial distances without a sign",
            _but(axial=lambda height, width: height * width),
            "The second number counts steps down and to the right only. A step may also go up or to the left: how many "
            "values has Δrow?",
        ),
        Misconception(
            "no sign at all",
            _but(
                flat=lambda height, width: height * width,
                axial=lambda height, width: height * width,
                ambiguous=lambda height, width: (height - 1) * (width - 1),
            ),
            "All three numbers count steps in one direction only. A score tells before from after, left from right: "
            "which offsets are missing?",
        ),
        Misconception(
            "flat and axial exchanged",
            lambda height, width: [different_offsets(height, width)[i] for i in (1, 0, 2)],
            "The first two numbers are exchanged: the flat offsets come first. Which of the two is the smaller one?",
        ),
        Misconception(
            "more than one pair of patches",
            lambda height, width: [*different_offsets(height, width)[:2], 2 * height * width - 3],
            "The third number counts the flat offsets that more than one pair of patches has. Two pairs may be the "
            "same *step*, taken elsewhere: count the offsets that stand for two different steps.",
        ),
        Misconception(
            "axes added",
            _but(axial=lambda height, width: 2 * height - 1 + 2 * width - 1),
            "The second number adds the values of Δrow and of Δcolumn. Each Δrow goes with each Δcolumn: how many "
            "combinations are there?",
        ),
        Misconception(
            "pairs of patches counted",
            _but(flat=lambda height, width: (height * width) ** 2, axial=lambda height, width: (height * width) ** 2),
            "Every pair of patches has been counted. Many pairs have the same offset, and the head cannot tell them "
            "apart: how many different ones are there?",
        ),
        Misconception(
            "offset zero left out",
            _but(
                flat=lambda height, width: 2 * height * width - 2,
                axial=lambda height, width: (2 * height - 1) * (2 * width - 1) - 1,
            ),
            "The first two numbers are short by one. A patch also has a score with itself: what is the offset then?",
        ),
        Misconception(
            "lengths of the steps",
            _but(axial=_lengths),
            "The second number counts how long the steps are, as the crow flies. An axial score does not know that "
            "length: what does it know?",
        ),
        Misconception(
            "ambiguous steps counted",
            _but(ambiguous=lambda height, width: 4 * (height - 1) * (width - 1)),
            "The third number counts steps (Δrow, Δcolumn) that share their flat offset with another. Asked for are "
            "the flat offsets themselves: how many steps share one?",
        ),
        Misconception(
            "unambiguous offsets counted",
            _but(ambiguous=lambda height, width: 2 * height * width - 1 - 2 * (height - 1) * (width - 1)),
            "The third number counts the flat offsets with a single meaning. Asked for are the others.",
        ),
        Misconception(
            "ambiguous offsets of one sign",
            _but(ambiguous=lambda height, width: (height - 1) * (width - 1)),
            "The third number is half of what it should be. If the offset 1 is ambiguous, what about −1?",
        ),
    ],
    hints=[
        "Take two by two with a pencil. The patches are 0, 1, 2, 3: which differences are there, and which steps "
        "(Δrow, Δcolumn)?",
        "Run through all steps: Δrow from 1 − height to height − 1, Δcolumn from 1 − width to width − 1. Each has the "
        "flat offset Δrow · width + Δcolumn.",
        "Collect the flat offsets of all steps in a list. len(set(…)) counts the different ones, and .count(…) says "
        "how often one occurs.",
    ],
    explanation="In closed form: 2·h·w − 1, (2h − 1)(2w − 1), and 2(h − 1)(w − 1). For the 4×4 grid these are 31, 49 "
    "and 18: more than half of the flat offsets mean two different steps.",
)
