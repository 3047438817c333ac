"""Contrasts: the difference of each pair of strategies, and whether it may be luck."""

from collections.abc import Mapping, Sequence
from functools import lru_cache
from itertools import combinations
from typing import Any

from foveal.core.arrays import FloatArray
from foveal.core.chance import generator
from foveal.evaluate.bootstrap import interval_over, resampled
from foveal.evaluate.runs import Run, area, baseline_of, by_seed, mean, table_of
from foveal.evaluate.statistics import MINIMUM_PAIRS, effect_size, holm, paired_t, wilcoxon

Row = dict[str, Any]
FAMILIES = ("random", "others", "all")


def compare(runs: Sequence[Run]) -> list[Row]:
    """Paired tests on the area under the curve between all pairs of strategies, by metric.

    Runs are matched by seed. p-values are adjusted by Holm's rule, by metric, in two families that
    stand before any result: each arm against random choice, which is what a comparison is for, and
    all pairs of other arms. Where no arm chooses at random, all pairs are one family.

    Args:
        runs: see `runs.table_of`.

    Returns:
        [{"metric", "a", "b", "pairs", "difference", "p", "p_holm", "p_wilcoxon",
        "p_wilcoxon_holm", "effect", "interval", "family"}]. "difference" is the mean of a - b over
        the "pairs" of seeds that both have, None if there is none; "p" is of the paired t-test;
        "effect" is Cohen's d_z; "interval" [low, high] is the 95 % percentile bootstrap of the
        difference; these are None for fewer than two pairs. "family" is "random", "others", or
        "all" where it is the only one.

    Raises:
        EvidenceError: as for `summarize`.
    """
    tests, baseline = [], baseline_of(runs)
    for metric, curves in table_of(runs).items():
        areas = {name: by_seed(area, members) for name, members in curves.items()}
        rows = [_row(metric, a, b, areas[a], areas[b]) for a, b in combinations(areas, 2)]
        for row in rows:
            row["family"] = _family(row, baseline)
        for family in FAMILIES:
            _adjust([row for row in rows if row["family"] == family])
        tests += rows
    return tests


def _family(row: Row, baseline: str | None) -> str:
    if baseline is None:
        return "all"
    return "random" if baseline in (row["a"], row["b"]) else "others"


def _adjust(family: Sequence[Row]) -> None:
    """Holm's adjustment of one family of tests, in place."""
    for p in ("p", "p_wilcoxon"):
        for row, adjusted in zip(family, holm([row[p] for row in family]), strict=True):
            row[f"{p}_holm"] = adjusted


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
