"""Target: the images that something was drawn on, and which of them a drawn plane belongs to."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from foveal.data.dicom.frames import Frame
from foveal.data.dicom.geometry import Floats, Plane
from foveal.data.dicom.read import read_frames
from foveal.data.dicom.series import DicomSeries
from foveal.data.readers.picture import Unreadable

# A little more than half, so that what lies half way between slices belongs to the first of them
# whatever rounding says.
HALF = 0.5 + 1e-6


@dataclass(frozen=True, slots=True, eq=False)
class Target:
    """Frames of one stack in its order, places along their normal, and the distance of slices.

    `along` is empty and `spacing_mm` 0 where frames have no place.
    """

    frames: tuple[Frame, ...]
    along: Floats
    spacing_mm: float

    @property
    def size(self) -> tuple[int, int]:
        """Rows and columns."""
        return self.frames[0].size[:2]

    @property
    def instances(self) -> frozenset[str]:
        """Identities of the images."""
        return frozenset(frame.sop for frame in self.frames)

    def shares_place(self, reference: str) -> bool:
        """Whether places in the given frame of reference are places here."""
        placed = self.frames[0].plane is not None
        return placed and bool(reference) and reference == self.frames[0].reference

    def nearest(self, points: Floats) -> NDArray[np.int64]:
        """(n,) slice within half the spacing of each (n, 3) LPS+ point; -1 where there is none."""
        first = self.frames[0].plane
        if first is None or not len(points):
            return np.full(len(points), -1)
        off = np.abs(self.along[None] - (points @ first.normal)[:, None])
        k = off.argmin(axis=1)
        near = off[np.arange(len(points)), k] <= self.spacing_mm * HALF
        return np.where(near, k, -1)

    def of_instance(self, sop: str, frame: int | None) -> int | None:
        """The picture of an instance, and of a frame (from 1) where several belong to it."""
        same = [k for k, f in enumerate(self.frames) if f.sop == sop]
        if frame is not None:
            same = [k for k in same if self.frames[k].index == frame - 1]
        return same[0] if len(same) == 1 else None

    def pixels(self, k: int, points: Floats) -> Floats:
        """(n, 2) columns and rows in picture k of (n, 3) LPS+ points, seen along its normal."""
        plane = self.frames[k].plane
        assert plane is not None
        return pixels_in(plane, points)


def target_of(images: DicomSeries) -> Target:
    """The target that a series of images is.

    Raises:
        Unreadable: `not_image` if it is none, or if a header can no longer be read.
    """
    if images.kind != "image" or not images.places:
        raise Unreadable("not_image", "regions must be drawn on a series of images, not on this")
    frames = tuple(read_frames(images))
    along = _along(frames)
    return Target(frames, along, _spacing(frames, along))


def pixels_in(plane: Plane, points: Floats) -> Floats:
    """(n, 2) columns and rows in a plane of (n, 3) LPS+ points, seen along its normal."""
    away = np.asarray(points) - np.asarray(plane.position)
    column = away @ np.asarray(plane.across) / plane.spacing_mm[1]
    row = away @ np.asarray(plane.down) / plane.spacing_mm[0]
    return np.stack([column, row], axis=-1)


def _along(frames: Sequence[Frame]) -> Floats:
    planes = [f.plane for f in frames if f.plane is not None]
    if not planes:
        return np.empty(0)
    places: Floats = np.array([p.position for p in planes]) @ planes[0].normal
    return places


def _spacing(frames: Sequence[Frame], along: Floats) -> float:
    first = frames[0].plane
    if first is None:
        return 0.0
    if len(along) == 1:
        return first.thickness_mm or 1.0
    return float(np.median(np.abs(np.diff(along))))
