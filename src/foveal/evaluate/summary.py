"""Summary: what the runs of a comparison say together, and what they cannot say."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np

from foveal.core.arrays import FloatArray
from foveal.core.errors import EvidenceError
from foveal.evaluate.curves import Value, aubc, labels_to_target, points
from foveal.evaluate.statistics import MINIMUM_PAIRS, critical_t, holm, paired_t

Run = Mapping[str, Any]
BASELINE = "random"
LOWER_IS_BETTER = frozenset({"ece", "hd95"})
ENOUGH_SEEDS = 5


@dataclass(frozen=True, slots=True)
class Curve:
    """One metric of one run; `values` has None where the metric does not exist."""

    seed: int
    labels: tuple[float, ...]
    values: tuple[Value, ...]


def summarize(runs: Sequence[Run]) -> dict[str, dict[str, dict[str, Any]]]:
    """Mean and standard deviation over seeds of every strategy and metric.

    Args:
        runs: one mapping for each run with the keys strategy, seed, labels (r,) and metrics
            {name: (r,) numbers or None}; a name that a run does not have is left out.

    Returns:
        {strategy: {metric: {"aubc": {"mean", "std"}, "final": {"mean", "std"},
        "labels_to_target": number or None}}}. "final" is the last value that exists. "std" has
        S - 1 in its denominator and is None for a single seed; "mean" is None if no run has a
        value. "labels_to_target" is where the strategy's mean curve reaches the mean final value
        of the strategy called "random"; None if there is none or it is not reached.

    Raises:
        EvidenceError: if a strategy and seed occur twice, or a curve is malformed.
    """
    table = _table(runs)
    summary: dict[str, dict[str, dict[str, Any]]] = {name: {} for name in _strategies(runs)}
    for metric, curves in table.items():
        target = _mean(_each(_final, curves.get(BASELINE, ())))
        for strategy, members in curves.items():
            summary[strategy][metric] = {
                "aubc": _spread(_each(_area, members)),
                "final": _spread(_each(_final, members)),
                "labels_to_target": _reach(metric, members, target),
            }
    return summary


def compare(runs: Sequence[Run]) -> list[dict[str, Any]]:
    """Paired t-tests on the area under the curve between all pairs of strategies, by metric.

    Runs are matched by seed. p-values are adjusted by Holm's rule over all pairs of a metric.

    Args:
        runs: as for `summarize`.

    Returns:
        [{"metric", "a", "b", "difference", "p", "p_holm"}], where "difference" is the mean of
        a - b over the seeds both have, None if they share none; the p-values are None if they
        share fewer than two.

    Raises:
        EvidenceError: as for `summarize`.
    """
    tests = []
    for metric, curves in _table(runs).items():
        areas = {name: _areas_by_seed(members) for name, members in curves.items()}
        rows = [_test(metric, a, b, areas) for a, b in combinations(areas, 2)]
        for row, adjusted in zip(rows, holm([row["p"] for row in rows]), strict=True):
            tests.append({**row, "p_holm": adjusted})
    return tests


def warnings_for(runs: Sequence[Run]) -> list[str]:
    """What a reader of these runs must know before believing them, as sentences.

    Args:
        runs: as for `summarize`.

    Returns:
        Sentences about too few seeds, seeds that strategies do not share, label axes that differ
        and values that do not exist; none if all is well.

    Raises:
        EvidenceError: as for `summarize`.
    """
    table = _table(runs)
    return [*_on_seeds(runs), *_on_axes(runs), *_on_gaps(table)]


def _table(runs: Sequence[Run]) -> dict[str, dict[str, list[Curve]]]:
    """Curves by metric, then strategy, in the order in which they first occur."""
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
        for metric, values in run["metrics"].items():
            curve = Curve(seed, tuple(run["labels"]), tuple(values))
            table.setdefault(metric, {}).setdefault(strategy, []).append(curve)
    return table


def _strategies(runs: Sequence[Run]) -> list[str]:
    return list(dict.fromkeys(run["strategy"] for run in runs))


def _area(curve: Curve) -> Value:
    return aubc(curve.labels, curve.values)


def _final(curve: Curve) -> Value:
    _, values = points(curve.labels, curve.values)
    return float(values[-1]) if len(values) else None


def _each(number: Callable[[Curve], Value], curves: Sequence[Curve]) -> list[float]:
    return [v for v in map(number, curves) if v is not None]


def _mean(values: Sequence[float]) -> Value:
    return float(np.mean(values)) if values else None


def _spread(values: Sequence[float]) -> dict[str, Value]:
    std = float(np.std(values, ddof=1)) if len(values) >= MINIMUM_PAIRS else None
    return {"mean": _mean(values), "std": std}


def _reach(metric: str, curves: Sequence[Curve], target: Value) -> Value:
    mean = _mean_curve(curves)
    if target is None or mean is None:
        return None
    return labels_to_target(*mean, target, metric in LOWER_IS_BETTER)


def _mean_curve(curves: Sequence[Curve]) -> tuple[list[float], list[float]] | None:
    """Mean over seeds at every label count that lies in the range of all of them."""
    known = [(x, y) for x, y in (points(c.labels, c.values) for c in curves) if len(x)]
    if not known:
        return None
    low, high = max(x[0] for x, _ in known), min(x[-1] for x, _ in known)
    union = np.unique(np.concatenate([x for x, _ in known]))
    axis = union[(union >= low) & (union <= high)]
    if not len(axis):
        return None
    mean: FloatArray = np.mean([np.interp(axis, x, y) for x, y in known], axis=0)
    return axis.tolist(), mean.tolist()


def _areas_by_seed(curves: Sequence[Curve]) -> dict[int, float]:
    areas = ((c.seed, _area(c)) for c in curves)
    return {seed: area for seed, area in areas if area is not None}


def _test(metric: str, a: str, b: str, areas: Mapping[str, Mapping[int, float]]) -> dict[str, Any]:
    seeds = sorted(areas[a].keys() & areas[b].keys())
    ours, theirs = [areas[a][s] for s in seeds], [areas[b][s] for s in seeds]
    difference = _mean([x - y for x, y in zip(ours, theirs, strict=True)])
    return {
        "metric": metric,
        "a": a,
        "b": b,
        "difference": difference,
        "p": paired_t(ours, theirs),
    }


def _on_seeds(runs: Sequence[Run]) -> Iterator[str]:
    seeds = {name: {r["seed"] for r in runs if r["strategy"] == name} for name in _strategies(runs)}
    if not seeds:
        return
    shared = set.intersection(*seeds.values())
    count = f"{len(shared)} seed{'' if len(shared) == 1 else 's'}"
    common = " in common" if len(seeds) > 1 else ""
    if len(shared) < MINIMUM_PAIRS:
        yield (
            f"With {count}{common} nothing can be said about significance, and any difference may "
            "be luck. Run 5 seeds or more."
        )
    elif len(shared) < ENOUGH_SEEDS:
        yield (
            f"{count}{common} give a test little power: only |t| > {critical_t(len(shared)):.2f} "
            "counts as significant at 5 %, so a real difference may go unnoticed. Run 5 seeds or "
            "more."
        )
    lonely = [name for name, own in seeds.items() if own != shared]
    if lonely:
        yield (
            "Not all strategies ran with the same seeds; pairs are matched by seed, and further "
            f"runs of {', '.join(lonely)} count in means only."
        )


def _on_axes(runs: Sequence[Run]) -> Iterator[str]:
    axes = {tuple(run["labels"]) for run in runs}
    if len(axes) > 1:
        ends = sorted({axis[-1] for axis in axes if axis})
        spans = f" (the last from {ends[0]} to {ends[-1]})" if len(ends) > 1 else ""
        yield (
            f"Runs were measured at different numbers of labels{spans}; areas under their curves "
            "do not compare like with like."
        )


def _on_gaps(table: Mapping[str, Mapping[str, Sequence[Curve]]]) -> Iterator[str]:
    for metric, curves in table.items():
        gaps = sum(v is None for members in curves.values() for c in members for v in c.values)
        if gaps:
            points_word = "point" if gaps == 1 else "points"
            yield f"`{metric}` does not exist at {gaps} {points_word}, which were skipped."
