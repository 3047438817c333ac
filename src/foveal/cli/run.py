"""`foveal run`: one experiment; started again it resumes."""

import shlex
import sys
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from foveal.cli.loggers import with_logs
from foveal.cli.spec_file import read_settings

SpecPath = Annotated[Path, typer.Argument(metavar="SPEC.yaml", help="the experiment")]
Changes = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="KEY=VALUE", help="change a setting; may be given repeatedly"),
]
Out = Annotated[
    Path | None, typer.Option("--out", metavar="DIR", help="default: runs/ and the spec's name")
]
Logs = Annotated[
    list[str] | None,
    typer.Option(
        "--log", metavar="mlflow|tensorboard", help="log figures there too, in files below DIR"
    ),
]


def command(spec: SpecPath, changes: Changes = None, log: Logs = None, out: Out = None) -> None:
    """Run one experiment; started again with the same settings it resumes.

    Writes DIR/results.json, DIR/report.html and figures. The journal in DIR makes it safe to stop
    the command at any moment.

    Examples:
      foveal run examples/busi.yaml --out runs/first

      foveal run examples/busi.yaml --set acquire.strategy=entropy --set seed=3
    """
    from foveal.cli.finish import finish
    from foveal.cli.study import alone
    from foveal.core.spec import parse_spec
    from foveal.loop import Run
    from foveal.loop.lineup import of_a_run
    from foveal.models import machine

    console = Console()
    settings = with_logs(read_settings(spec, changes or []), log or [])
    parsed = parse_spec(of_a_run(settings))
    folder = out or Path("runs") / spec.stem
    only = Run(parsed.acquire.strategy, parsed, folder)
    threads = int(machine()["threads"])
    record, created = alone(only, spec.parent, console, threads)
    shown = shlex.join(["foveal", *sys.argv[1:]])
    finish(parsed.model_dump(mode="json"), created, [record], folder, shown, console)
