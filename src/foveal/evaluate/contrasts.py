"""Contrasts: the difference of each pair of strategies, and whether it may be luck."""

from collections.abc import Mapping, Sequence
from functools import lru_cache
from itertools import combinations
from typing import Any

from foveal.core.arrays import FloatArray
from foveal.core.chance import generator
from foveal.evaluate.bootstrap import interval_over, resampled
from foveal.evaluate.runs import Run, area, by_seed, mean, table_of
from foveal.evaluate.statistics import MINIMUM_PAIRS, effect_size, holm, paired_t, wilcoxon

Row = dict[str, Any]


def compare(runs: Sequence[Run]) -> list[Row]:
    """Paired tests on the area under the curve between all pairs of strategies, by metric.

    Runs are matched by seed. p-values are adjusted by Holm's rule over all pairs of a metric.

    Args:
        runs: see `runs.table_of`.

    Returns:
        [{"metric", "a", "b", "pairs", "difference", "p", "p_holm", "p_wilcoxon",
        "p_wilcoxon_holm", "effect", "interval"}]. "difference" is the mean of a - b over the
        "pairs" of seeds that both have, None if there is none; "p" is of the paired t-test;
        "effect" is Cohen's d_z; "interval" [low, high] is the 95 % percentile bootstrap of the
        difference. All but the first are None for fewer than two pairs.

    Raises:
        EvidenceError: as for `summarize`.
    """
    tests = []
    for metric, curves in table_of(runs).items():
        areas = {name: by_seed(area, members) for name, members in curves.items()}
        rows = [_row(metric, a, b, areas[a], areas[b]) for a, b in combinations(areas, 2)]
        for p in ("p", "p_wilcoxon"):
            for row, adjusted in zip(rows, holm([row[p] for row in rows]), strict=True):
                row[f"{p}_holm"] = adjusted
        tests += rows
    return tests


def _row(metric: str, a: str, b: str, one: Mapping[int, float], other: Mapping[int, float]) -> Row:
    seeds = sorted(one.keys() & other.keys())
    ours, theirs = [one[s] for s in seeds], [other[s] for s in seeds]
    interval = None
    if len(seeds) >= MINIMUM_PAIRS:
        interval = list(interval_over(ours, theirs, _resamples(len(seeds))))
    return {
        "metric": metric,
        "a": a,
        "b": b,
        "pairs": len(seeds),
        "difference": mean([x - y for x, y in zip(ours, theirs, strict=True)]),
        "p": paired_t(ours, theirs),
        "p_wilcoxon": wilcoxon(ours, theirs),
        "effect": effect_size(ours, theirs),
        "interval": interval,
    }


@lru_cache(maxsize=8)
def _resamples(pairs: int) -> FloatArray:
    """The same for all contrasts, so that b against a is the mirror of a against b."""
    return resampled(pairs, generator(0, "bootstrap of seeds"))
