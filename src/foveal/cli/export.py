"""`foveal export`: what people have read, and the model, as files."""

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from foveal.cli.project_option import Database


def command(
    project: Annotated[Path, typer.Argument(metavar="PROJECT", help="made by foveal init")],
    format_: Annotated[
        str,
        typer.Option(
            "--format",
            metavar="FORMAT",
            help="csv, coco, label-studio, cvat, masks, model, model-card, model-onnx",
        ),
    ] = "csv",
    out: Annotated[
        Path | None, typer.Option(metavar="FILE", help="default: a name by the format, here")
    ] = None,
    database: Database = "",
) -> None:
    """Write labels and regions, or the model, for other programs.

    csv has every answer of every reader; the others have one answer for each case that counts, the
    region being what most of its readers drew. docs/exchange.md says what each format keeps.

    Examples:
      foveal export breast --format coco --out breast.json

      foveal export breast --format model-onnx
    """
    from foveal.annotate.exports import exported
    from foveal.annotate.images import open_images
    from foveal.core.files import write_whole
    from foveal.core.spec import parse_spec
    from foveal.store.project import ProjectStore

    with ProjectStore.open(project, database) as store:
        live = store.live()
        spec = parse_spec(live.created["spec"])
        if format_ == "model-onnx":
            from foveal.loop.live.model_file import onnx_of

            name, data = "model.onnx", onnx_of(live, spec, store.blobs, project)
        else:
            images = open_images(project / spec.data.source, spec.data)
            file = exported(format_, live, images, store.blobs)
            name, data = file.name, file.data
    target = out or Path(name)
    write_whole(target, data)
    Console().print(f"{len(data)} bytes in {target}", markup=False, highlight=False, soft_wrap=True)
