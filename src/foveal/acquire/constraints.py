"""Constraints on a batch: caps per patient, per near-duplicate cluster and per predicted class.

Each constraint is one cap, "at most so many picks share a code", and one walk down a ranking
honors them all. Where the caps put the budget out of reach, the softest cap that stands in the
way is raised by the smallest step that frees a candidate: first the balance of classes, then the
cap per patient, and near-duplicates last, since a second copy of one image teaches least.
"""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace
from typing import Literal, get_args

import numpy as np

from foveal.core.arrays import AnyArray, BoolArray, IntArray
from foveal.core.errors import EvidenceError, SpecError, near_miss
from foveal.core.pool import SampleId

Balance = Literal["none", "predicted"]
Ask = Callable[[IntArray, int], IntArray]

FREE = -1  # the code of a candidate that a cap does not concern
LOOK_AHEAD = 4  # candidates walked for each open place before the blocked ones are sieved out again
ASKS = 16  # how often a selector is asked; each time the violators of its last answer are gone


@dataclass(frozen=True, slots=True)
class Constraints:
    """What a batch must respect besides the strategy's wish.

    `per_group` is the most samples of one group (patient) in a batch. `one_per_cluster` allows
    one of each set of near-duplicates. `balance="predicted"` shares the budget equally among the
    classes the model predicts; what cannot be shared equally goes to the best scores. `exclude`
    are samples that must not be asked. With `relax` a budget that the caps put out of reach is
    still filled, by raising caps in the order of this module, and the query says so; without it
    the query is shorter than the budget.

    Raises:
        SpecError: if `per_group` is below 1 or `balance` unknown.
    """

    per_group: int | None = None
    one_per_cluster: bool = False
    balance: Balance = "none"
    exclude: Collection[SampleId] = ()
    relax: bool = True

    def __post_init__(self) -> None:
        if self.per_group is not None and self.per_group < 1:
            raise SpecError(
                f"`per_group` must be at least 1, or None for no cap, not {self.per_group}"
            )
        if self.balance not in get_args(Balance):
            raise SpecError(
                f"no balance {self.balance!r}.{near_miss(self.balance, get_args(Balance))}"
            )


@dataclass(frozen=True, slots=True)
class Cap:
    """At most `limit` picks share a code of `codes` (n,); `FREE` is not counted.

    A soft cap may be raised even where caps must not be relaxed.
    """

    name: str
    codes: IntArray
    limit: int
    soft: bool = False


def caps_of(
    constraints: Constraints,
    budget: int,
    *,
    groups: Sequence[str] | None,
    clusters: Sequence[str] | None,
    probs: AnyArray | None,
) -> tuple[Cap, ...]:
    """The caps a batch must honor, the softest first.

    Args:
        constraints: what is wanted.
        budget: samples asked for.
        groups: (n,) the group of each candidate.
        clusters: (n,) its near-duplicate cluster; "" stands alone.
        probs: (n, C) its probabilities.

    Raises:
        SpecError: if a constraint lacks the groups or clusters it is about.
        EvidenceError: if `balance` lacks `probs`.
    """
    caps = []
    if constraints.balance == "predicted":
        if probs is None:
            raise EvidenceError("`balance: predicted` needs `probs`, but the evidence has none")
        codes = np.argmax(probs, axis=1)
        share = max(1, budget // max(1, np.unique(codes).size))
        caps.append(Cap("balance", codes, share, soft=True))
    if constraints.per_group is not None:
        codes = _codes(_given(groups, "groups", "per_group"))
        caps.append(Cap("per_group", codes, constraints.per_group))
    if constraints.one_per_cluster:
        codes = _codes(_given(clusters, "clusters", "one_per_cluster"), alone="")
        caps.append(Cap("one_per_cluster", codes, 1))
    return tuple(caps)


class Batch:
    """Picks so far, and how full each cap is."""

    def __init__(self, caps: Sequence[Cap], n: int) -> None:
        self.caps = tuple(caps)
        self.limits = [cap.limit for cap in caps]
        self.counts = [np.zeros(int(cap.codes.max(initial=0)) + 2, np.int64) for cap in caps]
        self.picked: list[int] = []
        self.taken = np.zeros(n, dtype=bool)

    def add(self, position: int) -> None:
        """Pick one, whatever the caps say."""
        self.picked.append(position)
        self.taken[position] = True
        for cap, count in zip(self.caps, self.counts, strict=True):
            count[cap.codes[position]] += 1
            count[FREE] = 0

    def blocked(self, positions: IntArray) -> BoolArray:
        """(caps, m) True where picking a position would break a cap."""
        full = [
            count[cap.codes[positions]] >= limit
            for cap, count, limit in zip(self.caps, self.counts, self.limits, strict=True)
        ]
        return np.array(full, dtype=bool).reshape(len(self.caps), positions.size)

    def take(self, positions: IntArray, k: int) -> None:
        """Pick those that break no cap, in order, until there are k."""
        for position in positions.tolist():
            if len(self.picked) == k:
                return
            if all(
                count[cap.codes[position]] < limit
                for cap, count, limit in zip(self.caps, self.counts, self.limits, strict=True)
            ):
                self.add(position)

    def raise_cap(self, left: IntArray, blocked: BoolArray, relax: bool) -> bool:
        """Raise the softest cap that is the hardest one in some candidate's way; False if none."""
        hardest = len(self.caps) - 1 - np.argmax(blocked[::-1], axis=0)
        which = int(hardest.min())
        if not (relax or self.caps[which].soft):
            return False
        codes = self.caps[which].codes[left[hardest == which]]
        self.limits[which] = int(self.counts[which][codes].min()) + 1
        return True


def walk(
    ranking: IntArray, caps: Sequence[Cap], k: int, *, relax: bool = True, start: Sequence[int] = ()
) -> Batch:
    """The first k of a ranking that the caps allow; those that needed a raised cap come last.

    Args:
        ranking: positions, most wanted first.
        caps: softest first.
        k: how many to pick.
        relax: whether hard caps may be raised to reach k.
        start: positions picked already.
    """
    batch = Batch(caps, ranking.size)
    for position in start:
        batch.add(position)
    left = ranking[~batch.taken[ranking]]
    while len(batch.picked) < k and left.size:
        blocked = batch.blocked(left)
        free = left[~blocked.any(axis=0)]
        if free.size:
            batch.take(free[: LOOK_AHEAD * (k - len(batch.picked))], k)
            left = left[~batch.taken[left]]
        elif not batch.raise_cap(left, blocked, relax):
            break
    return batch


def choose(ask: Ask, caps: Sequence[Cap], n: int, k: int, *, relax: bool = True) -> Batch:
    """A selector's set within the caps.

    The selector is asked for k of all candidates. Picks that break a cap leave the pool, with
    everything else that the accepted picks rule out, and it is asked for the whole set again: so
    the answer is a set that the selector chose as a whole, and where the caps do not bind it is
    the same as without them. Caps that cannot be met are raised beforehand.

    Args:
        ask: positions of candidates and k to k of these positions, most wanted first.
        caps: softest first.
        n: number of candidates.
        k: how many to pick.
        relax: whether hard caps may be raised to reach k.
    """
    everyone = np.arange(n)
    within_reach = walk(everyone, caps, k, relax=relax)
    k = len(within_reach.picked)
    raised = [replace(c, limit=m) for c, m in zip(caps, within_reach.limits, strict=True)]
    keep = np.ones(n, dtype=bool)
    for _ in range(ASKS):
        pool = np.flatnonzero(keep)
        batch = Batch(raised, n)
        batch.take(ask(pool, min(k, pool.size)), k)
        violators = pool[batch.blocked(pool).any(axis=0) & ~batch.taken[pool]]
        if len(batch.picked) == k or not violators.size:
            break
        keep[violators] = False
    return walk(everyone, raised, k, relax=relax, start=batch.picked)


def remarks(batch: Batch, caps: Sequence[Cap], budget: int) -> tuple[str, ...]:
    """What the constraints cost: caps that were raised, classes that stayed unequal, shortness."""
    notes = []
    for cap in caps:
        codes, counts = np.unique(cap.codes[batch.picked], return_counts=True)
        most = int(counts[codes != FREE].max(initial=0))
        if cap.soft:
            notes += _imbalance(cap, codes, counts)
        elif most > cap.limit:
            notes.append(
                f"`{cap.name}` was raised from {cap.limit} to {most}, because the candidates could "
                f"not fill a budget of {budget} within it"
            )
    if len(batch.picked) < budget:
        notes.append(
            f"only {len(batch.picked)} of {budget} samples could be asked within the constraints"
        )
    return tuple(notes)


def _imbalance(cap: Cap, codes: IntArray, counts: IntArray) -> list[str]:
    present = np.unique(cap.codes)
    have = dict(zip(codes.tolist(), counts.tolist(), strict=True))
    shares = [have.get(code, 0) for code in present.tolist()]
    if max(shares) - min(shares) <= 1:
        return []
    listed = ", ".join(f"{n} of class {c}" for c, n in zip(present.tolist(), shares, strict=True))
    return [f"predicted classes stay unequal in this batch: {listed}"]


def _given(names: Sequence[str] | None, argument: str, constraint: str) -> Sequence[str]:
    if names is None:
        raise SpecError(f"`{constraint}` needs `{argument}`, one name per sample, but got none")
    return names


def _codes(names: Sequence[str], alone: str | None = None) -> IntArray:
    """Consecutive integers for names; `FREE` for the name `alone`."""
    seen: dict[str, int] = {}
    codes = (FREE if name == alone else seen.setdefault(name, len(seen)) for name in names)
    return np.fromiter(codes, dtype=np.int64, count=len(names))
