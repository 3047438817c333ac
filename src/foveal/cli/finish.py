"""The end of a run or study: results.json, report.html, and a few lines that say what came out."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from foveal.cli.loggers import log_results
from foveal.loop import results_of, results_of_sets, write_results
from foveal.models import machine
from foveal.report import write_report

SHOWN = (
    "macro_auroc",
    "balanced_accuracy",
    "cam_dice",
    "pointing_game",
    "dice",
    "lesion_f1",
    "hd95_mm",
)


def finish(
    spec: Mapping[str, Any],
    created: Mapping[str, Any],
    records: Sequence[Mapping[str, Any]],
    folder: Path,
    command: str,
    console: Console,
    failures: Sequence[Mapping[str, Any]] = (),
) -> dict[str, Any]:
    """Write results and report into `folder`, and print a summary."""
    results = results_of(spec, created, records, command, machine(), failures)
    write_results(results, folder)
    log_results(results, folder)
    console.print(summary_table(results))
    for warning in results["warnings"]:
        console.print(Text.assemble(("Note:", "yellow"), f" {warning}"), soft_wrap=True)
    _write_page(results, folder, console)
    return results


def finish_sets(
    sets: Mapping[str, Mapping[str, Any]], folder: Path, command: str, console: Console
) -> None:
    """The same over several data sets, each already finished in a folder of its own."""
    results = results_of_sets(sets, command, machine())
    write_results(results, folder)
    console.print(ranking_table(results))
    _write_page(results, folder, console)


def _write_page(results: Mapping[str, Any], folder: Path, console: Console) -> None:
    page = write_report(results, folder)
    for what, path in (("Report: ", page), ("Figures:", folder / "results.json")):
        console.print(f"{what} {path}", soft_wrap=True, highlight=False, markup=False)


def summary_table(results: Mapping[str, Any]) -> Table:
    """Final test metrics, mean and deviation over seeds."""
    title = Text(f"{results['name']}: test set after the last round")
    table = Table(title=title, title_justify="left")
    table.add_column("arm")
    have = [m for m in SHOWN if any(m in metrics for metrics in results["summary"].values())]
    for metric in have:
        table.add_column(metric.replace("_", " "), justify="right", no_wrap=True)
    for arm, metrics in results["summary"].items():
        table.add_row(Text(arm), *(_cell(metrics.get(m, {}).get("final")) for m in have))
    return table


def ranking_table(results: Mapping[str, Any]) -> Table:
    """Mean ranks over data sets, best first by the first metric shown."""
    ranking = results["ranking"]
    have = [m for m in SHOWN if m in ranking]
    title = Text(f"Mean rank over {results['name']}, by area under the curve; 1 is best")
    table = Table(title=title, title_justify="left")
    table.add_column("arm")
    for metric in have:
        table.add_column(metric.replace("_", " "), justify="right", no_wrap=True)
    ranks = {m: dict(zip(ranking[m]["arms"], ranking[m]["mean_ranks"], strict=True)) for m in have}
    for arm in sorted(ranks[have[0]], key=ranks[have[0]].__getitem__) if have else ():
        cells = [f"{ranks[m][arm]:.2f}" if arm in ranks[m] else "-" for m in have]
        table.add_row(Text(arm), *cells)
    return table


def _cell(final: Mapping[str, float | None] | None) -> str:
    if not final or final["mean"] is None:
        return "-"
    spread = "" if final["std"] is None else f" ± {final['std']:.3f}"
    return f"{final['mean']:.3f}{spread}"
