"""Comparison: what a second process is worth, and statistics and report of many runs."""

import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from foveal.bench.timing import Row
from foveal.core.spec import parse_spec
from foveal.data.phantom import write_phantom
from foveal.loop import arms_of, check_study, results_of, run_study, runs_of, write_results
from foveal.report import write_report

ARMS, SEEDS, ROUNDS = 50, 10, 10  # 500 runs
LONGEST = 30.0  # seconds for their statistics and report
EFFICIENT = 0.8  # half of the time of one process, by the time of two
METRICS = ("accuracy", "balanced_accuracy", "macro_auroc", "cam_dice", "pointing_game", "ece")
CLASSES = ("a", "b", "c")


def comparison() -> Iterator[Row]:
    """Statistics and report of 500 runs within 30 s; two processes beside one, in features mode.

    The efficiency of two processes is half the time of one by the time of two, so its row has the
    seconds of both, and 1 is perfect. Each of them computes with one thread.
    """
    yield statistics_row()
    yield _efficiency()


def statistics_row() -> Row:
    """Seconds from 500 made-up runs to results.json and report.html, beside what is allowed."""
    spec = parse_spec({"data": {"source": "none.csv"}, "labels": 30 * ROUNDS, "seeds": SEEDS})
    runs = [_made_up(arm, seed) for seed in range(SEEDS) for arm in range(ARMS)]
    created = {
        "parts": {},
        "pool_digest": "",
        "classes": list(CLASSES),
        "receipt": {"lines": []},
    }
    with tempfile.TemporaryDirectory() as folder:
        began = time.perf_counter()
        results = results_of(spec.model_dump(mode="json"), created, runs, "", {})
        write_results(results, Path(folder))
        write_report(results, Path(folder))
        seconds = time.perf_counter() - began
    name = f"statistics and report of {len(runs)} runs"
    return Row(name, "s", seconds, LONGEST, "allowed", LONGEST / seconds, 1.0)


def _made_up(arm: int, seed: int) -> dict[str, Any]:
    """A run as `loop` records it, its figures drawn at random around a level of the arm's."""
    rng = np.random.default_rng([arm, seed])
    labels = [30 * (r + 1) for r in range(ROUNDS)]
    level = 0.5 + 0.004 * arm + 0.02 * np.arange(ROUNDS)
    return {
        "strategy": "random" if arm == 0 else f"arm {arm}",
        "acquire": "random" if arm == 0 else "entropy",
        "parameters": {},
        "regions": "none",
        "annotate": "none",
        "explanation_weight": 0.0,
        "oracle": False,
        "seed": seed,
        "labels": labels,
        "metrics": {m: (level + 0.01 * rng.normal(size=ROUNDS)).tolist() for m in METRICS},
        "validation": {},
        "queried": [[f"{seed}-{r}-{i}" for i in range(30)] for r in range(ROUNDS)],
        "cost_seconds": [10.0 * n for n in labels],
        "wall_seconds": [1.0] * ROUNDS,
        "ask_seconds": [1.0] * (ROUNDS - 1),
        "class_counts": [dict.fromkeys(CLASSES, n // 3) for n in labels],
        "recall_per_class": [dict.fromkeys(CLASSES, 0.5) for _ in labels],
        "reliability": None,
        "misalignment_size": [],
        "advice": [],
        "notes": [[] for _ in labels],
        "pool_digest": "",
        "subgroups": {},
        "gallery": [],
    }


def _efficiency() -> Row:
    settings = {
        "data": {"source": "phantom/labels.csv"},
        "seed_set": 30,
        "budget": 30,
        "labels": 300,
        "seeds": 4,
        "arms": arms_of(["random", "eg_al"]),
    }
    with tempfile.TemporaryDirectory() as where:
        base = Path(where)
        write_phantom(base / "phantom", samples=800, seed=1, size=128)
        check_study(runs_of(settings, base), base)  # features are there before any clock starts
        alone, together = (_seconds(settings, base, jobs) for jobs in (1, 2))
    name = "eight runs to 300 labels, two processes beside half the time of one"
    half = alone / 2
    return Row(name, "s", together, half, "one process, halved", half / together, EFFICIENT)


def _seconds(settings: dict[str, Any], base: Path, jobs: int) -> float:
    folder = base / f"jobs{jobs}"
    began = time.perf_counter()
    run_study(runs_of(settings, folder), base, folder, jobs)
    return time.perf_counter() - began
