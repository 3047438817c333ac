"""Grid: the source images of something drawn, in the order of the voxels it was drawn on."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from pydicom.dataset import Dataset

from foveal.core.arrays import AnyArray, FloatArray
from foveal.core.errors import DataError
from foveal.core.volume import checked_affine
from foveal.data.dicom.frames import Frame, frames_of
from foveal.data.dicom.geometry import Plane, to_ras
from foveal.data.dicom.sorting import stacks_of, step_between
from foveal.data.readers.picture import Unreadable

NEEDED = ("SOPClassUID", "SOPInstanceUID", "StudyInstanceUID", "SeriesInstanceUID")


@dataclass(frozen=True, slots=True, eq=False)
class SourceGrid:
    """Images of one series as a grid of voxels (column, row, slice).

    Attributes:
        images: data sets, one of each file, in the order of slices.
        order: (K,) of slice k its place among all frames, files in the order of `images`.
        shape: (I, J, K).
        affine: (4, 4) RAS+ mm, as `read_series` gives it.
    """

    images: tuple[Dataset, ...]
    order: tuple[int, ...]
    shape: tuple[int, int, int]
    affine: FloatArray

    def frames(self, voxels: AnyArray) -> AnyArray:
        """(K, J, I) or (K, J, I, C) pixels of (I, J, K[, C]) voxels, in the order of frames."""
        axes = (2, 1, 0, 3)[: voxels.ndim]
        turned = voxels.transpose(axes)
        pixels = np.empty_like(turned)
        pixels[np.array(self.order)] = turned
        return np.ascontiguousarray(pixels)


def source_grid(images: Sequence[Dataset]) -> SourceGrid:
    """The grid on which the images of one series lie, whatever their order.

    Args:
        images: data sets of one series, one slice each, or one with several frames.
    Raises:
        DataError: if there are none, a UID, the size or the pixel spacing is missing, they are of
            several series, or do not make one regular stack.
    """
    if not images:
        raise DataError("what is exported must have source images, but there are none")
    missing = sorted({tag for tag in NEEDED for image in images if not image.get(tag)})
    if missing:
        raise DataError(
            f"source images must tell {', '.join(NEEDED)}, but {', '.join(missing)} is missing; "
            "export the original files, not converted ones"
        )
    if len({str(image.SeriesInstanceUID) for image in images}) > 1:
        raise DataError("source images must be of one series, but are of several")
    try:
        frames = [f for n, image in enumerate(images) for f in frames_of(image, n)]
    except Unreadable as error:
        raise DataError(f"source images cannot be used: {error}") from error
    planes, ordered = _stack(frames)
    rows, columns, _ = frames[0].size
    step = step_between(planes) if len(planes) > 1 else None
    affine = checked_affine(to_ras(planes[0].affine(step)))
    # Files in the order of slices, so that the result does not depend on how they were given, and
    # for readers (dcmqi's of parametric maps) that trust the order of frames.
    files = list(dict.fromkeys(f.file for f in ordered))
    first = {file: n for n, file in enumerate(files)}
    inside = sorted(frames, key=lambda f: (first[f.file], f.index))
    numbered = {(f.file, f.index): n for n, f in enumerate(inside)}
    order = tuple(numbered[f.file, f.index] for f in ordered)
    sorted_images = tuple(images[file] for file in files)
    return SourceGrid(sorted_images, order, (columns, rows, len(ordered)), affine)


def check_shape(name: str, voxels: AnyArray, grid: SourceGrid) -> None:
    """Raise `DataError` unless voxels lie on the grid of the source images."""
    if voxels.shape != grid.shape:
        raise DataError(
            f"`{name}` must have the shape of its source images (columns, rows, slices) "
            f"{grid.shape}, but has {voxels.shape}; was it drawn on another series?"
        )


def box_mask(box: tuple[int, int, int, int, int, int], shape: tuple[int, int, int]) -> AnyArray:
    """(I, J, K) mask of a box i0, j0, k0, i1, j1, k1; the last three exclusive.

    Raises:
        DataError: if the box is empty or reaches outside.
    """
    low, high = box[:3], box[3:]
    if not all(0 <= a < b <= n for a, b, n in zip(low, high, shape, strict=True)):
        raise DataError(f"a box must hold voxels and lie in the volume {shape}, but is {box}")
    mask = np.zeros(shape, bool)
    mask[tuple(slice(a, b) for a, b in zip(low, high, strict=True))] = True
    return mask


def kept(masks: Mapping[str, AnyArray], grid: SourceGrid) -> tuple[list[str], list[str]]:
    """Names of masks with something in them, and of those without.

    Raises:
        DataError: if a mask has another shape or a value outside [0, 1], or names are unusable.
    """
    for name, mask in masks.items():
        check_shape(name, mask, grid)
        if not name.strip() or len(name) > 64:
            raise DataError(f"names of masks must have 1 to 64 characters, not {len(name)}")
        values = mask.astype(np.float64)
        if not (np.isfinite(values).all() and values.min() >= 0 and values.max() <= 1):
            raise DataError(f"`{name}` must lie in [0, 1], but does not; give each label a mask")
    full = [name for name, mask in masks.items() if mask.any()]
    return full, [name for name in masks if name not in full]


def _stack(frames: Sequence[Frame]) -> tuple[list[Plane], Sequence[Frame]]:
    stacks = stacks_of(frames)
    if len(stacks) > 1:
        raise DataError(
            f"source images must be one stack, but are {len(stacks)} (time points, directions, "
            "sizes); give the images of one"
        )
    ordered = stacks[0].frames
    planes = [f.plane for f in ordered if f.plane is not None]
    if len(planes) < len(ordered):
        raise DataError(
            "source images must tell ImagePositionPatient, ImageOrientationPatient and "
            "PixelSpacing, but some do not; export the original files"
        )
    if stacks[0].fault is not None:
        raise DataError(f"source images must be one regular stack: {stacks[0].fault[1]}")
    if len(ordered) < len(frames):
        raise DataError("source images must differ, but one is given twice")
    return planes, ordered
