"""`foveal backup`: a copy of a project while people go on reading."""

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from foveal.cli.project_option import Database


def command(
    project: Annotated[Path, typer.Argument(metavar="PROJECT", help="made by foveal init")],
    target: Annotated[Path, typer.Argument(metavar="TARGET", help="an empty or new folder")],
    database: Database = "",
) -> None:
    """Copy a project as of one moment; the copy opens as it is. Images are not copied.

    Examples:
      foveal backup breast backups/breast-2026-11-28
    """
    from foveal.store.project import ProjectStore

    with ProjectStore.open(project, database) as store:
        store.backup(target)
    Console().print(f"Backup in {target}", markup=False, highlight=False, soft_wrap=True)
