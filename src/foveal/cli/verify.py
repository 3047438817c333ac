"""`foveal verify`: proof that nothing in a project was altered or lost."""

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from foveal.cli.project_option import Database


def command(
    project: Annotated[Path, typer.Argument(metavar="PROJECT", help="made by foveal init")],
    database: Database = "",
) -> None:
    """Check the chain of hashes, what readers drew, the last model, its card and maps, and that
    each acknowledged save is there.

    The exit status is 1 if anything is wrong.

    Examples:
      foveal verify breast
    """
    from foveal.store.project import ProjectStore

    console = Console()
    with ProjectStore.open(project, database) as store:
        findings = store.verify()
        entries = store.live().length if not findings else 0
    for finding in findings:
        console.print(finding, markup=False, highlight=False, soft_wrap=True)
    if findings:
        raise typer.Exit(1)
    console.print(f"All {entries} entries are as they were written.", highlight=False)
