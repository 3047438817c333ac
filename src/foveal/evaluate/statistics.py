"""Statistics over seeds: whether one strategy is better than another, or was lucky."""

import math
from collections.abc import Sequence

import numpy as np
from scipy.special import stdtr
from scipy.stats import rankdata
from scipy.stats import t as student

from foveal.core.arrays import FloatArray
from foveal.core.errors import EvidenceError

MINIMUM_PAIRS = 2
ROUNDING = 1e-12  # of the values: a smaller difference says nothing about them


def paired_t(a: Sequence[float], b: Sequence[float]) -> float | None:
    """Two-sided p-value of Student's paired t-test; t = sqrt(S) mean(a - b) / std(a - b).

    Args:
        a: (S,) results of one strategy, one for each seed.
        b: (S,) results of the other, for the same seeds in the same order.

    Returns:
        A number in [0, 1]; 1 if the samples are identical, 0 (the limit) if they differ by a
        constant; None for fewer than 2 pairs, about which nothing can be said.

    Raises:
        EvidenceError: if lengths differ or a number is not finite.
    """
    differences = differences_of(a, b)
    pairs = len(differences)
    if pairs < MINIMUM_PAIRS:
        return None
    mean, spread = float(differences.mean()), float(differences.std(ddof=1))
    if mean == 0:
        return 1.0
    if spread == 0:
        return 0.0
    return float(2 * stdtr(pairs - 1, -math.sqrt(pairs) * abs(mean) / spread))


def critical_t(pairs: int, level: float = 0.05) -> float:
    """The |t| that a two-sided paired t-test of `pairs` >= 2 pairs must exceed at a level."""
    return float(student.ppf(1 - level / 2, pairs - 1))


def wilcoxon(a: Sequence[float], b: Sequence[float]) -> float | None:
    """Two-sided p-value of Wilcoxon's signed-rank test, exact for any number of ties.

    Zero differences are dropped, equal ones share their mean rank, and the null distribution is
    that of all 2^m assignments of signs to those ranks: a handful of seeds is too few for the
    normal approximation that libraries fall back to on ties. With m pairs p is at least 2^(1 - m).

    Args:
        a: (S,) results of one strategy, one for each seed or data set.
        b: (S,) results of the other, in the same order.

    Returns:
        A number in (0, 1]; 1 if the samples are identical; None for fewer than 2 pairs.

    Raises:
        EvidenceError: if lengths differ or a number is not finite.

    Source:
        Wilcoxon 1945; exact distribution by counting as in Hollander and Wolfe 1999, section 3.1.
    """
    differences = differences_of(a, b)
    if len(differences) < MINIMUM_PAIRS:
        return None
    moved = differences[differences != 0]
    doubled = np.rint(2 * rankdata(np.abs(moved))).astype(np.int64)  # mean ranks may be halves
    chance = _chance_of_sums(doubled)
    found = int(doubled[moved > 0].sum())
    below, above = chance[: found + 1].sum(), chance[found:].sum()
    return float(min(1, 2 * min(below, above)))


def holm(p_values: Sequence[float | None]) -> list[float | None]:
    """p-values adjusted for testing several hypotheses at once, by Holm's step-down rule.

    Args:
        p_values: (m,) numbers in [0, 1]; None stands for a test that could not be made and does
            not count as one.

    Returns:
        (m,) adjusted p-values in the same order, each at least as large; None stays None.

    Raises:
        EvidenceError: if a p-value lies outside [0, 1].

    Source:
        Holm 1979, Scandinavian Journal of Statistics 6:65-70.
    """
    made = [i for i, p in enumerate(p_values) if p is not None]
    p = np.array([p_values[i] for i in made], np.float64)
    if not ((p >= 0) & (p <= 1)).all():
        raise EvidenceError(f"p-values must lie in [0, 1], not {list(p_values)}")
    order = np.argsort(p, kind="stable")
    stepped = np.maximum.accumulate(np.arange(len(p), 0, -1) * p[order])
    adjusted: list[float | None] = [None] * len(p_values)
    for position, value in zip(order, stepped, strict=True):
        adjusted[made[position]] = min(1.0, float(value))
    return adjusted


def effect_size(a: Sequence[float], b: Sequence[float]) -> float | None:
    """Cohen's d_z: the mean of the paired differences a - b, in their standard deviations.

    Args:
        a: (S,) results of one strategy, one for each seed.
        b: (S,) results of the other, for the same seeds in the same order.

    Returns:
        A number, positive where a is greater; None for fewer than 2 pairs, or where all
        differences are equal and the ratio has no meaning.

    Raises:
        EvidenceError: if lengths differ or a number is not finite.

    Source:
        Cohen 1988, Statistical Power Analysis for the Behavioral Sciences, section 2.3.
    """
    differences = differences_of(a, b)
    if len(differences) < MINIMUM_PAIRS:
        return None
    spread = float(differences.std(ddof=1))
    # Equal numbers whose differences were rounded have a spread of a few units in the last place.
    if spread <= ROUNDING * float(np.abs([a, b]).max()):
        return None
    return float(differences.mean()) / spread


def differences_of(a: Sequence[float], b: Sequence[float]) -> FloatArray:
    """(S,) a - b, exactly 0 where it is but rounding.

    Raises:
        EvidenceError: if lengths differ or a number is not finite.
    """
    if len(a) != len(b):
        raise EvidenceError(
            f"paired samples must have one value each for the same seeds, not {len(a)} and {len(b)}"
        )
    x, y = np.asarray(a, np.float64), np.asarray(b, np.float64)
    if not (np.isfinite(x).all() and np.isfinite(y).all()):
        raise EvidenceError("paired samples must be finite; leave out seeds without a result")
    differences = x - y
    differences[np.abs(differences) <= ROUNDING * np.maximum(np.abs(x), np.abs(y))] = 0
    return differences


def _chance_of_sums(ranks: np.ndarray[tuple[int], np.dtype[np.int64]]) -> FloatArray:
    """Probability of each sum of a random half of whole-numbered ranks, sums from 0 up."""
    chance = np.zeros(int(ranks.sum()) + 1)
    chance[0] = 1
    for rank in ranks:
        taken = np.zeros_like(chance)
        taken[rank:] = chance[: len(chance) - rank]
        chance = (chance + taken) / 2
    return chance
