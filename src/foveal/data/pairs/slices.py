"""Slices: two aligned time points cut into three-channel pictures that face the reader."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from foveal.core.arrays import BoolArray, FloatArray
from foveal.core.volume import Facing, facing_of
from foveal.data.pairs.intensity import CLIP

TOP = 65535
Images = NDArray[np.uint16]


@dataclass(frozen=True, slots=True, eq=False)
class Slices:
    """Pictures of one pair; row i of every array is one slice.

    Attributes:
        images: (n, S, S, 3) uint16: baseline, follow-up, difference; see `encoded`.
        masks: (n, S, S) uint8 0 and 1, or None where no reference is known.
        index: (n,) index of the slice along the axis the volume is cut across.
        facing: how the volume was cut.
        spacing_mm: between pictures, rows, columns.
        offset: row and column of the first pixel of the volume; what lies around it fills the
            square.
        size: rows and columns that show the volume.
        left_out: slices without any foreground.
    """

    images: Images
    masks: NDArray[np.uint8] | None
    index: NDArray[np.int64]
    facing: Facing
    spacing_mm: tuple[float, float, float]
    offset: tuple[int, int]
    size: tuple[int, int]
    left_out: int

    def to_voxels(self, stack: NDArray[np.generic], shape: tuple[int, ...]) -> NDArray[np.generic]:
        """(I, J, K) voxels of (n, S, S) pictures, such as predictions; 0 in slices left out."""
        turned = np.zeros(shape, stack.dtype)
        (top, left), (height, width) = self.offset, self.size
        view = self.facing.stack(turned)
        view[self.index] = stack[:, top : top + height, left : left + width]
        return turned


def encoded(baseline: FloatArray, followup: FloatArray, difference: FloatArray) -> Images:
    """(..., 3) uint16 channels whose values c / 65535 lie in [0, 1].

    Baseline and follow-up, in robust standard deviations, reach from -CLIP (0) to CLIP (1). The
    difference d in [-1, 1] is decoded as d = 2 c - 1. No difference is 32768, which decodes to
    1 / 65535: nearer to 0 than the type can step; in eight bits it would be 1 / 255.
    """
    shares = [baseline / CLIP, followup / CLIP, difference]
    halves = [(np.clip(s.astype(np.float64), -1, 1) + 1) / 2 * TOP for s in shares]
    return np.floor(np.stack(halves, axis=-1) + 0.5).astype(np.uint16)


def decoded_difference(images: NDArray[np.generic]) -> FloatArray:
    """(...) difference in [-1, 1] of (..., 3) pictures as `encoded` made them."""
    signed: FloatArray = images[..., 2].astype(np.float64) / TOP * 2 - 1
    return signed


def cut(
    baseline: FloatArray,
    followup: FloatArray,
    difference: FloatArray,
    affine: FloatArray,
    shown: BoolArray,
    mask: BoolArray | None,
) -> Slices:
    """Slices that hold any foreground, centered in squares.

    Squares, since a network's grid is square: padded there, an image would be black around it,
    which in the channel of the difference means the largest darkening. Here that channel is padded
    with no difference, the others with black.

    Args:
        baseline: (I, J, K) robust standard deviations.
        followup: the same on the same grid.
        difference: (I, J, K) in [-1, 1].
        affine: (4, 4) RAS+ of the grid.
        shown: (I, J, K) foreground.
        mask: (I, J, K) change, or None where no reference is known. Slices with change are kept
            even where there is no foreground.
    """
    facing = facing_of(affine)
    channels = encoded(baseline, followup, difference)
    stacks = np.stack([facing.stack(channels[..., c]) for c in range(3)], axis=-1)
    wanted = facing.stack(shown) if mask is None else facing.stack(shown | mask)
    index = np.flatnonzero(wanted.any(axis=(1, 2)))
    height, width = stacks.shape[1:3]
    side = max(height, width)
    top, left = (side - height) // 2, (side - width) // 2
    within = slice(None), slice(top, top + height), slice(left, left + width)
    images = np.zeros((len(index), side, side, 3), np.uint16)
    images[..., 2] = (TOP + 1) // 2
    images[within] = stacks[index]
    masks = None
    if mask is not None:
        masks = np.zeros((len(index), side, side), np.uint8)
        masks[within] = facing.stack(mask)[index]
    spacing = facing.spacing_mm(affine)
    left_out = len(stacks) - len(index)
    offset, size = (top, left), (height, width)
    return Slices(images, masks, index, facing, spacing, offset, size, left_out)
