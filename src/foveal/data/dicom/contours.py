"""Contours to masks: polygons filled by the even-odd rule, in pixels.

A pixel is inside if its center is. Centers that lie on the outline belong to the region on the
upper and left side of it and not on the lower and right side, so regions that share an edge share
no pixel and miss none. Inside a second outline is outside again: holes may be drawn as outlines of
their own or joined to the outer one by a double line (keyhole).
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from foveal.core.arrays import BoolArray

# Pixels. Outlines are often drawn through pixel centers, and must meet them in spite of rounding.
ROUNDED_TO = 6


def fill(polygons: Sequence[NDArray[np.float64]], rows: int, columns: int) -> BoolArray:
    """(rows, columns) True at pixels inside an odd number of closed polygons.

    Args:
        polygons: (n, 2) corners each as column and row; pixel (0, 0) has its center at (0, 0). The
            last corner is joined to the first; outlines may leave the picture.
    """
    starts = np.concatenate([np.empty((0, 2)), *polygons]).round(ROUNDED_TO)
    ends = np.concatenate([np.empty((0, 2)), *(np.roll(p, -1, axis=0) for p in polygons)])
    x, y = _crossings(starts, ends.round(ROUNDED_TO), rows)
    # Each crossing of a row turns inside to outside or back for all pixels at or after it.
    column = np.clip(np.ceil(x), 0, columns).astype(np.int64)
    turns = np.bincount(y * (columns + 1) + column, minlength=rows * (columns + 1))
    inside = np.cumsum(turns.reshape(rows, columns + 1), axis=1)[:, :columns] % 2
    return inside.astype(np.bool_)


def _crossings(
    starts: NDArray[np.float64], ends: NDArray[np.float64], rows: int
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Columns at which edges cross the middle of a row, and these rows."""
    low, high = np.minimum(starts[:, 1], ends[:, 1]), np.maximum(starts[:, 1], ends[:, 1])
    first = np.clip(np.ceil(low), 0, rows).astype(np.int64)
    last = np.clip(np.ceil(high), 0, rows).astype(np.int64)  # not crossed itself
    edge = np.repeat(np.arange(len(starts)), last - first)
    before = np.repeat(np.cumsum(last - first) - (last - first), last - first)
    row = first[edge] + np.arange(len(edge)) - before
    share = (row - starts[edge, 1]) / (ends[edge, 1] - starts[edge, 1])
    return starts[edge, 0] + share * (ends[edge, 0] - starts[edge, 0]), row
