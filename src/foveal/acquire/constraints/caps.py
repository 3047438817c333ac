"""Caps: every constraint as "at most so many picks share a code"."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from foveal.acquire.constraints.rules import Constraints, Shares
from foveal.core.arrays import AnyArray, IntArray
from foveal.core.errors import EvidenceError, SpecError

FREE = -1  # the code of a candidate that a cap does not concern


@dataclass(frozen=True, slots=True)
class Cap:
    """At most `limit` picks share a code of `codes` (n,); `FREE` is not counted.

    A soft cap may be raised even where caps must not be relaxed. `quota` (codes,) are places that
    each code has beside the limit, so that codes may differ and are still raised in step. `held`
    (codes,) are picks of earlier rounds, which count as well. `names` are what the codes stand for.
    """

    name: str
    codes: IntArray
    limit: int
    soft: bool = False
    quota: IntArray | None = None
    names: tuple[str, ...] = ()
    held: IntArray | None = None

    def start(self) -> IntArray:
        """Counts of an empty batch: what is held, and own places, spent before the limit is."""
        counts = np.zeros(int(self.codes.max(initial=0)) + 2, np.int64)
        if self.quota is not None:
            counts[: self.quota.size] -= self.quota
        if self.held is not None:
            counts[: self.held.size] += self.held
        return counts

    def most(self, positions: Sequence[int]) -> int:
        """The most that share a code of the positions, with what is held of it; 0 if none does."""
        codes = self.codes[np.asarray(positions, dtype=np.int64)]
        codes, counts = np.unique(codes[codes != FREE], return_counts=True)
        held = 0 if self.held is None else self.held[codes]
        return int((counts + held).max(initial=0))


def caps_of(
    constraints: Constraints,
    budget: int,
    *,
    groups: Sequence[str] | None,
    clusters: Sequence[str] | None,
    probs: AnyArray | None,
    studies: Sequence[str] | None = None,
    strata: Sequence[str] | None = None,
    labeled_groups: Sequence[str] = (),
) -> tuple[Cap, ...]:
    """The caps a batch must honor, the softest first.

    Args:
        constraints: what is wanted.
        budget: samples asked for; a guess will do, for shares are raised as needed.
        groups: (n,) the group of each candidate.
        clusters: (n,) its near-duplicate cluster; "" stands alone.
        probs: (n, C) its probabilities.
        studies: (n,) its study; "" stands alone.
        strata: (n,) its stratum.
        labeled_groups: the group of everything that was asked in earlier rounds.

    Raises:
        SpecError: if a constraint lacks the groups, studies, strata or clusters it is about.
        EvidenceError: if `balance` lacks `probs`.
    """
    caps = []
    if constraints.balance == "predicted":
        if probs is None:
            raise EvidenceError("`balance: predicted` needs `probs`, but the evidence has none")
        codes = np.argmax(probs, axis=1)
        caps.append(Cap("balance", codes, _share(budget, np.unique(codes).size), soft=True))
    if constraints.per_stratum != "none":
        names = _given(strata, "strata", "per_stratum")
        caps.append(_shares(constraints.per_stratum, names, budget))
    if constraints.per_group is not None:
        codes = _codes(_given(groups, "groups", "per_group"))
        caps.append(Cap("per_group", codes, constraints.per_group))
    if constraints.per_group_total is not None:
        names = _given(groups, "groups", "per_group_total")
        caps.append(_total(constraints.per_group_total, names, labeled_groups))
    if constraints.per_study is not None:
        codes = _codes(_given(studies, "studies", "per_study"), alone="")
        caps.append(Cap("per_study", codes, constraints.per_study))
    if constraints.one_per_cluster:
        codes = _codes(_given(clusters, "clusters", "one_per_cluster"), alone="")
        caps.append(Cap("one_per_cluster", codes, 1))
    return tuple(caps)


def _share(budget: int, among: int) -> int:
    return max(1, budget // max(1, among))


def _shares(shares: Shares, strata: Sequence[str], budget: int) -> Cap:
    names, codes, sizes = np.unique(np.asarray(strata), return_inverse=True, return_counts=True)
    told = tuple(names.tolist())
    if shares == "equal":
        return Cap("per_stratum", codes, _share(budget, names.size), soft=True, names=told)
    quota = budget * sizes // max(1, codes.size)
    return Cap("per_stratum", codes, 0, soft=True, quota=quota, names=told)


def _total(limit: int, groups: Sequence[str], labeled: Sequence[str]) -> Cap:
    """A cap over all rounds: what is labeled of a group counts from the start."""
    have = Counter(labeled)
    held = np.array([have[group] for group in dict.fromkeys(groups)], dtype=np.int64)
    return Cap("per_group_total", _codes(groups), limit, held=held)


def _given(names: Sequence[str] | None, argument: str, constraint: str) -> Sequence[str]:
    if names is None:
        raise SpecError(f"`{constraint}` needs `{argument}`, one name per sample, but got none")
    return names


def _codes(names: Sequence[str], alone: str | None = None) -> IntArray:
    """Consecutive integers for names; `FREE` for the name `alone`."""
    seen: dict[str, int] = {}
    codes = (FREE if name == alone else seen.setdefault(name, len(seen)) for name in names)
    return np.fromiter(codes, dtype=np.int64, count=len(names))
