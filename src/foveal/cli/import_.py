"""`foveal import`: labels of other tools come into a project; an archive becomes one."""

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from foveal.cli.project_option import Database

ARCHIVE = "archive"


def command(
    project: Annotated[
        Path, typer.Argument(metavar="PROJECT", help="made by foveal init; new for an archive")
    ],
    file: Annotated[Path, typer.Argument(metavar="FILE", help="what was exported")],
    format_: Annotated[
        str,
        typer.Option("--format", metavar="FORMAT", help="csv, coco, label-studio, cvat, archive"),
    ],
    name: Annotated[
        str, typer.Option("--as", metavar="NAME", help="whose the answers are, if no file says")
    ] = "imported",
    images: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="for an archive without images: where they are"),
    ] = None,
    database: Database = "",
) -> None:
    """Take labels and regions in as answers that count, or open a project's archive.

    Pictures are found by their path as the manifest has it, else by their file name where only one
    has it. What cannot be used is listed and the rest goes on; the exit status is 1 then.

    Examples:
      foveal import breast annotations.xml --format cvat

      foveal import breast coco.json --format coco --as dr.lee

      foveal import breast-copy breast.zip --format archive
    """
    from foveal.annotate.desk import open_desk
    from foveal.annotate.exports import IMPORTS
    from foveal.annotate.records import take_in
    from foveal.core.errors import DataError, SpecError, unknown_name
    from foveal.store.project import ProjectStore
    from foveal.store.unarchive import open_archive

    console = Console()
    if format_ == ARCHIVE:
        open_archive(file, project, images)
        told = f"Project {project}. Next: foveal serve {project}"
        console.print(told, markup=False, highlight=False, soft_wrap=True)
        return
    if format_ not in IMPORTS:
        raise unknown_name("format", format_, (*IMPORTS, ARCHIVE))
    if images is not None:
        raise SpecError(
            f"--images goes with --format archive, not {format_}; leave it out: the project knows "
            "where its images are"
        )
    try:
        found, problems = IMPORTS[format_](file.read_bytes())
    except OSError as error:
        raise DataError(f"{file.name!r} could not be read: {error.strerror}") from error
    with ProjectStore.open(project, database) as store:
        kept, more = take_in(store, open_desk(store).images, found, name)
    for problem in problems + more:
        console.print(problem, markup=False, highlight=False, soft_wrap=True)
    told = f"{kept} answers taken in, {len(problems) + len(more)} problems."
    console.print(told, markup=False, highlight=False)
    if problems or more:
        raise typer.Exit(1)
