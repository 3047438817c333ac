"""`foveal compare`: strategies x seeds x data sets, statistics, report; resumes too."""

import shlex
import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, NamedTuple

import typer
from rich.console import Console

from foveal.cli.loggers import with_logs
from foveal.cli.run import Changes, Logs, Out
from foveal.cli.spec_file import read_settings
from foveal.core.errors import SpecError

FAILED = 1  # exit status where a run has failed; the others are reported


class Study(NamedTuple):
    """One spec's part of a comparison: its settings with all arms, and where its runs go."""

    settings: Mapping[str, Any]
    base: Path
    folder: Path


def command(
    specs: Annotated[
        list[Path], typer.Argument(metavar="SPEC.yaml...", help="one for each data set")
    ],
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
    no_baselines: Annotated[
        bool,
        typer.Option(
            "--no-baselines",
            help="without the arms random, stratified_random and, where regions are expected or "
            "outlined, foreground_random, unless they are named",
        ),
    ] = False,
    changes: Changes = None,
    log: Logs = None,
    out: Out = None,
) -> None:
    """Compare strategies over seeds: every arm starts from the same seed sets.

    Each run keeps a journal of its own, so the command can be stopped at any moment and started
    again. Figures do not depend on --jobs. A run that fails does not stop the others; the exit
    status is then 1, and the same command tries it again. Several specs make a comparison each, and
    a ranking over them.

    Examples:
      foveal compare examples/busi.yaml --jobs 2 --out runs/busi

      foveal compare examples/busi.yaml --strategies random,entropy,eg_al --seeds 3

      foveal compare a.yaml b.yaml c.yaml --strategies eg_al,badge --out runs/ranking
    """
    from foveal.cli.finish import finish_sets
    from foveal.cli.study import check
    from foveal.loop import runs_of, with_baselines

    console = Console()
    studies = []
    for spec, folder in zip(specs, _folders(specs, out), strict=True):
        settings = _settings(
            with_logs(read_settings(spec, changes or []), log or []), strategies, seeds, console
        )
        if no_baselines:
            settings["baselines"] = False
        studies.append(Study(with_baselines(settings), spec.parent, folder))
    for each in studies:  # all errors of all specs before the first run
        check(runs_of(each.settings, each.folder), each.base, console)
    finished = {each.folder.name: _conduct(each, jobs, console) for each in studies}
    if len(studies) > 1:
        finish_sets(finished, studies[0].folder.parent, _command(), console)
    if any(results["failures"] for results in finished.values()):
        raise typer.Exit(FAILED)


def _folders(specs: Sequence[Path], out: Path | None) -> list[Path]:
    """The only spec's folder is `out`; of several each has one in it, by the name of its file."""
    if len(specs) == 1:
        return [out or Path("runs") / specs[0].stem]
    stem, times = Counter(spec.stem for spec in specs).most_common(1)[0]
    if times > 1:
        raise SpecError(
            f"specs of one comparison must have different file names, but {times} are called "
            f"{stem!r}; rename one"
        )
    return [(out or Path("runs") / "ranking") / spec.stem for spec in specs]


def _settings(
    settings: dict[str, Any], strategies: str, seeds: int | None, console: Console
) -> dict[str, Any]:
    """The spec's settings, with arms and seeds as the command line wants them."""
    from foveal.acquire.bandit import listed
    from foveal.loop import arms_of, runnable

    if strategies == "all":
        able, unable = runnable(settings)
        for name, why in unable.items():
            console.print(f"Left out: {name}: {why}", soft_wrap=True, highlight=False, markup=False)
        settings["arms"] = arms_of(able)
    elif strategies:
        settings["arms"] = arms_of(listed(strategies))
    if seeds:
        settings["seeds"] = seeds
    return settings


def _conduct(study_of: Study, jobs: int, console: Console) -> dict[str, Any]:
    """One spec's study to its end, with its results and report."""
    from foveal.cli.finish import finish
    from foveal.cli.study import study
    from foveal.core.spec import parse_spec
    from foveal.loop import runs_of

    settings, base, folder = study_of
    outcome = study(runs_of(settings, folder), base, folder, console, jobs)
    whole = parse_spec(settings).model_dump(mode="json")
    return finish(
        whole, outcome.created, outcome.records, folder, _command(), console, outcome.failures
    )


def _command() -> str:
    return shlex.join(["foveal", *sys.argv[1:]])
