"""The end of a run or study: results.json, report.html, and a few lines that say what came out."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from foveal.cli.loggers import log_results
from foveal.loop import results_of, write_results
from foveal.models import machine
from foveal.report import write_report

SHOWN = ("macro_auroc", "balanced_accuracy", "cam_dice", "pointing_game")


def finish(
    spec: Mapping[str, Any],
    created: Mapping[str, Any],
    records: Sequence[Mapping[str, Any]],
    folder: Path,
    command: str,
    console: Console,
) -> dict[str, Any]:
    """Write results and report into `folder`, and print a summary."""
    results = results_of(spec, created, records, command, machine())
    write_results(results, folder)
    log_results(results, folder)
    page = write_report(results, folder)
    console.print(summary_table(results))
    for warning in results["warnings"]:
        console.print(Text.assemble(("Note:", "yellow"), f" {warning}"), soft_wrap=True)
    for what, path in (("Report: ", page), ("Figures:", folder / "results.json")):
        console.print(f"{what} {path}", soft_wrap=True, highlight=False, markup=False)
    return results


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


def _cell(final: Mapping[str, float | None] | None) -> str:
    if not final or final["mean"] is None:
        return "-"
    spread = "" if final["std"] is None else f" ± {final['std']:.3f}"
    return f"{final['mean']:.3f}{spread}"
