"""Panel of a pair: both time points, their difference, truth and prediction, side by side."""

import numpy as np
from numpy.typing import NDArray

from foveal.core.arrays import BoolArray, FloatArray

Rgb = NDArray[np.uint8]
# ColorBrewer's RdBu, colorblind safe: blue is darker at follow-up, red brighter, white unchanged.
DIVERGING = np.array(
    [[5, 48, 97], [67, 147, 195], [247, 247, 247], [214, 96, 77], [103, 0, 31]], float
)
TRUTH = (0, 200, 220)  # cyan
PREDICTION = (255, 170, 0)  # orange
GAP = 4  # white columns between tiles


def pair_panel(
    image: FloatArray,
    truth: BoolArray | None = None,
    prediction: BoolArray | None = None,
    full: float = 1.0,
) -> Rgb:
    """Five tiles: baseline, follow-up, difference in color, follow-up with truth, with prediction.

    Args:
        image: (H, W, 3) in [0, 1]: baseline, follow-up, and the difference d as (d + 1) / 2.
        truth: (H, W) reference, outlined in cyan; None leaves its tile plain.
        prediction: (H, W), outlined in orange; None leaves its tile plain.
        full: |d| that has the strongest color.
    Returns:
        (H, 5 W + 4 GAP, 3) uint8.
    """
    baseline, followup, channel = np.moveaxis(np.asarray(image, np.float64), -1, 0)
    tiles = [_grey(baseline), _grey(followup), diverging(2 * channel - 1, full)]
    for mask, color in ((truth, TRUTH), (prediction, PREDICTION)):
        tiles.append(_outlined(_grey(followup), mask, color))
    white = np.full((len(baseline), GAP, 3), 255, np.uint8)
    parts = [part for tile in tiles for part in (tile, white)][:-1]
    return np.concatenate(parts, axis=1)


def diverging(signed: FloatArray, full: float = 1.0) -> Rgb:
    """(H, W, 3) colors of a signed map: blue below 0, white at 0, red above."""
    at = (np.clip(signed / full, -1, 1) + 1) / 2 * (len(DIVERGING) - 1)
    steps = np.arange(len(DIVERGING))
    colors = np.stack([np.interp(at, steps, DIVERGING[:, c]) for c in range(3)], axis=-1)
    rounded: Rgb = np.rint(colors).astype(np.uint8)
    return rounded


def _grey(channel: FloatArray) -> Rgb:
    levels = np.rint(np.clip(channel, 0, 1) * 255).astype(np.uint8)
    return np.repeat(levels[..., None], 3, axis=2)


def _outlined(tile: Rgb, mask: BoolArray | None, color: tuple[int, int, int]) -> Rgb:
    """The tile with a line just outside the mask, so that small lesions stay to be seen."""
    if mask is None:
        return tile
    inside = np.asarray(mask, bool)
    padded = np.pad(inside, 1)
    near = padded[1:-1, :-2] | padded[1:-1, 2:] | padded[:-2, 1:-1] | padded[2:, 1:-1]
    tile[near & ~inside] = color
    return tile
