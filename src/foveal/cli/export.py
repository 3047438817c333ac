"""`foveal export`: what people have read, and the model, as files."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from foveal.cli.project_option import Database

if TYPE_CHECKING:
    from foveal.store.project import ProjectStore


def command(
    project: Annotated[Path, typer.Argument(metavar="PROJECT", help="made by foveal init")],
    format_: Annotated[
        str,
        typer.Option(
            "--format",
            metavar="FORMAT",
            help="csv, coco, label-studio, cvat, masks, nifti, dicom, archive, or the model: "
            "model, model-card, model-onnx",
        ),
    ] = "csv",
    out: Annotated[
        Path | None, typer.Option(metavar="FILE", help="default: a name by the format, here")
    ] = None,
    with_images: Annotated[
        bool, typer.Option("--with-images", help="for archive: the images too")
    ] = False,
    database: Database = "",
) -> None:
    """Write labels and regions, the model, or the whole project, for others.

    csv has every answer of every reader; coco, label-studio, cvat and masks have one for each case
    that counts, the region being what most of its readers drew; nifti and dicom (SEG and structured
    report) put regions of slices back on the grid of their scan (docs/exchange.md). An archive has
    the project with its whole history, but no accounts; `foveal import` opens it elsewhere.

    Examples:
      foveal export breast --format coco --out breast.json

      foveal export breast --format archive --with-images --out breast.zip

      foveal export breast --format model-onnx
    """
    from foveal.annotate.desk import open_desk
    from foveal.annotate.exports import archived
    from foveal.core.errors import SpecError
    from foveal.core.files import write_whole
    from foveal.store.project import ProjectStore

    if with_images and format_ != "archive":
        raise SpecError(
            f"--with-images goes with --format archive, not {format_}; leave it out, or export an "
            "archive"
        )
    console = Console()
    with ProjectStore.open(project, database) as store:
        if format_ == "archive":
            target = out or Path(f"{project.resolve().name}.zip")
            packed = archived(store, open_desk(store).images, target, with_images)
            told = f"{packed.events} entries, {packed.blobs} files and {packed.images} images"
        else:
            name, data = _file(store, format_)
            target = out or Path(name)
            write_whole(target, data)
            told = f"{len(data)} bytes"
    console.print(f"{told} in {target}", markup=False, highlight=False, soft_wrap=True)


def _file(store: "ProjectStore", name: str) -> tuple[str, bytes]:
    """A file's usual name, and what is in it."""
    live = store.live()
    if name == "model-onnx":
        from foveal.loop.live import project_spec
        from foveal.loop.live.model_file import onnx_of

        return "model.onnx", onnx_of(live, project_spec(store), store.blobs, store.folder)
    from foveal.annotate.desk import open_desk
    from foveal.annotate.exports import exported

    file = exported(name, live, open_desk(store).images, store.blobs)
    return file.name, file.data
