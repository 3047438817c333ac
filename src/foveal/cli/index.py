"""`foveal index`: folder, CSV, npz to a manifest; problems are listed."""

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console


def command(
    sources: Annotated[list[Path], typer.Argument(metavar="SOURCE...", help="folder, CSV, npz")],
    out: Annotated[Path, typer.Option("--out", metavar="POOL.csv", help="the manifest to write")],
) -> None:
    """Make a manifest of images and list everything that is wrong with them.

    A problem never stops the work: broken rows are left out and named. The exit status is 1 if
    there was any problem.

    Examples:
      foveal index my_images/ --out pool.csv

      foveal index pneumoniamnist.npz extra.csv --out pool.parquet
    """
    from foveal.cli.progress import watching
    from foveal.data.index import index_source
    from foveal.data.manifest import write_manifest

    console = Console()
    with watching(console) as (_, watcher):
        rows, problems = index_source(
            sources, lambda done, of: watcher("looking at images", done, of), base=Path()
        )
    write_manifest(rows, out)
    for problem in problems:
        console.print(str(problem), highlight=False, soft_wrap=True, markup=False)
    told = f"{len(rows)} images in {out}; {len(problems)} problems."
    console.print(told, markup=False, soft_wrap=True)
    if problems:
        raise typer.Exit(1)
