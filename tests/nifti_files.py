"""Small NIfTI files for every suite."""

from pathlib import Path

import nibabel as nib
import numpy as np

AXIAL = np.array(
    [[-0.8, 0, 0, 90], [0, -0.7, 0, 120], [0, 0, 3.0, -60], [0, 0, 0, 1]]
)  # as most DICOM is converted: to the left, to the back, thick slices


def write_nifti(path: Path, voxels, affine=AXIAL, kind=nib.Nifti1Image, **header) -> Path:
    """A file; `header` fields are set as they are, after nibabel has filled the header."""
    path.parent.mkdir(parents=True, exist_ok=True)
    image = kind(voxels, affine)
    image.header.set_xyzt_units("mm")
    for name, value in header.items():
        image.header[name] = value
    nib.save(image, path)
    return path


def noise(shape=(6, 7, 5), seed=0, low=-200, high=2000, dtype=np.int16) -> np.ndarray:
    return np.random.default_rng(seed).integers(low, high, shape).astype(dtype)


def ball(shape=(6, 7, 5), center=(3, 3, 2), radius=1.5) -> np.ndarray:
    at = np.moveaxis(np.indices(shape), 0, -1) - center
    return (np.linalg.norm(at, axis=-1) <= radius).astype(np.uint8)
