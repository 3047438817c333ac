"""`foveal import`: labels of other tools come into a project."""

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from foveal.cli.project_option import Database


def command(
    project: Annotated[Path, typer.Argument(metavar="PROJECT", help="made by foveal init")],
    file: Annotated[Path, typer.Argument(metavar="FILE", help="what the other tool exported")],
    format_: Annotated[
        str, typer.Option("--format", metavar="FORMAT", help="csv, coco, label-studio, cvat")
    ],
    name: Annotated[
        str, typer.Option("--as", metavar="NAME", help="who gets the credit")
    ] = "imported",
    database: Database = "",
) -> None:
    """Take labels and regions in as answers that count.

    Pictures are found by their path as the manifest has it, else by their file name where only one
    has it. What cannot be used is listed and the rest goes on; the exit status is 1 then.

    Examples:
      foveal import breast annotations.xml --format cvat

      foveal import breast coco.json --format coco --as dr.lee
    """
    from foveal.annotate.exports import IMPORTS
    from foveal.annotate.images import open_images
    from foveal.annotate.records import take_in
    from foveal.core.errors import DataError, unknown_name
    from foveal.core.spec import parse_spec
    from foveal.store.project import ProjectStore

    if format_ not in IMPORTS:
        raise unknown_name("format", format_, IMPORTS)
    try:
        found, problems = IMPORTS[format_](file.read_bytes())
    except OSError as error:
        raise DataError(f"{file.name!r} could not be read: {error.strerror}") from error
    with ProjectStore.open(project, database) as store:
        spec = parse_spec(store.live().created["spec"])
        images = open_images(project / spec.data.source, spec.data)
        kept, more = take_in(store, images, found, name)
    console = Console()
    for problem in problems + more:
        console.print(problem, markup=False, highlight=False, soft_wrap=True)
    told = f"{kept} answers taken in, {len(problems) + len(more)} problems."
    console.print(told, markup=False, highlight=False)
    if problems or more:
        raise typer.Exit(1)
