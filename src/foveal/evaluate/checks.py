"""Checks made where predictions and reference labels enter a metric."""

import numpy as np

from foveal.core.arrays import FloatArray, IntArray, check_probs, check_shape
from foveal.core.errors import EvidenceError


def check_predictions(probs: FloatArray, labels: IntArray) -> None:
    """Raise `EvidenceError` unless there are n >= 1 predictions and a class index for each."""
    check_shape("probs", probs, (None, None))
    check_probs("probs", probs)
    check_shape("labels", labels, (len(probs),))
    if len(probs) == 0:
        raise EvidenceError("a metric needs one sample or more, but there are none")
    if not np.issubdtype(labels.dtype, np.integer):
        raise EvidenceError(f"`labels` must be class indices, not {labels.dtype}")
    low, high, classes = int(labels.min()), int(labels.max()), probs.shape[1]
    if low < 0 or high >= classes:
        raise EvidenceError(
            f"`labels` must lie in [0, {classes - 1}] as there are {classes} classes, but spans "
            f"[{low}, {high}]"
        )
