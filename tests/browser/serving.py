"""A project that is served as people serve it, in a process of its own."""

import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any, NamedTuple

BROWSERS = ("chromium", "chromium-browser", "google-chrome")
ARGUMENTS = [
    "--no-sandbox",
    "--use-gl=angle",
    "--use-angle=swiftshader",
    "--enable-unsafe-swiftshader",
]
START = "from foveal.cli import main; main()"
PATIENCE = 120  # seconds until a server has started, on a busy machine


class Served(NamedTuple):
    """A running server: its address, and the word that opens the first session."""

    folder: Path
    address: str
    token: str
    process: "subprocess.Popen[str]"


def run_foveal(*arguments: Any) -> str:
    """What a command prints; it must succeed."""
    command = [sys.executable, "-c", START, *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def start(folder: Path, *more: str, port: int = 0) -> Served:
    """`foveal serve` in a process of its own."""
    command = [sys.executable, "-c", START, "serve", str(folder), "--port", str(port), *more]
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, start_new_session=True
    )
    assert process.stdout is not None
    began = time.monotonic()
    told = ""
    while time.monotonic() - began < PATIENCE and process.poll() is None:
        told += process.stdout.readline()
        if found := re.search(r"(http://localhost:\d+)/#token=(\S+)", told):
            return Served(folder, found[1], found[2], process)
    process.kill()
    raise AssertionError(f"the server did not start: {told}")


def stop(served: Served) -> None:
    """Ctrl-C."""
    if served.process.poll() is None:
        os.kill(served.process.pid, signal.SIGINT)
        served.process.wait(60)
    assert served.process.stdout is not None
    served.process.stdout.close()
