"""CDAL: predictions that differ from all others, as sign of another context."""

import numpy as np

from foveal.acquire.geometry.farthest import farthest_first
from foveal.acquire.geometry.picks import importance
from foveal.acquire.registry import Facts, selector
from foveal.core.arrays import FloatArray, IntArray

FLOOR = 1e-6  # of a probability; a class ruled out is not infinitely far from one thought unlikely


def _why(facts: Facts) -> str:
    return "its prediction differs from those of all labeled or chosen before it"


@selector("cdal", needs=("probs",), optional=("labeled_probs", "weight"), why=_why)
def cdal(
    probs: FloatArray,
    k: int,
    rng: np.random.Generator,
    labeled_probs: FloatArray | None = None,
    weight: FloatArray | None = None,
) -> IntArray:
    """Farthest first in contextual diversity: KL(p || q) / 2 + KL(q || p) / 2 of two predictions.

    This is CDAL-CS. The published class-conditional mixtures average over the pixels of one
    predicted class; for one prediction an image, the mixture is the prediction.

    Args:
        probs: (n, C) probabilities; rows sum to 1.
        k: how many to choose.
        rng: not used; equal candidates are taken in their order, which the engine draws.
        labeled_probs: (m, C) predictions for labeled samples. Without them the first pick is the
            candidate nearest to the mean prediction, among those of the highest weight.
        weight: (n,) in [0, 1], importance of a candidate; multiplies its distance.

    Returns:
        (k,) positions, most wanted first; at the end, in their order, those at weighted distance 0.

    Raises:
        EvidenceError: if weights lie outside [0, 1].
    Source:
        Agarwal et al. 2020, Contextual diversity for active learning, arXiv:2008.05723.
    """
    w = importance(weight, len(probs))
    p = np.maximum(probs, FLOOR, dtype=np.float64)
    logs = np.log(p)
    reach = None
    for q in () if labeled_probs is None else np.maximum(labeled_probs, FLOOR, dtype=np.float64):
        distance = contextual_diversity(p, q, logs)
        reach = distance if reach is None else np.minimum(reach, distance)
    start = []
    if reach is None:
        apart = contextual_diversity(p, p.mean(axis=0), logs)
        start = [int(np.argmin(np.where(w == w.max(), apart, np.inf)))]
    return farthest_first(
        lambda i: contextual_diversity(p, p[i], logs),
        len(p),
        k,
        reach=reach,
        picked=start,
        weight=w,
    )


def contextual_diversity(
    p: FloatArray, q: FloatArray, log_p: FloatArray | None = None
) -> FloatArray:
    """Symmetric Kullback-Leibler divergence of rows p from q: sum of (p - q)(log p - log q) / 2.

    Args:
        p: (n, C) probabilities above 0.
        q: (C,) likewise.
        log_p: (n, C) logarithms of p, if known.

    Returns:
        (n,) nats; no term is negative, and equal rows are at exactly 0.
    """
    logs = np.log(p) if log_p is None else log_p
    divergence: FloatArray = ((p - q) * (logs - np.log(q))).sum(axis=1) / 2
    return divergence
