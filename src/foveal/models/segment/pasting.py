"""Pasting: what changes the batches of a training, so that lesions are seen in more places."""

from dataclasses import dataclass

import numpy as np

from foveal.core.arrays import FloatArray, IntArray
from foveal.models.inputs import Inputs
from foveal.models.segment.paste import paste_lesions
from foveal.models.segment.strokes import Strokes

MOST_DONORS = 64  # images held in memory to take lesions from, evenly spread over those there are


@dataclass(frozen=True, slots=True, eq=False)
class Pasting:
    """A `Paste`: lesions of outlined images, pasted into others of the same training.

    images (d, C, *S) and masks (d, *S) are the donors'; donors (d,) their positions in the strokes;
    cell_mm (n, axes) the size of a grid cell in every outlined image, so that a lesion keeps its
    size in mm; share of the images get one; turn: False where orientation means something.
    """

    images: FloatArray
    masks: FloatArray
    donors: IntArray
    cell_mm: FloatArray
    share: float
    turn: bool

    def __call__(
        self, images: FloatArray, masks: FloatArray, positions: IntArray, rng: np.random.Generator
    ) -> tuple[FloatArray, FloatArray]:
        ratio = self.cell_mm[positions][:, None] / self.cell_mm[self.donors][None]
        return paste_lesions(
            images, masks, self.images, self.masks, rng, self.share, ratio, self.turn
        )


def pasting(
    inputs: Inputs, strokes: Strokes, cell_mm: FloatArray, share: float, turn: bool = True
) -> Pasting | None:
    """A `Paste` from the outlined images themselves; None where none shows a lesion.

    Args:
        cell_mm: (n, axes) size of a grid cell in each of the n outlined images, in one unit.
        share: of the images of a batch, in [0, 1].
    """
    shown = np.flatnonzero(strokes.shown)
    if not len(shown):
        return None
    count = min(len(shown), MOST_DONORS)
    donors = shown[np.linspace(0, len(shown) - 1, count).round().astype(np.int64)]
    images = inputs.read(strokes.rows[donors])
    return Pasting(images, strokes.masks[donors], donors, cell_mm, share, turn)
