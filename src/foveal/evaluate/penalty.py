"""Pairwise penalty matrix: how often one strategy beats another, budget by budget."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from foveal.core.arrays import FloatArray, check_finite
from foveal.core.errors import EvidenceError
from foveal.evaluate.runs import LOWER_IS_BETTER, Curve, Run, table_of
from foveal.evaluate.statistics import MINIMUM_PAIRS, ROUNDING, critical_t


def penalty_matrix(
    values: FloatArray, level: float = 0.05, *, lower_is_better: bool = False
) -> FloatArray:
    """Share of budgets at which the row's strategy beats the column's, by paired t over seeds.

    Matrices of several data sets are added. The mean of a column then tells how often a strategy is
    beaten (low is good), the mean of a row how often it wins.

    Args:
        values: (A, S, B) a metric of A strategies, with the same S seeds and B budgets.
        level: of the two-sided test at one budget, not corrected for the number of tests.
        lower_is_better: for calibration error and distances.

    Returns:
        (A, A) in [0, 1], zero on the diagonal; entries (i, j) and (j, i) sum to at most 1.

    Raises:
        EvidenceError: for another shape, fewer than 2 seeds, no budget, or numbers that are not
            finite.
    Source:
        Ash et al. 2020 (BADGE), arXiv:1906.03671, section 4.
    """
    x = np.asarray(values, dtype=np.float64)
    if x.ndim != 3 or x.shape[1] < MINIMUM_PAIRS or x.shape[2] < 1:
        raise EvidenceError(
            f"a penalty matrix needs values of shape (strategies, seeds >= {MINIMUM_PAIRS}, "
            f"budgets >= 1), not {x.shape}"
        )
    check_finite("values", x)
    seeds = x.shape[1]
    ahead = (x[None, :] - x[:, None]) if lower_is_better else (x[:, None] - x[None, :])
    mean, spread = ahead.mean(axis=2), ahead.std(axis=2, ddof=1)
    noise = ROUNDING * np.abs(x).max(initial=0.0)  # what rounding makes of equal numbers
    won = (mean > noise) & (np.sqrt(seeds) * mean > critical_t(seeds, level) * spread)
    share: FloatArray = won.mean(axis=2)
    return share


def penalties(runs: Sequence[Run]) -> dict[str, dict[str, Any]]:
    """The penalty matrix of each metric, over the seeds and numbers of labels that all arms share.

    Args:
        runs: see `runs.table_of`.

    Returns:
        {metric: {"arms": (A,) names, "matrix": (A, A), row wins over column, "budgets": how many
        were compared}}; a metric with fewer than 2 arms, shared seeds, or no shared number of
        labels is left out.

    Raises:
        EvidenceError: if a strategy and seed occur twice, or a number is not finite.
    """
    found = {}
    for metric, curves in table_of(runs).items():
        values = _shared_values(curves)
        if len(curves) > 1 and values.shape[1] >= MINIMUM_PAIRS and values.shape[2]:
            matrix = penalty_matrix(values, lower_is_better=metric in LOWER_IS_BETTER)
            found[metric] = {
                "arms": list(curves),
                "matrix": matrix.tolist(),
                "budgets": values.shape[2],
            }
    return found


def _shared_values(curves: Mapping[str, Sequence[Curve]]) -> FloatArray:
    """(A, S, B) values at seeds and numbers of labels that all arms have."""
    tables = [{c.seed: _points(c) for c in members} for members in curves.values()]
    seeds = sorted(set.intersection(*(set(table) for table in tables)))
    axes = [set(table[s]) for table in tables for s in seeds]
    budgets = sorted(set.intersection(*axes)) if axes else []
    values = [[[table[s][x] for x in budgets] for s in seeds] for table in tables]
    return np.array(values, np.float64).reshape(len(tables), len(seeds), len(budgets))


def _points(curve: Curve) -> dict[float, float]:
    pairs = zip(curve.labels, curve.values, strict=True)
    return {x: y for x, y in pairs if y is not None}
