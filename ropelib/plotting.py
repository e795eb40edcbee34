"""One palette and one style for the whole course, and one function for every figure that recurs.

Every function draws and returns (figure, axes); the notebook calls plt.show(). Colours are safe for
colour-blind readers, and no meaning rests on colour alone: labels, markers and line styles say it too.
"""

from collections.abc import Mapping, Sequence

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import ArrayLike

# Okabe and Ito's palette without its yellow and purple, which are the hardest to tell from its other colours.
QUERY, KEY, OTHER, REFERENCE = "#0072B2", "#D55E00", "#009E73", "#777777"
INK = "#222222"
LINES = [QUERY, KEY, OTHER, "#56B4E9", "#E69F00"]
DASHES = ["-", "--", "-.", ":", (0, (5, 1, 1, 1, 1, 1))]
WEIGHTS, SIGNED = "cividis", "PuOr"


def use_style() -> None:
    """Set matplotlib up for the course: readable sizes, white ground in light and dark themes alike."""
    plt.rcdefaults()
    plt.rcParams.update(
        {
            "figure.dpi": 80,
            "figure.constrained_layout.use": True,
            "figure.facecolor": "white",
            "savefig.facecolor": "white",
            "font.size": 11,
            "axes.titlesize": 12,
            "axes.spines.top": False,
            "axes.spines.right": False,
            "axes.grid": True,
            "grid.color": "#E4E4E4",
            "axes.axisbelow": True,
            "legend.frameon": False,
            "lines.linewidth": 2,
        }
    )


def pair_colors(count: int) -> list[tuple[float, ...]]:
    """One colour a pair, from dark (fast) to light (slow)."""
    return [tuple(color) for color in plt.get_cmap("viridis")(np.linspace(0, 0.85, count))]


def plane(size: float = 1.6, title: str = "") -> tuple[Figure, Axes]:
    """An empty plane with equal axes and the unit circle, for arrow()."""
    figure, axes = plt.subplots(figsize=(4.6, 4.6))
    axes.add_patch(plt.Circle((0, 0), 1, fill=False, color=REFERENCE, linestyle=":"))
    axes.set(xlim=(-size, size), ylim=(-size, size), aspect="equal", title=title)
    axes.set(xlabel="first feature of the pair", ylabel="second feature of the pair")
    axes.axhline(0, color="#BBBBBB", linewidth=1)
    axes.axvline(0, color="#BBBBBB", linewidth=1)
    return figure, axes


def arrow(axes: Axes, vector: ArrayLike, label: str, color: str = INK, *, dashed: bool = False) -> None:
    """An arrow from the origin with its label just beyond the tip."""
    x, y = np.asarray(vector, dtype=float)
    style = {"arrowstyle": "-|>", "color": color, "linewidth": 2.2, "linestyle": "--" if dashed else "-"}
    axes.annotate("", xy=(x, y), xytext=(0, 0), arrowprops={**style, "shrinkA": 0, "shrinkB": 0})
    beyond = 0.13 * axes.get_xlim()[1] / max(np.hypot(x, y), 1e-9)
    where = {"ha": "center", "va": "center", "color": color, "bbox": {"fc": "white", "ec": "none", "pad": 0.6}}
    axes.text(x * (1 + beyond), y * (1 + beyond), label, **where)


def heat_maps(
    panels: Mapping[str, ArrayLike],
    labels: Sequence[str],
    *,
    signed: Sequence[str] = (),
    digits: int = 2,
    xlabel: str = "key",
    ylabel: str = "query",
) -> tuple[Figure, np.ndarray]:
    """Square matrices side by side, every entry written in its cell.

    signed: titles of the panels that show a difference: a diverging map centred at zero, numbers with their sign
    """
    figure, grid = plt.subplots(1, len(panels), figsize=(4.3 * len(panels), 4.1), squeeze=False)
    plain = [np.asarray(matrix) for title, matrix in panels.items() if title not in signed]
    low, high = (min(map(np.min, plain)), max(map(np.max, plain))) if plain else (0, 1)
    for axes, (title, matrix) in zip(grid[0], panels.items(), strict=True):
        matrix = np.asarray(matrix, dtype=float)
        bound = np.abs(matrix).max() or 1.0
        limits = (-bound, bound) if title in signed else (low, high)
        image = axes.imshow(matrix, cmap=SIGNED if title in signed else WEIGHTS, vmin=limits[0], vmax=limits[1])
        _write_entries(axes, image, matrix, f"{'+' if title in signed else ''}.{digits}f")
        ticks = range(len(labels))
        axes.set(title=title, xticks=ticks, yticks=ticks, xlabel=xlabel, ylabel=ylabel)
        axes.set_xticklabels(labels)
        axes.set_yticklabels(labels)
        axes.grid(False)
    return figure, grid[0]


def _write_entries(axes: Axes, image: plt.cm.ScalarMappable, matrix: np.ndarray, form: str) -> None:
    for (row, column), value in np.ndenumerate(matrix):
        red, green, blue, _ = image.cmap(image.norm(value))
        dark = 0.299 * red + 0.587 * green + 0.114 * blue < 0.5
        text = format(value, form)
        text = text if float(text) else text.lstrip("+-")
        axes.text(column, row, text, ha="center", va="center", color="white" if dark else "black")


def curves(
    x: ArrayLike,
    lines: Mapping[str, ArrayLike],
    *,
    xlabel: str,
    ylabel: str,
    title: str = "",
    colors: Sequence[object] = LINES,
    bold: str = "",
) -> tuple[Figure, Axes]:
    """Lines over a common axis; each has a dash pattern of its own, and its label in the legend beside the plot.

    bold: the label of the line that the figure is about, drawn thick and solid
    """
    figure, axes = plt.subplots(figsize=(8, 4))
    for number, (label, values) in enumerate(lines.items()):
        style = {"linestyle": "-", "linewidth": 3} if label == bold else {"linestyle": DASHES[number % len(DASHES)]}
        axes.plot(x, values, label=label, color=colors[number], **style)
    axes.set(xlabel=xlabel, ylabel=ylabel, title=title)
    if len(lines) > 1:
        axes.legend(loc="center left", bbox_to_anchor=(1.0, 0.5))
    return figure, axes


def wavelengths(spectra: Mapping[str, ArrayLike], *, marks: Mapping[str, float] | None = None) -> tuple[Figure, Axes]:
    """The wavelength of every pair, on a logarithmic axis, one row of markers a spectrum.

    spectra: label → inv_freq, in radians per position
    marks:   label → a length in tokens, drawn across
    """
    figure, axes = plt.subplots(figsize=(8, 4.2))
    for number, (label, inv_freq) in enumerate(spectra.items()):
        lengths = 2 * np.pi / np.asarray(inv_freq)
        place = np.arange(len(lengths)) / len(lengths)
        style = {"marker": "os^Dv"[number], "linestyle": "", "color": LINES[number], "markersize": 6}
        axes.plot(place, lengths, label=label, fillstyle="full" if number == 0 else "none", **style)
    for label, length in (marks or {}).items():
        axes.axhline(length, color=REFERENCE, linestyle="--", linewidth=1.2)
        axes.text(0.0, length * 1.15, label, color=INK, fontsize=10)
    axes.set(yscale="log", xlabel="2i/d for pair i of a head with d numbers", ylabel="wavelength (tokens)")
    axes.legend(loc="upper left")
    return figure, axes
