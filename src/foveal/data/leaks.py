"""Leak guard: candidates that repeat a validation or test image, and what to do with them.

Patients that cross a split are refused by `core.pool.Pool` itself. Here are the repeats that
patient ids do not show: the same pixels, or nearly the same (see `duplicates`).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from foveal.core.arrays import BoolArray, IntArray
from foveal.data.duplicates import Neighbors, components

TRAIN, VAL, TEST = 0, 1, 2
NAMES = ("train", "val", "test")


@dataclass(frozen=True, slots=True)
class Repeats:
    """Repeats counted in pairs of images, by the two sides they stand on ("train_test")."""

    identical: dict[str, int]
    near: dict[str, int]


def count_repeats(side: IntArray, neighbors: Neighbors) -> Repeats:
    """How many pairs of images repeat each other, within and across sides.

    Args:
        side: (n,) 0 train, 1 val, 2 test, -1 not used.
        neighbors: which rows show which picture, and which pictures are near.
    """
    have = _side_counts(side, neighbors)
    same = have.T @ have
    near = have[neighbors.near[:, 0]].T @ have[neighbors.near[:, 1]]
    identical, similar = {}, {}
    for a in range(3):
        for b in range(a, 3):
            name = f"{NAMES[a]}_{NAMES[b]}"
            own = (same[a, a] - have[:, a].sum()) // 2
            identical[name] = int(own if a == b else same[a, b])
            similar[name] = int(near[a, b] if a == b else near[a, b] + near[b, a])
    return Repeats(identical, similar)


def leaking(side: IntArray, neighbors: Neighbors) -> BoolArray:
    """(n,) True for train samples that repeat a val or test image, and val ones that repeat test.

    A repeat is a direct one: the same picture, or a near-duplicate of it; chains do not count.
    """
    if not _pictures(neighbors):
        return np.zeros(len(side), bool)
    held = _side_counts(side, neighbors) > 0
    a, b = neighbors.near[:, 0], neighbors.near[:, 1]
    reach = held.copy()
    np.logical_or.at(reach, a, held[b])
    np.logical_or.at(reach, b, held[a])
    mine = reach[neighbors.picture]
    repeats_test = mine[:, TEST]
    in_train = (side == TRAIN) & (mine[:, VAL] | repeats_test)
    leaks: BoolArray = (in_train | ((side == VAL) & repeats_test)) & (neighbors.picture >= 0)
    return leaks


def clusters(rows: BoolArray, ids: Sequence[str], neighbors: Neighbors) -> list[str]:
    """Name of each sample's cluster of repeats among `rows`: its least id; "" for singles.

    Args:
        rows: (n,) the samples to join; all others are singles.
        ids: (n,) sample ids.
        neighbors: which rows show which picture, and which pictures are near.
    """
    shown = np.flatnonzero(rows & (neighbors.picture >= 0))
    present = np.zeros(_pictures(neighbors), bool)
    present[neighbors.picture[shown]] = True
    near = neighbors.near[present[neighbors.near].all(axis=1)]
    component = components(len(present), near)
    members: dict[int, list[int]] = {}
    for row in shown.tolist():
        members.setdefault(int(component[neighbors.picture[row]]), []).append(row)
    names = [""] * len(ids)
    for joined in members.values():
        if len(joined) > 1:
            name = min(ids[row] for row in joined)
            for row in joined:
                names[row] = name
    return names


def joined_units(groups: Sequence[str], neighbors: Neighbors) -> list[str]:
    """Units that a split made here must not cut: groups, joined where their images repeat."""
    number = {group: i for i, group in enumerate(dict.fromkeys(groups))}
    of_row = np.array([number[group] for group in groups], np.int64)
    shown = np.flatnonzero(neighbors.picture >= 0)
    offset = len(number)
    links = np.stack([of_row[shown], neighbors.picture[shown] + offset], axis=1)
    pairs = np.concatenate([links, neighbors.near + offset])
    component = components(offset + _pictures(neighbors), pairs)
    return [str(component[i]) for i in of_row]


def conflicts(labels: Sequence[str], neighbors: Neighbors) -> list[int]:
    """Rows whose very pixels occur again under another label ("" is no label)."""
    seen: dict[int, set[str]] = {}
    for picture, label in zip(neighbors.picture.tolist(), labels, strict=True):
        if picture >= 0 and label:
            seen.setdefault(picture, set()).add(label)
    return [
        row
        for row, (picture, label) in enumerate(zip(neighbors.picture.tolist(), labels, strict=True))
        if label and len(seen.get(picture, ())) > 1
    ]


def _side_counts(side: IntArray, neighbors: Neighbors) -> IntArray:
    counts = np.zeros((_pictures(neighbors), 3), np.int64)
    used = (side >= 0) & (neighbors.picture >= 0)
    np.add.at(counts, (neighbors.picture[used], side[used]), 1)
    return counts


def _pictures(neighbors: Neighbors) -> int:
    return int(neighbors.picture.max(initial=-1)) + 1
