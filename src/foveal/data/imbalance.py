"""Imbalance made for a study: a class keeps so many samples on a side, others are left out."""

import hashlib
from collections.abc import Mapping, Sequence
from typing import Literal

import numpy as np

from foveal.core.arrays import BoolArray, IntArray
from foveal.core.errors import SpecError, near_miss
from foveal.data import leaks

Side = Literal["train", "val", "test"]


def left_out(
    ids: Sequence[str],
    labels: Sequence[str],
    sides: IntArray,
    usable: BoolArray,
    keep: Mapping[Side, Mapping[str, int]],
    seed: int,
) -> BoolArray:
    """Which samples an imbalance leaves out; which ones of a class is drawn by a hash of their id.

    Hidden labels decide here, so this is for studies; the receipt says how many went.

    Args:
        ids: (n,) sample ids.
        labels: (n,) class names.
        sides: (n,) side of each, by its number in `leaks.NAMES`.
        usable: (n,) False where a sample is left out already.
        keep: side to class to how many to keep; what is not named stays.
        seed: of the draw.
    Returns:
        (n,) True for those left out.
    Raises:
        SpecError: for an unknown class, or more to keep than there are.
    """
    gone = np.zeros(len(ids), dtype=bool)
    names = np.asarray(labels, dtype=object)
    for side, counts in keep.items():
        for label, count in counts.items():
            of_class = (names == label) & (sides == leaks.NAMES.index(side)) & usable
            rows = np.flatnonzero(of_class).tolist()
            _check(side, label, count, len(rows), set(labels))
            rows.sort(key=lambda row: _place(ids[row], seed))
            gone[rows[count:]] = True
    return gone


def _check(side: str, label: str, count: int, there: int, known: set[str]) -> None:
    if label not in known:
        raise SpecError(f"`data.keep.{side}`: no class {label!r}.{near_miss(label, known - {''})}")
    if count > there:
        raise SpecError(
            f"`data.keep.{side}.{label}` must not exceed the samples there are, but {count} are to "
            f"be kept of {there}"
        )


def _place(sample: str, seed: int) -> bytes:
    return hashlib.blake2b(f"{seed}\0{sample}".encode(), digest_size=8).digest()
