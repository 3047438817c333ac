"""`foveal compare`: strategies x seeds, statistics, report; resumes too."""

import shlex
import sys
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.markup import escape

from foveal.cli.run import Changes, Out, SpecPath
from foveal.cli.spec_file import read_settings


def command(
    spec: SpecPath,
    strategies: Annotated[
        str, typer.Option(metavar="A,B,C", help="strategies to compare; default: the spec's arms")
    ] = "",
    seeds: Annotated[
        int | None, typer.Option(min=1, help="how many seeds; default: the spec's")
    ] = None,
    jobs: Annotated[int, typer.Option(min=1, help="runs at a time, each in its own process")] = 1,
    changes: Changes = None,
    out: Out = None,
) -> None:
    """Compare strategies over seeds: every arm starts from the same seed sets.

    Each run keeps a journal of its own, so the command can be stopped at any moment and started
    again. Figures do not depend on --jobs.

    Examples:
      foveal compare examples/busi.yaml --jobs 2 --out runs/busi

      foveal compare examples/busi.yaml --strategies random,entropy,eg_al --seeds 3
    """
    from foveal.cli.finish import finish
    from foveal.core.spec import parse_spec
    from foveal.loop import arms_of, runs_of

    console = Console()
    settings = read_settings(spec, changes or [])
    if strategies:
        settings["arms"] = arms_of([name.strip() for name in strategies.split(",")])
    if seeds:
        settings["seeds"] = seeds
    folder = out or Path("runs") / spec.stem
    runs = runs_of(settings, folder)
    records, created = study(runs, spec.parent, folder, jobs, console)
    whole = parse_spec(settings).model_dump(mode="json")
    finish(whole, created, records, folder, shlex.join(["foveal", *sys.argv[1:]]), console)


def study(
    runs: list[Any], base: Path, folder: Path, jobs: int, console: Console
) -> tuple[list[dict[str, Any]], Any]:
    """Run a study under a progress display."""
    from foveal.cli.progress import watching
    from foveal.loop import Run, run_study

    with watching(console) as (progress, watcher):
        whole = progress.add_task("runs", total=len(runs))

        def finished(run: Run, record: dict[str, Any]) -> None:
            progress.advance(whole)
            last = {k: v[-1] for k, v in record["metrics"].items() if v}
            auroc = last.get("macro_auroc")
            figure = "" if auroc is None else f": macro AUROC {auroc:.3f}"
            told = f"{escape(run.arm)}, seed {run.spec.seed}{figure}"
            progress.console.print(told, highlight=False)

        return run_study(runs, base, folder, jobs, watch=watcher, finished=finished)
