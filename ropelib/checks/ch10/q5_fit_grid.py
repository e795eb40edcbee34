"""Positions of a picture of another size and shape, in the patches of the picture that a model was trained on."""

from collections.abc import Callable

import numpy as np

from ropelib.checks.core import ROOMS, Misconception, Question
from ropelib.checks.inputs import fair, generator
from ropelib.checks.observe import Case
from ropelib.reference import Floats


def fit_grid(trained: int, height: int, width: int) -> Floats:
    places = np.array(list(np.ndindex(height, width)))
    from_the_middle = places - [(height - 1) / 2, (width - 1) / 2]
    return (trained - 1) / 2 + trained / max(height, width) * from_the_middle


def _cases(seed: int) -> list[Case]:
    rng = generator(10, 5, seed)

    def high() -> Case:
        trained, short, extra = (int(n) for n in rng.integers((5, 3, 2), (9, 6, 5)))
        return Case("higher than wide", (trained, short + extra, short), weight=2)

    return [
        Case("the trained size", (4, 4, 4)),
        Case("twice as fine", (4, 8, 8), weight=2),
        Case("coarser", (6, 3, 3)),
        Case("wider than high", (4, 4, 8), weight=2),
        fair(high, fit_grid, [_middle_kept(lambda trained, height, width: 1.0)]),
    ]


def _places(height: int, width: int) -> Floats:
    return np.indices((height, width), dtype=float).reshape(2, -1).T


def _ends(height: int, width: int) -> Floats:
    return np.array([height, width]) - 1.0


def _middle_kept(
    scale: Callable[[int, int, int], Floats | float],
    middle: Callable[[int], float] = lambda trained: (trained - 1) / 2,
) -> Callable[[int, int, int], Floats]:
    """Around the middle, each step as long as scale says."""
    return lambda trained, height, width: (
        middle(trained) + scale(trained, height, width) * (_places(height, width) - _ends(height, width) / 2)
    )


def _from_the_corner(trained: int, height: int, width: int) -> Floats:
    return trained / max(height, width) * _places(height, width)


def _short_side_at_the_edge(trained: int, height: int, width: int) -> Floats:
    return (_places(height, width) + 0.5) * trained / max(height, width) - 0.5


def _longer_side_from_0(trained: int, height: int, width: int) -> Floats:
    """The shorter side is centred, as it should be."""
    longer = np.array([height, width]) == max(height, width)
    return np.where(longer, _from_the_corner(trained, height, width), fit_grid(trained, height, width))


def _column_after_column(trained: int, height: int, width: int) -> Floats:
    return fit_grid(trained, height, width).reshape(height, width, 2).swapaxes(0, 1).reshape(-1, 2)


def _exchanged(trained: int, height: int, width: int) -> Floats:
    return fit_grid(trained, height, width)[:, ::-1]


def _unit(trained: int, height: int, width: int) -> Floats:
    return (2 * _places(height, width) - _ends(height, width)) / max(height, width)


QUESTION = Question(
    name="fit_grid",
    title="A picture of another size and shape",
    objective="place the patches of any picture in the coordinates of the one that a model was trained on",
    difficulty="moderate",
    minutes=15,
    points=4,
    reference=fit_grid,
    cases=_cases,
    answered_by=(*ROOMS, "ropelib.axial"),
    misconceptions=[
        Misconception(
            "distorted",
            _middle_kept(lambda trained, height, width: np.array([trained / height, trained / width])),
            "Height and width are both stretched to the trained grid, so a circle becomes an ellipse. A step down and "
            "one to the right are equally long in the picture: are they in your positions?",
        ),
        Misconception(
            "shorter side fitted",
            _middle_kept(lambda trained, height, width: trained / min(height, width)),
            "The shorter side fills the trained grid, and the longer one runs out of it. Which side has to fit?",
        ),
        Misconception(
            "corners matched",
            _from_the_corner,
            "The first patch stands at (0, 0). A fine patch covers only a part of the coarse one in the corner: where "
            "is its middle? And where is the middle of the whole picture?",
        ),
        Misconception(
            "longer side from 0",
            _longer_side_from_0,
            "The shorter side is centred. Along the longer one the first patch stands at 0, where the trained one "
            "stood, but it is not as large: where is its middle, if its edge is at −½?",
        ),
        Misconception(
            "first and last patch matched",
            _middle_kept(lambda trained, height, width: (trained - 1) / (max(height, width) - 1)),
            "First and last patch stand at 0 and trained − 1, where the trained ones stood. The *edges* of the picture "
            "are to be matched, and a patch reaches half a patch beyond its middle. How many trained patches wide is a "
            "new one?",
        ),
        Misconception(
            "first and last patch on the edges",
            _middle_kept(lambda trained, height, width: trained / (max(height, width) - 1)),
            "First and last patch stand at −½ and trained − ½, on the edges of the picture, and half of each hangs "
            "over. It is the patches' own edges that belong there: how many steps long are n patches, edge to edge?",
        ),
        Misconception(
            "factor from the height",
            _middle_kept(lambda trained, height, width: trained / height),
            "Right for pictures that are not wider than high. The size of a patch comes from the height alone: what "
            "becomes of the ends of a wide picture?",
        ),
        Misconception(
            "factor from the width",
            _middle_kept(lambda trained, height, width: trained / width),
            "Right for pictures that are not higher than wide. The size of a patch comes from the width alone: what "
            "becomes of the ends of a high picture?",
        ),
        Misconception(
            "factor upside down",
            _middle_kept(lambda trained, height, width: max(height, width) / trained),
            "More patches move further apart here. Twice as many patches on the same picture: how far apart are two "
            "neighbours, in trained patches?",
        ),
        Misconception(
            "shorter side at the edge",
            _short_side_at_the_edge,
            "The longer side is right. The shorter one begins at the upper or left edge: how much room is left, and "
            "where should half of it be?",
        ),
        Misconception(
            "middle half a patch off",
            _middle_kept(lambda trained, height, width: trained / max(height, width), lambda trained: trained / 2),
            "Everything is half a patch too far down and to the right. Trained positions go from 0 to trained − 1: "
            "where is their middle?",
        ),
        Misconception(
            "not rescaled",
            _middle_kept(lambda trained, height, width: 1.0),
            "The picture is centred, but a new patch is as large as a trained one, so a finer picture runs out of the "
            "grid. By which factor do its steps shrink?",
        ),
        Misconception(
            "positions go on",
            lambda trained, height, width: _places(height, width),
            "These are the rows and columns as they are counted. Asked for is where they lie on the trained grid: what "
            "happens to a picture with twice as many patches?",
        ),
        Misconception(
            "row and column exchanged",
            _exchanged,
            "Row and column are exchanged: the first of the two numbers should change from one line of patches to the "
            "next. Which does yours?",
        ),
        Misconception(
            "column after column",
            _column_after_column,
            "The positions are right, but the patches come column after column. Which of the two numbers changes "
            "from the first patch to the second?",
        ),
        Misconception(
            "around 0",
            _middle_kept(lambda trained, height, width: trained / max(height, width), lambda trained: 0.0),
            "The steps are right, and the middle of the picture stands at 0. Where is the middle of the trained "
            "pictures, whose positions go from 0 to trained − 1?",
        ),
        Misconception(
            "from minus one to one",
            _unit,
            "These are coordinates from −1 to 1 around the middle, as DINOv3 has them. Asked for are positions on the "
            "trained grid: where is its middle, and how many units long is its half?",
        ),
    ],
    hints=[
        "Measure from the middle of the picture: then shape and size do not disturb each other. The middle of n "
        "patches is at (n − 1)/2.",
        "A new patch is trained / max(height, width) trained patches wide, and high.",
        "Three steps: rows and columns as counted, minus the middle of the new picture, times the size of a patch, "
        "plus the middle of the trained one.",
    ],
    explanation="For twice as many patches the positions are −0.25, 0.25, 0.75, …: each trained patch has two new "
    "ones, a quarter to its left and a quarter to its right. Offsets are all that scores see, so the common shift does "
    "nothing; the size of the steps does.",
)
