"""Pins: samples that must be in the batch, and whether they can be."""

from collections.abc import Sequence

from foveal.acquire.constraints.caps import FREE, Cap
from foveal.acquire.constraints.purse import Purse
from foveal.core.errors import BudgetError, SpecError
from foveal.core.pool import SampleId


def positions_of(pin: Sequence[SampleId], ids: Sequence[SampleId]) -> list[int]:
    """Positions of pinned samples among the candidates.

    Raises:
        SpecError: naming the first that is none.
    """
    if not pin:
        return []
    at = {sample: position for position, sample in enumerate(ids)}
    unknown = [i for i in pin if i not in at]
    if unknown:
        raise SpecError(
            f"pinned samples must be candidates, but {unknown[0]!r} is not in the pool or not "
            "unlabeled any more; take it out of `pin`"
        )
    return [at[i] for i in pin]


def check_pins(
    pins: Sequence[int],
    caps: Sequence[Cap],
    purse: Purse,
    ids: Sequence[SampleId],
    relax: bool,
) -> None:
    """Refuse pins that cannot be met together with the budget or the hard caps.

    Raises:
        BudgetError: if they cost more than there is.
        SpecError: if they break a hard cap that must not be relaxed.
    """
    if not purse.affords(pins):
        need = f"{purse.spent(pins):.6g}{' s' if purse.timed else ''}"
        raise BudgetError(
            f"{purse.words()} must hold the pinned samples, but they take {need}; pin fewer or "
            f"allow at least {need}"
        )
    for cap in caps:
        if not (relax or cap.soft):
            _check_cap(pins, cap, ids)


def _check_cap(pins: Sequence[int], cap: Cap, ids: Sequence[SampleId]) -> None:
    if cap.most(pins) <= cap.limit:
        return
    together: dict[int, list[SampleId]] = {}
    for p in pins:
        if cap.codes[p] != FREE:
            together.setdefault(int(cap.codes[p]), []).append(ids[p])
    held = dict.fromkeys(together, 0) if cap.held is None else cap.held
    clash = next(s for code, s in together.items() if len(s) + held[code] > cap.limit)
    raise SpecError(
        f"pinned samples must keep `{cap.name}` ({cap.limit}), but "
        f"{', '.join(map(repr, clash))} fall under one cap; pin fewer of them, loosen "
        f"`{cap.name}`, or set `relax` to true"
    )
