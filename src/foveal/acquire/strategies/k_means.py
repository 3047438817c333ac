"""k-means: one typical candidate of each of as many groups as the budget has samples."""

import numpy as np

from foveal.acquire.geometry import clusters
from foveal.acquire.geometry.distances import Metric, measured
from foveal.acquire.geometry.picks import importance
from foveal.acquire.registry import BOTH, Facts, selector
from foveal.core.arrays import FloatArray, IntArray


def _why(facts: Facts) -> str:
    return "the candidate nearest to the center of a group of similar ones"


@selector("k_means", needs=("embedding",), optional=("weight",), tasks=BOTH, why=_why)
def k_means(
    embedding: FloatArray,
    k: int,
    rng: np.random.Generator,
    weight: FloatArray | None = None,
    *,
    metric: Metric = "euclidean",
    iterations: int = clusters.ITERATIONS,
) -> IntArray:
    """The member nearest to the center of each of k clusters, the heaviest cluster first.

    Clusters minimize the sum over candidates of w_u |h_u - center|^2. Above 32,000 candidates the
    centers are learned on 32,000 of them, drawn at random (8 k if that is more); every candidate is
    assigned.

    Args:
        embedding: (n, D).
        k: how many to choose.
        rng: draws the first centers.
        weight: (n,) in [0, 1], importance of a candidate: how much it pulls its center, so that
            important candidates are divided finer. All 0 counts as all 1.
        metric: `euclidean`, or `cosine`, which brings embeddings to length 1 first.
        iterations: most passes of k-means.

    Returns:
        (k,) positions, most wanted first. Where equal candidates leave clusters empty, the rest
        are the farthest from the picks so far, then duplicates in their order.

    Raises:
        EvidenceError: if weights lie outside [0, 1].
    Source:
        Lloyd 1982, Least squares quantization in PCM; to choose batches, for example Zhdanov 2019,
        arXiv:1901.05954.
    """
    w = importance(weight, len(embedding))
    rows = measured(embedding, metric)
    found = clusters.k_means(rows, k, rng, weight=w, iterations=iterations)
    return clusters.representatives(rows, found, k, w)
