"""Runs: what a comparison has recorded, as curves by metric and strategy."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from foveal.core.arrays import FloatArray
from foveal.core.errors import EvidenceError
from foveal.evaluate.curves import Value, aubc, points

Run = Mapping[str, Any]
Axis = Literal["labels", "minutes"]
BASELINE = "random"
LOWER_IS_BETTER = frozenset({"ece", "hd95", "hd95_mm"})


@dataclass(frozen=True, slots=True)
class Curve:
    """One metric of one run; `values` has None where the metric does not exist, and `minutes` of
    the expert are None where they are unknown or cost nothing."""

    seed: int
    labels: tuple[float, ...]
    minutes: tuple[float, ...] | None
    values: tuple[Value, ...]


def table_of(runs: Iterable[Run]) -> dict[str, dict[str, list[Curve]]]:
    """Curves by metric, then strategy, in the order in which they first occur.

    Args:
        runs: one mapping for each run with the keys strategy, seed, labels (r,) and metrics
            {name: (r,) numbers or None}, and perhaps cost_seconds (r,), acquire (the name of the
            query strategy) and oracle. A metric that a run does not have is left out.

    Raises:
        EvidenceError: if a strategy and seed occur twice.
    """
    seen: set[tuple[str, int]] = set()
    table: dict[str, dict[str, list[Curve]]] = {}
    for run in runs:
        strategy, seed = run["strategy"], run["seed"]
        if (strategy, seed) in seen:
            raise EvidenceError(
                f"strategy {strategy!r} must have one run for each seed, but seed {seed} occurs "
                "twice; give the arms of a comparison different names"
            )
        seen.add((strategy, seed))
        labels, minutes = tuple(run["labels"]), _minutes(run)
        for metric, values in run["metrics"].items():
            curve = Curve(seed, labels, minutes, tuple(values))
            table.setdefault(metric, {}).setdefault(strategy, []).append(curve)
    return table


def strategies_of(runs: Iterable[Run]) -> list[str]:
    """Names of the arms, in the order in which they first occur."""
    return list(dict.fromkeys(run["strategy"] for run in runs))


def baseline_of(runs: Iterable[Run]) -> str | None:
    """The arm called "random", else the first one that chooses at random."""
    acquires: dict[str, Any] = {}
    for run in runs:
        acquires.setdefault(run["strategy"], run.get("acquire"))
    if BASELINE in acquires:
        return BASELINE
    return next((name for name, acquire in acquires.items() if acquire == BASELINE), None)


def area(curve: Curve) -> Value:
    """Area under a run's curve over labels."""
    return aubc(curve.labels, curve.values)


def final(curve: Curve) -> Value:
    """The last value that exists."""
    _, values = points(curve.labels, curve.values)
    return float(values[-1]) if len(values) else None


def last_labels(curve: Curve) -> Value:
    """The number of labels of the last value that exists."""
    labels, _ = points(curve.labels, curve.values)
    return float(labels[-1]) if len(labels) else None


def each(number: Callable[[Curve], Value], curves: Iterable[Curve]) -> list[float]:
    """A number of every curve that has it."""
    return [v for v in map(number, curves) if v is not None]


def by_seed(number: Callable[[Curve], Value], curves: Iterable[Curve]) -> dict[int, float]:
    """The same, by seed."""
    found = ((curve.seed, number(curve)) for curve in curves)
    return {seed: value for seed, value in found if value is not None}


def mean(values: Sequence[float]) -> Value:
    """None of nothing."""
    return float(np.mean(values)) if values else None


def mean_curve(
    curves: Iterable[Curve], axis: Axis = "labels"
) -> tuple[list[float], list[float]] | None:
    """Mean over seeds at every place of the axis that lies in the range of all of them.

    None where they share no range, or the axis is not known of all.
    """
    known = []
    for curve in curves:
        along = curve.labels if axis == "labels" else curve.minutes
        if along is None:
            return None
        x, y = points(along, curve.values)
        if len(x):
            known.append((x, y))
    if not known:
        return None
    low, high = max(x[0] for x, _ in known), min(x[-1] for x, _ in known)
    union = np.unique(np.concatenate([x for x, _ in known]))
    place = union[(union >= low) & (union <= high)]
    if not len(place):
        return None
    height: FloatArray = np.mean([np.interp(place, x, y) for x, y in known], axis=0)
    return place.tolist(), height.tolist()


def _minutes(run: Run) -> tuple[float, ...] | None:
    seconds = np.asarray(run.get("cost_seconds") or (), np.float64)
    if len(seconds) != len(run["labels"]) or not (np.diff(seconds) > 0).all():
        return None
    return tuple((seconds / 60).tolist())
