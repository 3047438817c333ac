"""BASIL: mutual information class by class, so that the labeled set becomes balanced."""

from typing import Literal

import numpy as np

from foveal.acquire.registry import selector
from foveal.acquire.sets import Items, QueryCoverage, features, maximize, similarity
from foveal.acquire.targeted import check_exemplars, check_weights
from foveal.core.arrays import FloatArray, IntArray

Shares = Literal["even", "deficit"]


@selector("basil", needs=("embedding", "labeled_embedding", "labeled_label"))
def basil(
    embedding: FloatArray,
    labeled_embedding: FloatArray,
    labeled_label: IntArray,
    k: int,
    rng: np.random.Generator,
    *,
    shares: Shares = "deficit",
    eta: float = 1.0,
) -> IntArray:
    """Each class gets its share of the budget, spent on candidates that resemble its images.

    For every class in turn, FLQMI with the class's labeled images as exemplars and cosines of
    features. The paper optimizes per class; how it divides the budget is not known to us.

    Args:
        embedding: (n, D).
        labeled_embedding: (m, D), m at least 1.
        labeled_label: (m,) class indices.
        k: how many to choose.
        rng: not used.
        shares: `even` gives every class the same; `deficit` gives most to the classes with the
            fewest labels, until all have as many as the next.
        eta: relevance against coverage of a class's images, at least 0.

    Returns:
        k positions, the classes in turns, within a class in greedy's order.
    Raises:
        EvidenceError: if nothing is labeled.
    Source:
        Kothawade et al. 2022 (BASIL), arXiv:2203.05651.
    """
    check_weights(eta=eta)
    check_exemplars(labeled_embedding)
    pool, known = features(embedding), features(labeled_embedding)
    classes, counts = np.unique(labeled_label, return_counts=True)
    free = np.ones(len(pool), dtype=bool)
    chosen: list[IntArray] = []
    for each, share in zip(classes, shared(counts, k, shares), strict=True):
        left = np.flatnonzero(free)
        exemplars = known.rows(np.flatnonzero(labeled_label == each))
        picks = left[_most_like(pool.rows(left), exemplars, int(share), eta)]
        free[picks] = False
        chosen.append(picks)
    return _in_turns(chosen)


def shared(counts: IntArray, k: int, shares: Shares) -> IntArray:
    """(C,) shares that sum to k.

    Args:
        counts: (C,) labels that each class has; earlier classes come first where equal.
    """
    have = np.zeros_like(counts) if shares == "even" else counts.copy()
    given = np.zeros_like(counts)
    for _ in range(k):
        least = int(np.argmin(have))
        have[least] += 1
        given[least] += 1
    return given


def _most_like(pool: Items, exemplars: Items, share: int, eta: float) -> IntArray:
    return maximize(QueryCoverage(similarity(pool, exemplars), eta), share)


def _in_turns(chosen: list[IntArray]) -> IntArray:
    """First picks of all classes, then second picks, and so on."""
    place = np.concatenate([np.arange(c.size) for c in chosen])
    return np.concatenate(chosen)[np.argsort(place, kind="stable")]
