"""Rounds: how long an annotator waits, and a whole run, on phantoms made for the purpose."""

import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from foveal.bench.timing import Row
from foveal.core.spec import ExperimentSpec, parse_spec
from foveal.data.phantom import write_phantom
from foveal.loop import Experiment, open_bench
from foveal.loop.results import run_record

IMAGES = 4160  # 2,570 or more candidates: 2,000 are left to score when the last labels are bought
LONGEST_ROUND = 10.0  # seconds
LONGEST_RUN = {"features": 120.0, "full": 900.0}


def rounds() -> Iterator[Row]:
    """eg_al with predicted regions and the explanation loss, 30 labels and 60 a round to 570.

    A round trains, scores every candidate left and selects. Ratios are allowed seconds by
    measured seconds.
    """
    with tempfile.TemporaryDirectory() as folder:
        write_phantom(Path(folder) / "phantom", samples=IMAGES, seed=1, size=128)
        for mode, longest in LONGEST_RUN.items():
            left, record = _run(mode, Path(folder))
            slowest, whole = max(record["wall_seconds"]), sum(record["wall_seconds"])
            if mode == "features":
                name = f"slowest round of 570 labels, {left} or more candidates scored"
                yield _row(name, slowest, LONGEST_ROUND)
            yield _row(f"whole run to 570 labels, {mode} mode", whole, longest)


def _run(mode: str, folder: Path) -> tuple[int, dict[str, Any]]:
    """Candidates left at the end, and the run's record."""
    spec = _spec(mode)
    bench = open_bench(spec, folder)
    with Experiment(spec, bench, folder / mode) as experiment:
        record = run_record("eg_al", spec, experiment.run(), bench.pool)
    return len(bench.pool.ids("unlabeled")) - 570, record


def _row(name: str, seconds: float, longest: float) -> Row:
    return Row(name, "s", seconds, longest, "allowed", longest / seconds, 1.0)


def _spec(mode: str) -> ExperimentSpec:
    return parse_spec(
        {
            "data": {"source": "phantom/labels.csv"},
            "model": {"mode": mode},
            "acquire": {"strategy": "eg_al"},
            "train": {"explanation_weight": 2.0},
            "seed_set": 30,
            "budget": 60,
            "labels": 570,
        }
    )
