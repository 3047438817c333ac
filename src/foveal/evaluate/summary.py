"""Summary: each strategy of a comparison in a few numbers."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from foveal.evaluate.curves import Value, labels_to_target
from foveal.evaluate.runs import (
    LOWER_IS_BETTER,
    Axis,
    Curve,
    Run,
    area,
    baseline_of,
    each,
    final,
    last_labels,
    mean,
    mean_curve,
    strategies_of,
    table_of,
)
from foveal.evaluate.statistics import MINIMUM_PAIRS


def summarize(runs: Sequence[Run]) -> dict[str, dict[str, dict[str, Any]]]:
    """Mean and standard deviation over seeds of every strategy and metric.

    Args:
        runs: see `runs.table_of`.

    Returns:
        {strategy: {metric: {"aubc": {"mean", "std"}, "final": {"mean", "std"},
        "labels_to_target", "minutes_to_target", "labels_saved"}}}. "final" is the last value that
        exists. "std" has S - 1 in its denominator and is None for a single seed; "mean" is None if
        no run has a value. The targets are where the strategy's mean curve, over labels or over
        expert minutes, reaches the mean final value of the baseline (the arm called "random", or
        the first that chooses at random); None if there is none, it is not reached, or minutes are
        unknown. "labels_saved" is {"share", "of"}: the share that `labels_to_target` is of the
        labels that the baseline had in the end; None where that is.

    Raises:
        EvidenceError: if a strategy and seed occur twice, or a curve is malformed.
    """
    baseline = baseline_of(runs)
    summary: dict[str, dict[str, dict[str, Any]]] = {name: {} for name in strategies_of(runs)}
    for metric, curves in table_of(runs).items():
        chance = curves.get(baseline, []) if baseline is not None else []
        target, spent = mean(each(final, chance)), mean(each(last_labels, chance))
        for strategy, members in curves.items():
            reached = _reach(metric, members, target, "labels")
            summary[strategy][metric] = {
                "aubc": _spread(each(area, members)),
                "final": _spread(each(final, members)),
                "labels_to_target": reached,
                "minutes_to_target": _reach(metric, members, target, "minutes"),
                "labels_saved": _saved(reached, spent),
            }
    return summary


def _spread(values: Sequence[float]) -> dict[str, Value]:
    std = float(np.std(values, ddof=1)) if len(values) >= MINIMUM_PAIRS else None
    return {"mean": mean(values), "std": std}


def _reach(metric: str, curves: Sequence[Curve], target: Value, axis: Axis) -> Value:
    course = mean_curve(curves, axis)
    if target is None or course is None:
        return None
    return labels_to_target(*course, target, metric in LOWER_IS_BETTER)


def _saved(reached: Value, spent: Value) -> dict[str, float] | None:
    if reached is None or not spent:
        return None
    return {"share": reached / spent, "of": spent}
