"""k-means, and one representative of each cluster."""

from dataclasses import dataclass

import numpy as np
from scipy.sparse import csr_array

from foveal.acquire.geometry.distances import WIDE, blocks, nearest, squared_distances
from foveal.acquire.geometry.farthest import farthest_first
from foveal.acquire.geometry.seeding import draw, seeds
from foveal.core.arrays import FloatArray, IntArray

ITERATIONS = 20
LEARN_ROWS = 32_000  # centers are learned on at most so many rows, drawn at random
SEED_ROWS = 16_000  # and seeded on at most so many of these
ROWS_PER_SEED = 8  # but on no fewer than this times the number of clusters


@dataclass(frozen=True, slots=True)
class Clusters:
    """Row i belongs to cluster `label[i]`, at `squared[i]` from its center."""

    label: IntArray
    squared: FloatArray
    centers: FloatArray


def k_means(
    rows: FloatArray,
    k: int,
    rng: np.random.Generator,
    *,
    weight: FloatArray | None = None,
    iterations: int = ITERATIONS,
) -> Clusters:
    """Lloyd's k-means from a k-means++ seeding.

    Above `LEARN_ROWS` rows the centers are learned on a random sample of that size; every row is
    assigned to them in any case.

    Args:
        rows: (n, D).
        k: clusters, at most n. Some stay empty where rows are equal.
        rng: draws sample and seeds.
        weight: (n,) at least 0, how much a row pulls its center; all 0 counts as all 1.
        iterations: most passes; it ends sooner when no row changes its cluster.

    Returns:
        clusters of all n rows, with (k, D) centers.
    Source:
        Lloyd 1982, Least squares quantization in PCM; seeding of Arthur and Vassilvitskii 2007.
    """
    n = len(rows)
    pull = np.ones(n) if weight is None or not weight.any() else np.asarray(weight, np.float64)
    if n > max(LEARN_ROWS, ROWS_PER_SEED * k):
        some = np.sort(rng.choice(n, max(LEARN_ROWS, ROWS_PER_SEED * k), replace=False))
        return _assigned(rows, k_means(rows[some], k, rng, weight=pull[some]).centers)
    centers = _seeded(rows, k, rng, pull)
    previous: IntArray | None = None
    for _ in range(iterations):
        found = _assigned(rows, centers)
        if previous is not None and np.array_equal(found.label, previous):
            return found
        previous, centers = found.label, _means(rows, found, pull)
    return _assigned(rows, centers)


def representatives(
    rows: FloatArray, clusters: Clusters, k: int, weight: FloatArray | None = None
) -> IntArray:
    """The member of each cluster nearest to its center, the heaviest cluster first.

    Args:
        rows: (n, D) that were clustered.
        clusters: of these rows.
        k: how many; at most n.
        weight: (n,) whose sum is the weight of a cluster; None counts members.

    Returns:
        (k,) distinct positions. Where fewer clusters have members, the rest are those farthest
        from the picks so far, and after these, duplicates in their order.
    """
    order = np.lexsort((clusters.squared, clusters.label))
    labels, starts = np.unique(clusters.label[order], return_index=True)
    mass = np.bincount(clusters.label, weight, minlength=len(clusters.centers))[labels]
    picked = order[starts][np.argsort(-mass, kind="stable")][:k]
    if picked.size == k:
        return picked
    return farthest_first(
        lambda i: squared_distances(rows, rows[i]),
        len(rows),
        k,
        reach=nearest(rows, rows[picked])[1],
        picked=picked.tolist(),
    )


def _assigned(rows: FloatArray, centers: FloatArray) -> Clusters:
    return Clusters(*nearest(rows, centers), centers)


def _seeded(rows: FloatArray, k: int, rng: np.random.Generator, pull: FloatArray) -> FloatArray:
    most = max(SEED_ROWS, ROWS_PER_SEED * k)
    if len(rows) > most:
        some = np.sort(rng.choice(len(rows), most, replace=False))
        rows, pull = rows[some], pull[some]
    first = draw(pull, rng) if pull.any() else 0
    chosen = seeds(
        lambda i: squared_distances(rows, rows[i]), len(rows), k, rng, first=first, weight=pull
    )
    return rows[chosen].astype(np.float64)


def _means(rows: FloatArray, found: Clusters, pull: FloatArray) -> FloatArray:
    """Weighted means of the members; a cluster without weight moves to a row far from its own."""
    k = len(found.centers)
    sums = np.zeros(found.centers.shape)
    for at, part in blocks(rows, WIDE):
        height = len(part)
        members = csr_array((pull[at], (found.label[at], np.arange(height))), shape=(k, height))
        sums += members @ part
    mass = np.bincount(found.label, pull, minlength=k)
    centers = np.where(
        mass[:, None] > 0, sums / np.where(mass > 0, mass, 1)[:, None], found.centers
    )
    empty = np.flatnonzero(mass == 0)
    stray = found.squared * pull
    far = np.argsort(-stray, kind="stable")[: empty.size]
    far = far[stray[far] > 0]
    centers[empty[: far.size]] = rows[far]
    return centers
