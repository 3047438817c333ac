"""Nearest neighbors by brute force, in blocks that bound the memory."""

import numpy as np

from foveal.core.arrays import FloatArray, IntArray

PAIRS = 1 << 23  # distances held at a time: 64 MB in double precision


def neighbors(
    rows: FloatArray, of: IntArray, among: IntArray, count: int
) -> tuple[IntArray, FloatArray]:
    """The nearest other rows of some rows.

    Distances are inner products in double precision about the mean of `among`: good to 1e-7 of
    their spread, which is enough for neighbors and mean distances, and never below 0.

    Args:
        rows: (n, D).
        of: (q,) positions whose neighbors are sought.
        among: (m,) positions that may be neighbors; a row is never its own.
        count: how many, from 1 to m - 1.

    Returns:
        (q, count) positions, in no order, and their (q, count) squared distances.
    """
    others = rows[among].astype(np.float64)
    middle = others.mean(axis=0)
    others -= middle
    lengths = np.einsum("ij,ij->i", others, others)
    found = np.empty((of.size, count), dtype=np.int64)
    squared = np.empty((of.size, count))
    height = max(1, PAIRS // max(among.size, rows.shape[1]))
    for start in range(0, of.size, height):
        at = slice(start, start + height)
        own = rows[of[at]] - middle
        apart = lengths - 2 * (own @ others.T) + np.einsum("ij,ij->i", own, own)[:, None]
        apart[of[at][:, None] == among[None, :]] = np.inf
        index = np.argpartition(apart, count - 1, axis=1)[:, :count]
        found[at] = among[index]
        squared[at] = np.maximum(np.take_along_axis(apart, index, axis=1), 0.0)
    return found, squared
