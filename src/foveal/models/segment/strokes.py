"""Strokes: what experts have outlined so far, ready to train on."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from foveal.core.arrays import BoolArray, FloatArray, IntArray
from foveal.core.errors import DataError
from foveal.models.inputs import Inputs
from foveal.models.lessons import HELD_BYTES

Pair = tuple[FloatArray, FloatArray]
# Images, masks, their positions in the strokes, and chance, to images and masks.
Paste = Callable[[FloatArray, FloatArray, IntArray, np.random.Generator], Pair]
ReadStrokes = Callable[[IntArray], Pair]


@dataclass(frozen=True, slots=True)
class Strokes:
    """Mask i belongs to the input at rows[i].

    rows (n,) positions in the inputs; masks (n, S, S) or (n, S, S, S) in [0, 1], the share of each
    cell that is foreground. An empty mask says that an expert saw nothing to outline.

    Raises:
        DataError: if lengths differ, a mask leaves [0, 1], or masks have no two or three axes.
    """

    rows: IntArray
    masks: FloatArray

    def __post_init__(self) -> None:
        if len(self.rows) != len(self.masks):
            raise DataError(
                f"there must be one mask for each row, not {len(self.masks)} for {len(self.rows)}"
            )
        if self.masks.ndim not in (3, 4):
            raise DataError(
                f"masks must have shape (n, S, S) or (n, S, S, S), not {self.masks.shape}"
            )
        if self.masks.size and not (self.masks.min() >= 0 and self.masks.max() <= 1):
            raise DataError("masks must lie in [0, 1]; divide 8-bit masks by 255")

    def __len__(self) -> int:
        return len(self.rows)

    @property
    def shown(self) -> BoolArray:
        """(n,) whether a mask shows any foreground."""
        return np.asarray(self.masks.reshape(len(self), -1).any(1))


def stroke_reader(inputs: Inputs, strokes: Strokes) -> ReadStrokes:
    """Images (b, channels, *S) and masks (b, *S), float32, by positions in the strokes.

    Images are read once and kept where they fit into memory.

    Raises:
        DataError: if images and masks lie on different grids.
    """
    one = inputs.read(strokes.rows[:1])
    if one.shape[2:] != strokes.masks.shape[1:]:
        raise DataError(
            f"masks must lie on the grid of the images, {one.shape[2:]}, but have "
            f"{strokes.masks.shape[1:]}; bring both to one grid first"
        )
    held = inputs.read(strokes.rows) if one.nbytes * len(strokes) <= HELD_BYTES else None

    def read(positions: IntArray) -> tuple[FloatArray, FloatArray]:
        images = inputs.read(strokes.rows[positions]) if held is None else held[positions]
        return images, strokes.masks[positions].astype(np.float32)

    return read


def to_tensors(
    images: FloatArray, masks: FloatArray, device: torch.device
) -> tuple[Tensor, Tensor]:
    """Both as float32 tensors on the device."""
    pair = (
        torch.from_numpy(np.ascontiguousarray(a, np.float32)).to(device) for a in (images, masks)
    )
    first, second = pair
    return first, second
