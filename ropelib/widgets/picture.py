"""Text as a picture: what a card or a trace shows where no script runs."""

from collections.abc import Sequence
from dataclasses import dataclass

from matplotlib.figure import Figure

from ropelib import plotting

INCHES_A_LINE = 0.25


@dataclass(frozen=True)
class Line:
    """One line of the picture. indent is in characters of the code font."""

    text: str
    color: str = plotting.INK
    bold: bool = False
    code: bool = False
    indent: int = 0


def page(lines: Sequence[Line], inches: float = 8.4) -> Figure:
    """The lines, one under the other. Longer ones are cut at the edge: wrap them first."""
    height = INCHES_A_LINE * (len(lines) + 1)
    figure = Figure(figsize=(inches, height), layout="none", facecolor="white")
    for number, line in enumerate(lines, 1):
        figure.text(
            0.15 / inches + line.indent * 0.085 / inches,
            1 - INCHES_A_LINE * (number - 0.1) / height,
            line.text,
            color=line.color,
            fontsize=10 if line.code else 11,
            fontweight="bold" if line.bold else "normal",
            fontfamily="monospace" if line.code else "sans-serif",
            verticalalignment="center",
            parse_math=False,
        )
    return figure
