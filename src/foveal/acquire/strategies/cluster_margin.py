"""Cluster-margin: the smallest margins, spread evenly over clusters of the pool."""

import math

import numpy as np
from scipy.cluster.hierarchy import fcluster, linkage
from scipy.spatial.distance import pdist

from foveal.acquire.geometry.clusters import k_means
from foveal.acquire.registry import Facts, selector
from foveal.acquire.strategies.uncertainty import margin
from foveal.core.arrays import FloatArray, IntArray
from foveal.core.errors import SpecError

MICRO_ITERATIONS = 5  # of k-means; micro-clusters are joined again, so that they need not settle


def _why(facts: Facts) -> str:
    gap = 1 - margin(facts["probs"][None])[0]
    return f"the two likeliest classes are {gap:.2f} apart; its turn in a round over clusters"


@selector("cluster_margin", needs=("probs", "embedding"), why=_why)
def cluster_margin(
    probs: FloatArray,
    embedding: FloatArray,
    k: int,
    rng: np.random.Generator,
    *,
    factor: float = 10.0,
    cluster_size: float = 10.0,
    hac_rows: int = 2000,
) -> IntArray:
    """Turns over the clusters of the factor * k smallest margins, from the smallest cluster up.

    The pool is clustered once, by average linkage (HAC), and the dendrogram is cut into about
    n / cluster_size clusters. HAC needs every pair of rows: a pool of more than `hac_rows` is
    first divided by k-means into that many micro-clusters, and HAC joins their centers.

    Args:
        probs: (n, C) probabilities; rows sum to 1.
        embedding: (n, D).
        k: how many to choose.
        rng: draws within clusters.
        factor: candidates kept for each sample chosen, those of the smallest margins; at least 1.
        cluster_size: mean number of pool members in a cluster, at least 1.
        hac_rows: most rows, or micro-clusters, that HAC is run on; at least 2. Time and memory grow
            with its square (2000 take 16 MB and about a second).

    Returns:
        (k,) positions in the order drawn: one of each cluster, then one more of each that has
        more, at random within a cluster.

    Raises:
        SpecError: if a setting is out of range.
    Source:
        Citovsky et al. 2021, Batch active learning at scale, arXiv:2107.14263.
    """
    closeness = margin(probs)
    return over_clusters(
        closeness, embedding, k, rng, factor, cluster_size, hac_rows, "cluster_margin"
    )


def over_clusters(
    closeness: FloatArray,
    embedding: FloatArray,
    k: int,
    rng: np.random.Generator,
    factor: float,
    cluster_size: float,
    hac_rows: int,
    name: str,
) -> IntArray:
    """(k,) positions: turns over the clusters of the factor * k closest decisions.

    Args:
        closeness: (n,) one minus a margin, whichever it is.
        embedding: (n, D).
        k: how many to choose.
        rng: draws within clusters.
        factor: see `cluster_margin`, also for the other settings.
        cluster_size: at least 1.
        hac_rows: at least 2.
        name: of the strategy, for messages.

    Raises:
        SpecError: if a setting is out of range.
    """
    _check(name, factor, cluster_size, hac_rows)
    n = len(closeness)
    label = average_linkage(embedding, math.ceil(n / cluster_size), hac_rows, rng)
    kept = np.argsort(-closeness, kind="stable")[: min(n, math.ceil(factor * k))]
    return kept[in_turns(label[kept], rng)[:k]]


def average_linkage(
    rows: FloatArray, count: int, hac_rows: int, rng: np.random.Generator
) -> IntArray:
    """(n,) labels of at most `count` clusters by average linkage, on micro-clusters if n is large.

    Args:
        rows: (n, D).
        count: clusters wanted, at least 1.
        hac_rows: most rows that are linked.
        rng: seeds the micro-clusters.
    """
    if len(rows) == 1:
        return np.zeros(1, dtype=np.int64)
    if len(rows) > hac_rows:
        micro = k_means(rows, hac_rows, rng, iterations=MICRO_ITERATIONS)
        return average_linkage(micro.centers, count, hac_rows, rng)[micro.label]
    tree = linkage(pdist(np.asarray(rows, dtype=np.float64)), method="average")
    label: IntArray = fcluster(tree, count, criterion="maxclust").astype(np.int64) - 1
    return label


def in_turns(label: IntArray, rng: np.random.Generator) -> IntArray:
    """(m,) positions in rounds over clusters, the smallest cluster first, at random within each."""
    order = rng.permutation(label.size)
    order = order[np.argsort(label[order], kind="stable")]
    ordered = label[order]
    turn = np.arange(label.size) - np.searchsorted(ordered, ordered)
    size = np.bincount(label)[ordered]
    in_order: IntArray = order[np.lexsort((ordered, size, turn))]
    return in_order


def _check(strategy: str, factor: float, cluster_size: float, hac_rows: int) -> None:
    for name, value in (("factor", factor), ("cluster_size", cluster_size)):
        if value < 1:
            raise SpecError(f"`{name}` of {strategy} must be at least 1, not {value}")
    if hac_rows < 2:
        raise SpecError(f"`hac_rows` of {strategy} must be at least 2, not {hac_rows}")
