"""Rounds: how long an annotator waits, and a whole run, on phantoms made for the purpose."""

import tempfile
from collections.abc import Iterator
from pathlib import Path

from foveal.bench.timing import Row
from foveal.core.spec import ExperimentSpec, parse_spec
from foveal.data.phantom import write_phantom
from foveal.loop import Experiment, open_bench
from foveal.loop.results import run_record

IMAGES = 4160  # 2,570 or more candidates: 2,000 are left to score when the last labels are bought
LONGEST_ROUND, LONGEST_RUN = 10.0, 120.0  # seconds


def rounds() -> Iterator[Row]:
    """eg_al with predicted regions and the explanation loss, 30 labels and 60 a round to 570.

    A round trains, scores every candidate left and selects. Ratios are allowed seconds by
    measured seconds.
    """
    with tempfile.TemporaryDirectory() as folder:
        write_phantom(Path(folder) / "phantom", samples=IMAGES, seed=1, size=128)
        spec = _spec()
        bench = open_bench(spec, Path(folder))
        with Experiment(spec, bench, Path(folder) / "run") as experiment:
            record = run_record("eg_al", spec, experiment.run(), bench.pool)
    slowest, whole = max(record["wall_seconds"]), sum(record["wall_seconds"])
    left = len(bench.pool.ids("unlabeled")) - 570
    name = f"slowest round of 570 labels, {left} or more candidates scored"
    yield _row(name, slowest, LONGEST_ROUND)
    yield _row("whole run to 570 labels, features mode", whole, LONGEST_RUN)


def _row(name: str, seconds: float, longest: float) -> Row:
    return Row(name, "s", seconds, longest, "allowed", longest / seconds, 1.0)


def _spec() -> ExperimentSpec:
    return parse_spec(
        {
            "data": {"source": "phantom/labels.csv"},
            "acquire": {"strategy": "eg_al"},
            "train": {"explanation_weight": 2.0},
            "seed_set": 30,
            "budget": 60,
            "labels": 570,
        }
    )
