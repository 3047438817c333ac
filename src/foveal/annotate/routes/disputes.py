"""What a lead decides: cases on which readers disagree or are unsure, and images left out."""

from datetime import UTC, datetime
from typing import Any

from fastapi import APIRouter, Response

from foveal.annotate.answers import drawn_of, earlier, kind_of, label_of, save
from foveal.annotate.desk import AtDesk, Desk, Lead
from foveal.annotate.failures import RefusedError
from foveal.annotate.images import Which
from foveal.annotate.left_out import left_out
from foveal.annotate.records import consensus
from foveal.annotate.routes.bodies import Ruling, SampleKey
from foveal.annotate.routes.cases import as_bytes
from foveal.core.annotation import Annotation, Verdict
from foveal.core.pool import SampleId
from foveal.core.shapes import Shapes
from foveal.store.live import LiveState, restored

router = APIRouter(tags=["disputes"])


@router.get("/disputes")
def disputes(asking: Lead, desk: AtDesk) -> list[dict[str, Any]]:
    """Cases for a lead: why, and what each reader said.

    Readers disagree, pass on them or call them bad; or one is unsure, and others may still read.
    """
    live = desk.live()
    return [
        {"sample": i, "why": why, "answers": _answers(desk, live, i)}
        for i, why in live.to_settle().items()
    ]


@router.get("/disputes/{sample}")
def disputed(sample: SampleKey, asking: Lead, desk: AtDesk) -> dict[str, Any]:
    """One such case: what each reader drew, and the region on which most of them agree."""
    live, why = _disputed(desk, sample)
    facts = desk.images.facts(sample)
    told = tuple(live.answers(sample).values())
    drawn = consensus(told, desk.store.blobs)
    return {
        "sample": sample,
        "why": why,
        **facts.as_dict(),
        "answers": _answers(desk, live, sample),
        "consensus": Shapes(facts.width, facts.height, drawn).as_dict(),
    }


@router.get("/disputes/{sample}/pixels")
def disputed_pixels(
    sample: SampleKey, asking: Lead, desk: AtDesk, which: Which = "current"
) -> Response:
    """The picture of a disputed case, as `/cases/{case}/pixels` gives it."""
    _disputed(desk, sample)
    return as_bytes(desk.images.pixels(sample, None, which))


@router.post("/disputes/{sample}/settle")
def settle(sample: SampleKey, body: Ruling, asking: Lead, desk: AtDesk) -> dict[str, Any]:
    """The last word on a case that was read or imported; it outweighs all readers and imports."""
    live = desk.live()
    if not live.answers(sample) and sample not in live.ruled:
        raise RefusedError(404, "unknown", "Nobody has read such a case.")
    verdict: Verdict = "bad" if body.bad else "labeled"
    shapes = drawn_of(verdict, body.shapes, live, desk.images.size(sample))
    told = Annotation(
        sample=sample,
        annotator=asking.name,
        verdict=verdict,
        label=label_of(verdict, body.label, live),
        region_kind=kind_of(shapes),
        seconds=body.seconds,
        round=max(len(live.queries) - 1, 0),
        at=datetime.now(UTC).isoformat(timespec="seconds"),
        purpose="adjudication",
        key=body.key,
    )
    return save(desk, told, shapes)


@router.get("/quarantine")
def quarantine(asking: Lead, desk: AtDesk) -> list[dict[str, Any]]:
    """Images that are left out: why, and where people said so, who and when."""
    return left_out(desk.live())


@router.post("/quarantine/{sample}/restore")
def restore(sample: SampleKey, asking: Lead, desk: AtDesk) -> dict[str, bool]:
    """Take an image in again, if it can be read now."""
    if sample not in desk.live().quarantined:
        raise RefusedError(404, "unknown", "This image is not left out.")
    desk.images.pixels(sample)
    desk.store.append([restored(sample, asking.name)])
    return {"done": True}


def _disputed(desk: Desk, sample: SampleId) -> tuple[LiveState, str]:
    """The present, and why the case is for a lead."""
    live = desk.live()
    why = live.to_settle().get(sample)
    if why is None:
        raise RefusedError(404, "unknown", "There is nothing to settle about this case.")
    return live, why


def _answers(desk: Desk, live: LiveState, sample: SampleId) -> list[dict[str, Any]]:
    return [
        {"reader": name, **earlier(desk.store.blobs, told, live)}
        for name, told in sorted(live.answers(sample).items())
    ]
