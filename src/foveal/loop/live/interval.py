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
    values = []
    for _ in range(DRAWS):
        drawn = np.concatenate([rows[names[i]] for i in rng.integers(0, len(names), len(names))])
        value = metric(probs[drawn], labels[drawn])
        if value is not None:
            values.append(value)
    if len(values) < DRAWS // 2:
        return None
    low, high = np.quantile(values, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return float(low), float(high)
