"""`foveal status`: where a project stands."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from foveal.cli.project_option import Database


def command(
    project: Annotated[Path, typer.Argument(metavar="PROJECT", help="made by foveal init")],
    as_json: Annotated[bool, typer.Option("--json", help="for programs")] = False,
    database: Database = "",
) -> None:
    """Tell what has been read, what the model is worth, and what is left to do.

    Examples:
      foveal status breast

      foveal status breast --json
    """
    from foveal.annotate.dashboard import MAIN_METRICS, dashboard_of
    from foveal.store.project import ProjectStore

    console = Console()
    with ProjectStore.open(project, database) as store:
        told = dashboard_of(store.live())
    if as_json:
        print(json.dumps(told, indent=2))
        return
    lines = [
        f"{told['labels']} of {told['candidates']} images read, {told['minutes']} minutes in all; "
        f"{told['test_labels']} of {told['test_target']} test images.",
        "Classes: " + ", ".join(f"{name} {n}" for name, n in told["balance"].items()),
        f"Next training after {max(told['train_every'] - told['since_training'], 0)} more labels; "
        f"{told['queue_left']} images are ranked.",
        *(_point(point, MAIN_METRICS) for point in told["curve"][-3:]),
        *told["advice"],
        f"{told['disputes']} to settle, {told['quarantined']} left out.",
    ]
    for line in lines:
        console.print(line, markup=False, highlight=False, soft_wrap=True)


def _point(point: Mapping[str, Any], words: Mapping[str, str]) -> str:
    """A point of the curve in the first metric that its task has."""
    metrics, labels = point["metrics"], point["labels"]
    name = next((name for name in words if name in metrics), None)
    if name is None:
        return f"With {labels} labels: nothing measured, for no test image had been read."
    value, ends = metrics[name], point["interval"].get(name)
    told = "cannot be told yet" if value is None else f"{value:.3f}"
    spread = (
        f" (95 % interval {ends[0]:.3f} to {ends[1]:.3f})" if ends and value is not None else ""
    )
    return (
        f"With {labels} labels: {words[name]} {told}{spread} on {point['tested_on']} test images."
    )
