"""Supervisor: keeps one worker process alive as long as the server runs."""

import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

FIRST_PAUSE, LONGEST_PAUSE = 1.0, 60.0
STEADY = 60.0  # seconds after which a worker that dies counts as having worked
GRACE = 10.0
START = "from foveal.cli import main; main()"


@contextmanager
def supervised(project: Path, database: str, wanted: bool = True) -> Iterator[None]:
    """A block during which a worker runs; one that dies is started again, ever more slowly."""
    if not wanted:
        yield
        return
    stop = threading.Event()
    thread = threading.Thread(target=_keep, args=(project, database, stop), daemon=True)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join(GRACE + 5)


def _keep(project: Path, database: str, stop: threading.Event) -> None:
    pause = FIRST_PAUSE
    while not stop.is_set():
        # The address of a database holds a password, so it is not told on the command line.
        environment = os.environ | ({"FOVEAL_DATABASE": database} if database else {})
        command = [
            sys.executable,
            "-c",
            START,
            "worker",
            str(project),
            "--parent",
            str(os.getpid()),
        ]
        with subprocess.Popen(command, env=environment, start_new_session=True) as worker:  # noqa: S603
            lived = 0.0
            while worker.poll() is None and not stop.wait(0.2):
                lived += 0.2
            if worker.poll() is None:
                _end(worker)
                return
        pause = FIRST_PAUSE if lived > STEADY else min(2 * pause, LONGEST_PAUSE)
        stop.wait(pause)


def _end(worker: "subprocess.Popen[bytes]") -> None:
    worker.terminate()
    try:
        worker.wait(GRACE)
    except subprocess.TimeoutExpired:
        worker.kill()
        worker.wait()
