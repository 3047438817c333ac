"""Greedy maximization of set functions: naive, lazy, stochastic, and in two rounds by parts.

For a monotone submodular function the greedy set is worth at least 1 - 1/e = 63 % of the best set
of that size (Nemhauser, Wolsey and Fisher 1978), and lazy greedy finds the same set sooner
(Minoux 1978), because a gain can only shrink as the set grows. For other functions (log-det mutual
information) a stale gain bounds nothing: lazy greedy would be wrong there and is refused.
"""

import math
from collections.abc import Callable
from typing import Literal, Protocol

import numpy as np

from foveal.core.arrays import FloatArray, IntArray
from foveal.core.errors import SpecError

Optimizer = Literal["auto", "naive", "lazy", "stochastic"]

ROUNDING = 1e-9  # a gain may exceed its stale bound by rounding
ASKED = 16  # lazy greedy asks at least so many candidates anew, then twice as many
SCANS = 4  # passes over all bounds that a pick of lazy greedy takes anyway
EPSILON = 0.1  # stochastic greedy: expected loss against greedy


class SetFunction(Protocol):
    """A growing set A of n candidates and what each further one would add to f(A)."""

    submodular: bool
    reads: int  # numbers that one gain is made of

    def __len__(self) -> int: ...

    def gains(self, among: IntArray | None = None) -> FloatArray:
        """(m,) f(A + i) - f(A) of some candidates, or (n,) of all."""
        ...

    def add(self, position: int) -> None:
        """A becomes A + position."""
        ...


def maximize(
    f: SetFunction,
    k: int,
    optimizer: Optimizer = "auto",
    rng: np.random.Generator | None = None,
) -> IntArray:
    """The k candidates that greedy takes for a fresh set function, in its order.

    Equal gains go to the first position.

    Args:
        f: changed by the call.
        k: at most len(f).
        optimizer: `naive` asks every candidate each time; `lazy` only those that may be best, with
            the same answer; `stochastic` asks a random (n / k) ln(1 / 0.1) of them, worth
            1 - 1/e - 0.1 in expectation; `auto` is lazy where that is exact, else naive.
        rng: for `stochastic`.
    Raises:
        SpecError: if `lazy` or `stochastic` is asked of a function that is not submodular, or
            chance is missing.
    Source:
        Minoux 1978; Mirzasoleiman et al. 2015, Lazier than lazy greedy, arXiv:1409.7938.
    """
    if optimizer in ("lazy", "stochastic") and not f.submodular:
        raise SpecError(
            f"`optimizer: {optimizer}` needs a submodular function, whose gains only shrink, but "
            "this one is none; use `naive` or `auto`"
        )
    if optimizer == "stochastic":
        if rng is None:
            raise SpecError("`optimizer: stochastic` draws candidates, so it needs `rng`")
        return _stochastic(f, k, rng)
    if optimizer == "naive" or not f.submodular:
        return _naive(f, k)
    return _lazy(f, k)


def _naive(f: SetFunction, k: int) -> IntArray:
    free = np.ones(len(f), dtype=bool)
    picks = []
    for _ in range(k):
        pick = int(np.argmax(np.where(free, f.gains(), -np.inf)))
        picks.append(pick)
        free[pick] = False
        f.add(pick)
    return np.array(picks, dtype=np.int64)


def _lazy(f: SetFunction, k: int) -> IntArray:
    if k == 0:
        return np.zeros(0, dtype=np.int64)
    bounds = f.gains().astype(np.float64)
    at_once = max(ASKED, SCANS * len(f) // max(1, f.reads))
    picks: list[int] = []
    while len(picks) < k:
        first = int(np.argmax(bounds))
        bounds[first] = f.gains(np.array([first]))[0]
        # Whatever a stale bound leaves below the best gain cannot win; of the others the highest
        # bounds are asked first, more of them at a time: as many as cost what the scan costs.
        fresh, best, more = np.array([first]), bounds[first], at_once
        stale = np.flatnonzero(bounds >= _least(best))
        stale = stale[stale != first]
        while stale.size:
            highest = np.argpartition(-bounds[stale], min(more, stale.size) - 1)
            some, stale = stale[highest[:more]], stale[highest[more:]]
            bounds[some] = f.gains(some)
            best, more = max(best, bounds[some].max()), 2 * more
            fresh = np.append(fresh, some)
            stale = stale[bounds[stale] >= _least(best)]
        pick = int(fresh[bounds[fresh] == best].min())
        picks.append(pick)
        bounds[pick] = -np.inf
        f.add(pick)
    return np.array(picks, dtype=np.int64)


def _least(gain: float) -> float:
    """The bound from which on a candidate may have this gain, or more."""
    return float(gain - ROUNDING * max(1.0, abs(gain)))


def _stochastic(f: SetFunction, k: int, rng: np.random.Generator) -> IntArray:
    free = np.arange(len(f))
    sample = math.ceil(len(f) / max(k, 1) * math.log(1 / EPSILON))
    picks = []
    for _ in range(k):
        some = np.sort(rng.choice(free, min(sample, free.size), replace=False))
        pick = int(some[np.argmax(f.gains(some))])
        picks.append(pick)
        free = free[free != pick]
        f.add(pick)
    return np.array(picks, dtype=np.int64)


def by_parts(
    n: int,
    k: int,
    at_once: int,
    choose: Callable[[IntArray, IntArray, int], IntArray],
    rng: np.random.Generator,
) -> IntArray:
    """Two rounds: greedy within each random part, then greedy among all that the parts chose.

    For functions that sum over the pool and whose n x n kernel does not fit into memory. In the
    first round each part is candidates and ground set; in the second the ground set is a random
    sample of the pool. Worth (1 - 1/e) / 2 = 31 % of the best set in expectation for monotone
    submodular functions, and in practice nearly what greedy gives.

    Args:
        n: candidates.
        k: how many to choose.
        at_once: items whose kernel fits into memory; with n or more of them this is plain greedy.
        choose: candidates, ground set and k to k of the candidates.
        rng: deals the candidates out.
    Source:
        Barbosa et al. 2015, The power of randomization, arXiv:1502.02606; Mirzasoleiman et al.
        2013, Distributed submodular maximization.
    """
    everyone = np.arange(n)
    if n <= at_once:
        return choose(everyone, everyone, k)
    dealt = [np.sort(p) for p in np.array_split(rng.permutation(n), math.ceil(n / at_once))]
    union = np.sort(np.concatenate([choose(p, p, min(k, p.size)) for p in dealt]))
    sample = max(1, min(n, at_once * at_once // union.size))
    return choose(union, np.sort(rng.choice(n, sample, replace=False)), k)
