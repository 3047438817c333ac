"""Remarks: what the constraints cost, in sentences for the user."""

from collections.abc import Sequence

import numpy as np

from foveal.acquire.constraints.batch import Batch
from foveal.acquire.constraints.caps import Cap
from foveal.acquire.constraints.purse import Purse, places
from foveal.core.arrays import IntArray

LISTED = 8  # strata named in a sentence before it says how many more there are


def remarks(
    batch: Batch, caps: Sequence[Cap], budget: int | Purse, pins: Sequence[int] = ()
) -> tuple[str, ...]:
    """Caps that were raised, shares that were missed, shortness, and seconds where known."""
    notes = []
    purse = budget if isinstance(budget, Purse) else places(budget, batch.taken.size)
    for cap in caps:
        notes += _missed_shares(batch, cap) if cap.soft else _raised(batch, cap, pins, purse)
    spent = purse.spent(batch.picked)
    if not purse.timed and spent < purse.total:
        how = "in whole units within" if purse.whole else "within"
        notes.append(
            f"only {spent:.0f} of {purse.total:.0f} samples could be asked {how} the constraints"
        )
    if purse.seconds is not None:
        notes.append(_seconds(batch, purse))
    return tuple(notes)


def _raised(batch: Batch, cap: Cap, pins: Sequence[int], purse: Purse) -> list[str]:
    most, pinned = cap.most(batch.picked), cap.most(pins)
    notes = []
    if pinned > cap.limit:
        notes.append(
            f"`{cap.name}` allows {cap.limit}, but {pinned} pinned samples fall under one cap and "
            "were asked nevertheless"
        )
    if most > max(cap.limit, pinned):
        notes.append(
            f"`{cap.name}` was raised from {cap.limit} to {most}, because the candidates could "
            f"not fill {purse.words()} within it"
        )
    return notes


def _missed_shares(batch: Batch, cap: Cap) -> list[str]:
    present, codes, sizes = np.unique(cap.codes, return_inverse=True, return_counts=True)
    got = np.bincount(codes[batch.picked], minlength=present.size)
    if cap.quota is not None:
        fair = len(batch.picked) * sizes / codes.size
        if np.abs(got - fair).max() <= 1:
            return []
        told = [f"{_named(cap, c)} (share {s:.3g})" for c, s in zip(present, fair, strict=True)]
        start = "strata stay apart from their shares of the candidates in this batch"
    else:
        if np.ptp(got) <= 1:
            return []
        told = [_named(cap, c) for c in present]
        start = f"{'strata' if cap.names else 'predicted classes'} stay unequal in this batch"
    return [f"{start}: {_listed(got, told)}"]


def _named(cap: Cap, code: int) -> str:
    return repr(cap.names[code]) if cap.names else f"class {code}"


def _listed(counts: IntArray, told: Sequence[str]) -> str:
    pairs = [f"{n} of {name}" for n, name in zip(counts.tolist(), told, strict=True)]
    more = [f"and {len(pairs) - LISTED} strata more"] if len(pairs) > LISTED else []
    return ", ".join([*pairs[:LISTED], *more])


def _seconds(batch: Batch, purse: Purse) -> str:
    assert purse.seconds is not None
    takes = float(purse.seconds[batch.picked].sum())
    count = len(batch.picked)
    what = "unit" if purse.whole else "sample"
    start = f"{count} {what}{'s' * (count != 1)} {'are' if count != 1 else 'is'} expected to take"
    if not purse.timed:
        return f"{start} {takes:.6g} s"
    rule = f", chosen by {batch.rule}" if batch.rule else ""
    rest = np.flatnonzero(~batch.taken)
    more = "; others would fit but break a constraint" if batch.affordable(rest).any() else ""
    return f"{start} {takes:.6g} s of {purse.words()} allowed{rule}{more}"
