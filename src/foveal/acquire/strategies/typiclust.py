"""TypiClust: the most typical candidate of each group that has no label yet."""

import numpy as np

from foveal.acquire.geometry.clusters import k_means
from foveal.acquire.geometry.distances import Metric, measured
from foveal.acquire.geometry.neighbors import neighbors
from foveal.acquire.registry import BOTH, Facts, selector
from foveal.core.arrays import FloatArray, IntArray
from foveal.core.errors import SpecError

SEEN = 4096  # neighbors are sought among at most so many members of a cluster, drawn at random


def _why(facts: Facts) -> str:
    return "typical of a group of similar samples that has few labels"


@selector("typiclust", needs=("embedding",), optional=("labeled_embedding",), tasks=BOTH, why=_why)
def typiclust(
    embedding: FloatArray,
    k: int,
    rng: np.random.Generator,
    labeled_embedding: FloatArray | None = None,
    *,
    max_clusters: int = 500,
    min_size: int = 5,
    neighbor_count: int = 20,
    metric: Metric = "euclidean",
) -> IntArray:
    """From the cluster with the fewest labels, the largest first, the most typical candidate.

    Labeled samples and candidates are clustered together by k-means into min(m + k, max_clusters)
    clusters. Typicality is 1 / mean distance to the nearest candidates of the same cluster. It is
    meant for the cold start, and for embeddings that were learned without labels.

    Args:
        embedding: (n, D).
        k: how many to choose.
        rng: draws the first centers.
        labeled_embedding: (m, D).
        max_clusters: most clusters, at least 1.
        min_size: clusters with fewer members come last; the publication ignores them.
        neighbor_count: neighbors in the mean, but no more than half the cluster; at least 1. In
            clusters of more than 4096 members they are sought among 4096, drawn at random.
        metric: `euclidean`, or `cosine`, which brings embeddings to length 1 first.

    Returns:
        (k,) positions, most wanted first. A pick counts as a label of its cluster, so that further
        turns follow; candidates of small clusters come at the end.

    Raises:
        SpecError: if a setting is out of range.
    Source:
        Hacohen, Dekel and Weinshall 2022, Active learning on a budget: opposite strategies suit
        high and low budgets, arXiv:2202.02794.
    """
    _check(max_clusters, min_size, neighbor_count)
    n = len(embedding)
    labeled = embedding[:0] if labeled_embedding is None else labeled_embedding
    rows = embedding if not len(labeled) else np.concatenate([embedding, labeled])
    rows = measured(rows, metric)
    count = min(len(labeled) + k, max_clusters, len(rows))
    label = k_means(rows, count, rng).label
    mean_distance = spread(rows[:n], label[:n], neighbor_count, rng)
    return _in_order(label[:n], label[n:], mean_distance, min_size)[:k]


def spread(
    rows: FloatArray, label: IntArray, neighbor_count: int, rng: np.random.Generator
) -> FloatArray:
    """(n,) mean distance to the nearest members of the same cluster: 1 / typicality.

    Args:
        rows: (n, D).
        label: (n,) clusters.
        neighbor_count: neighbors in the mean, or half the cluster if that is fewer.
        rng: draws among whom neighbors are sought in clusters of more than `SEEN` members.
    """
    mean = np.zeros(len(rows))
    order = np.argsort(label, kind="stable")
    for members in np.split(order, np.flatnonzero(np.diff(label[order])) + 1):
        large = members.size > SEEN
        among = rng.choice(members, SEEN, replace=False) if large else members
        count = min(neighbor_count, among.size // 2)
        if count:
            mean[members] = np.sqrt(neighbors(rows, members, among, count)[1]).mean(axis=1)
    return mean


def _in_order(
    label: IntArray, labeled: IntArray, mean_distance: FloatArray, min_size: int
) -> IntArray:
    """Candidates as their turns come: large enough, few labels, large, typical."""
    count = int(max(label.max(), labeled.max(initial=0))) + 1
    labels = np.bincount(labeled, minlength=count)
    size = np.bincount(label, minlength=count) + labels
    order = np.lexsort((mean_distance, label))
    ordered = label[order]
    earlier = np.arange(label.size) - np.searchsorted(ordered, ordered)
    turn = labels[ordered] + earlier
    in_order: IntArray = order[np.lexsort((-size[ordered], turn, size[ordered] < min_size))]
    return in_order


def _check(max_clusters: int, min_size: int, neighbor_count: int) -> None:
    settings = (("max_clusters", max_clusters), ("neighbor_count", neighbor_count))
    for name, value in (*settings, ("min_size", min_size)):
        if value < 1:
            raise SpecError(f"`{name}` of typiclust must be at least 1, not {value}")
