"""Distances of surfaces: how far the outline of a prediction strays from the reference's."""

from collections.abc import Sequence

import numpy as np
from scipy.ndimage import binary_erosion, distance_transform_edt

from foveal.core.arrays import BoolArray, FloatArray
from foveal.evaluate.checks import check_masks, check_spacing

PERCENT = 95


def surface(mask: BoolArray) -> BoolArray:
    """Voxels of a mask with a face on the background, or on the edge of the grid."""
    border: BoolArray = mask & ~binary_erosion(mask)
    return border


def surface_distances(
    prediction: BoolArray, reference: BoolArray, spacing_mm: Sequence[float]
) -> tuple[FloatArray, FloatArray]:
    """How far each surface voxel of one mask is from the nearest of the other.

    Args:
        prediction: boolean mask of any rank, not empty.
        reference: the same shape, not empty.
        spacing_mm: size of a voxel along each axis.

    Returns:
        mm from the prediction's surface to the reference's, and the other way; centers of voxels
        count, so that voxels on each other are at 0.

    Raises:
        EvidenceError: if masks and spacing do not fit together.
    """
    check_masks(prediction, reference)
    spacing = check_spacing(spacing_mm, reference.ndim)
    box = _around(prediction | reference)
    ours, theirs = surface(prediction[box]), surface(reference[box])
    to_theirs = distance_transform_edt(~theirs, sampling=spacing)[ours]
    to_ours = distance_transform_edt(~ours, sampling=spacing)[theirs]
    return to_theirs, to_ours


def hd95_mm(
    prediction: BoolArray, reference: BoolArray, spacing_mm: Sequence[float]
) -> float | None:
    """95th percentile Hausdorff distance: the larger of the two directed 95th percentiles.

    Args:
        prediction: boolean mask of any rank.
        reference: the same shape.
        spacing_mm: size of a voxel along each axis.

    Returns:
        mm, at least 0; 0 where both are empty, None where one is: there is no distance to nothing,
        and a made-up one would decide the mean. Whoever averages leaves it out and says how often.

    Raises:
        EvidenceError: if masks and spacing do not fit together.

    Source:
        Huttenlocher, Klanderman and Rucklidge 1993, Comparing images using the Hausdorff distance;
        percentiles are interpolated linearly, as MONAI has it.
    """
    check_masks(prediction, reference)
    check_spacing(spacing_mm, reference.ndim)
    if not (prediction.any() and reference.any()):
        return None if prediction.any() or reference.any() else 0.0
    there, back = surface_distances(prediction, reference, spacing_mm)
    return float(max(np.percentile(there, PERCENT), np.percentile(back, PERCENT)))


def _around(mask: BoolArray) -> tuple[slice, ...]:
    """The box around a mask that is not empty; what lies outside is as far as the grid's edge."""
    axes = range(mask.ndim)
    spans = (np.flatnonzero(mask.any(axis=tuple(a for a in axes if a != axis))) for axis in axes)
    return tuple(slice(int(span[0]), int(span[-1]) + 1) for span in spans)
