"""The project: what it is and how it goes."""

from collections import Counter
from typing import Any

from fastapi import APIRouter

from foveal import __version__
from foveal.annotate.agreement import agreement_of
from foveal.annotate.dashboard import dashboard_of, worker_of
from foveal.annotate.desk import RANK, AtDesk, Lead, Reader
from foveal.annotate.exports import FORMATS, IMPORTS
from foveal.store.beat import last_beat

router = APIRouter(tags=["project"])


@router.get("/project")
def project(asking: Reader, desk: AtDesk) -> dict[str, Any]:
    """What a page must know before the first case."""
    live = desk.live()
    return {
        "id": desk.store.id,
        "name": desk.name,
        "classes": list(live.classes),
        "tools": list(live.live.tools),
        "outlines": live.outlines,
        "reading": live.live.reading,
        "idle_seconds": live.live.idle_seconds,
        "lease_seconds": live.live.lease_seconds,
        "presets": [one.model_dump() for one in live.live.presets],
        "counts": dict(Counter(live.parts.values())),
        "exports": [*FORMATS, "archive"],
        "imports": list(IMPORTS),
        "version": __version__,
    }


@router.get("/dashboard")
def dashboard(asking: Reader, desk: AtDesk) -> dict[str, Any]:
    """How the project goes; readers see their own work only."""
    live = desk.live()
    everybody = RANK[asking.account.role] >= RANK["lead"]
    told = dashboard_of(live, None if everybody else asking.name)
    beat = last_beat(desk.store.folder)
    told["worker"] = worker_of(desk.store.jobs.present(), desk.store.clock(), beat)
    if everybody:
        told["agreement"] = agreement_of(live, desk.overlap)
    else:
        told["worker"]["error"] = ""  # it may name files
    return told


@router.post("/worker/train")
def train(asking: Lead, desk: AtDesk) -> dict[str, int]:
    """Ask the worker to learn now."""
    return {"job": desk.store.jobs.put("train")}
