"""Left out: images that nobody is asked about any more, why, and whose word that was; pure."""

from typing import Any

from foveal.core.annotation import Annotation
from foveal.core.pool import SampleId
from foveal.store.live import LiveState

CALLED_BAD = "called a bad image"


def left_out(live: LiveState) -> list[dict[str, Any]]:
    """Images that could not be read, then those that were called bad.

    `by` and `at` (ISO, of the last word) are empty where Foveal found it itself. What people
    called bad is not `restorable`: it comes back when they say something else.
    """
    unread = [_entry(i, why) for i, why in live.quarantined.items()]
    bad = [i for i, one in live.resolutions.items() if one.status == "excluded"]
    return unread + [_called_bad(live, i) for i in bad if i not in live.quarantined]


def _called_bad(live: LiveState, sample: SampleId) -> dict[str, Any]:
    ruled = live.ruled.get(sample)
    told = live.answers(sample).values() if ruled is None else (ruled,)
    return _entry(sample, CALLED_BAD, *(one for one in told if one.verdict == "bad"))


def _entry(sample: SampleId, reason: str, *told: Annotation) -> dict[str, Any]:
    return {
        "sample": sample,
        "reason": reason,
        "by": sorted(one.annotator for one in told),
        "at": max((one.at for one in told), default=""),
        "restorable": not told,
    }
