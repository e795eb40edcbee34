"""Numbers as labelled text: stable on every machine, readable in a terminal and by a screen reader."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike


def table(
    values: ArrayLike,
    rows: Sequence[object] | None = None,
    columns: Sequence[object] | None = None,
    *,
    digits: int = 4,
    corner: str = "",
) -> str:
    """A matrix as aligned text with a label for every row and column.

    values:  (rows, columns), or (columns,) for a single row
    rows, columns: labels; the index where not given
    digits:  decimals shown; integers are shown without
    corner:  what the row labels are, above them

    Minus zero is shown as zero: which of the two a rounding error leaves differs between machines.
    Raises ValueError where values has more than two axes or the labels do not fit.
    """
    matrix = np.asarray(values)
    if matrix.ndim == 1:
        matrix = matrix[None]
        rows = [""] if rows is None else rows
    if matrix.ndim != 2:
        raise ValueError(f"values must have one or two axes, but their shape is {np.shape(values)}")
    rows = range(matrix.shape[0]) if rows is None else rows
    columns = range(matrix.shape[1]) if columns is None else columns
    if (len(rows), len(columns)) != matrix.shape:
        raise ValueError(f"{len(rows)} row and {len(columns)} column labels do not fit a {matrix.shape} matrix")
    cells = [[_number(value, digits) for value in row] for row in matrix]
    grid = [[corner, *map(str, columns)]] + [[str(row), *line] for row, line in zip(rows, cells, strict=True)]
    widths = [max(len(line[column]) for line in grid) for column in range(len(grid[0]))]
    return "\n".join(
        "  ".join([line[0].ljust(widths[0])] + [cell.rjust(w) for cell, w in zip(line[1:], widths[1:], strict=True)])
        for line in grid
    )


def _number(value: object, digits: int) -> str:
    if isinstance(value, (bool, np.bool_, str)):
        return str(value)
    if isinstance(value, (int, np.integer)):
        return str(value)
    rounded = round(float(value), digits)
    return f"{rounded + 0.0:.{digits}f}"
