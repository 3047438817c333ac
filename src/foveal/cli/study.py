"""A study on the terminal: the data's receipt, a board of what runs, a line for each run."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.text import Text

from foveal.cli.board import Board
from foveal.cli.progress import watching
from foveal.loop import Bench, Ended, Outcome, Run, check_study, perform, run_study
from foveal.models import use_threads

TOLD = {"macro_auroc": "macro AUROC", "dice": "Dice"}  # after a run, the first it has


def check(runs: Sequence[Run], base: Path, console: Console) -> None:
    """Raise what would stop a run, before any begins; the data's receipt is told."""
    with watching(console) as (_, watcher):
        _tell(check_study(runs, base, watcher), console)


def study(
    runs: Sequence[Run],
    base: Path,
    folder: Path,
    console: Console,
    jobs: int = 1,
    threads: int = 1,
) -> Outcome:
    """`loop.run_study` with its progress shown; see `check` for what comes before."""
    board = Board(runs)

    def finished(run: Run, ended: Ended) -> None:
        board.finished(run, ended)
        style, told = ("red", ": failed") if ended.record is None else ("", _figure(ended.record))
        console.print(Text(f"{_name(run)}{told}", style), highlight=False)
        if ended.failure is not None:
            console.print(
                Text(f"  round {ended.failure['round']}: {ended.failure['error']}", style)
            )

    with watching(console, board) as (_, watcher):
        return run_study(
            runs, base, folder, jobs, threads, watcher, hear=board.hear, finished=finished
        )


def alone(
    run: Run, base: Path, console: Console, threads: int
) -> tuple[dict[str, Any], Mapping[str, Any]]:
    """One run to its end; its record and `created` entry. What it raises passes."""
    use_threads(threads)
    check([run], base, console)
    with watching(console) as (_, watcher):
        record, created = perform(run, base, run.folder, watcher)
    console.print(f"{_name(run)}{_figure(record)}", highlight=False, markup=False)
    return record, created


def _tell(bench: Bench, console: Console) -> None:
    for line in bench.collection.receipt.lines():
        console.print(line, highlight=False, markup=False)
    console.print()


def _name(run: Run) -> str:
    fold = run.spec.data.fold
    return f"{run.arm}, seed {run.spec.seed}" + ("" if fold is None else f", fold {fold}")


def _figure(record: Mapping[str, Any]) -> str:
    last = {k: v[-1] for k, v in record["metrics"].items() if v}
    for metric, title in TOLD.items():
        if last.get(metric) is not None:
            return f": {title} {last[metric]:.3f}"
    return ""
