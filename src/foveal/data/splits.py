"""Splits: patients to train, val and test, so that each side gets its share of every class."""

import hashlib
from collections.abc import Mapping, Sequence

import numpy as np

from foveal.core.arrays import FloatArray, IntArray
from foveal.core.errors import SpecError

NOT_ASSIGNED = -1


def split_groups(
    ids: Sequence[str],
    units: Sequence[str],
    labels: Sequence[str],
    val_fraction: float,
    test_fraction: float,
    seed: int,
    given: IntArray | None = None,
) -> IntArray:
    """Side of each sample: 0 train, 1 val, 2 test. A unit (patient) is never cut.

    Units are taken in descending size, equals in an order drawn from the seed, and each goes where
    it brings the class counts nearest to the shares asked for. The answer depends on the set of
    samples only, not on their order.

    Args:
        ids: (n,) sample ids.
        units: (n,) what must stay together.
        labels: (n,) class names; "" counts as a class of its own.
        val_fraction, test_fraction: shares in [0, 1]; a side with share 0 gets nothing.
        seed: decides among units of equal size.
        given: (n,) sides already fixed, -1 where free; a unit with a fixed sample follows it.
    Raises:
        SpecError: if the shares leave nothing to train on.
    """
    if val_fraction + test_fraction >= 1:
        raise SpecError(
            f"`data.val_fraction` ({val_fraction}) and `data.test_fraction` ({test_fraction}) "
            "must leave something to train on: their sum must be below 1"
        )
    shares = np.array([1 - val_fraction - test_fraction, val_fraction, test_fraction])
    fixed = np.full(len(ids), NOT_ASSIGNED) if given is None else np.asarray(given)
    members = _members(units)
    classes = np.unique(np.asarray(labels, dtype=object).astype(str), return_inverse=True)[1]
    totals = np.bincount(classes, minlength=1) if len(ids) else np.zeros(1, np.int64)
    have = np.zeros((3, len(totals)))
    sides = np.full(len(ids), NOT_ASSIGNED, np.int64)
    for rows in _order(members, ids, fixed, seed):
        counts = np.bincount(classes[rows], minlength=len(totals))
        held = fixed[rows][fixed[rows] >= 0]
        side = int(held[0]) if len(held) else _nearest(have, counts, shares, totals)
        sides[rows] = side
        have[side] += counts
    if given is not None:
        sides = np.where(fixed >= 0, fixed, sides)
    return sides


def folds_of(ids: Sequence[str], units: Sequence[str], folds: int, seed: int) -> IntArray:
    """(n,) fold of each sample, 0 to folds - 1; a unit (patient) is never cut.

    Units are dealt in descending size, so that folds are about as large as each other; it depends
    on the set of samples only, not on their order.

    Args:
        ids: (n,) sample ids.
        units: (n,) what must stay together.
        folds: how many.
        seed: decides among units of equal size.
    Raises:
        SpecError: if there are more folds than units.
    """
    members = _members(units)
    if folds > len(members):
        raise SpecError(
            f"`data.folds` must be at most the number of patients, but is {folds} with "
            f"{len(members)} patients; set it to {len(members)} to leave one out each time"
        )
    fold = np.empty(len(ids), np.int64)
    free = np.full(len(ids), NOT_ASSIGNED)
    for number, rows in enumerate(_order(members, ids, free, seed)):
        fold[rows] = number % folds
    return fold


def _members(units: Sequence[str]) -> Mapping[str, list[int]]:
    members: dict[str, list[int]] = {}
    for row, unit in enumerate(units):
        members.setdefault(unit, []).append(row)
    return members


def _order(
    members: Mapping[str, list[int]], ids: Sequence[str], fixed: IntArray, seed: int
) -> list[list[int]]:
    """Fixed units first, then by size; equals by a hash of the seed and the unit's least id."""

    def key(rows: list[int]) -> tuple[bool, int, bytes]:
        name = f"{seed}\0{min(ids[row] for row in rows)}".encode()
        free = bool((fixed[rows] < 0).all())
        return free, -len(rows), hashlib.blake2b(name, digest_size=8).digest()

    return sorted(members.values(), key=key)


def _nearest(have: FloatArray, counts: IntArray, shares: FloatArray, totals: IntArray) -> int:
    """The side where adding `counts` shrinks the distance to the wanted counts most."""
    wanted = shares[:, None] * totals
    change = counts * (2 * (have - wanted) + counts) / np.maximum(totals, 1)
    cost = np.where(shares > 0, change.sum(axis=1), np.inf)
    return int(np.argmin(cost))
