"""Files out of a project and into it."""

import shutil
import tempfile
from pathlib import Path
from typing import Any

from fastapi import APIRouter, Request, Response
from fastapi.responses import FileResponse
from starlette.background import BackgroundTask
from starlette.concurrency import run_in_threadpool

from foveal.annotate.desk import AtDesk, Lead
from foveal.annotate.exports import IMPORTS, archived, exported
from foveal.annotate.records import take_in
from foveal.core.errors import unknown_name

router = APIRouter(tags=["exchange"])
MOST_PROBLEMS = 100


@router.get("/export/archive")
def archive(asking: Lead, desk: AtDesk, images: bool = True) -> FileResponse:
    """The whole project as one zip that opens elsewhere; accounts stay here."""
    folder = Path(tempfile.mkdtemp())  # for this user alone, and gone when all is sent
    try:
        archived(desk.store, desk.images, folder / "archive.zip", images)
    except BaseException:
        shutil.rmtree(folder)
        raise
    return FileResponse(
        folder / "archive.zip",
        media_type="application/zip",
        filename="project.zip",
        background=BackgroundTask(shutil.rmtree, folder),
    )


@router.get("/export/{name}")
def export(name: str, asking: Lead, desk: AtDesk) -> Response:
    """A file: csv, coco, label-studio, cvat, masks, model, model-card, model-onnx."""
    file = exported(name, desk.live(), desk.images, desk.store.blobs)
    saved = {"content-disposition": f'attachment; filename="{file.name}"'}
    return Response(file.data, media_type=file.media_type, headers=saved)


@router.post("/import/{name}")
async def take(name: str, asking: Lead, desk: AtDesk, request: Request) -> dict[str, Any]:
    """Labels of another tool as the body: csv, coco, label-studio or cvat."""
    if name not in IMPORTS:
        raise unknown_name("format", name, IMPORTS)
    data = await request.body()

    def work() -> dict[str, Any]:
        found, problems = IMPORTS[name](data)
        kept, more = take_in(desk.store, desk.images, found, asking.name)
        return {"read": len(found), "kept": kept, "problems": (problems + more)[:MOST_PROBLEMS]}

    return await run_in_threadpool(work)
