"""Checks made where predictions and reference labels enter a metric."""

import math
from collections.abc import Sequence

import numpy as np

from foveal.core.arrays import BoolArray, FloatArray, IntArray, check_probs, check_shape
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


def check_masks(prediction: BoolArray, reference: BoolArray) -> None:
    """Raise `EvidenceError` unless both are boolean, of one shape, and hold a voxel or more."""
    for name, mask in (("prediction", prediction), ("reference", reference)):
        if mask.dtype != np.bool_:
            raise EvidenceError(
                f"`{name}` must be a boolean mask, not {mask.dtype}; compare with a threshold first"
            )
    if prediction.shape != reference.shape:
        raise EvidenceError(
            f"`prediction` must have the reference's shape {reference.shape}, but has "
            f"{prediction.shape}; bring both to one grid"
        )
    if prediction.ndim == 0 or prediction.size == 0:
        raise EvidenceError(f"masks must hold a voxel or more, but have shape {prediction.shape}")


def check_spacing(spacing_mm: Sequence[float], rank: int) -> tuple[float, ...]:
    """The spacing as floats; `EvidenceError` unless it has a positive number for each axis."""
    spacing = tuple(float(s) for s in spacing_mm)
    if len(spacing) != rank or not all(0 < s < math.inf for s in spacing):
        raise EvidenceError(
            f"`spacing_mm` must hold {rank} positive numbers, one for each axis of the masks, not "
            f"{spacing}"
        )
    return spacing
