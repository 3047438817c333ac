"""What choices of a set share: importance of candidates, a drawn part of them, filling up."""

from collections.abc import Sequence

import numpy as np

from foveal.core.arrays import FloatArray, IntArray, check_shape, check_unit


def importance(weight: FloatArray | None, n: int) -> FloatArray:
    """(n,) weights in [0, 1] of the candidates, all 1 where none are given.

    Raises:
        EvidenceError: if they are not n numbers in [0, 1].
    """
    if weight is None:
        return np.ones(n)
    check_shape("weight", weight, (n,))
    check_unit("weight", weight)
    return np.asarray(weight, dtype=np.float64)


def drawn(n: int, most: int, rng: np.random.Generator) -> IntArray:
    """Sorted positions of n samples, or of as many as allowed, drawn at random."""
    return np.arange(n) if n <= most else np.sort(rng.choice(n, most, replace=False))


def filled(picked: Sequence[int], n: int, k: int) -> IntArray:
    """The first k of these picks, followed by the positions that are missing, in their order."""
    first = np.asarray(picked, dtype=np.int64)[:k]
    rest = np.ones(n, dtype=bool)
    rest[first] = False
    return np.concatenate([first, np.flatnonzero(rest)[: k - first.size]])
