"""Answers: what a reader sent becomes an annotation, and can be read again."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from foveal.annotate.desk import Desk
from foveal.annotate.failures import RefusedError
from foveal.core.annotation import Annotation, RegionKind, Verdict
from foveal.core.region import encode_region
from foveal.core.shapes import Shapes, parse_shapes, rasterize
from foveal.store.blobs import Blobs
from foveal.store.live import LiveState

CLOCK_SLACK = 5.0  # seconds that a reading may seem longer than its lease


@dataclass(frozen=True, slots=True)
class Told:
    """An answer as it was sent."""

    verdict: Verdict
    label: str | None
    shapes: Mapping[str, Any] | None
    seconds: float
    assisted: bool
    reader: str
    key: str


def keep(desk: Desk, case: str, told: Told, at: datetime) -> dict[str, Any]:
    """Save an answer to a case that the reader has open, or repeat that it is saved.

    A case that the reader lost meanwhile is saved too unless somebody else has answered it as its
    only reader: what an expert did is not thrown away.

    Raises:
        RefusedError: if the case was never the reader's, or the answer does not fit.
        DataError: if the region leaves the image.
    """
    lease = desk.store.leases.get(case, told.reader)
    if lease is None:
        known = _known(desk.live(), told)
        if known is not None:
            return known
        raise RefusedError(
            409, "not_yours", "This case is no longer open for you; the next one is ready."
        )
    live = desk.live()
    facts = desk.images.facts(lease.sample)
    label = _label(told, live)
    shapes = _shapes(told, live, facts.width, facts.height)
    spent = max(desk.store.clock() - lease.began, 0.0) + CLOCK_SLACK
    annotation = Annotation(
        sample=lease.sample,
        annotator=told.reader,
        verdict=told.verdict,
        label=label,
        region_kind=_kind(shapes),
        seconds=round(min(told.seconds, spent), 2),
        round=max(len(live.queries) - 1, 0),
        at=at.isoformat(timespec="seconds"),
        purpose=lease.purpose,
        key=told.key,
        assisted=told.assisted and live.live.reading == "assisted",
    )
    region = None if shapes is None else encode_region(rasterize(shapes))
    saved = desk.store.save(annotation, region, None if shapes is None else shapes.to_bytes())
    desk.store.leases.answer(lease.id, lease.reader)
    return {"saved": True, "seq": saved.seq, "duplicate": saved.duplicate}


def earlier(blobs: Blobs, told: Annotation, live: LiveState) -> dict[str, Any]:
    """One's last answer to a case, as the page draws it again."""
    shapes = json.loads(blobs.get(told.shapes)) if told.shapes else None
    label = None if told.label is None else live.classes[told.label]
    return {"verdict": told.verdict, "class": label, "shapes": shapes}


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


def _known(live: LiveState, told: Told) -> dict[str, Any] | None:
    """The answer for a save that came before: its acknowledgment was lost on the way."""
    for seq, one in enumerate(live.history):
        if one.key == told.key and one.annotator == told.reader:
            return {"saved": True, "seq": seq, "duplicate": True}
    return None


def _label(told: Told, live: LiveState) -> int | None:
    if told.verdict != "labeled":
        return None
    if told.label not in live.classes:
        raise RefusedError(422, "class", "Choose one of the project's classes.")
    return live.classes.index(told.label)


def _shapes(told: Told, live: LiveState, width: int, height: int) -> Shapes | None:
    """What was drawn; None if this project draws nothing or the verdict is none."""
    if told.verdict != "labeled" or not live.live.tools:
        return None
    if told.shapes is None:
        return Shapes(width, height)
    return parse_shapes(told.shapes, width, height)


def _kind(shapes: Shapes | None) -> RegionKind:
    if shapes is None:
        return "none"
    return "box" if shapes.kind == "box" else "mask"
