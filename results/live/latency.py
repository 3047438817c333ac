"""Latency: from the last answer that makes a training due to the next ranked images.

python results/live/latency.py --images 10000 --out results/live/latency.json
"""

import argparse
import csv
import json
import os
import platform
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch

from foveal.core.annotation import Annotation
from foveal.core.live_spec import parse_live
from foveal.core.region import encode_region
from foveal.loop.live import Worker, init_project
from foveal.store.project import ProjectStore

CLASSES = ("dark", "bright")
SIDE = 64
LABELS = 20  # between trainings, as is usual


def made(folder: Path, images: int, settings: dict[str, Any]) -> tuple[Path, Path]:
    """A project of noise, dark or bright, with all other settings as they are; and its manifest."""
    rng = np.random.default_rng(0)
    bright = rng.random(images) < 0.5
    pixels = rng.integers(0, 120, (images, SIDE, SIDE), np.uint8)
    pixels += (bright * 120).astype(np.uint8)[:, None, None]
    np.savez(folder / "images.npz", train_images=pixels, train_labels=bright.astype(np.int64))
    manifest = folder / "pool.csv"
    with manifest.open("w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["image"])
        rows.writerows([f"images.npz#train_images:{i}"] for i in range(images))
    live = parse_live({"classes": CLASSES, "train_every": LABELS})
    init_project(folder / "project", manifest, live, settings)
    return folder / "project", manifest


def answered(store: ProjectStore, count: int) -> None:
    """That many cases of the queue are read, with a region each."""
    live = store.live()
    for i, sample in enumerate(live.pending()[:count]):
        region = np.zeros((SIDE, SIDE), bool)
        region[8:40, 8:40] = True
        answer = Annotation(
            sample=sample,
            annotator="r0",
            verdict="labeled",
            label=i % len(CLASSES),
            region_kind="mask",
            seconds=4.0,
            key=f"latency-{len(live.history) + i:08}",
        )
        store.save(answer, encode_region(region), None)


def timed(store: ProjectStore, worker: Worker) -> dict[str, float]:
    """Seconds of one training and of the query after it, from the moment the job is there."""
    store.jobs.put("train")
    began, used = time.perf_counter(), time.process_time()
    assert worker.step() == "train"
    taught = time.perf_counter()
    assert worker.step() == "ask"
    asked = time.perf_counter()
    parts = store.live().trained[-1].durations
    return {
        "labels": len(store.live().lessons()),
        "train": round(parts["train"], 3),
        "evaluate": round(parts["evaluate"], 3),
        "train_step": round(taught - began, 3),
        "ask_step": round(asked - taught, 3),
        "all": round(asked - began, 3),
        "all_of_processor": round(time.process_time() - used, 3),
    }


def main() -> None:
    """Measure several rounds; the first one also loads the images and their features."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--images", type=int, default=10_000)
    parser.add_argument("--rounds", type=int, default=6)
    parser.add_argument("--out", type=Path, default=Path("latency.json"))
    given = parser.parse_args()
    settings = {"data": {"leaks": "report"}}
    with tempfile.TemporaryDirectory() as folder:
        began = time.perf_counter()
        project, _ = made(Path(folder), given.images, settings)
        begun = time.perf_counter() - began
        with ProjectStore.open(project) as store:
            worker = Worker(store)
            began = time.perf_counter()
            assert worker.step() == "cold"
            cold = time.perf_counter() - began
            rounds = []
            for _ in range(given.rounds):
                answered(store, LABELS)
                rounds.append(timed(store, worker))
                print(rounds[-1], flush=True)
            candidates = len([p for p in store.live().parts.values() if p == "unlabeled"])
    found = {
        "command": f"python results/live/latency.py --images {given.images} "
        f"--rounds {given.rounds} --out {given.out.as_posix()}",
        "machine": f"{platform.machine()}, {platform.system()}, {os.cpu_count()} cores",
        "threads": torch.get_num_threads(),
        "load_average_at_end": os.getloadavg()[0],
        "images": given.images,
        "candidates": candidates,
        "seconds": {
            "init": round(begun, 1),
            "features_and_cold_start": round(cold, 1),
            "rounds": rounds,
            **{
                f"median_{name}": round(float(np.median([r[name] for r in rounds])), 3)
                for name in ("all", "all_of_processor")
            },
        },
    }
    given.out.write_text(json.dumps(found, indent=2) + "\n")


if __name__ == "__main__":
    main()
