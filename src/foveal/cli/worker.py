"""`foveal worker`: the process that trains for a project; `foveal serve` starts it."""

import os
import signal
import threading
from pathlib import Path
from typing import Annotated

import typer

from foveal.cli.project_option import Database


def command(
    project: Annotated[Path, typer.Argument(metavar="PROJECT", help="made by foveal init")],
    parent: Annotated[
        int | None, typer.Option(metavar="PID", help="end when this process has ended")
    ] = None,
    once: Annotated[bool, typer.Option("--once", help="do what there is to do, and end")] = False,
    database: Database = "",
) -> None:
    """Train and choose for a project until stopped. `foveal serve` starts one by itself.

    Start one by hand on a machine with a GPU, and the server with --no-worker. Both must see the
    project's folder, and its journal must be in PostgreSQL: a file is safe on one machine only.

    Examples:
      foveal worker breast

      foveal worker breast --once
    """
    from foveal.loop.live import Worker
    from foveal.store.project import ProjectStore

    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    if parent is not None:
        threading.Thread(target=_watch, args=(parent, stop), daemon=True).start()
    with ProjectStore.open(project, database) as store:
        worker = Worker(store)
        if once:
            while worker.step() != "wait":
                pass
        else:
            worker.run(stop)


def _watch(parent: int, stop: threading.Event) -> None:
    """A worker whose server was killed ends too."""
    while not stop.wait(1.0):
        if os.getppid() != parent:
            stop.set()
