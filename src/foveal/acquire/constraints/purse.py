"""Purse: what a batch may cost, in places of one each or in an expert's seconds."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from foveal.core.arrays import FloatArray, IntArray
from foveal.core.errors import BudgetError, EvidenceError, PoolExhausted, SpecError
from foveal.core.pool import SampleId

ROUNDING = 1e-9  # of the total: three times 0.1 s still fit into 0.3 s


@dataclass(frozen=True, slots=True, eq=False)
class Purse:
    """`total` to spend and the `costs` (n,) of candidates, both in places or both in seconds.

    `seconds` (n,) are the expected seconds of candidates where they are known; in a timed purse
    they are its costs. `whole` tells that a candidate stands for a unit of several samples.
    """

    total: float
    costs: FloatArray
    timed: bool = False
    seconds: FloatArray | None = None
    whole: bool = False

    @property
    def nominal(self) -> int:
        """Places, or about how many candidates of average cost the seconds buy; at least 1."""
        mean = float(self.costs.mean()) if self.costs.size else 0.0
        if mean * self.costs.size <= self.total:
            return self.costs.size
        return max(1, math.floor(self.total / mean * (1 + ROUNDING)))

    @property
    def slack(self) -> float:
        """What may be overspent by rounding."""
        return ROUNDING * self.total

    def spent(self, positions: Sequence[int] | IntArray) -> float:
        """Cost of some candidates."""
        return math.fsum(self.costs[np.asarray(positions, dtype=np.int64)].tolist())

    def affords(self, positions: Sequence[int] | IntArray) -> bool:
        """Whether some candidates fit together."""
        return self.spent(positions) <= self.total + self.slack

    def words(self) -> str:
        """`a budget of 30` or `600 s`."""
        return f"{self.total:.6g} s" if self.timed else f"a budget of {self.total:.0f}"


def places(k: int, n: int) -> Purse:
    """A purse of k places for n candidates."""
    return Purse(k, np.ones(n))


def purse_of(
    budget: int | None,
    seconds: float | None,
    costs: FloatArray | None,
    ids: Sequence[SampleId],
    pool: int,
) -> Purse:
    """The purse of a query.

    Args:
        budget: samples, or None.
        seconds: seconds, or None; exactly one of the two.
        costs: (n,) seconds that each candidate is expected to take; None where unknown.
        ids: (n,) the candidates.
        pool: candidates before exclusion, for messages.

    Raises:
        SpecError: if not exactly one of `budget` and `seconds` is given, or `costs` are missing.
        PoolExhausted: no candidates.
        BudgetError: a budget out of range, or seconds that are too few for the cheapest.
    """
    if (budget is None) == (seconds is None):
        got = "neither" if budget is None else "both"
        raise SpecError(
            f"a query needs either `budget` (samples) or `seconds`, but got {got}; pass one of them"
        )
    if not ids:
        excluded = f" (all {pool} are excluded)" if pool else ""
        raise PoolExhausted(f"a query needs candidates, but none are left{excluded}")
    if budget is not None:
        _check_places(budget, len(ids), pool)
        return Purse(budget, np.ones(len(ids)), seconds=costs)
    if costs is None:
        raise SpecError("`seconds` needs `costs`, the seconds of each candidate, but got none")
    assert seconds is not None
    _check_seconds(seconds, costs, ids)
    return Purse(float(seconds), costs, timed=True, seconds=costs)


def check_costs(costs: Sequence[float] | FloatArray, ids: Sequence[SampleId]) -> FloatArray:
    """(n,) float64 costs; `EvidenceError` unless there is a finite one, 0 or more, for each id."""
    array = np.asarray(costs, dtype=np.float64)
    if array.shape != (len(ids),):
        raise EvidenceError(
            f"`costs` must have {len(ids)} numbers, one for each sample, not shape {array.shape}"
        )
    wrong = np.flatnonzero(~(np.isfinite(array) & (array >= 0)))
    if wrong.size:
        first = int(wrong[0])
        raise EvidenceError(
            f"`costs` must be finite seconds, 0 or more, but sample {ids[first]!r} has "
            f"{array[first]} ({wrong.size} such samples); correct or exclude them"
        )
    return array


def _check_places(budget: int, candidates: int, pool: int) -> None:
    if budget < 1:
        raise BudgetError(f"the budget must be at least 1, not {budget}")
    if budget > candidates:
        excluded = f" (of {pool}, the others are excluded)" if pool > candidates else ""
        raise BudgetError(
            f"the budget must not exceed the pool, but {budget} were asked for and {candidates} "
            f"candidates are left{excluded}; ask for at most {candidates}"
        )


def _check_seconds(seconds: float, costs: FloatArray, ids: Sequence[SampleId]) -> None:
    if not 0 < seconds < math.inf:
        raise BudgetError(f"`seconds` must be positive and finite, not {seconds}")
    cheapest = int(np.argmin(costs))
    least = float(costs[cheapest])
    if least > seconds * (1 + ROUNDING):
        raise BudgetError(
            f"{seconds:.6g} s must be enough for one candidate, but the cheapest, "
            f"{ids[cheapest]!r}, takes {least:.6g} s; allow at least that"
        )
