"""The project: what it is, how it goes, what is disputed or left out."""

import json
from typing import Any

import numpy as np
from fastapi import APIRouter, Response
from pydantic import Field

from foveal import __version__
from foveal.annotate.agreement import agreement_of
from foveal.annotate.answers import earlier
from foveal.annotate.dashboard import dashboard_of, worker_of
from foveal.annotate.desk import RANK, AtDesk, Desk, Lead, Reader
from foveal.annotate.failures import RefusedError
from foveal.annotate.images import Which, pack
from foveal.annotate.routes.login import Strict
from foveal.core.annotation import Annotation
from foveal.core.errors import DataError
from foveal.core.region import decode_region, encode_region
from foveal.core.shapes import Shapes, parse_shapes, rasterize
from foveal.store.live import restored

router = APIRouter(tags=["project"])
BEAT = "worker.beat"


class Ruling(Strict):
    """What a lead decides about a case."""

    label: str | None = Field(None, alias="class", max_length=200)
    bad: bool = False
    shapes: dict[str, Any] | None = None
    seconds: float = Field(0.0, ge=0, le=24 * 3600)
    key: str = Field(min_length=8, max_length=64)


@router.get("/project")
def project(asking: Reader, desk: AtDesk) -> dict[str, Any]:
    """What a page must know before the first case."""
    live = desk.live()
    return {
        "id": desk.store.id,
        "name": desk.name,
        "classes": list(live.classes),
        "tools": list(live.live.tools),
        "reading": live.live.reading,
        "idle_seconds": live.live.idle_seconds,
        "lease_seconds": live.live.lease_seconds,
        "presets": [one.model_dump() for one in live.live.presets],
        "version": __version__,
    }


@router.get("/dashboard")
def dashboard(asking: Reader, desk: AtDesk) -> dict[str, Any]:
    """How the project goes; readers see their own work only."""
    live = desk.live()
    everybody = RANK[asking.account.role] >= RANK["lead"]
    told = dashboard_of(live, None if everybody else asking.name)
    told["worker"] = worker_of(desk.store.jobs.present(), desk.store.clock(), _beat(desk))
    if everybody:
        told["agreement"] = agreement_of(live, lambda d: decode_region(desk.store.blobs.get(d)))
    return told


@router.post("/worker/train")
def train(asking: Lead, desk: AtDesk) -> dict[str, int]:
    """Ask the worker to learn now."""
    return {"job": desk.store.jobs.put("train")}


@router.get("/disputes")
def disputes(asking: Lead, desk: AtDesk) -> list[dict[str, Any]]:
    """Cases on which readers disagree or which they pass on, with what each said."""
    live = desk.live()
    return [
        {
            "sample": sample,
            "answers": [
                {"reader": name, **earlier(desk.store.blobs, told, live)}
                for name, told in sorted(live.answers(sample).items())
            ],
        }
        for sample in live.disputes()
    ]


@router.get("/disputes/{sample}/pixels")
def disputed_pixels(sample: str, asking: Lead, desk: AtDesk, which: Which = "current") -> Response:
    """The picture of a disputed case, as `/cases/{case}/pixels` gives it."""
    if sample not in desk.live().disputes():
        raise RefusedError(404, "unknown", "This case is not disputed.")
    data, kind = pack(shown := desk.images.pixels(sample, None, which))
    channels = shown.shape[2] if shown.ndim == 3 else 1
    shape = f"{shown.shape[0]},{shown.shape[1]},{channels}"
    headers = {"x-foveal-shape": shape, "x-foveal-type": kind}
    return Response(data, media_type="application/octet-stream", headers=headers)


@router.get("/disputes/{sample}")
def disputed(sample: str, asking: Lead, desk: AtDesk) -> dict[str, Any]:
    """One disputed case, and the region on which most of its readers agree."""
    live = desk.live()
    if sample not in live.disputes():
        raise RefusedError(404, "unknown", "This case is not disputed.")
    facts = desk.images.facts(sample)
    told = live.answers(sample)
    drawn = [decode_region(desk.store.blobs.get(one.region)) for one in told.values() if one.region]
    most = np.mean(drawn, axis=0) > 0.5 if drawn else np.zeros((facts.height, facts.width), bool)
    return {
        "sample": sample,
        **facts.as_dict(),
        "answers": [
            {"reader": name, **earlier(desk.store.blobs, one, live)}
            for name, one in sorted(told.items())
        ],
        "consensus_pixels": int(most.sum()),
    }


@router.post("/disputes/{sample}/settle")
def settle(sample: str, body: Ruling, asking: Lead, desk: AtDesk) -> dict[str, Any]:
    """The last word on a case; it outweighs all readers."""
    live = desk.live()
    if sample not in live.parts or not live.answers(sample):
        raise RefusedError(404, "unknown", "Nobody has read such a case.")
    if not body.bad and body.label not in live.classes:
        raise RefusedError(422, "class", "Choose one of the project's classes.")
    facts = desk.images.facts(sample)
    drawn = None
    if not body.bad and live.live.tools:
        given = body.shapes
        size = facts.width, facts.height
        drawn = Shapes(*size) if given is None else parse_shapes(given, *size)
    told = Annotation(
        sample=sample,
        annotator=asking.name,
        verdict="bad" if body.bad else "labeled",
        label=None if body.bad else live.classes.index(str(body.label)),
        region_kind="none" if drawn is None else "box" if drawn.kind == "box" else "mask",
        seconds=body.seconds,
        round=max(len(live.queries) - 1, 0),
        purpose="adjudication",
        key=body.key,
    )
    region = None if drawn is None else encode_region(rasterize(drawn))
    saved = desk.store.save(told, region, None if drawn is None else drawn.to_bytes())
    return {"saved": True, "seq": saved.seq, "duplicate": saved.duplicate}


@router.get("/quarantine")
def quarantine(asking: Lead, desk: AtDesk) -> list[dict[str, str]]:
    """Images that are left out, and why."""
    return [{"sample": i, "reason": why} for i, why in desk.live().quarantined.items()]


@router.post("/quarantine/{sample}/restore")
def restore(sample: str, asking: Lead, desk: AtDesk) -> dict[str, bool]:
    """Take an image in again, if it can be read now."""
    if sample not in desk.live().quarantined:
        raise RefusedError(404, "unknown", "This image is not left out.")
    try:
        desk.images.pixels(sample)
    except DataError as error:
        raise RefusedError(409, "unreadable", "The image still cannot be read.") from error
    desk.store.append([restored(sample, asking.name)])
    return {"done": True}


def _beat(desk: Desk) -> float | None:
    try:
        return float(json.loads((desk.store.folder / BEAT).read_text())["at"])
    except (OSError, ValueError, KeyError, TypeError):
        return None
