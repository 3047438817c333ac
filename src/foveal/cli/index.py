"""`foveal index`: folder, CSV, npz, NIfTI, DICOM to a manifest; problems are listed."""

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

if TYPE_CHECKING:
    from foveal.data import Row


class Unit(StrEnum):
    """Into what samples volumes are cut."""

    slice = "slice"
    tile = "tile"


class Cut(StrEnum):
    """Index axis that slices are cut across."""

    auto = "auto"
    i = "i"
    j = "j"
    k = "k"


def command(
    sources: Annotated[
        list[Path], typer.Argument(metavar="SOURCE...", help="folder, CSV, npz, NIfTI")
    ],
    out: Annotated[Path, typer.Option("--out", metavar="POOL.csv", help="the manifest to write")],
    unit: Annotated[Unit, typer.Option("--unit", help="samples that volumes are cut into")] = (
        Unit.slice
    ),
    tile: Annotated[int, typer.Option("--tile", metavar="N", help="side of a tile in voxels")] = 32,
    axis: Annotated[Cut, typer.Option("--axis", help="index axis slices are cut across")] = (
        Cut.auto
    ),
    region: Annotated[
        list[str] | None,
        typer.Option(
            "--region", metavar="NAME", help="of DICOM SEG, RTSTRUCT: that counts; may be repeated"
        ),
    ] = None,
    time_point: Annotated[
        int | None, typer.Option("--time-point", metavar="N", min=0, help="of 4-D NIfTI, from 0")
    ] = None,
    in_place: Annotated[
        bool,
        typer.Option("--in-place", help="read DICOM where it is, not de-identified"),
    ] = False,
    mapping: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="key of the de-identification; see foveal deidentify"),
    ] = None,
) -> None:
    """Make a manifest of images and list everything that is wrong with them.

    A problem never stops the work: broken rows are left out and named. The exit status is 1 if
    there was any problem.

    Volumes (NIfTI, DICOM) become slices or 3-D tiles that do not overlap, with masks found beside
    them. If they have masks and no labels, the label is `finding` or `none`, by the mask.

    DICOM is de-identified: the manifest names copies beside it, in POOL_dicom/, with a report of
    what was removed. What cannot be cleaned (ultrasound with text in its pixels, documents) is held
    back and listed. `foveal deidentify` has options for it; its folders are read as they are, and
    so is everything with --in-place.

    Examples:
      foveal index my_images/ --out pool.csv

      foveal index pneumoniamnist.npz extra.csv --out pool.parquet

      foveal index scans/ --unit tile --tile 32 --out tiles.csv

      foveal index dicom_export/ --out study/pool.csv
    """
    from foveal.cli.progress import watching
    from foveal.core.volume import Axis
    from foveal.data.copies import copies_beside
    from foveal.data.index import index_source
    from foveal.data.manifest import write_manifest
    from foveal.data.volumes.cutting import Cutting

    axes: dict[Cut, Axis] = {Cut.i: 0, Cut.j: 1, Cut.k: 2}
    cutting = Cutting(unit.value, tile, axes.get(axis), tuple(region or ()), time_point)
    console = Console()
    with watching(console) as (_, watcher):

        def copying(done: int, of: int) -> None:
            watcher("de-identifying DICOM files", done, of)

        rows, problems = index_source(
            sources,
            lambda done, of: watcher("looking at images", done, of),
            base=Path(),
            cutting=cutting,
            unpacking=lambda done, of: watcher("unpacking volumes", done, of),
            clean=None if in_place else copies_beside(out, mapping, copying),
        )
    write_manifest(rows, out)
    for problem in problems:
        console.print(str(problem), highlight=False, soft_wrap=True, markup=False)
    told = f"{len(rows)} images in {out}; {len(problems)} problems."
    console.print(f"{_volumes(rows)}{told}", markup=False, soft_wrap=True)
    if problems:
        raise typer.Exit(1)


def _volumes(rows: "list[Row]") -> str:
    of_volumes = [row for row in rows if row.image.of_volume]
    if not of_volumes:
        return ""
    tiles = sum(row.image.tile > 0 for row in of_volumes)
    volumes = len({row.series for row in of_volumes})
    patients = len({row.group for row in of_volumes if row.group})
    slices = len(of_volumes) - tiles
    parts = [f"{n} {name}" for n, name in ((slices, "slices"), (tiles, "tiles")) if n]
    return f"{volumes} volumes of {patients} patients: {', '.join(parts)}.\n"
