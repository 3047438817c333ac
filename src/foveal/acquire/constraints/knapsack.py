"""Knapsack: batches that an expert's seconds buy, where candidates differ in what they cost."""

import math
from collections.abc import Sequence

import numpy as np

from foveal.acquire.constraints.batch import ASKS, Ask, Batch, choose, walk
from foveal.acquire.constraints.caps import Cap
from foveal.acquire.constraints.purse import Purse
from foveal.core.arrays import FloatArray, IntArray


def knapsack(
    score: FloatArray,
    caps: Sequence[Cap],
    purse: Purse,
    *,
    relax: bool = True,
    start: Sequence[int] = (),
) -> Batch:
    """The better of two greedy batches: by score per second, and by score.

    Scores are shifted so that the lowest is 0; a batch is worth the sum of its shifted scores.
    Without caps and pins the better of the two is worth at least half of the best affordable
    batch: by score per second alone can be arbitrarily bad, but what it misses of the optimum is
    less than the first candidate that did not fit, and the batch by score begins with the best
    single candidate there is. With caps there is no such guarantee. Candidates that cost nothing
    come first by score per second, and always fit. Both batches are filled with whatever still
    fits.

    Args:
        score: (n,) acquisition scores, higher is sooner, equals in random order.
        caps: softest first.
        purse: seconds to spend, and the seconds of each candidate.
        relax: whether hard caps may be raised to spend them.
        start: positions picked already.

    Returns:
        The batch in the order in which it was filled; equally good batches go by score.
    Source:
        Dantzig 1957, Discrete-variable extremum problems; the bound as in Kellerer, Pferschy and
        Pisinger 2004, Knapsack Problems, section 2.1.
    """
    worth = np.asarray(score, dtype=np.float64) - np.min(score)
    orders = {
        "score": np.argsort(-worth, kind="stable"),
        "score per second": np.lexsort((-worth, -_rate(worth, purse.costs))),
    }
    batches = []
    for rule, ranking in orders.items():
        batch = walk(ranking, caps, purse, relax=relax, start=start)
        batch.rule = rule
        batches.append(batch)
    return max(batches, key=lambda b: (math.fsum(worth[b.picked].tolist()), len(b.picked)))


def affordable_set(
    ask: Ask,
    caps: Sequence[Cap],
    purse: Purse,
    *,
    relax: bool = True,
    start: Sequence[int] = (),
) -> Batch:
    """The largest set of a selector that the seconds buy, filled up with what still fits.

    A selector chooses k of the candidates that are affordable one by one, and k is sought by
    doubling and halving: so the set is one that it chose as a whole, as in `choose`. The seconds
    left over go to what it would have chosen next (the smallest set that was too dear), then to
    others in random order.

    Args:
        ask: positions of candidates and k to k of these positions, most wanted first.
        caps: softest first.
        purse: seconds to spend, and the seconds of each candidate.
        relax: whether hard caps may be raised to spend them.
        start: positions picked already; the selector is asked for the rest.
    """
    n = purse.costs.size
    pinned = Batch((), purse, start)
    among = np.flatnonzero(pinned.affordable(np.arange(n)) & ~pinned.taken)
    low, high = 0, _most(purse.costs[among], pinned.left + purse.slack) + 1
    best, beyond = list(start), list[int]()
    k = min(purse.nominal, high - 1)
    for _ in range(ASKS):
        if not low < k < high:
            break
        batch = choose(ask, caps, n, len(start) + k, relax=relax, start=start, among=among)
        if not purse.affords(batch.picked):
            high, beyond = k, batch.picked
        else:
            low, best = k, batch.picked
            if len(best) < len(start) + k:  # the caps allow no more
                break
        k = (low + high) // 2 if beyond else min(2 * k, high - 1)
    if beyond and low:  # asked last, so that what the selector tells beside it is about this set
        best = choose(ask, caps, n, len(start) + low, relax=relax, start=start, among=among).picked
    return walk(_first(beyond, n), caps, purse, relax=relax, start=best)


def _rate(worth: FloatArray, costs: FloatArray) -> FloatArray:
    """Worth per second; infinite where it costs nothing, or next to nothing."""
    rate = np.full(worth.shape, np.inf)
    with np.errstate(over="ignore"):
        np.divide(worth, costs, out=rate, where=costs > 0)
    return rate


def _most(costs: FloatArray, total: float) -> int:
    """The most candidates that any affordable set can have."""
    return int(np.searchsorted(np.cumsum(np.sort(costs)), total, side="right"))


def _first(some: Sequence[int], n: int) -> IntArray:
    """All n positions, some of them first."""
    ahead = np.asarray(some, dtype=np.int64)
    return np.concatenate([ahead, np.setdiff1d(np.arange(n), ahead)])
