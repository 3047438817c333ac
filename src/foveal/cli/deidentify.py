"""`foveal deidentify`: DICOM files without the patients; what cannot be cleaned is listed."""

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from foveal.core.errors import DataError


def command(
    source: Annotated[Path, typer.Argument(metavar="SOURCE", help="folder of DICOM files")],
    out: Annotated[Path, typer.Option("--out", metavar="DIR", help="folder for the copies")],
    mapping: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="secret key and names; never in DIR, never given away"),
    ] = None,
    remove_dates: Annotated[
        bool, typer.Option("--remove-dates", help="remove dates instead of shifting them")
    ] = False,
    whole_hours: Annotated[
        bool, typer.Option("--whole-hours", help="cut times of day to the hour")
    ] = False,
    keep_characteristics: Annotated[
        bool, typer.Option("--keep-characteristics", help="keep sex, age (up to 90), size, weight")
    ] = False,
    keep_device: Annotated[
        bool, typer.Option("--keep-device", help="keep serial numbers and stations")
    ] = False,
    clean_descriptors: Annotated[
        bool,
        typer.Option("--clean-descriptors", help="keep known medical words of descriptions"),
    ] = False,
    allow_burned_in: Annotated[
        bool,
        typer.Option("--allow-burned-in", help="let through what may show names or faces"),
    ] = False,
) -> None:
    """Copy DICOM files without names, numbers and dates of patients (DICOM PS3.15, Annex E).

    Patients become P and a code, UIDs are renamed so that all references hold, and dates move back
    by a number of days of each patient's own. Pixels stay as they are: files that may show text
    (ultrasound, screen captures, photographs) and documents are held back and listed. The exit
    status is 1 if there were any. Stopped and run again it goes on. Names of regions in structure
    sets are descriptions: without --clean-descriptors they are emptied.

    The key lies in ~/.local/share/foveal (or FOVEAL_HOME). Whoever has it can undo the names;
    without it, later files of the same patients get other ones. Keep it, and keep it to yourself.

    Examples:
      foveal deidentify export/ --out study/

      foveal deidentify export/ --out study/ --keep-characteristics --clean-descriptors

      foveal deidentify next_month/ --out study/ --mapping ~/keys/study.jsonl
    """
    from foveal.cli.progress import watching

    try:
        from foveal.data.deidentify import Options, deidentified
    except ModuleNotFoundError as error:
        raise DataError(
            "DICOM files are read with pydicom, which is not installed; run "
            "`pip install foveal[volumes]`"
        ) from error

    options = Options(
        shift_dates=not remove_dates,
        whole_hours=whole_hours,
        characteristics=keep_characteristics,
        device=keep_device,
        descriptors=clean_descriptors,
        burned_in=allow_burned_in,
    )
    console = Console()
    with watching(console) as (_, watcher):
        report, problems = deidentified(
            source,
            out,
            mapping=mapping,
            options=options,
            progress=lambda done, of: watcher("de-identifying", done, of),
        )
    for problem in problems:
        console.print(str(problem), highlight=False, soft_wrap=True, markup=False)
    files = sum(report.files.values())
    told = f"{files} files of {report.patients} patients in {out}; {len(problems)} problems."
    console.print(told, markup=False, soft_wrap=True, highlight=False)
    if problems:
        raise typer.Exit(1)
