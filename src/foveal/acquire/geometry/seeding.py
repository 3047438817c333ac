"""Seeding of k-means++: draws with probability proportional to squared distance."""

import numpy as np

from foveal.acquire.geometry.farthest import DistanceTo
from foveal.acquire.geometry.picks import filled
from foveal.core.arrays import FloatArray, IntArray


def seeds(
    squared_distance_to: DistanceTo,
    n: int,
    k: int,
    rng: np.random.Generator,
    *,
    first: int,
    weight: FloatArray | None = None,
) -> IntArray:
    """Candidates far from each other, at random: D^2 sampling.

    Args:
        squared_distance_to: squared distances of all n candidates to the one at a position.
        n: candidates.
        k: how many to draw.
        rng: takes one uniform number for each draw after the first.
        first: position of the first seed.
        weight: (n,) factor of the squared distances.

    Returns:
        (k,) positions in the order drawn. Once every candidate of positive weight lies at
        distance 0 from a seed, the rest follow in their order.
    Source:
        Arthur and Vassilvitskii 2007, k-means++: the advantages of careful seeding.
    """
    drawn, reach = [first], squared_distance_to(first)
    while len(drawn) < k:
        chances = reach if weight is None else reach * weight
        if not chances.any():
            break
        drawn.append(draw(chances, rng))
        reach = np.minimum(reach, squared_distance_to(drawn[-1]))
    return filled(drawn, n, k)


def draw(chances: FloatArray, rng: np.random.Generator) -> int:
    """One position, with probability proportional to (n,) chances, of which some are above 0."""
    below = np.cumsum(chances)
    position = int(np.searchsorted(below, rng.random() * below[-1], side="right"))
    # The product may round up to the sum itself, beyond the last chance.
    return min(position, int(np.flatnonzero(chances)[-1]))
