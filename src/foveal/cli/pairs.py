"""`foveal pairs`: two time points of each patient to pictures of change."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console


class Registration(StrEnum):
    """How a follow-up is brought to its baseline."""

    rigid = "rigid"
    affine = "affine"
    deformable = "deformable"
    none = "none"


class Match(StrEnum):
    """How two scans are brought to one scale of brightness."""

    zscore = "zscore"
    histogram = "histogram"


def command(
    table: Annotated[Path, typer.Argument(metavar="PAIRS.csv", help="which scans make pairs")],
    out: Annotated[Path, typer.Option("--out", metavar="DIR", help="images and manifest")],
    registration: Annotated[
        Registration, typer.Option(help="none: already on one grid")
    ] = Registration.rigid,
    bias: Annotated[bool, typer.Option(help="correct the coils' drift of brightness (N4)")] = True,
    match: Annotated[Match, typer.Option(help="how brightness is made comparable")] = Match.zscore,
    swap: Annotated[
        bool, typer.Option("--swap", help="exchange time points whose dates are out of order")
    ] = False,
) -> None:
    """Align two scans of each patient, subtract them, and cut slices for annotation.

    The table has columns `patient,baseline,followup` and optionally `mask` (change, on the
    baseline's grid), `brain`, `baseline_date`, `followup_date`, `split`; or a row a time point:
    `patient,image,date`. Paths are relative to it; a scan is a NIfTI file or a folder with one
    DICOM series. Each slice becomes an image of three channels: baseline, follow-up, difference.
    Problems are listed and the rest goes on; the exit status is 1 if there was any. Started again,
    only what has changed is prepared again.

    Examples:
      foveal pairs visits/pairs.csv --out pairs/

      foveal pairs visits/pairs.csv --out pairs/ --registration none --no-bias
    """
    from foveal.cli.progress import watching
    from foveal.data.pairs import PairSettings, notes_of, prepare_pairs

    console = Console()
    settings = PairSettings(registration=registration.value, bias=bias, match=match.value)
    with watching(console) as (_, watcher):
        done, problems = prepare_pairs(
            table,
            out,
            settings,
            swap=swap,
            progress=lambda n, of: watcher("preparing pairs", n, of),
        )
    for one in done:
        for line in (str(one), *(f"row {one.pair.row}: {note}" for note in notes_of(one))):
            console.print(line, highlight=False, soft_wrap=True, markup=False)
    for problem in problems:
        console.print(str(problem), highlight=False, soft_wrap=True, markup=False)
    slices = sum(len(one.record["slices"]) for one in done)
    told = f"{slices} slices of {len(done)} pairs in {out / 'pairs.csv'}; {len(problems)} problems."
    console.print(told, markup=False, soft_wrap=True)
    if problems:
        raise typer.Exit(1)
