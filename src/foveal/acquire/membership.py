"""Membership: which candidates each pick stands for, because it is the pick nearest to them."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal, get_args

import numpy as np
from scipy.spatial.distance import cdist

from foveal.core.arrays import FloatArray, IntArray, check_finite, check_shape
from foveal.core.errors import EvidenceError, SpecError, near_miss
from foveal.core.pool import SampleId

Metric = Literal["euclidean", "cosine"]

BLOCK = 2**22  # numbers held at a time for one block of candidates: 32 MiB
NEAREST = 3


@dataclass(frozen=True, slots=True)
class Represented:
    """What one pick stands for: `count` candidates, itself included, and the `nearest` others."""

    id: SampleId
    count: int
    nearest: tuple[SampleId, ...]


def membership(
    embedding: FloatArray, picks: Sequence[int] | IntArray, *, metric: Metric = "euclidean"
) -> IntArray:
    """The nearest pick of every candidate.

    Candidates are taken block by block, so memory grows with n + k, not with their product. A
    matrix product finds which picks may be nearest; where rounding leaves more than one, exact
    differences decide, so that neighboring slices do not fall to the wrong pick. A pick's own
    distance is exactly 0: it stands for itself unless an identical pick is more wanted.

    Args:
        embedding: (n, D) one row for each candidate.
        picks: (k,) positions of picks among them, most wanted first; 1 <= k.
        metric: `cosine` compares directions; rows of zeros have none, and count as 60 degrees
            away from all others.

    Returns:
        (n,) positions in `picks`, in [0, k); of equally near picks the more wanted.

    Raises:
        EvidenceError: if arrays do not fit, hold NaN, or there is no pick.
        SpecError: if `metric` is unknown.
    """
    order = _checked(embedding, picks, metric)
    if metric == "cosine":
        at = _directions(embedding[order])
    else:
        at = np.asarray(embedding[order], dtype=np.float64)
    owner = np.empty(len(embedding), dtype=np.int64)
    for rows, block in _blocks(embedding, order.size, metric):
        owner[rows] = _nearest(block, at)
    return owner


def counts(owner: IntArray, k: int) -> tuple[int, ...]:
    """How many candidates each of k picks stands for; they sum to n."""
    return tuple(np.bincount(owner, minlength=k).tolist())


def stands_for(
    embedding: FloatArray,
    picks: Sequence[int] | IntArray,
    ids: Sequence[SampleId],
    *,
    nearest: int = NEAREST,
    metric: Metric = "euclidean",
) -> tuple[Represented, ...]:
    """For every pick, how many candidates it stands for and which of them are nearest to it.

    Args:
        embedding: (n, D) one row for each candidate.
        picks: (k,) positions of picks among them, most wanted first.
        ids: (n,) the candidates.
        nearest: how many to name at most; picks themselves are not named.
        metric: as for `membership`.

    Returns:
        (k,) records; equally near candidates are named in the order of their ids.

    Raises:
        EvidenceError: as for `membership`.
        SpecError: if `metric` is unknown.
    """
    order = _checked(embedding, picks, metric)
    check_shape("ids", np.asarray(ids), (len(embedding),))
    owner = membership(embedding, order, metric=metric)
    away = _distances(embedding, order, owner, metric)
    others = np.setdiff1d(np.arange(owner.size), order)
    names = np.asarray(ids)
    ranked = others[np.lexsort((names[others], away[others], owner[others]))]
    begin = np.searchsorted(owner[ranked], np.arange(order.size + 1))
    shown = [ranked[b : min(b + nearest, e)] for b, e in pairwise(begin)]
    return tuple(
        Represented(ids[p], count, tuple(names[some].tolist()))
        for p, count, some in zip(order.tolist(), counts(owner, order.size), shown, strict=True)
    )


def _checked(embedding: FloatArray, picks: Sequence[int] | IntArray, metric: Metric) -> IntArray:
    if metric not in get_args(Metric):
        raise SpecError(f"no metric {metric!r}.{near_miss(metric, get_args(Metric))}")
    check_shape("embedding", embedding, (None, None))
    check_finite("embedding", embedding)
    order = np.asarray(picks)
    whole = order.ndim == 1 and order.size > 0 and np.issubdtype(order.dtype, np.integer)
    if not whole or order.min() < 0 or order.max() >= len(embedding):
        raise EvidenceError(
            f"`picks` must be one or more positions below {len(embedding)}, not {order!r}"
        )
    return order


def _blocks(embedding: FloatArray, k: int, metric: Metric) -> Iterator[tuple[slice, FloatArray]]:
    n, features = embedding.shape
    size = max(1, BLOCK // max(1, features, k))
    for begin in range(0, n, size):
        rows = slice(begin, begin + size)
        block = np.asarray(embedding[rows], dtype=np.float64)
        yield rows, _directions(block) if metric == "cosine" else block


def _directions(rows: FloatArray) -> FloatArray:
    """Rows of length 1; rows of zeros stay."""
    x = np.asarray(rows, dtype=np.float64)
    # Divided by the largest entry first: the square of a small number may be zero.
    x = x / np.maximum(np.abs(x).max(axis=1, keepdims=True, initial=0), np.finfo(float).tiny)
    length = np.sqrt(np.einsum("nd,nd->n", x, x))[:, None]
    unit: FloatArray = x / np.where(length > 0, length, 1)
    return unit


def _nearest(block: FloatArray, at: FloatArray) -> IntArray:
    """Position of the nearest row of `at` (k, D) for each row of `block` (b, D)."""
    own, theirs = np.einsum("nd,nd->n", block, block), np.einsum("kd,kd->k", at, at)
    near = theirs - 2 * (block @ at.T)  # squared distance less `own`
    best: IntArray = near.argmin(axis=1)
    # Generous bound on the rounding of the line above.
    bound = 8 * (at.shape[1] + 4) * np.finfo(float).eps * (own + theirs.max())
    close = near <= near[np.arange(len(best)), best][:, None] + bound[:, None]
    open_ = np.flatnonzero(close.sum(axis=1) > 1)
    if open_.size:
        best[open_] = cdist(block[open_], at, "sqeuclidean").argmin(axis=1)
    return best


def _distances(
    embedding: FloatArray, order: IntArray, owner: IntArray, metric: Metric
) -> FloatArray:
    """(n,) squared distance of each candidate to its pick."""
    away = np.empty(len(embedding))
    for rows, block in _blocks(embedding, 1, metric):
        at = np.asarray(embedding[order[owner[rows]]], dtype=np.float64)
        difference = block - (_directions(at) if metric == "cosine" else at)
        away[rows] = np.einsum("nd,nd->n", difference, difference)
    return away
