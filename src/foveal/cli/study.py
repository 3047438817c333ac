"""A study on the terminal: the data's receipt, a bar for what runs, a line for each run."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.markup import escape

from foveal.cli.progress import watching
from foveal.loop import Run, run_study
from foveal.loop.study import open_bench_of


def study(
    runs: Sequence[Run],
    base: Path,
    folder: Path,
    console: Console,
    jobs: int = 1,
    threads: int = 1,
) -> tuple[list[dict[str, Any]], Mapping[str, Any]]:
    """`loop.run_study` with its progress shown."""
    with watching(console) as (progress, watcher):
        bench = open_bench_of(runs[0].spec, base, watcher)
        for line in bench.collection.receipt.lines():
            console.print(line, highlight=False, markup=False)
        console.print()
        whole = progress.add_task("runs", total=len(runs))

        def finished(run: Run, record: dict[str, Any]) -> None:
            progress.advance(whole)
            last = {k: v[-1] for k, v in record["metrics"].items() if v}
            auroc = last.get("macro_auroc")
            figure = "" if auroc is None else f": macro AUROC {auroc:.3f}"
            told = f"{escape(run.arm)}, seed {run.spec.seed}{figure}"
            console.print(told, highlight=False)

        return run_study(runs, base, folder, jobs, threads, watch=watcher, finished=finished)
