"""`foveal compare`: strategies x seeds, statistics, report; resumes too."""

import shlex
import sys
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from foveal.cli.loggers import with_logs
from foveal.cli.run import Changes, Logs, Out, SpecPath
from foveal.cli.spec_file import read_settings


def command(
    spec: SpecPath,
    strategies: Annotated[
        str,
        typer.Option(
            metavar="A,B,C",
            help="strategies to compare, or `all` that the spec can run; default: the spec's arms",
        ),
    ] = "",
    seeds: Annotated[
        int | None, typer.Option(min=1, help="how many seeds; default: the spec's")
    ] = None,
    jobs: Annotated[int, typer.Option(min=1, help="runs at a time, each in its own process")] = 1,
    changes: Changes = None,
    log: Logs = None,
    out: Out = None,
) -> None:
    """Compare strategies over seeds: every arm starts from the same seed sets.

    Each run keeps a journal of its own, so the command can be stopped at any moment and started
    again. Figures do not depend on --jobs.

    Examples:
      foveal compare examples/busi.yaml --jobs 2 --out runs/busi

      foveal compare examples/busi.yaml --strategies random,entropy,eg_al --seeds 3
    """
    from foveal.acquire.bandit import listed
    from foveal.cli.finish import finish
    from foveal.cli.study import study
    from foveal.core.spec import parse_spec
    from foveal.loop import arms_of, runnable, runs_of

    console = Console()
    settings = with_logs(read_settings(spec, changes or []), log or [])
    if strategies == "all":
        able, unable = runnable(settings)
        for name, why in unable.items():
            console.print(f"Left out: {name}: {why}", soft_wrap=True, highlight=False, markup=False)
        settings["arms"] = arms_of(able)
    elif strategies:
        settings["arms"] = arms_of(listed(strategies))
    if seeds:
        settings["seeds"] = seeds
    folder = out or Path("runs") / spec.stem
    runs = runs_of(settings, folder)
    records, created = study(runs, spec.parent, folder, console, jobs)
    whole = parse_spec(settings).model_dump(mode="json")
    finish(whole, created, records, folder, shlex.join(["foveal", *sys.argv[1:]]), console)
