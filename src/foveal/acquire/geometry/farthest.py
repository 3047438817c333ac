"""Farthest first: the greedy k-center choice, in any distance."""

from collections.abc import Callable, Sequence

import numpy as np

from foveal.acquire.geometry.distances import squared_distances
from foveal.acquire.geometry.picks import filled
from foveal.core.arrays import FloatArray, IntArray

DistanceTo = Callable[[int], FloatArray]  # (n,) distances of all candidates to one; 0 to itself


def farthest_first(
    distance_to: DistanceTo,
    n: int,
    k: int,
    *,
    reach: FloatArray | None = None,
    picked: Sequence[int] = (),
    weight: FloatArray | None = None,
) -> IntArray:
    """Again and again the candidate that is farthest from all that is covered.

    Args:
        distance_to: distances of all n candidates to the one at a position.
        n: candidates.
        k: how many to pick.
        reach: (n,) distance to the nearest of what is covered already, `picked` included; None
            where only `picked` covers.
        picked: what the choice begins with; at least one where `reach` is None.
        weight: (n,) importance in the units of the distance, which it multiplies.

    Returns:
        (k,) positions, `picked` first. Once no candidate is left at a weighted distance above 0
        (duplicates, weight 0), the rest follow in their order.
    """
    chosen = list(picked[:k])
    for i in chosen if reach is None else ():
        reach = _closer(reach, distance_to(i))
    while len(chosen) < k:
        assert reach is not None, "something must be covered before a distance can be the largest"
        wanted = reach if weight is None else reach * weight
        farthest = int(np.argmax(wanted))
        if wanted[farthest] <= 0:
            break
        chosen.append(farthest)
        reach = _closer(reach, distance_to(farthest))
    return filled(chosen, n, k)


def most_central(rows: FloatArray, weight: FloatArray | None = None) -> int:
    """The row nearest to the mean, among those of the highest weight."""
    center = rows.mean(axis=0, dtype=np.float64)
    squared = squared_distances(rows, center)
    if weight is not None:
        squared[weight < weight.max()] = np.inf
    return int(np.argmin(squared))


def _closer(reach: FloatArray | None, distance: FloatArray) -> FloatArray:
    return distance if reach is None else np.minimum(reach, distance)
