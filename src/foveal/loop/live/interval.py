"""Interval: how far a metric of the test part may be off, by drawing its patients anew."""

from collections.abc import Callable, Sequence

import numpy as np

from foveal.core.arrays import FloatArray, IntArray

DRAWS = 500
LEVEL = 0.95


def patient_interval(
    metric: Callable[[FloatArray, IntArray], float | None],
    probs: FloatArray,
    labels: IntArray,
    groups: Sequence[str],
    rng: np.random.Generator,
) -> tuple[float, float] | None:
    """Percentile bootstrap interval over patients, whose images stay together.

    Args:
        metric: of (n, C) probabilities and (n,) labels; None where it does not exist.
        groups: (n,) patient of each image.
    Returns:
        Ends of the interval; None with fewer than two patients, or where most draws have no value.
    """
    names = sorted(set(groups))
    if len(names) < 2:
        return None
    rows = {name: np.flatnonzero(np.array(groups) == name) for name in names}

    def drawn_anew(patients: IntArray) -> float | None:
        drawn = np.concatenate([rows[names[i]] for i in patients])
        return metric(probs[drawn], labels[drawn])

    return _ends(drawn_anew, len(names), rng)


def mean_interval(
    values: Sequence[float | None], rng: np.random.Generator
) -> tuple[float, float] | None:
    """The same of a mean over patients who have one value each, or None where it does not exist."""
    known = np.array([value for value in values if value is not None])
    if len(known) < 2:
        return None
    return _ends(lambda patients: float(known[patients].mean()), len(known), rng)


def _ends(
    value_of: Callable[[IntArray], float | None], patients: int, rng: np.random.Generator
) -> tuple[float, float] | None:
    drawn = (value_of(rng.integers(0, patients, patients)) for _ in range(DRAWS))
    values = [value for value in drawn if value is not None]
    if len(values) < DRAWS // 2:
        return None
    low, high = np.quantile(values, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return float(low), float(high)
