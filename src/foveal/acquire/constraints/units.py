"""Units: samples that are asked together or not at all, such as all slices of a volume."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from foveal.acquire.constraints.batch import walk
from foveal.acquire.constraints.purse import Purse
from foveal.core.arrays import FloatArray, IntArray
from foveal.core.errors import BudgetError, EvidenceError
from foveal.core.pool import SampleId

Reduce = Literal["mean", "top"]
TOP = 0.1  # share of a unit's samples, the highest ones, that `top` averages


@dataclass(frozen=True, slots=True, eq=False)
class Units:
    """`codes` (n,) say to which unit each sample belongs, `first` (u,) which sample of it is first.

    Units are numbered as they first appear.
    """

    codes: IntArray
    first: IntArray

    def __len__(self) -> int:
        return self.first.size

    def total(self, values: FloatArray) -> FloatArray:
        """(u,) sums over the samples of each unit of (n,) values."""
        return np.bincount(self.codes, values, len(self)).astype(np.float64)

    def holding(self, positions: Sequence[int]) -> list[int]:
        """Units that some samples belong to, each once, in the order of the samples."""
        return list(dict.fromkeys(self.codes[np.asarray(positions, dtype=np.int64)].tolist()))

    def members(self, units: Sequence[int], ranking: IntArray) -> list[int]:
        """Samples of some units, unit by unit, and within each in the order of a ranking (n,)."""
        place = np.full(len(self), -1)
        place[np.asarray(units, dtype=np.int64)] = np.arange(len(units))
        inside = ranking[place[self.codes[ranking]] >= 0]
        order: list[int] = inside[np.argsort(place[self.codes[inside]], kind="stable")].tolist()
        return order

    def shared(self, what: str, names: Sequence[str]) -> list[str]:
        """(u,) the name that all samples of a unit share; `EvidenceError` where they do not."""
        own = [names[i] for i in self.first.tolist()]
        if any(names[i] != own[code] for i, code in enumerate(self.codes.tolist())):
            raise EvidenceError(
                f"`{what}` must be the same for all samples that are asked together, but differ "
                "within a unit; correct them, or ask for samples one by one"
            )
        return own

    def purse(self, purse: Purse, ids: Sequence[SampleId]) -> Purse:
        """A purse of samples as one of units, each with what its samples cost together.

        Raises:
            BudgetError: if it holds no whole unit.
        """
        costs = self.total(purse.costs)
        cheapest = int(np.argmin(costs))
        whole = Purse(
            purse.total,
            costs,
            purse.timed,
            None if purse.seconds is None else self.total(purse.seconds),
            whole=True,
        )
        if costs[cheapest] > whole.total + whole.slack:
            kind = "s" if purse.timed else "samples"
            raise BudgetError(
                f"{whole.words()} must be enough for one whole unit, but the smallest, that of "
                f"sample {ids[self.first[cheapest]]!r}, takes {costs[cheapest]:.6g} {kind}; allow "
                "at least that"
            )
        return whole


def units_of(names: Sequence[str]) -> Units:
    """Units from the name that samples of one unit share."""
    seen: dict[str, int] = {}
    codes = np.array([seen.setdefault(name, len(seen)) for name in names], dtype=np.int64)
    return Units(codes, np.unique(codes, return_index=True)[1])


def reduced(score: FloatArray, units: Units, reduce: Reduce) -> FloatArray:
    """(u,) one score for each unit.

    Args:
        score: (n,) of samples; higher is sooner.
        units: of the samples.
        reduce: `mean` over all samples, or `top`: the mean of the highest tenth, one at least. The
            mean prefers volumes that are uncertain throughout, the top those that are somewhere.
    """
    s = np.asarray(score, dtype=np.float64)
    order = np.lexsort((-s, units.codes))
    size = units.total(np.ones(s.size))
    begin = np.concatenate([[0], np.cumsum(size)[:-1]]).astype(np.int64)
    most = np.ceil(TOP * size - 1e-9) if reduce == "top" else size
    ordered = units.codes[order]
    kept = np.arange(s.size) - begin[ordered] < most[ordered]
    highest = s[order[begin]]
    # Differences from the highest: equal samples give exactly their score, however many they are.
    below = np.bincount(ordered[kept], (s[order] - highest[ordered])[kept], len(units))
    mean: FloatArray = highest + below / most
    return mean


def whole_units(
    scores: FloatArray,
    unit_of: Sequence[str],
    size_of: FloatArray | None,
    budget: float,
    reduce: Reduce = "mean",
) -> IntArray:
    """The samples of the most wanted units that fit a budget as a whole.

    Args:
        scores: (n,) acquisition scores of samples; higher is sooner.
        unit_of: (n,) the name of each sample's unit.
        size_of: (n,) what each sample takes of the budget; None for 1 each.
        budget: for all, above 0.
        reduce: how the scores of a unit become one; see `reduced`.

    Returns:
        (k,) positions, the most wanted unit first, and within a unit the highest score. A unit that
        does not fit into what is left is skipped; equals go in their order.

    Raises:
        EvidenceError: if lengths differ.
        BudgetError: if no unit fits, with what the smallest needs.
    """
    n = len(scores)
    sizes = np.ones(n) if size_of is None else np.asarray(size_of, dtype=np.float64)
    if len(unit_of) != n or sizes.shape != (n,) or not n:
        raise EvidenceError(
            f"{n} scores need as many units and sizes, and one at least, but there are "
            f"{len(unit_of)} units and {sizes.size} sizes"
        )
    units = units_of(unit_of)
    purse = units.purse(Purse(budget, sizes), [str(i) for i in range(n)])
    ranking = np.argsort(-reduced(scores, units, reduce), kind="stable")
    picked = walk(ranking, (), purse).picked
    inside = np.argsort(-np.asarray(scores, dtype=np.float64), kind="stable")
    return np.array(units.members(picked, inside), dtype=np.int64)


def by_first_pick(picks: IntArray, units: Units) -> IntArray:
    """(u,) all units: those that a selector picked from in the order of first picks, then others.

    Args:
        picks: positions of samples, most wanted first.
        units: of the samples; the others come in their order, which is that of chance.
    """
    ahead = np.array(units.holding(picks.tolist()), dtype=np.int64)
    return np.concatenate([ahead, np.setdiff1d(np.arange(len(units)), ahead)])


def left_aside(ranking: IntArray, units: Units, purse: Purse, ids: Sequence[SampleId]) -> list[str]:
    """A sentence where the most wanted unit is larger than the whole budget."""
    top = int(ranking[0])
    if purse.costs[top] <= purse.total + purse.slack:
        return []
    need = math.ceil(purse.costs[top]) if not purse.timed else round(float(purse.costs[top]), 1)
    return [
        f"the unit most wanted, that of sample {ids[units.first[top]]!r}, was left aside: it takes "
        f"{need:g}, more than {purse.words()} holds"
    ]
