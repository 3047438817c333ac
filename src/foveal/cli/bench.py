"""`foveal bench`: benchmarks against peers, as ratios measured side by side in one run."""

import json
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table


def command(
    name: Annotated[str, typer.Argument(help="one benchmark; default: all")] = "",
    out: Annotated[Path | None, typer.Option("--json", metavar="FILE")] = None,
) -> None:
    """Measure speed against peers; a ratio above 1 is better than the peer.

    Examples:
      foveal bench

      foveal bench scoring --json results/bench/scoring.json
    """
    from foveal.bench import run_benchmarks
    from foveal.core.files import write_whole

    console = Console()
    rows = run_benchmarks(name, lambda text: console.print(text, highlight=False))
    table = Table("name", "ours", "peer", "ratio", "target", "unit", title="Benchmarks")
    for row in rows:
        shown = "-" if row["ratio"] is None else f"{row['ratio']:.2f}"
        peer = "-" if row["peer"] is None else f"{row['peer']:.4g} ({row['peer_name']})"
        goal = "-" if row["target"] is None else f"{row['target']:g}"
        table.add_row(row["name"], f"{row['ours']:.4g}", peer, shown, goal, row["unit"])
    console.print(table)
    if out is not None:
        write_whole(out, json.dumps(rows, indent=1).encode())
