"""Volume: voxels with their place in the patient, and the pictures that a reader sees of them."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from foveal.core.arrays import AnyArray, FloatArray, read_only
from foveal.core.errors import DataError

Axis = Literal[0, 1, 2]
SINGULAR_BELOW = 1e-9  # mm3 of a voxel; smaller ones cannot be told from a degenerate affine
THICK = 1.5  # slices at least so many times thicker than their pixels are how a series was acquired


@dataclass(frozen=True, slots=True, eq=False)
class Volume:
    """voxels (I, J, K) of any number type, or (I, J, K, 3) color; affine (4, 4), RAS+ mm.

    affine @ (i, j, k, 1) is the center of voxel (i, j, k) in mm towards the patient's right,
    anterior and superior. Voxels stay in the order of their source, so that whatever is drawn on
    them can be written back exactly.

    Raises:
        DataError: if shapes are wrong, or the affine is not finite or not invertible.
    """

    voxels: AnyArray
    affine: FloatArray

    def __post_init__(self) -> None:
        if self.voxels.ndim not in (3, 4) or (self.voxels.ndim == 4 and self.voxels.shape[3] != 3):
            raise DataError(
                f"a volume must have three axes, or four of which the last holds 3 colors, but has "
                f"shape {self.voxels.shape}; choose one time point of a 4-D series"
            )
        object.__setattr__(self, "affine", checked_affine(self.affine))
        object.__setattr__(self, "voxels", read_only(self.voxels))

    @property
    def spacing_mm(self) -> tuple[float, float, float]:
        """Distance between voxel centers along each axis of `voxels`."""
        return spacing_of(self.affine)

    def same_grid(self, other: "Volume", within_mm: float = 1e-2) -> bool:
        """Whether both have one shape, and every corner lies at one place within `within_mm`."""
        if self.voxels.shape[:3] != other.voxels.shape[:3]:
            return False
        corners = np.indices((2, 2, 2)).reshape(3, -1).T * (np.array(self.voxels.shape[:3]) - 1)
        apart = to_mm(self.affine, corners) - to_mm(other.affine, corners)
        return bool(np.linalg.norm(apart, axis=1).max() <= within_mm)


def checked_affine(affine: AnyArray) -> FloatArray:
    """The affine as (4, 4) float64 that nobody can write; `DataError` unless it is one."""
    matrix = np.array(affine, dtype=np.float64)
    if matrix.shape != (4, 4) or not np.isfinite(matrix).all():
        raise DataError(
            "the affine must be a (4, 4) matrix of finite numbers, but is not; the header is "
            "damaged, export the image again"
        )
    if abs(np.linalg.det(matrix[:3, :3])) < SINGULAR_BELOW or not np.allclose(
        matrix[3], (0, 0, 0, 1)
    ):
        raise DataError(
            "the affine must map voxels to distinct places, but is degenerate (an axis of length "
            "0, or two in one direction); the header is damaged, export the image again"
        )
    matrix.flags.writeable = False
    return matrix


def spacing_of(affine: FloatArray) -> tuple[float, float, float]:
    """Length in mm of one step along each index axis."""
    i, j, k = np.linalg.norm(affine[:3, :3], axis=0)
    return float(i), float(j), float(k)


def to_mm(affine: FloatArray, index: AnyArray) -> FloatArray:
    """(n, 3) RAS+ mm of (n, 3) voxel indices, fractions allowed."""
    at: FloatArray = np.asarray(index, np.float64) @ affine[:3, :3].T + affine[:3, 3]
    return at


@dataclass(frozen=True, slots=True)
class Facing:
    """How the pictures of a volume are cut: across which axis, and how they are turned.

    Picture k shows index k along `axis`. Its rows and columns run along index axes `row` and
    `column`, backwards where flipped. Pictures face the reader as on a workstation: axial ones from
    below with anterior up, coronal and sagittal ones with superior up; the patient's right or front
    is on the left.
    """

    axis: int
    row: int
    column: int
    flip_row: bool
    flip_column: bool

    def stack(self, voxels: AnyArray) -> AnyArray:
        """(n, H, W) or (n, H, W, 3) pictures of (I, J, K[, 3]) voxels; a view."""
        last = tuple(range(3, voxels.ndim))
        turned = voxels.transpose(self.axis, self.row, self.column, *last)
        return turned[:, self._step(self.flip_row)][:, :, self._step(self.flip_column)]

    def unstack(self, stack: AnyArray) -> AnyArray:
        """The voxels that `stack` was made of; a view."""
        turned = stack[:, self._step(self.flip_row)][:, :, self._step(self.flip_column)]
        order = np.argsort((self.axis, self.row, self.column))
        return turned.transpose(*order, *range(3, stack.ndim))

    def spacing_mm(self, affine: FloatArray) -> tuple[float, float, float]:
        """Of the stack: between pictures, between rows, between columns."""
        spacing = spacing_of(affine)
        return spacing[self.axis], spacing[self.row], spacing[self.column]

    @staticmethod
    def _step(flip: bool) -> slice:
        return slice(None, None, -1 if flip else 1)


def facing_of(affine: FloatArray, axis: Axis | None = None) -> Facing:
    """How to cut a volume.

    Args:
        affine: (4, 4) RAS+.
        axis: index axis to cut across. None: the one with the thickest slices, where these are
            clearly thicker than the others (the series was acquired so), else the one that runs
            nearest to head and feet.
    """
    world = closest_axes(affine)
    cut = _usual_axis(affine, world) if axis is None else int(axis)
    others = [a for a in range(3) if a != cut]
    # Rows run downwards: superior to inferior where that is in the picture, else front to back.
    others.sort(key=lambda a: -world[a])
    row, column = others
    # Both run against RAS+: to the left, to the back, to the feet.
    flip = [bool(affine[world[a], a] > 0) for a in others]
    return Facing(cut, row, column, flip[0], flip[1])


def closest_axes(affine: FloatArray) -> tuple[int, int, int]:
    """Of each index axis the world axis (0 right, 1 anterior, 2 superior) it runs along most.

    Each world axis is given once, so that oblique grids have an answer too.
    """
    directions = np.abs(affine[:3, :3] / np.linalg.norm(affine[:3, :3], axis=0))
    found: dict[int, int] = {}
    for flat in np.argsort(-directions, axis=None, kind="stable"):
        world, index = divmod(int(flat), 3)
        if index not in found and world not in found.values():
            found[index] = world
    return found[0], found[1], found[2]


def _usual_axis(affine: FloatArray, world: tuple[int, int, int]) -> int:
    spacing: NDArray[np.float64] = np.array(spacing_of(affine))
    thickest = int(np.argmax(spacing))
    if spacing[thickest] >= THICK * np.partition(spacing, 1)[1]:
        return thickest
    return world.index(2)
