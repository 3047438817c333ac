"""Answers: what a reader sent becomes an annotation, and can be read again."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from foveal.annotate.desk import NOT_YOURS, Desk
from foveal.annotate.failures import RefusedError
from foveal.annotate.looks import look_of, may_look
from foveal.core.annotation import Annotation, RegionKind, Verdict
from foveal.core.pool import SampleId
from foveal.core.region import encode_region
from foveal.core.shapes import Shapes, parse_shapes, rasterize
from foveal.store.blobs import Blobs
from foveal.store.leases import Lease
from foveal.store.live import LiveState
from foveal.store.resolution import LAST_WORD

CLOCK_SLACK = 5.0  # seconds that a reading may seem longer than its lease


@dataclass(frozen=True, slots=True)
class Told:
    """An answer as it was sent."""

    verdict: Verdict
    label: str | None
    shapes: Mapping[str, Any] | None
    seconds: float
    reader: str
    key: str


def keep(desk: Desk, case: str, told: Told, at: datetime) -> dict[str, Any]:
    """Save an answer to a case that the reader has open, or repeat that it is saved.

    A case whose time ran out is saved too, even where somebody else has it by now: what an expert
    did is not thrown away, and where the two disagree a lead decides.

    Raises:
        RefusedError: if the case was never the reader's, or the answer does not fit.
        DataError: if the region leaves the image.
    """
    live = desk.live()
    lease = desk.store.leases.get(case, told.reader)
    known = _known(live, told)
    if known is not None:  # its acknowledgment was lost on the way; the store compares the two
        sample, purpose, assisted = known.sample, known.purpose, known.assisted
    elif lease is not None:
        sample, purpose = lease.sample, lease.purpose
        assisted = may_look(live, lease) and look_of(live, sample).known
    else:
        raise RefusedError(409, "not_yours", NOT_YOURS)
    label = label_of(told.verdict, told.label, live)
    shapes = drawn_of(told.verdict, told.shapes, live, desk.images.size(sample))
    annotation = Annotation(
        sample=sample,
        annotator=told.reader,
        verdict=told.verdict,
        label=label,
        region_kind=kind_of(shapes),
        seconds=_spent(told.seconds, lease, desk.store.clock()),
        round=max(len(live.queries) - 1, 0),
        at=at.isoformat(timespec="seconds"),
        purpose=purpose,
        key=told.key,
        assisted=assisted,
    )
    saved = save(desk, annotation, shapes)
    if lease is not None and lease.sample == sample:
        desk.store.leases.answer(lease.id, lease.reader)
    return saved


def save(desk: Desk, annotation: Annotation, shapes: Shapes | None) -> dict[str, Any]:
    """Keep an annotation with what was drawn, and acknowledge it."""
    region = None if shapes is None else encode_region(rasterize(shapes))
    kept = desk.store.save(annotation, region, None if shapes is None else shapes.to_bytes())
    return {"saved": True, "seq": kept.seq, "duplicate": kept.duplicate}


def label_of(verdict: Verdict, name: str | None, live: LiveState) -> int | None:
    """The index of a class; None for answers that name none."""
    if verdict != "labeled":
        return None
    if name not in live.classes:
        raise RefusedError(422, "class", "Choose one of the project's classes.")
    return live.classes.index(name)


def drawn_of(
    verdict: Verdict, shapes: Mapping[str, Any] | None, live: LiveState, size: tuple[int, int]
) -> Shapes | None:
    """What was drawn; None if this project draws nothing or the verdict is none.

    Args:
        size: width and height of the image in pixels.
    Raises:
        DataError: if it leaves the image, or is too much.
    """
    if verdict != "labeled" or not live.live.tools:
        return None
    if shapes is None:
        return Shapes(*size)
    return parse_shapes(shapes, *size)


def kind_of(shapes: Shapes | None) -> RegionKind:
    """The kind of region that an annotation is recorded with."""
    if shapes is None:
        return "none"
    return "box" if shapes.kind == "box" else "mask"


def earlier(blobs: Blobs, told: Annotation, live: LiveState) -> dict[str, Any]:
    """One's last answer to a case, as the page draws it again."""
    shapes = json.loads(blobs.get(told.shapes)) if told.shapes else None
    label = None if told.label is None else live.classes[told.label]
    return {"verdict": told.verdict, "class": label, "shapes": shapes}


def last_of(live: LiveState, sample: SampleId, reader: str) -> Annotation | None:
    """A reader's last answer to a case, hidden repeats included; what is imported is nobody's."""
    told = (one for one in reversed(live.history) if one.purpose not in LAST_WORD)
    return next((one for one in told if (one.sample, one.annotator) == (sample, reader)), None)


def corrected(live: LiveState, lease: Lease) -> Annotation | None:
    """The answer that an open case was opened for to correct; None for one to be read afresh.

    A hidden repeat is to be read as if it were new, and what was skipped is.
    """
    told = last_of(live, lease.sample, lease.reader)
    if told is None or told.verdict == "skipped" or told.purpose != lease.purpose:
        return None
    return told


def history_of(live: LiveState, reader: str, limit: int) -> list[dict[str, Any]]:
    """A reader's last answers, newest first; hidden repeats look like all others."""
    mine = [one for one in live.history if one.annotator == reader]
    return [
        {
            "sample": one.sample,
            "verdict": one.verdict,
            "class": None if one.label is None else live.classes[one.label],
            "region": one.region_kind,
            "seconds": one.seconds,
            "at": one.at,
        }
        for one in reversed(mine[-limit:] if limit else [])
    ]


def today_of(live: LiveState, reader: str, day: str) -> tuple[int, float]:
    """Cases and seconds of a reader on a day (UTC)."""
    mine = [one for one in live.history if one.annotator == reader and one.at.startswith(day)]
    return len(mine), round(sum(one.seconds for one in mine), 1)


def _known(live: LiveState, told: Told) -> Annotation | None:
    """The answer that was kept under this key before."""
    mine = (one for one in reversed(live.history) if one.annotator == told.reader)
    return next((one for one in mine if one.key == told.key), None)


def _spent(measured: float, lease: Lease | None, now: float) -> float:
    """Seconds of reading: never more than the case was open, whatever the page measured."""
    most = measured if lease is None else max(now - lease.began, 0.0) + CLOCK_SLACK
    return round(min(measured, most), 2)
