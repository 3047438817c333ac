"""Reading: the next case, its pixels, the answer to it."""

from datetime import UTC, datetime
from functools import partial
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Header, Query, Response
from pydantic import Field

from foveal.annotate.answers import Told, earlier, history_of, keep, today_of
from foveal.annotate.choose import choose
from foveal.annotate.desk import AtDesk, Desk, Reader
from foveal.annotate.failures import RefusedError
from foveal.annotate.images import Which, pack, unpack_map
from foveal.annotate.routes.login import Strict
from foveal.core.errors import DataError
from foveal.store.leases import Lease
from foveal.store.live import LiveState

router = APIRouter(tags=["cases"])
UNSHOWABLE = "the image could not be read"
MOST_TRIES = 50  # images that cannot be read, one after another, until the reader is told


class Answer(Strict):
    """What a reader says of a case."""

    verdict: Literal["labeled", "skipped", "unsure", "bad"]
    label: str | None = Field(None, alias="class", max_length=200)
    shapes: dict[str, Any] | None = None
    seconds: Annotated[float, Field(ge=0, le=24 * 3600)] = 0.0
    assisted: bool = False


class Sought(Strict):
    """A case the reader has answered and wants to correct."""

    sample: str = Field(max_length=64)


@router.post("/next")
def next_case(asking: Reader, desk: AtDesk) -> dict[str, Any]:
    """The case that is open, or the next one; `done` if nothing is left to read."""
    for _ in range(MOST_TRIES):
        live = desk.live()
        lease = desk.store.leases.claim(
            asking.name, partial(choose, live, asking.name), live.live.lease_seconds
        )
        if lease is None:
            return {"done": True, "message": "Every case has been read. Thank you."}
        try:
            return _case(desk, live, lease)
        except DataError:
            desk.put_aside(lease, UNSHOWABLE)
    raise RefusedError(
        409, "unreadable", "Many images in a row cannot be read; ask whoever keeps the project."
    )


@router.post("/reopen")
def reopen(body: Sought, asking: Reader, desk: AtDesk) -> dict[str, Any]:
    """Open a case once more that one has answered, to correct it."""
    live = desk.live()
    mine = live.answers(body.sample).get(asking.name)
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
    return _case(desk, live, lease) | {"previous": earlier(desk.store.blobs, mine, live)}


@router.get("/cases/{case}/pixels")
def pixels(
    case: str,
    asking: Reader,
    desk: AtDesk,
    position: Annotated[int | None, Query(alias="slice", ge=0, le=10**6)] = None,
    which: Which = "current",
) -> Response:
    """Little-endian pixels row by row; `X-Foveal-Shape` (H,W,C) and `X-Foveal-Type` say how."""
    lease = desk.lease(case, asking.name)
    try:
        shown = desk.images.pixels(lease.sample, position, which)
    except DataError as error:
        raise RefusedError(409, "unreadable", "This picture cannot be shown.") from error
    data, kind = pack(shown)
    channels = shown.shape[2] if shown.ndim == 3 else 1
    return Response(
        data,
        media_type="application/octet-stream",
        headers={
            "x-foveal-shape": f"{shown.shape[0]},{shown.shape[1]},{channels}",
            "x-foveal-type": kind,
            "cache-control": "private, max-age=3600",
        },
    )


@router.get("/cases/{case}/map")
def look(
    case: str, asking: Reader, desk: AtDesk, kind: Literal["cam", "expected"] = "cam"
) -> Response:
    """Where the model looks (`cam`), or expects something to see, as a gray PNG of the image."""
    lease = desk.lease(case, asking.name)
    live = desk.live()
    if live.live.reading == "blinded" and asking.name not in live.answers(lease.sample):
        raise RefusedError(403, "answer_first", "Answer first; then the model's map is shown.")
    digest = _shown(live, lease.sample).get(kind)
    if not digest:
        raise RefusedError(404, "unknown", "The model has no map of this case yet.")
    png = desk.images.png(unpack_map(desk.store.blobs.get(digest)), lease.sample)
    return Response(png, media_type="image/png")


@router.post("/cases/{case}/answer")
def answer(
    case: str,
    body: Answer,
    asking: Reader,
    desk: AtDesk,
    key: Annotated[str, Header(alias="idempotency-key", min_length=8, max_length=64)],
) -> dict[str, Any]:
    """Keep an answer; it is on the disk when this is answered, once for each key."""
    told = Told(
        body.verdict, body.label, body.shapes, body.seconds, body.assisted, asking.name, key
    )
    return keep(desk, case, told, datetime.now(UTC))


@router.post("/cases/{case}/renew")
def renew(case: str, asking: Reader, desk: AtDesk) -> dict[str, bool]:
    """Keep a case open while one reads."""
    return {"kept": desk.store.leases.renew(case, asking.name, desk.live().live.lease_seconds)}


@router.post("/cases/{case}/release")
def release(case: str, asking: Reader, desk: AtDesk) -> dict[str, bool]:
    """Give a case back unread."""
    desk.store.leases.release(case, asking.name)
    return {"done": True}


@router.get("/history")
def history(asking: Reader, desk: AtDesk, limit: int = 20) -> list[dict[str, Any]]:
    """One's own last answers, newest first; each can be opened again."""
    return history_of(desk.live(), asking.name, min(max(limit, 0), 200))


def _case(desk: Desk, live: LiveState, lease: Lease) -> dict[str, Any]:
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
        "map": live.live.reading == "assisted" and "cam" in _shown(live, lease.sample),
        "expires_in": lease.expires - desk.store.clock(),
        "labels_today": count,
        "seconds_today": seconds,
        "previous": None,
    }


def _shown(live: LiveState, sample: str) -> dict[str, Any]:
    cases = live.details[-1].get("cases", {}) if live.details else {}
    found: dict[str, Any] = cases.get(sample, {})
    return found
