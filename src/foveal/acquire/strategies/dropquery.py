"""DropQuery: candidates that dropout makes the model change its mind about, one of each group."""

import numpy as np

from foveal.acquire.geometry.clusters import k_means, representatives
from foveal.acquire.geometry.distances import unit_rows
from foveal.acquire.registry import Facts, selector
from foveal.acquire.strategies.bayesian import check_draws
from foveal.core.arrays import FloatArray, IntArray
from foveal.core.errors import SpecError


def _why(facts: Facts) -> str:
    votes = disagreements(facts["probs"][None], facts["mc_probs"][:, None])
    return f"{votes[0]} of {len(facts['mc_probs'])} draws contradict its prediction"


@selector("dropquery", needs=("probs", "mc_probs", "embedding"), why=_why)
def dropquery(
    probs: FloatArray,
    mc_probs: FloatArray,
    embedding: FloatArray,
    k: int,
    rng: np.random.Generator,
    *,
    factor: int = 25,
) -> IntArray:
    """k-means among the candidates that more than half of the draws predict otherwise.

    Where that leaves fewer than factor * k candidates, the number of contradicting draws that is
    asked for falls by one at a time, at last to none.

    Args:
        probs: (n, C) probabilities without dropout; rows sum to 1.
        mc_probs: (T, n, C) probabilities of T draws with dropout.
        embedding: (n, D).
        k: how many to choose.
        rng: draws the first centers.
        factor: candidates wanted for each sample chosen, at least 1.

    Returns:
        (k,) positions, the largest cluster first: the member nearest to each center, in embeddings
        of length 1. Where equal candidates leave clusters empty, the rest are the farthest from
        the picks so far, then duplicates in their order.

    Raises:
        SpecError: if `factor` is below 1.
        EvidenceError: if there are fewer than 2 draws.
    Source:
        Gupte et al. 2024, Revisiting active learning in the era of vision foundation models,
        arXiv:2401.14555.
    """
    if factor < 1:
        raise SpecError(f"`factor` of dropquery must be at least 1, not {factor}")
    check_draws(mc_probs)
    kept = contested(disagreements(probs, mc_probs), len(mc_probs), factor * k)
    rows = unit_rows(embedding[kept])
    picked: IntArray = kept[representatives(rows, k_means(rows, k, rng), k)]
    return picked


def disagreements(probs: FloatArray, mc_probs: FloatArray) -> IntArray:
    """(n,) how many of the draws predict another class than the model without dropout."""
    votes: IntArray = (mc_probs.argmax(axis=2) != probs.argmax(axis=1)).sum(axis=0)
    return votes


def contested(votes: IntArray, draws: int, wanted: int) -> IntArray:
    """Positions with more than half of the draws against, or with fewer until enough are found."""
    threshold = draws // 2
    while threshold >= 0 and (votes > threshold).sum() < wanted:
        threshold -= 1
    return np.flatnonzero(votes > threshold)
