"""ProbCover: candidates whose neighborhoods cover most of the pool."""

import math

import numpy as np

from foveal.acquire.geometry.clusters import k_means
from foveal.acquire.geometry.cover import balls, greedy_cover
from foveal.acquire.geometry.distances import Metric, measured, nearest, reach_of, squared_distances
from foveal.acquire.geometry.farthest import farthest_first
from foveal.acquire.geometry.picks import drawn, importance
from foveal.acquire.registry import BOTH, Chosen, Facts, selector
from foveal.core.arrays import FloatArray, IntArray
from foveal.core.errors import SpecError

PURITY_ROWS = 4000  # delta is estimated on at most so many candidates


def _why(facts: Facts) -> str:
    return "many candidates that no label covers yet are similar to it"


@selector(
    "probcover",
    needs=("embedding",),
    optional=("labeled_embedding", "weight"),
    tasks=BOTH,
    why=_why,
)
def probcover(
    embedding: FloatArray,
    k: int,
    rng: np.random.Generator,
    labeled_embedding: FloatArray | None = None,
    weight: FloatArray | None = None,
    *,
    delta: float | None = None,
    purity: float = 0.95,
    pseudo_classes: int = 10,
    graph_rows: int = 20_000,
    metric: Metric = "euclidean",
) -> Chosen:
    """Again and again the candidate with the most uncovered candidates within distance delta.

    A candidate is covered when a labeled or chosen one is within delta. The graph of all pairs is
    kept as one bit a pair, so that its memory, graph_rows^2 / 8 bytes, does not depend on delta.

    Args:
        embedding: (n, D).
        k: how many to choose.
        rng: draws the sample that delta is estimated on, and that of a large pool.
        labeled_embedding: (m, D); what they cover needs no pick.
        weight: (n,) in [0, 1], how much it counts that a candidate is covered.
        delta: radius, at least 0; None estimates it, see `pure_radius`.
        purity: share of pure balls that the estimate asks for, in (0, 1].
        pseudo_classes: clusters that stand for classes in the estimate; at least 2.
        graph_rows: most candidates in the graph; a larger pool is thinned to so many at random
            (to k if that is more), and a note says so.
        metric: `euclidean`, or `cosine`, which brings embeddings to length 1 first.

    Returns:
        (k,) positions, most wanted first, and notes. Once every candidate that counts is covered,
        the rest are the farthest from all that is labeled or chosen.

    Raises:
        SpecError: if a setting is out of range.
        EvidenceError: if weights lie outside [0, 1].
    Source:
        Yehuda et al. 2022, Active learning through a covering lens, arXiv:2205.11320.
    """
    _check(delta, purity, pseudo_classes)
    n, w = len(embedding), importance(weight, len(embedding))
    rows = measured(embedding, metric)
    covered = None if labeled_embedding is None else measured(labeled_embedding, metric)
    radius = pure_radius(rows, rng, purity, pseudo_classes) if delta is None else delta
    reach = reach_of(rows, covered)
    counts = w > 0 if reach is None else (w > 0) & (reach > radius * radius)
    most = max(graph_rows, k)
    kept = drawn(n, most, rng)
    inside = balls(rows[kept], radius)
    picked = kept[greedy_cover(inside, counts[kept], w[kept], k)]
    told = _told(delta, radius, n, kept.size, picked.size, k)
    if not picked.size and reach is None:  # nothing counts: all weights are 0
        return Chosen(np.arange(k), notes=told)
    return Chosen(_and_farthest(rows, picked, reach, k), notes=told)


def pure_radius(
    rows: FloatArray, rng: np.random.Generator, purity: float = 0.95, pseudo_classes: int = 10
) -> float:
    """The largest delta at which the wanted share of delta-balls holds one pseudo-class only.

    A ball is pure until it reaches the nearest sample of another class, so that the largest delta
    is just below a quantile of these distances. Classes are clusters of k-means.

    Args:
        rows: (n, D); 4000 of them, drawn at random, are looked at.
        rng: draws them, and the first centers.
        purity: wanted share in (0, 1].
        pseudo_classes: clusters.

    Returns:
        delta; infinite where all rows are equal.
    """
    if len(rows) > PURITY_ROWS:
        rows = rows[np.sort(rng.choice(len(rows), PURITY_ROWS, replace=False))]
    label = k_means(rows, min(pseudo_classes, len(rows)), rng).label
    other = np.full(len(rows), np.inf)
    for c in np.unique(label) if np.ptp(label) else ():
        own = label == c
        other[own] = np.sqrt(nearest(rows[own], rows[~own])[1])
    impure = int((1 - purity) * len(rows) + 1e-9)
    reached = float(np.sort(other)[impure])
    return math.nextafter(reached, 0.0) if math.isfinite(reached) else math.inf


def _and_farthest(rows: FloatArray, picked: IntArray, reach: FloatArray | None, k: int) -> IntArray:
    if picked.size == k:
        return picked
    near = nearest(rows, rows[picked])[1] if picked.size else np.full(len(rows), np.inf)
    return farthest_first(
        lambda i: squared_distances(rows, rows[i]),
        len(rows),
        k,
        reach=near if reach is None else np.minimum(near, reach),
        picked=picked.tolist(),
    )


def _told(
    delta: float | None, radius: float, n: int, kept: int, picked: int, k: int
) -> tuple[str, ...]:
    notes = []
    if delta is None:
        notes.append(f"probcover estimated `delta` as {radius:.4g}")
    if kept < n:
        notes.append(f"probcover looked at {kept} of {n} candidates, drawn at random")
    if picked < k:
        notes.append(
            f"{picked} of {k} picks of probcover cover all that counts; the rest are the farthest "
            f"from what is labeled or chosen"
        )
    return tuple(notes)


def _check(delta: float | None, purity: float, pseudo_classes: int) -> None:
    if delta is not None and delta < 0:
        raise SpecError(f"`delta` of probcover must be at least 0, or None, not {delta}")
    if not 0 < purity <= 1:
        raise SpecError(f"`purity` of probcover must lie in (0, 1], not {purity}")
    if pseudo_classes < 2:
        raise SpecError(f"`pseudo_classes` of probcover must be at least 2, not {pseudo_classes}")
