"""Facility location: picks that stand for the whole pool."""

import numpy as np

from foveal.acquire.registry import BOTH, selector
from foveal.acquire.sets import Optimizer
from foveal.acquire.strategies.scg import flcg
from foveal.core.arrays import FloatArray, IntArray


@selector(
    "facility_location",
    needs=("embedding",),
    optional=("labeled_embedding", "weight"),
    tasks=BOTH,
)
def facility_location(
    embedding: FloatArray,
    k: int,
    rng: np.random.Generator,
    labeled_embedding: FloatArray | None = None,
    weight: FloatArray | None = None,
    *,
    optimizer: Optimizer = "auto",
) -> IntArray:
    """Every candidate has a pick, or a labeled image, that resembles it.

    Maximizes the sum over i of max over A of s_ia, beyond what the labeled images cover already:
    FLCG with these as the private set. Up to 16,384 candidates at once, more in two rounds.

    Args:
        embedding: (n, D).
        k: how many to choose.
        rng: deals large pools out to parts; for the stochastic optimizer.
        labeled_embedding: (m, D) or None.
        weight: (n,) in [0, 1]: how much it counts that a candidate is covered.
        optimizer: `lazy` and `naive` give the same batch; `stochastic` a nearly as good one.

    Returns:
        k positions in greedy's order.
    Source:
        Nemhauser, Wolsey and Fisher 1978; for active learning Wei, Iyer and Bilmes 2015.
    """
    return flcg(embedding, k, rng, labeled_embedding, weight, optimizer=optimizer)
