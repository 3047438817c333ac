"""`foveal status`: where a project stands."""

import json
from pathlib import Path
from typing import Annotated

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
    from foveal.annotate.dashboard import dashboard_of
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
        *(_point(point) for point in told["curve"][-3:]),
        *told["advice"],
        f"{told['disputes']} disputed, {told['quarantined']} left out.",
    ]
    for line in lines:
        console.print(line, markup=False, highlight=False, soft_wrap=True)


def _point(point: dict[str, object]) -> str:
    metrics, interval = point["metrics"], point["interval"]
    assert isinstance(metrics, dict)
    assert isinstance(interval, dict)
    value = metrics.get("macro_auroc")
    ends = interval.get("macro_auroc")
    told = "cannot be told yet" if value is None else f"{value:.3f}"
    spread = (
        f" (95 % interval {ends[0]:.3f} to {ends[1]:.3f})" if ends and value is not None else ""
    )
    return (
        f"With {point['labels']} labels: macro AUROC {told}{spread} on {point['tested_on']} "
        "test images."
    )
