"""Agreement: how far readers agree with each other and with themselves."""

from collections.abc import Callable, Mapping, Sequence
from itertools import combinations
from typing import Any

import numpy as np

from foveal.core.annotation import Annotation
from foveal.core.arrays import BoolArray
from foveal.evaluate import dice, kappa
from foveal.store.live import LiveState

Region = Callable[[str], BoolArray]
MOST_CASES = 200  # whose regions are compared; the last ones


def agreement_of(live: LiveState, region: Region) -> dict[str, Any]:
    """Kappa and mean Dice between each two readers, and of readers with themselves.

    Args:
        region: the mask of a digest.
    Returns:
        plain JSON; None where fewer than two cases are shared, or kappa does not exist.
    """
    shared = [told for told in map(_labeled, live.by_reader.values()) if len(told) > 1]
    readers = sorted({reader for told in shared for reader in told})
    pairs = [_pair(a, b, shared, region) for a, b in combinations(readers, 2)]
    return {
        "pairs": [pair for pair in pairs if pair["cases"]],
        "self": _repeats(live, region),
        "disputed": len(live.disputes()),
    }


def _labeled(told: Mapping[str, Annotation]) -> dict[str, Annotation]:
    return {reader: one for reader, one in told.items() if one.verdict == "labeled"}


def _pair(
    a: str, b: str, shared: Sequence[Mapping[str, Annotation]], region: Region
) -> dict[str, Any]:
    both = [(told[a], told[b]) for told in shared if a in told and b in told]
    return {"readers": [a, b], **_compared(both, region)}


def _repeats(live: LiveState, region: Region) -> list[dict[str, Any]]:
    again = [one for one in live.history if one.purpose == "repeat" and one.verdict == "labeled"]
    by_reader: dict[str, list[tuple[Annotation, Annotation]]] = {}
    for one in again:
        first = live.answers(one.sample).get(one.annotator)
        if first is not None and first.verdict == "labeled":
            by_reader.setdefault(one.annotator, []).append((first, one))
    return [{"reader": name, **_compared(both, region)} for name, both in by_reader.items()]


def _compared(both: Sequence[tuple[Annotation, Annotation]], region: Region) -> dict[str, Any]:
    labels = np.array([(a.label, b.label) for a, b in both], np.int64).reshape(-1, 2)
    drawn = [(a.region, b.region) for a, b in both[-MOST_CASES:] if a.region and b.region]
    overlaps = [dice(region(x), region(y)) for x, y in drawn]
    return {
        "cases": len(both),
        "same_class": float((labels[:, 0] == labels[:, 1]).mean()) if len(both) else None,
        "kappa": kappa(labels[:, 0], labels[:, 1]) if len(both) > 1 else None,
        "dice": float(np.mean(overlaps)) if overlaps else None,
    }
