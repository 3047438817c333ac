"""A head made of formulas: it can be moved exactly, without resampling, and written as NIfTI."""

import nibabel as nib
import numpy as np

from foveal.core.volume import Volume, to_mm

# Center and half axes in mm RAS+, and brightness added, of soft-edged ellipsoids.
PARTS = (
    ((0, 0, 0), (70, 85, 65), 300.0),
    ((0, 0, 0), (62, 77, 57), 400.0),
    ((-14, 5, 8), (8, 28, 12), -450.0),
    ((14, 5, 8), (8, 28, 12), -450.0),
    ((30, -40, -20), (14, 10, 12), 250.0),
    ((-35, 35, 20), (12, 16, 9), -200.0),
    ((10, 50, -25), (18, 8, 10), 180.0),
    ((-28, -20, 35), (9, 14, 8), 220.0),
)
LESION = ((38, 20, 10), (9, 9, 9), 350.0)
SHAPE = (40, 46, 26)
SPACING = (4.0, 4.0, 6.0)


def grid(shape=SHAPE, spacing=SPACING, flip=(-1, -1, 1)):
    """Affine of a grid around the head; by default DICOM's axial one (left, posterior)."""
    affine = np.diag([*np.multiply(spacing, flip), 1.0])
    affine[:3, 3] = -affine[:3, :3] @ (np.array(shape) - 1) / 2
    return affine


def rigid(degrees, shift):
    """(4, 4) turn about the axes of the world, in that order, then a shift in mm."""
    matrix = np.eye(4)
    for (i, j), angle in zip(((1, 2), (0, 2), (0, 1)), np.radians(degrees), strict=True):
        turn = np.eye(4)
        turn[[i, j], [i, j]] = np.cos(angle)
        turn[i, j], turn[j, i] = -np.sin(angle), np.sin(angle)
        matrix = turn @ matrix
    matrix[:3, 3] = shift
    return matrix


def head(moved=None, lesion=False, affine=None, shape=SHAPE, noise=0.0, seed=0):
    """The head after `moved` (4, 4): the point x of the still head is at moved @ x."""
    affine = grid(shape) if affine is None else affine
    index = np.indices(shape).reshape(3, -1).T
    at = to_mm(affine, index)
    if moved is not None:
        at = to_mm(np.linalg.inv(moved), at)
    value = np.zeros(len(at))
    for center, half, bright in PARTS + ((LESION,) if lesion else ()):
        radius = np.linalg.norm((at - center) / half, axis=1)
        edge = 3.0 / min(half)  # 3 mm
        value += bright / (1 + np.exp(np.clip((radius - 1) / edge * 2, -50, 50)))
    value += np.random.default_rng(seed).normal(0, noise, len(at)) if noise else 0
    return Volume(np.maximum(value, 0).reshape(shape).astype(np.float32), affine)


def lesion_mask(shape=SHAPE, affine=None):
    """(I, J, K) where the lesion of the still head is."""
    affine = grid(shape) if affine is None else affine
    at = to_mm(affine, np.indices(shape).reshape(3, -1).T)
    inside = np.linalg.norm((at - LESION[0]) / LESION[1], axis=1) <= 1
    return inside.reshape(shape)


def write(path, voxels, affine=None):
    """A NIfTI file; its folder is made."""
    path.parent.mkdir(parents=True, exist_ok=True)
    nib.save(nib.Nifti1Image(np.asarray(voxels), grid() if affine is None else affine), path)
