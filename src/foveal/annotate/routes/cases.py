"""Reading: the next case, its pixels, the answer to it."""

from datetime import UTC, datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Header, Query, Response

from foveal.annotate.answers import Told, corrected, earlier, history_of, keep, last_of, today_of
from foveal.annotate.choose import left_for
from foveal.annotate.depth import Shown, pack
from foveal.annotate.desk import AtDesk, Desk, Reader
from foveal.annotate.failures import RefusedError
from foveal.annotate.images import UnreadableError, Which
from foveal.annotate.looks import look_of, may_look
from foveal.annotate.neighbor import neighbor_of
from foveal.annotate.routes.bodies import Answer, CaseKey, Sought
from foveal.core.annotation import Annotation
from foveal.core.errors import DataError
from foveal.core.packing import unpack
from foveal.store.leases import Lease
from foveal.store.live import LiveState

router = APIRouter(tags=["cases"])
MOST_TRIES = 50  # images that cannot be read, one after another, until the reader is told
ALL_READ = "Every case has been read. Thank you."
ALL_OPEN = "The last cases are open with other readers; come back in a while."


@router.post("/next")
def next_case(asking: Reader, desk: AtDesk) -> dict[str, Any]:
    """The case that is open, or the next one; `done` if nothing is left to read."""
    for _ in range(MOST_TRIES):
        lease = desk.next_for(asking.name)
        if lease is None:
            waiting = left_for(desk.live(), asking.name)
            return {"done": True, "message": ALL_OPEN if waiting else ALL_READ}
        try:
            live = desk.live()
            return _case(desk, live, lease, corrected(live, lease))
        except UnreadableError:
            desk.put_aside(lease)
    raise RefusedError(
        409, "unreadable", "Many images in a row cannot be read; ask whoever keeps the project."
    )


@router.post("/reopen")
def reopen(body: Sought, asking: Reader, desk: AtDesk) -> dict[str, Any]:
    """Open a case once more that one has answered, to correct it."""
    live = desk.live()
    mine = last_of(live, body.sample, asking.name)
    if mine is None:
        raise RefusedError(404, "unknown", "You have not answered such a case.")
    held = desk.store.leases
    for own in held.all(live.live.lease_seconds):
        if own.reader == asking.name:
            held.release(own.id, asking.name)

    def wanted(taken: frozenset[str]) -> tuple[str, Any] | None:
        return None if body.sample in taken else (body.sample, mine.purpose)

    lease = held.claim(asking.name, wanted, live.live.lease_seconds)
    if lease is None:
        raise RefusedError(409, "taken", "Somebody else has this case open; try again later.")
    return _case(desk, live, lease, mine)


@router.get("/cases/{case}")
def open_case(case: CaseKey, asking: Reader, desk: AtDesk) -> dict[str, Any]:
    """A case that one has open, answered or not, with one's answer to it."""
    lease = desk.lease(case, asking.name)
    live = desk.live()
    answered = last_of(live, lease.sample, asking.name) if lease.answered else None
    return _case(desk, live, lease, answered or corrected(live, lease))


@router.get("/cases/{case}/pixels")
def pixels(
    case: CaseKey,
    asking: Reader,
    desk: AtDesk,
    position: Annotated[int | None, Query(alias="slice", ge=0, le=10**6)] = None,
    which: Which = "current",
) -> Response:
    """Little-endian pixels row by row; `X-Foveal-Shape` (H,W,C) and `X-Foveal-Type` say how."""
    lease = desk.lease(case, asking.name)
    try:
        return as_bytes(desk.images.pixels(lease.sample, position, which))
    except UnreadableError:
        desk.put_aside(lease)
        raise


@router.get("/cases/{case}/ahead")
def ahead(case: CaseKey, asking: Reader, desk: AtDesk, which: Which = "current") -> Response:
    """Pixels of the case that will probably come next, which `X-Foveal-Sample` names; 204: none.

    A guess that opens nothing: readers wait for no picture that could have been sent before.
    """
    sample = desk.ahead_of(desk.lease(case, asking.name))
    if sample is None:
        return Response(status_code=204)
    try:
        found = as_bytes(desk.images.pixels(sample, None, which))
    except DataError:
        return Response(status_code=204)  # told when it is opened
    found.headers["x-foveal-sample"] = sample
    return found


@router.get("/cases/{case}/model")
def opinion(case: CaseKey, asking: Reader, desk: AtDesk) -> dict[str, Any]:
    """What the model thinks of a case, and which maps it has; in blinded mode after the answer.

    In a project of outlines its map `cam` is how probable it is that a pixel belongs to the region.
    """
    lease = desk.lease(case, asking.name)
    live = desk.live()
    _check_look(live, lease)
    known = look_of(live, lease.sample)
    return {
        "class": None if known.predicted is None else live.classes[known.predicted],
        "confidence": known.confidence,
        "maps": sorted(known.maps),
    }


@router.get("/cases/{case}/map")
def look(
    case: CaseKey, asking: Reader, desk: AtDesk, kind: Literal["cam", "expected"] = "cam"
) -> Response:
    """Where the model looks (`cam`), or expects something to see, as a gray PNG of the image."""
    lease = desk.lease(case, asking.name)
    live = desk.live()
    _check_look(live, lease)
    digest = look_of(live, lease.sample).maps.get(kind)
    if digest is None:
        raise RefusedError(404, "unknown", "The model has no map of this case yet.")
    png = desk.images.png(unpack(desk.store.blobs.get(digest)), lease.sample)
    return Response(png, media_type="image/png")


@router.post("/cases/{case}/answer")
def answer(
    case: CaseKey,
    body: Answer,
    asking: Reader,
    desk: AtDesk,
    key: Annotated[str, Header(alias="idempotency-key", pattern="^[0-9A-Za-z._-]{8,64}$")],
) -> dict[str, Any]:
    """Keep an answer; it is on the disk when this is answered, once for each key."""
    told = Told(body.verdict, body.label, body.shapes, body.seconds, asking.name, key)
    return keep(desk, case, told, datetime.now(UTC))


@router.post("/cases/{case}/renew")
def renew(case: CaseKey, asking: Reader, desk: AtDesk) -> dict[str, bool]:
    """Keep a case open while one reads."""
    seconds = desk.live().live.lease_seconds
    return {"kept": desk.store.leases.renew(case, asking.name, seconds)}


@router.post("/cases/{case}/release")
def release(case: CaseKey, asking: Reader, desk: AtDesk) -> dict[str, bool]:
    """Give a case back unread."""
    desk.store.leases.release(case, asking.name)
    return {"done": True}


@router.get("/history")
def history(
    asking: Reader, desk: AtDesk, limit: Annotated[int, Query(ge=0, le=200)] = 20
) -> list[dict[str, Any]]:
    """One's own last answers, newest first; each can be opened again."""
    return history_of(desk.live(), asking.name, limit)


def as_bytes(shown: Shown) -> Response:
    """Pixels as an answer."""
    data, kind = pack(shown)
    channels = shown.shape[2] if shown.ndim == 3 else 1
    shape = f"{shown.shape[0]},{shown.shape[1]},{channels}"
    headers = {"x-foveal-shape": shape, "x-foveal-type": kind}
    return Response(data, media_type="application/octet-stream", headers=headers)


def _check_look(live: LiveState, lease: Lease) -> None:
    if not may_look(live, lease):
        raise RefusedError(403, "answer_first", "Answer first; then what the model says is shown.")


def _case(desk: Desk, live: LiveState, lease: Lease, previous: Annotation | None) -> dict[str, Any]:
    facts = desk.images.facts(lease.sample)
    query = live.queries[-1] if live.queries else None
    place = query.ids.index(lease.sample) if query and lease.sample in query.ids else None
    why = query.why[place] if query and query.why and place is not None else ""
    count, seconds = today_of(live, lease.reader, datetime.now(UTC).date().isoformat())
    return {
        "case": lease.id,
        "sample": lease.sample,
        "round": len(live.queries) - 1,
        "strategy": query.strategy if query and place is not None else "",
        "why": why or "drawn at random, so that the model can be tested and nobody waits",
        "rank": None if place is None else place + 1,
        "of": len(query.ids) if query else 0,
        **facts.as_dict(),
        "answered": lease.answered,
        "map": may_look(live, lease) and bool(look_of(live, lease.sample).maps),
        "expires_in": round(lease.expires - desk.store.clock(), 1),
        "labels_today": count,
        "seconds_today": seconds,
        "previous": earlier(desk.store.blobs, previous, live) if previous else None,
        "neighbor": neighbor_of(live, desk.images, desk.store.blobs, lease.sample, lease.reader),
    }
