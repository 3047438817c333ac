"""`foveal add`: images that came since a project was made."""

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from foveal.cli.project_images import MANIFEST, indexed, tell
from foveal.cli.project_option import Database


def command(
    project: Annotated[Path, typer.Argument(metavar="PROJECT", help="made by foveal init")],
    images: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="more DICOM, for a project that was made of DICOM"),
    ] = None,
    database: Database = "",
) -> None:
    """Take in images that came into the folder or table a project was made of. People may read on.

    The test part stays as it is: further images of its patients, and images that repeat its images,
    are left out. Labels and masks that the table has of new images count as read.

    Examples:
      foveal add breast

      foveal add chest --images new_studies/
    """
    from foveal.cli.progress import watching
    from foveal.core.errors import DataError
    from foveal.loop.live import grow_project
    from foveal.store.folder import source_of
    from foveal.store.project import ProjectStore

    console = Console()
    with ProjectStore.open(project, database) as store, watching(console) as (_, watcher):
        wrong: list[str] = []
        if images is not None:
            live = store.live()
            source = source_of(project, live.created)
            if source != MANIFEST:
                raise DataError(
                    f"only a project of DICOM files takes --images, since it holds copies of them; "
                    f"this one reads {source!r}: put new images there, then foveal add {project}"
                )
            _, wrong = indexed(images, project, live.classes, watcher)
        grown = grow_project(store, watcher)
    tell(console, [*wrong, *grown.problems])
    told = f"{grown.candidates} images came in, {grown.imported} of them read already"
    left = f"; {grown.left_out} left out, of patients or with pictures of the test part"
    tell(console, [told + (left if grown.left_out else "") + "."])
