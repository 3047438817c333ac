"""A project on made-up images, and its server and worker as processes that can be killed."""

import csv
import json
import socket
import sys
import threading
import time
from collections.abc import Mapping
from multiprocessing.context import ForkServerContext
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

sys.path.insert(0, str(Path(__file__).parents[2] / "tests"))
from foveal.annotate.desk import open_desk
from foveal.annotate.serve import Listen, server
from foveal.core.live_spec import parse_live
from foveal.core.shapes import pack_runs
from foveal.loop.live import Worker, init_project
from foveal.store.project import ProjectStore
from processes import nursery_of

CLASSES = ("dark", "bright")
SIDE = 32
PASSWORD = "a long enough password"  # noqa: S105 - of accounts that live for minutes
SETTINGS = {
    "data": {"image_size": SIDE, "test_fraction": 0.1, "leaks": "report"},
    "model": {"adapter": 16, "pooling": "mean"},
    "train": {"epochs": 3, "explanation_weight": 0, "region_weight": 0, "precision": "32"},
    "acquire": {"strategy": "margin", "skip_near_duplicates": False},
}


def nursery() -> ForkServerContext:
    """Where servers and workers start at once."""
    return nursery_of("foveal.annotate.serve", "foveal.loop.live", "foveal.loop.classify")


def make(folder: Path, images: int, readers: int, train_every: int) -> Path:
    """A project of noise, bright or dark, with accounts r0, r1, ..."""
    rng = np.random.default_rng(0)
    bright = rng.random(images) < 0.5
    pixels = rng.integers(0, 120, (images, SIDE, SIDE), np.uint8)
    pixels += (bright * 120).astype(np.uint8)[:, None, None]
    np.savez(folder / "images.npz", train_images=pixels, train_labels=bright.astype(np.int64))
    with (folder / "pool.csv").open("w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["image"])
        rows.writerows([f"images.npz#train_images:{i}"] for i in range(images))
    live = parse_live({"classes": CLASSES, "train_every": train_every, "test_every": 5})
    project = folder / "project"
    init_project(project, folder / "pool.csv", live, SETTINGS)
    with ProjectStore.open(project) as store:
        for i in range(readers):
            store.accounts.add(f"r{i}", "lead", PASSWORD)
    return project


def serve(project: Path, port: int) -> None:
    """What the server's process does."""
    with ProjectStore.open(project) as store, socket.socket() as made:
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        made.bind(("127.0.0.1", port))
        made.listen(64)
        server(open_desk(store), Listen(port=port)).run(sockets=[made])


def work(project: Path) -> None:
    """What the worker's process does."""
    with ProjectStore.open(project) as store:
        Worker(store).run(threading.Event(), pause=0.05)


def free_port() -> int:
    """A port of this machine that nobody listens on."""
    with socket.socket() as made:
        made.bind(("127.0.0.1", 0))
        return int(made.getsockname()[1])


def until_up(port: int, seconds: float = 60) -> None:
    """Wait until a server answers."""
    patience = time.monotonic() + seconds
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            return
        except OSError:
            if time.monotonic() > patience:
                raise
            time.sleep(0.02)


def seen(image: NDArray[Any]) -> tuple[str, list[dict[str, object]]]:
    """Class and region of an (H, W) picture, as whoever looks at it would tell them."""
    region = {"type": "mask", "runs": list(pack_runs(image > np.median(image)))}
    return CLASSES[int(image.mean() > 120)], [region]


def tell(told: Mapping[str, Any], out: Path) -> None:
    """Write down and print what was found, with the command that found it."""
    whole = json.dumps({"command": " ".join(["python", *sys.argv]), **told}, indent=1)
    out.write_text(whole + "\n")
    print(whole)
