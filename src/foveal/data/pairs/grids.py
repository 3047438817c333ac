"""Volumes to SimpleITK images and back, and sums on one thread, so always in one order."""

from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import SimpleITK as sitk  # noqa: N813  (the name it goes by)

from foveal.core.arrays import AnyArray, FloatArray

LPS = np.diag([-1.0, -1.0, 1.0, 1.0])  # RAS+ to ITK's axes and back


@contextmanager
def one_thread() -> Iterator[None]:
    """SimpleITK adds up on one thread, so in one order; the number of threads is given back."""
    was = sitk.ProcessObject.GetGlobalDefaultNumberOfThreads()
    sitk.ProcessObject.SetGlobalDefaultNumberOfThreads(1)
    try:
        yield
    finally:
        sitk.ProcessObject.SetGlobalDefaultNumberOfThreads(was)


def to_image(voxels: AnyArray, affine: FloatArray) -> sitk.Image:
    """The image of (I, J, K) voxels at the place of a RAS+ affine; float32, masks uint8."""
    kind = np.uint8 if voxels.dtype == np.bool_ else np.float32
    image = sitk.GetImageFromArray(np.ascontiguousarray(voxels.transpose(2, 1, 0), kind))
    lps = LPS @ affine
    spacing = np.linalg.norm(lps[:3, :3], axis=0)
    image.SetSpacing(spacing.tolist())
    image.SetOrigin(lps[:3, 3].tolist())
    image.SetDirection((lps[:3, :3] / spacing).ravel().tolist())
    return image


def to_voxels(image: sitk.Image) -> FloatArray:
    """(I, J, K) float32 voxels of an image."""
    voxels: FloatArray = sitk.GetArrayFromImage(image).transpose(2, 1, 0).astype(np.float32)
    return voxels


def coarse(image: sitk.Image, spacing_mm: float) -> sitk.Image:
    """The image smoothed and sampled at `spacing_mm`, along axes that are finer than that.

    A mask (uint8) is sampled at its nearest voxels.
    """
    fine = np.array(image.GetSpacing())
    size = np.array(image.GetSize())
    wanted = np.where(size > 1, np.maximum(fine, spacing_mm), fine)
    count = np.maximum(np.ceil(size * fine / wanted), 1).astype(int)
    step = size * fine / count
    mask = image.GetPixelID() == sitk.sitkUInt8
    sigma = np.sqrt(np.maximum((step / 2) ** 2 - (fine / 2) ** 2, 0))
    if not mask:
        for axis, width in enumerate(sigma.tolist()):
            if width > 0 and size[axis] >= 4:
                image = sitk.RecursiveGaussian(image, width, False, 0, axis)
    turned = np.array(image.GetDirection()).reshape(3, 3)
    origin = np.array(image.GetOrigin()) + turned @ ((step - fine) / 2)
    how = sitk.sitkNearestNeighbor if mask else sitk.sitkLinear
    grid = count.tolist(), sitk.Transform(), how, origin.tolist(), step.tolist()
    return sitk.Resample(image, *grid, image.GetDirection())
