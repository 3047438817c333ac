"""Ranking: strategies over several data sets, and by how much two mean ranks must differ."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.stats import chi2, rankdata, studentized_range

from foveal.core.arrays import FloatArray, check_finite
from foveal.core.errors import EvidenceError
from foveal.evaluate.runs import LOWER_IS_BETTER

LEAST_SETS, LEAST_STRATEGIES = 2, 2


@dataclass(frozen=True, slots=True)
class Ranking:
    """Mean ranks (A,), 1 is best; Friedman's p, None if all ranks are tied; Nemenyi's difference;
    and the ranks (D, A) themselves.

    Two strategies differ at the level if their mean ranks lie at least `critical_difference` apart.
    """

    ranks: tuple[float, ...]
    p: float | None
    critical_difference: float
    table: tuple[tuple[float, ...], ...]


def rank_over_sets(
    scores: FloatArray, level: float = 0.05, *, lower_is_better: bool = False
) -> Ranking:
    """Mean rank of each strategy over data sets, Friedman's test and Nemenyi's difference.

    Args:
        scores: (D, A) of D data sets and A strategies, for example the mean AUBC; equals share
            their mean rank.
        level: of the two-sided comparison of two strategies.
        lower_is_better: for calibration error and distances.

    Raises:
        EvidenceError: for another shape, fewer than 2 data sets or strategies, or numbers that are
            not finite.
    Source:
        Demsar 2006, Statistical comparisons of classifiers over multiple data sets, JMLR 7.
    """
    x = np.asarray(scores, dtype=np.float64)
    if x.ndim != 2 or x.shape[0] < LEAST_SETS or x.shape[1] < LEAST_STRATEGIES:
        raise EvidenceError(
            f"a ranking needs scores of shape (data sets >= {LEAST_SETS}, strategies >= "
            f"{LEAST_STRATEGIES}), not {x.shape}"
        )
    check_finite("scores", x)
    sets, strategies = x.shape
    table = rankdata(x if lower_is_better else -x, axis=1)
    means = table.mean(axis=0)
    # Friedman's statistic, corrected for ties: variation of the mean ranks over that of all ranks.
    middle = (strategies + 1) / 2
    within = float(((table - middle) ** 2).sum())
    between = sets**2 * float(((means - middle) ** 2).sum())
    p = None
    if within > 0:
        p = float(chi2.sf((strategies - 1) * between / within, strategies - 1))
    q = float(studentized_range.ppf(1 - level, strategies, np.inf)) / math.sqrt(2)
    difference = q * math.sqrt(strategies * (strategies + 1) / (6 * sets))
    return Ranking(
        tuple(means.tolist()), p, difference, tuple(tuple(row) for row in table.tolist())
    )


def rankings(summaries: Mapping[str, Mapping[str, Any]]) -> dict[str, dict[str, Any]]:
    """Arms ranked over data sets by their mean area under the curve, for each metric.

    Data sets that do not have a metric are left out of its ranking, and arms that not all of the
    others have.

    Args:
        summaries: what `summarize` returned, by data set.

    Returns:
        {metric: {"arms": (A,) names, "mean_ranks": (A,), 1 is best, "critical_difference",
        "friedman_p": None if all ranks are tied, "sets": number of data sets, "ranks": {data set:
        (A,)}}}; a metric with fewer than 2 data sets or shared arms is left out.
    """
    found = {}
    for metric in dict.fromkeys(m for s in summaries.values() for arm in s.values() for m in arm):
        areas = {name: _areas(summary, metric) for name, summary in summaries.items()}
        areas = {name: own for name, own in areas.items() if own}
        arms = [a for a in next(iter(areas.values()), {}) if all(a in s for s in areas.values())]
        if len(areas) >= LEAST_SETS and len(arms) >= LEAST_STRATEGIES:
            scores = np.array([[own[arm] for arm in arms] for own in areas.values()])
            ranking = rank_over_sets(scores, lower_is_better=metric in LOWER_IS_BETTER)
            found[metric] = {
                "arms": arms,
                "mean_ranks": list(ranking.ranks),
                "critical_difference": ranking.critical_difference,
                "friedman_p": ranking.p,
                "sets": len(areas),
                "ranks": {n: list(r) for n, r in zip(areas, ranking.table, strict=True)},
            }
    return found


def _areas(summary: Mapping[str, Any], metric: str) -> dict[str, float]:
    means = {
        arm: entry.get(metric, {}).get("aubc", {}).get("mean") for arm, entry in summary.items()
    }
    return {arm: value for arm, value in means.items() if value is not None}
