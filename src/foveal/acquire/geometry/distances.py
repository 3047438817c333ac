"""Squared distances that are never negative, never NaN, and exactly 0 between equal rows.

Distances are sums of squared differences. The cheaper identity |a|^2 - 2ab + |b|^2 loses all its
digits between near-duplicates, and neighboring slices of one scan are near-duplicates.
"""

from collections.abc import Iterator
from typing import Literal

import numpy as np

from foveal.core.arrays import FloatArray, IntArray

Metric = Literal["euclidean", "cosine"]

BLOCK = 1 << 18  # numbers in a block: 2 MB in double precision, which stays in cache
WIDE = 1 << 20  # numbers in a block that a matrix product is made with


def squared_distances(rows: FloatArray, center: FloatArray | float) -> FloatArray:
    """(n,) squared Euclidean distance of each row to one center.

    Args:
        rows: (n, D), read in blocks and summed in double precision; no copy of it is made.
        center: (D,).

    Returns:
        (n,) at least 0.
    """
    squared = np.empty(len(rows))
    for at, part in blocks(rows):
        part -= center
        squared[at] = np.einsum("ij,ij->i", part, part)
    return squared


def nearest(rows: FloatArray, centers: FloatArray) -> tuple[IntArray, FloatArray]:
    """The center nearest to each row, and its squared distance.

    Which one is nearest is decided by inner products in double precision about the mean of the
    centers; how far it is, by differences.

    Args:
        rows: (n, D).
        centers: (m, D), m at least 1.

    Returns:
        (n,) index of the center, the first of equals, and (n,) squared distance, at least 0.
    """
    middle = centers.mean(axis=0, dtype=np.float64)
    moved = centers - middle
    half = np.einsum("ij,ij->i", moved, moved) / 2
    label, squared = np.empty(len(rows), dtype=np.int64), np.empty(len(rows))
    for at, part in blocks(rows, WIDE):
        part -= middle
        label[at] = np.argmax(part @ moved.T - half, axis=1)
        part -= moved[label[at]]
        squared[at] = np.einsum("ij,ij->i", part, part)
    return label, squared


def reach_of(rows: FloatArray, covered: FloatArray | None) -> FloatArray | None:
    """(n,) squared distance of each row to the nearest of (m, D) covered ones; None if m is 0."""
    return None if covered is None or not len(covered) else nearest(rows, covered)[1]


def squared_lengths(rows: FloatArray) -> FloatArray:
    """(n,) squared Euclidean length of each row."""
    return squared_distances(rows, 0.0)


def unit_rows(rows: FloatArray) -> FloatArray:
    """(n, D) rows brought to length 1, in their own precision; rows of zeros stay zeros."""
    length = np.sqrt(squared_lengths(rows))
    length[length == 0] = 1
    unit: FloatArray = rows / length.astype(rows.dtype)[:, None]
    return unit


def measured(rows: FloatArray, metric: Metric) -> FloatArray:
    """Rows among which Euclidean distance is the metric asked for.

    Squared, the distance of unit rows is 2 - 2 cosine.
    """
    return unit_rows(rows) if metric == "cosine" else rows


def blocks(rows: FloatArray, numbers: int = BLOCK) -> Iterator[tuple[slice, FloatArray]]:
    """Slices of the rows, each with a double-precision copy that may be written to."""
    n, width = rows.shape
    height = max(1, min(n, numbers // max(1, width)))
    buffer = np.empty((height, width))
    for start in range(0, n, height):
        at = slice(start, min(start + height, n))
        part = buffer[: at.stop - start]
        part[...] = rows[at]
        yield at, part
