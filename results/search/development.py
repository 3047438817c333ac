"""Development data for the search: candidates and validation images only; no test image is read.

Each seed divides the patients (or sets of look-alike images) of these two parts anew: two fifths
are looked at, the rest may be labeled. So a search sees many splits and no test split.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from foveal.core.spec import parse_spec
from foveal.loop import Bench, open_bench

ROOT = Path(__file__).parents[2]
DATA = "../shared/data"
LOOKED_AT = 0.4
UNOUTLINED = {"source": "none", "annotate": "none"}
SETS: Mapping[str, dict[str, Any]] = {
    "busi": {
        "data": {"source": f"{DATA}/busi/labels.csv", "image_size": 128},
        "seed_set": 30,
        "budget": 30,
        "labels": 180,
    },
    "brain_tumor_t1c": {
        "data": {"source": f"{DATA}/brain_tumor_t1c/labels.csv", "image_size": 128},
        "seed_set": 30,
        "budget": 60,
        "labels": 330,
    },
    "skin_isic8": {
        "data": {"source": f"{DATA}/skin_isic8/labels.csv", "image_size": 128},
        "regions": UNOUTLINED,
        "seed_set": 40,
        "budget": 40,
        "labels": 280,
    },
    "pneumoniamnist": {
        "data": {
            "source": f"{DATA}/medmnist/pneumoniamnist_imbalanced_28.npz",
            "image_size": 64,
        },
        "regions": UNOUTLINED,
        "seed_set": 20,
        "budget": 20,
        "labels": 120,
    },
}


class Coarse:
    """Features averaged over 2 x 2 cells and held in memory: a quarter of the work for a search."""

    def __init__(self, inputs: Any) -> None:
        parts = [
            torch.nn.functional.avg_pool2d(torch.from_numpy(inputs.read(rows)), 2)
            for rows in np.array_split(np.arange(len(inputs)), max(1, len(inputs) // 256))
        ]
        self._array = torch.cat(parts).numpy()

    def __len__(self) -> int:
        return len(self._array)

    def read(self, rows: Any) -> Any:
        """(b, K, h / 2, w / 2) float32."""
        return self._array[rows]


def bench_of(name: str) -> Bench:
    """A set with its features, divided as its authors or ours did."""
    return open_bench(parse_spec(SETS[name]), ROOT)


def divided(bench: Bench, seed: int) -> Bench:
    """The bench with test images excluded, and a new part to look at, by patient."""
    pool = bench.pool
    ids = pool.ids("unlabeled") + pool.ids("val")
    groups = sorted({pool[i].group for i in ids})
    drawn = np.random.default_rng([seed, 99]).permutation(len(groups))
    seen = {groups[i] for i in drawn[: round(LOOKED_AT * len(groups))]}
    pool = pool.moved(pool.ids("test"), "excluded")
    pool = pool.moved([i for i in ids if pool[i].group in seen], "test")
    pool = pool.moved([i for i in ids if pool[i].group not in seen], "unlabeled")
    return replace(bench, collection=replace(bench.collection, pool=pool))


def kept(log: Path) -> Iterator[dict[str, Any]]:
    """The lines of a log, one a trial; a torn last line (a kill) is left out."""
    if log.exists():
        for line in log.read_text().splitlines():
            try:
                yield json.loads(line)
            except json.JSONDecodeError:
                continue
