"""Bootstrap: how far a mean difference may be off, by drawing the seeds again and again."""

from collections.abc import Sequence

import numpy as np

from foveal.core.arrays import FloatArray
from foveal.core.errors import EvidenceError
from foveal.evaluate.statistics import MINIMUM_PAIRS, differences_of

DRAWS = 10_000


def bootstrap_interval(
    a: Sequence[float],
    b: Sequence[float],
    rng: np.random.Generator,
    level: float = 0.95,
    draws: int = DRAWS,
) -> tuple[float, float] | None:
    """Percentile bootstrap interval of the mean paired difference a - b.

    Args:
        a: (S,) results of one strategy, one for each seed.
        b: (S,) results of the other, for the same seeds in the same order.
        rng: source of chance.
        level: coverage aimed at, in (0, 1); with few seeds the interval is too narrow.
        draws: number of resamples, 1 or more.

    Returns:
        Lower and upper end; None for fewer than 2 pairs.

    Raises:
        EvidenceError: if lengths differ, a number is not finite, or a setting is out of range.

    Source:
        Efron and Tibshirani 1993, An Introduction to the Bootstrap, chapter 13.
    """
    if not 0 < level < 1 or draws < 1:
        raise EvidenceError(
            f"`level` must lie in (0, 1) and `draws` be 1 or more, not {level} and {draws}"
        )
    pairs = len(differences_of(a, b))
    if pairs < MINIMUM_PAIRS:
        return None
    return interval_over(a, b, resampled(pairs, rng, draws), level)


def resampled(pairs: int, rng: np.random.Generator, draws: int = DRAWS) -> FloatArray:
    """(draws, pairs) share that each of `pairs` >= 1 pairs has in a resample; rows sum to 1.

    Drawn once it serves many contrasts over as many seeds.
    """
    picks = rng.integers(pairs, size=(draws, pairs)) + pairs * np.arange(draws)[:, None]
    counts = np.bincount(picks.ravel(), minlength=draws * pairs).reshape(draws, pairs)
    shares: FloatArray = counts / pairs
    return shares


def interval_over(
    a: Sequence[float], b: Sequence[float], shares: FloatArray, level: float = 0.95
) -> tuple[float, float]:
    """Percentile interval of the mean of a - b over resamples made by `resampled`.

    Raises:
        EvidenceError: if lengths differ or a number is not finite.
    """
    means = shares @ differences_of(a, b)
    low, high = np.quantile(means, [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)
