"""Scaling: scores over a pool brought to [0, 1], by their values or by their ranks."""

import numpy as np

from foveal.core.arrays import FloatArray

CONSTANT_WITHIN = 1e-9  # a spread below this is rounding, which must not be blown up to [0, 1]


def over_pool(score: FloatArray) -> FloatArray:
    """(n,) scaled so that the smallest is 0 and the largest 1; all 0 where they are alike."""
    s = np.asarray(score, dtype=np.float64)
    spread = np.ptp(s) if s.size else 0.0
    return (s - s.min()) / spread if spread > CONSTANT_WITHIN else np.zeros_like(s)


def average_ranks(score: FloatArray) -> FloatArray:
    """(n,) average ranks from 0 (least) to 1; equals share one."""
    _, place, counts = np.unique(score, return_inverse=True, return_counts=True)
    mean_rank = np.cumsum(counts) - (counts + 1) / 2
    ranks: FloatArray = mean_rank[place] / max(1, np.size(score) - 1)
    return ranks
