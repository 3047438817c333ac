"""Beat: how a project's worker says that it lives, and how others hear it."""

import contextlib
import json
from pathlib import Path

from foveal.core.errors import StoreError
from foveal.core.files import write_whole

FILE = "worker.beat"


def write_beat(folder: Path, at: float) -> None:
    """Say that the worker lives, in seconds of the server's clock."""
    with contextlib.suppress(StoreError):  # a full disk is told by what fails to be saved
        write_whole(folder / FILE, json.dumps({"at": at}).encode())


def last_beat(folder: Path) -> float | None:
    """When the worker last said that it lives; None if it never did."""
    try:
        return float(json.loads((folder / FILE).read_text())["at"])
    except (OSError, ValueError, KeyError, TypeError):
        return None
