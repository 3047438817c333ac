"""Covering with balls: who lies within a radius of whom, and which balls cover most.

The graph is kept as one bit a pair, so that its memory does not depend on the radius.
"""

import numpy as np
from numpy.typing import NDArray

from foveal.acquire.geometry.neighbors import PAIRS
from foveal.core.arrays import BoolArray, FloatArray, IntArray

Bits = NDArray[np.uint8]

ROUNDING = 1e-12  # of squared lengths, so that equal rows share even a ball of radius 0
UNPACKED = 1 << 24  # bits held as bytes at a time


def balls(rows: FloatArray, radius: float) -> Bits:
    """(n, n / 8) bits: whether column j lies within the radius of row i; every row within its own.

    Distances are inner products in double precision about the mean; what rounding leaves in doubt
    lies inside.

    Args:
        rows: (n, D).
        radius: at least 0, may be infinite.
    """
    n = len(rows)
    moved = rows - rows.mean(axis=0, dtype=np.float64)
    squared = np.einsum("ij,ij->i", moved, moved)
    bits = np.empty((n, (n + 7) // 8), dtype=np.uint8)
    height = max(1, PAIRS // n)
    for start in range(0, n, height):
        at = slice(start, min(start + height, n))
        lengths = squared[at, None] + squared
        near = lengths * (1 - ROUNDING) - 2 * (moved[at] @ moved.T) <= radius * radius
        near[np.arange(len(near)), np.arange(at.start, at.stop)] = True
        bits[at] = np.packbits(near, axis=1)
    return bits


def greedy_cover(inside: Bits, open_: BoolArray, weight: FloatArray, k: int) -> IntArray:
    """Up to k positions, each covering the most weight of what is still open.

    Args:
        inside: (n, n / 8) bits of `balls`; symmetric.
        open_: (n,) whether a candidate counts and is not covered.
        weight: (n,) at least 0.
        k: most picks; fewer where everything is covered before.
    """
    left = open_.copy()
    degree = _degree(inside, np.flatnonzero(left), weight)
    picked: list[int] = []
    while len(picked) < k and left.any():
        best = int(np.argmax(degree))
        fresh = np.flatnonzero(_members(inside[[best]], left.size)[0] & left)
        picked.append(best)
        left[fresh] = False
        # Each candidate is covered once, so that over all picks every row is unpacked once.
        degree -= _degree(inside, fresh, weight)
        degree[best] = -np.inf
    return np.array(picked, dtype=np.int64)


def _degree(inside: Bits, of: IntArray, weight: FloatArray) -> FloatArray:
    """(n,) weight of those among `of` whose ball holds a candidate; balls are symmetric."""
    n = len(inside)
    degree = np.zeros(n)
    height = max(1, UNPACKED // n)
    for start in range(0, of.size, height):
        some = of[start : start + height]
        degree += weight[some] @ _members(inside[some], n)
    return degree


def _members(bits: Bits, n: int) -> BoolArray:
    members: BoolArray = np.unpackbits(bits, axis=1, count=n).astype(bool)
    return members
