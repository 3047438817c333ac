"""Measures of a mask that a report states: volume and longest diameter."""

import itertools

import numpy as np
from scipy.spatial import ConvexHull
from scipy.spatial.distance import pdist

from foveal.core.arrays import BoolArray, FloatArray
from foveal.core.volume import to_mm

MM3_OF_ML = 1000.0


def volume_ml(mask: BoolArray, affine: FloatArray) -> float:
    """Volume of the True voxels in milliliters, also on a sheared grid."""
    voxel = abs(float(np.linalg.det(affine[:3, :3])))
    return float(mask.sum()) * voxel / MM3_OF_ML


def longest_diameter_mm(mask: BoolArray, affine: FloatArray) -> float:
    """Greatest distance between any two points of the mask's voxels, corners included, in 3-D.

    0 for an empty mask; the diagonal of a voxel for a single one.
    """
    if not mask.any():
        return 0.0
    # Only the ends of each run along an axis can be corners of the hull.
    padded = np.pad(mask, 1)
    inner = padded[:-2, 1:-1, 1:-1] & padded[2:, 1:-1, 1:-1]
    index = np.argwhere(mask & ~inner)
    corners = [index + np.array(c) - 0.5 for c in itertools.product((0, 1), repeat=3)]
    points = to_mm(affine, np.unique(np.concatenate(corners), axis=0))
    hull = points[ConvexHull(points).vertices]
    return float(pdist(hull).max())
