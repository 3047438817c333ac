"""Diverse mini-batches: uncertain candidates first, then one of each group among them."""

import math
from typing import Literal

import numpy as np

from foveal.acquire.geometry.clusters import k_means, representatives
from foveal.acquire.registry import Facts, selector
from foveal.acquire.strategies.uncertainty import entropy, margin
from foveal.core.arrays import FloatArray, IntArray
from foveal.core.errors import SpecError

Uncertainty = Literal["margin", "entropy"]
UNCERTAINTIES = {"margin": margin, "entropy": entropy}


def _why(facts: Facts) -> str:
    told = UNCERTAINTIES[facts["uncertainty"]](facts["probs"][None])[0]
    return f"typical of a group of uncertain candidates ({facts['uncertainty']} score {told:.2f})"


@selector("dbal", needs=("probs", "embedding"), why=_why)
def dbal(
    probs: FloatArray,
    embedding: FloatArray,
    k: int,
    rng: np.random.Generator,
    *,
    beta: float = 10.0,
    uncertainty: Uncertainty = "margin",
) -> IntArray:
    """k-means, weighted by uncertainty, among the beta * k most uncertain candidates.

    This is the diverse mini-batch active learning of Zhdanov. The deep Bayesian active learning of
    Gal, which is called DBAL too, is the strategy `bald`.

    Args:
        probs: (n, C) probabilities; rows sum to 1.
        embedding: (n, D).
        k: how many to choose.
        rng: draws the first centers.
        beta: candidates kept for each sample chosen, at least 1; 1 ranks by uncertainty alone.
        uncertainty: what ranks and weighs the candidates: `margin` is one minus the gap between
            the two likeliest classes, `entropy` is in nats.

    Returns:
        (k,) positions, the heaviest cluster first. Where equal candidates leave clusters empty,
        the rest are the kept ones farthest from the picks so far, then duplicates.

    Raises:
        SpecError: if `beta` is below 1.
    Source:
        Zhdanov 2019, Diverse mini-batch active learning, arXiv:1901.05954.
    """
    if beta < 1:
        raise SpecError(f"`beta` of dbal must be at least 1, not {beta}")
    uncertain = UNCERTAINTIES[uncertainty](probs)
    most = min(len(probs), math.ceil(beta * k))
    kept = np.argsort(-uncertain, kind="stable")[:most]
    rows, weight = embedding[kept], uncertain[kept]
    picked: IntArray = kept[representatives(rows, k_means(rows, k, rng, weight=weight), k, weight)]
    return picked
