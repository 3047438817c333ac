"""Where pictures lie in the patient: planes in DICOM's LPS+ mm, and affines in RAS+ mm."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from foveal.data.readers.picture import Unreadable

Vector = tuple[float, float, float]
Floats = NDArray[np.float64]

LPS_TO_RAS = np.diag([-1.0, -1.0, 1.0, 1.0])
UNIT_WITHIN = 1e-2  # files round direction cosines; more is no rounding
PARALLEL_WITHIN = 1e-3  # between direction cosines of one stack; 0.06 degrees


@dataclass(frozen=True, slots=True)
class Plane:
    """One picture's place, LPS+ mm.

    position: center of the first pixel. across: unit vector along which the column index grows.
    down: unit vector along which the row index grows, square to `across`. spacing_mm: between
    rows, between columns. thickness_mm: of the slice; 0 where unknown.
    """

    position: Vector
    across: Vector
    down: Vector
    spacing_mm: tuple[float, float]
    thickness_mm: float = 0.0

    @property
    def normal(self) -> Floats:
        """(3,) unit vector across the picture."""
        return np.cross(self.across, self.down)

    def affine(self, step: Floats | None = None) -> Floats:
        """(4, 4) from (column, row, slice) to LPS+ mm; slices `step` mm apart, or one thickness."""
        matrix = np.eye(4)
        matrix[:3, 0] = np.asarray(self.across) * self.spacing_mm[1]
        matrix[:3, 1] = np.asarray(self.down) * self.spacing_mm[0]
        matrix[:3, 2] = self.normal * (self.thickness_mm or 1.0) if step is None else step
        matrix[:3, 3] = self.position
        return matrix


def make_plane(
    position: Sequence[float],
    orientation: Sequence[float],
    spacing: Sequence[float],
    thickness: float = 0.0,
) -> Plane:
    """A `Plane` from the values of a header.

    Args:
        position: 3 numbers, LPS+ mm. orientation: 6 cosines, along a row and down a column.
        spacing: mm between rows, between columns. thickness: mm; anything not positive is unknown.
    Raises:
        Unreadable: `geometry` unless these are finite, the directions unit vectors at right
            angles, and the spacing positive.
    """
    numbers = (*position, *orientation, *spacing)
    if (len(position), len(orientation), len(spacing)) != (3, 6, 2) or not np.isfinite(
        numbers
    ).all():
        raise _no_geometry("its numbers are too few, or not finite")
    across, down = np.asarray(orientation, float).reshape(2, 3)
    lengths = np.linalg.norm([across, down], axis=1)
    if np.abs(lengths - 1).max() > UNIT_WITHIN or abs(across @ down) > UNIT_WITHIN:
        raise _no_geometry("its directions are no unit vectors at right angles")
    if min(spacing) <= 0:
        raise _no_geometry("its pixel spacing is not positive")
    across /= lengths[0]
    down = down - (down @ across) * across
    down /= np.linalg.norm(down)
    known = bool(np.isfinite(thickness)) and thickness > 0
    return Plane(
        _vector(position),
        _vector(across),
        _vector(down),
        (float(spacing[0]), float(spacing[1])),
        float(thickness) if known else 0.0,
    )


def parallel(a: Plane, b: Plane) -> bool:
    """Whether both pictures are turned alike."""
    apart = np.abs(np.subtract((*a.across, *a.down), (*b.across, *b.down)))
    return bool(apart.max() <= PARALLEL_WITHIN)


def to_ras(affine: Floats) -> Floats:
    """(4, 4) RAS+ of (4, 4) LPS+; the way back is the same."""
    turned: Floats = LPS_TO_RAS @ affine
    return turned


def _vector(values: Sequence[float] | Floats) -> Vector:
    x, y, z = (float(v) for v in values)
    return x, y, z


def _no_geometry(finding: str) -> Unreadable:
    return Unreadable(
        "geometry",
        f"the image must lie in a plane of finite place and direction, but {finding}; export it "
        "again",
    )
