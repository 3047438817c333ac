"""`foveal init`: images become a project in which people read."""

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from foveal.cli.project_images import indexed, tell
from foveal.cli.run import Changes
from foveal.cli.spec_file import read_changes, read_settings


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

    A fifth of the patients is frozen as test part, unless the manifest has a `split` column, of
    which `test` is that part and `val` is read like `train`. People read of it now and then, so
    that the learning curve can be believed. DICOM is de-identified.
    Names of folders are labels, which count as read, if all of them are classes. With `--set
    task=segmentation` regions teach a U-Net, and a label without a mask counts for nothing.

    --live takes train_every=20, queue=60, reading=assisted, tools=[box], overlap_readers=2,
    overlap_share=0.1, repeat_share=0.05, test_every=5, test_target=100 and more (docs/live.md).

    Examples:
      foveal init breast --images ultrasound/ --classes benign,malignant,normal

      foveal init chest --pool pool.csv --classes normal,pneumonia --live train_every=30

      foveal init liver --pool pool.csv --classes tumor,nothing --set task=segmentation

    Then: foveal serve breast
    """
    from foveal.cli.progress import watching
    from foveal.core.errors import SpecError
    from foveal.core.live_spec import parse_live
    from foveal.core.spec import with_settings
    from foveal.loop.live import init_project
    from foveal.store.mounts import network_warning

    console = Console()
    if (images is None) == (pool is None):
        raise SpecError("a project is made of --images DIR or of --pool POOL.csv; give one of them")
    names = [name.strip() for name in classes.split(",")]
    wanted = parse_live({"classes": names, **read_changes(live or [], "--live")})
    settings = {} if spec is None else read_settings(spec, [])
    settings = with_settings(settings, read_changes(changes or []))
    with watching(console) as (_, watcher):
        source, wrong = (
            (pool, []) if pool else indexed(images or Path(), project, wanted.classes, watcher)
        )
        begun = init_project(project, source, wanted, settings, database, watcher)
    tell(console, [*wrong, *begun.problems])
    told = (
        f"Project {project}: {begun.candidates} images to choose from, {begun.tests} for the test, "
        f"{begun.imported} read already."
    )
    warned = [] if database else list(filter(None, [network_warning(project)]))
    tell(console, [told, begun.patients, *warned, f"Next: foveal serve {project}"])
