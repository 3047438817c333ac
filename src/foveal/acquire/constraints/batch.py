"""Batch: picks so far, how full each cap is, and the two ways of filling it."""

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np

from foveal.acquire.constraints.caps import FREE, Cap
from foveal.acquire.constraints.purse import Purse, places
from foveal.core.arrays import BoolArray, IntArray

Ask = Callable[[IntArray, int], IntArray]

LOOK_AHEAD = 4  # candidates walked for each open place before the blocked ones are sieved out again
ASKS = 16  # how often a selector is asked; each time the violators of its last answer are gone


class Batch:
    """Picks so far, what is left in the purse, and how full each cap is.

    `rule` says by what the picks were ranked, where that was a choice.
    """

    def __init__(self, caps: Sequence[Cap], purse: Purse, start: Sequence[int] = ()) -> None:
        self.caps = tuple(caps)
        self.purse = purse
        self.limits = [cap.limit for cap in caps]
        self.counts = [cap.start() for cap in caps]
        self.left = purse.total
        self.picked: list[int] = []
        self.taken = np.zeros(purse.costs.size, dtype=bool)
        self.rule = ""
        for position in start:
            self.add(position)

    def add(self, position: int) -> None:
        """Pick one, whatever caps and purse say."""
        self.picked.append(position)
        self.taken[position] = True
        self.left -= float(self.purse.costs[position])
        for cap, count in zip(self.caps, self.counts, strict=True):
            count[cap.codes[position]] += 1
            count[FREE] = 0

    def affordable(self, positions: IntArray) -> BoolArray:
        """(m,) True where a position fits into what is left."""
        fits: BoolArray = self.purse.costs[positions] <= self.left + self.purse.slack
        return fits

    def room(self, positions: IntArray) -> int:
        """About how many of the positions fit, at least 1; exact where all cost the same."""
        mean = float(self.purse.costs[positions].mean())
        many = positions.size if mean * positions.size <= self.left else round(self.left / mean)
        return max(1, many)

    def blocked(self, positions: IntArray) -> BoolArray:
        """(caps, m) True where picking a position would break a cap."""
        full = [
            count[cap.codes[positions]] >= limit
            for cap, count, limit in zip(self.caps, self.counts, self.limits, strict=True)
        ]
        return np.array(full, dtype=bool).reshape(len(self.caps), positions.size)

    def take(self, positions: IntArray) -> None:
        """Pick, in order, those that fit into the purse and break no cap."""
        prices, slack = self.purse.costs[positions].tolist(), self.purse.slack
        for position, price in zip(positions.tolist(), prices, strict=True):
            if price <= self.left + slack and all(
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
        self.limits[which] = int(self.counts[which][codes].min()) + self._step(which)
        return True

    def _step(self, which: int) -> int:
        """By how much a cap is raised: one, or part of what the seconds may still buy of a share.

        How many candidates seconds buy is not known beforehand. A quarter of the guess for each
        code is safe to give at once, and spares a pass over the pool for each single place. The
        guess goes by what the picks cost so far, but no less than an eighth of the average, lest
        a start with free candidates give all places away.
        """
        if not (self.purse.timed and self.caps[which].soft and self.picked):
            return 1
        each = max((self.purse.total - self.left) / len(self.picked), self.purse.costs.mean() / 8)
        return max(1, int(self.left / each) // (4 * (self.counts[which].size - 1))) if each else 1


def walk(
    ranking: IntArray,
    caps: Sequence[Cap],
    budget: int | Purse,
    *,
    relax: bool = True,
    start: Sequence[int] = (),
) -> Batch:
    """The first of a ranking that caps and purse allow; those that needed a raised cap come last.

    Args:
        ranking: positions of all candidates, most wanted first.
        caps: softest first.
        budget: how many to pick, or what they may cost.
        relax: whether hard caps may be raised to spend the budget.
        start: positions picked already.
    """
    purse = budget if isinstance(budget, Purse) else places(budget, ranking.size)
    batch = Batch(caps, purse, start)
    left = ranking[~batch.taken[ranking]]
    while (left := left[batch.affordable(left)]).size:
        blocked = batch.blocked(left)
        free = left[~blocked.any(axis=0)]
        if free.size:
            batch.take(free[: LOOK_AHEAD * batch.room(free)])
            left = left[~batch.taken[left]]
        elif not batch.raise_cap(left, blocked, relax):
            break
    return batch


def choose(
    ask: Ask,
    caps: Sequence[Cap],
    n: int,
    k: int,
    *,
    relax: bool = True,
    start: Sequence[int] = (),
    among: IntArray | None = None,
) -> Batch:
    """A selector's set within the caps.

    The selector is asked for k of all candidates. Picks that break a cap leave the pool, with
    everything else that the accepted picks rule out, and it is asked for the whole set again: so
    the answer is a set that the selector chose as a whole, and where the caps do not bind it is
    the same as without them. Caps that cannot be met are raised beforehand.

    Args:
        ask: positions of candidates and k to k of these positions, most wanted first.
        caps: softest first.
        n: number of candidates.
        k: how many to pick, those of `start` included.
        relax: whether hard caps may be raised to reach k.
        start: positions picked already; the selector is asked for the rest.
        among: positions that may be picked besides; None for all.
    """
    everyone = np.arange(n) if among is None else among
    purse = places(k, n)
    within_reach = walk(everyone, caps, purse, relax=relax, start=start)
    purse = places(len(within_reach.picked), n)
    raised = [replace(c, limit=m) for c, m in zip(caps, within_reach.limits, strict=True)]
    batch = Batch(raised, purse, start)
    pool = everyone[_open(batch, everyone)]
    for _ in range(ASKS):
        batch = Batch(raised, purse, start)
        wanted = min(round(batch.left), pool.size)
        if not wanted:
            break
        batch.take(ask(pool, wanted))
        kept = pool[_open(batch, pool) | batch.taken[pool]]
        if batch.left < 1 or kept.size == pool.size:
            break
        pool = kept
    return walk(everyone, raised, purse, relax=relax, start=batch.picked)


def _open(batch: Batch, positions: IntArray) -> BoolArray:
    """(m,) True where a position is neither picked nor blocked."""
    free: BoolArray = ~(batch.blocked(positions).any(axis=0) | batch.taken[positions])
    return free
