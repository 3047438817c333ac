"""Agreement: how far readers agree with each other and with themselves; pure."""

from collections.abc import Callable, Mapping, Sequence
from itertools import combinations
from typing import Any

import numpy as np

from foveal.core.annotation import Annotation
from foveal.core.pool import SampleId
from foveal.evaluate import fleiss_kappa, kappa
from foveal.store.live import LiveState

Overlap = Callable[[str, str], float]
Both = Sequence[tuple[Annotation, Annotation]]
MOST_CASES = 200  # whose regions are compared; the last ones
FEWEST = 2  # shared cases until kappa is told


def agreement_of(live: LiveState, overlap: Overlap) -> dict[str, Any]:
    """Kappa and mean Dice between each two readers, of all together, and of each with themselves.

    Args:
        overlap: Dice of the regions with these digests, NaN where they cannot be compared.
    Returns:
        plain JSON; None where fewer than two cases are shared, or a number does not exist.
    """
    shared = [told for told in map(_labeled, live.by_reader.values()) if len(told) > 1]
    readers = sorted({reader for told in shared for reader in told})
    pairs = [_pair(a, b, shared, overlap) for a, b in combinations(readers, 2)]
    return {
        "cases": len(shared),
        "kappa_of_all": _of_all(shared, len(live.classes)),
        "pairs": [pair for pair in pairs if pair["cases"]],
        "self": _repeats(live, overlap),
        "disputed": len(live.disputes()),
    }


def _labeled(told: Mapping[str, Annotation]) -> dict[str, Annotation]:
    return {reader: one for reader, one in told.items() if one.verdict == "labeled"}


def _of_all(shared: Sequence[Mapping[str, Annotation]], classes: int) -> float | None:
    if len(shared) < FEWEST:
        return None
    votes = [[one.label for one in told.values()] for told in shared]
    return fleiss_kappa(np.array([[mine.count(c) for c in range(classes)] for mine in votes]))


def _pair(
    a: str, b: str, shared: Sequence[Mapping[str, Annotation]], overlap: Overlap
) -> dict[str, Any]:
    both = [(told[a], told[b]) for told in shared if a in told and b in told]
    return {"readers": [a, b], **_compared(both, overlap)}


def _repeats(live: LiveState, overlap: Overlap) -> list[dict[str, Any]]:
    first: dict[tuple[str, SampleId], Annotation] = {}
    again: dict[tuple[str, SampleId], tuple[Annotation, Annotation]] = {}
    for one in live.history:
        case = (one.annotator, one.sample)
        if one.purpose != "repeat":
            first[case] = one
        elif case in first:  # of a corrected repeat the last counts
            again[case] = (again.get(case, (first[case],))[0], one)
    by_reader: dict[str, list[tuple[Annotation, Annotation]]] = {}
    for (reader, _), both in again.items():
        if all(one.verdict == "labeled" for one in both):
            by_reader.setdefault(reader, []).append(both)
    return [{"reader": name, **_compared(by_reader[name], overlap)} for name in sorted(by_reader)]


def _compared(both: Both, overlap: Overlap) -> dict[str, Any]:
    labels = np.array([(a.label, b.label) for a, b in both], np.int64).reshape(-1, 2)
    drawn = [(a.region, b.region) for a, b in both[-MOST_CASES:] if a.region and b.region]
    overlaps = np.array([overlap(x, y) for x, y in drawn])
    known = overlaps[~np.isnan(overlaps)]
    return {
        "cases": len(both),
        "same_class": float((labels[:, 0] == labels[:, 1]).mean()) if both else None,
        "kappa": kappa(labels[:, 0], labels[:, 1]) if len(both) >= FEWEST else None,
        "dice": float(known.mean()) if len(known) else None,
    }
