"""`foveal init`: images become a project in which people read."""

from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from foveal.cli.run import Changes
from foveal.cli.spec_file import read_changes, read_settings

MANIFEST = "pool.csv"


def command(
    project: Annotated[Path, typer.Argument(metavar="PROJECT", help="a new folder")],
    classes: Annotated[str, typer.Option(metavar="A,B,C", help="what images are told apart by")],
    images: Annotated[
        Path | None, typer.Option(metavar="DIR", help="folder of images, or an npz")
    ] = None,
    pool: Annotated[
        Path | None, typer.Option(metavar="POOL.csv", help="manifest; labels it has count as read")
    ] = None,
    spec: Annotated[
        Path | None, typer.Option(metavar="SPEC.yaml", help="settings of model and strategy")
    ] = None,
    changes: Changes = None,
    live: Annotated[
        list[str] | None,
        typer.Option("--live", metavar="KEY=VALUE", help="how people read; may be repeated"),
    ] = None,
    database: Annotated[
        str, typer.Option(metavar="URL", help="of PostgreSQL; default: a file in the project")
    ] = "",
) -> None:
    """Make a project of images, in which people read while a model learns what to ask next.

    A fifth of the patients is frozen as test part, unless the manifest has a `split` column; people
    read of it now and then, so that the learning curve can be believed. DICOM is de-identified.

    --live takes train_every=20, queue=60, reading=assisted, tools=[box], overlap_readers=2,
    overlap_share=0.1, repeat_share=0.05, test_every=5, test_target=100 and more (docs/live.md).

    Examples:
      foveal init breast --images ultrasound/ --classes benign,malignant,normal

      foveal init chest --pool pool.csv --classes normal,pneumonia --live train_every=30

    Then: foveal serve breast
    """
    from foveal.cli.progress import watching
    from foveal.core.errors import SpecError
    from foveal.core.live_spec import parse_live
    from foveal.core.spec import with_settings
    from foveal.loop.live import init_project

    console = Console()
    if (images is None) == (pool is None):
        raise SpecError("a project is made of --images DIR or of --pool POOL.csv; give one of them")
    names = [name.strip() for name in classes.split(",")]
    wanted = parse_live({"classes": names, **read_changes(live or [])})
    settings = {} if spec is None else read_settings(spec, [])
    settings = with_settings(settings, read_changes(changes or []))
    with watching(console) as (_, watcher):
        source = pool or _indexed(images or Path(), project, watcher)
        begun = init_project(project, source, wanted, settings, database, watcher)
    for problem in begun.problems:
        console.print(problem, highlight=False, soft_wrap=True, markup=False)
    console.print(
        f"Project {project}: {begun.candidates} images to choose from, {begun.tests} for the test, "
        f"{begun.imported} read already.\nNext: foveal serve {project}",
        markup=False,
        highlight=False,
        soft_wrap=True,
    )


def _indexed(images: Path, project: Path, watcher: Callable[[str, int, int], None]) -> Path:
    """The folder itself; if it holds DICOM, a manifest of de-identified copies in the project."""
    from foveal.data.copies import copies_beside
    from foveal.data.index import index_source
    from foveal.data.manifest import write_manifest

    def copying(done: int, of: int) -> None:
        watcher("de-identifying DICOM files", done, of)

    manifest = project / MANIFEST
    rows, _ = index_source([images], clean=copies_beside(manifest, None, copying), base=Path())
    if not any(path.is_dir() for path in project.glob("pool_*")):
        return images
    write_manifest(rows, manifest)
    return manifest
