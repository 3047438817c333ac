"""Overlays: the picture made of an image, the expert's outline and the model's map."""

import numpy as np
import torch

from foveal.core.arrays import BoolArray, FloatArray
from foveal.explain.cam import resize_map

EXPERT = (0, 200, 220)  # cyan
EXPECTED = (255, 255, 255)  # white, dashed
LINE = 64  # an outline is a 64th of the image wide, so that it shows on a page
# Inferno's anchor colors (matplotlib, CC0): perceptually even and safe for the color-blind.
HEAT = np.array(
    [[0, 0, 4], [66, 10, 104], [147, 38, 103], [221, 81, 58], [252, 165, 10], [252, 255, 164]],
    float,
)


def overlay(image: FloatArray, cam: FloatArray, strength: float = 0.65) -> FloatArray:
    """The map in color over the grey image; where the map is zero the image stays as it is.

    Args:
        image: (H, W, 3) in [0, 1].
        cam: (H, W) in [0, 1].
        strength: opacity of the map where it is 1.
    Returns:
        (H, W, 3) in [0, 1].
    """
    at = np.clip(cam, 0, 1) * (len(HEAT) - 1)
    colors = np.stack([np.interp(at, range(len(HEAT)), HEAT[:, c]) for c in range(3)], -1) / 255
    alpha = strength * np.clip(cam, 0, 1)[..., None]
    return np.asarray(image * (1 - alpha) + colors * alpha)


def outline(mask: BoolArray, width: int = 1) -> BoolArray:
    """(H, W) border of a mask, `width` pixels inside it."""
    inner = mask
    for _ in range(width):
        padded = np.pad(inner, 1)
        inner = inner & padded[1:-1, :-2] & padded[1:-1, 2:] & padded[:-2, 1:-1] & padded[2:, 1:-1]
    return np.asarray(mask & ~inner)


def strip(
    image: FloatArray,
    cam: FloatArray | None,
    expert: BoolArray | None,
    expected: FloatArray | None,
    gap: int = 4,
) -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]]:
    """Image, image with outlines, image with map: three tiles side by side.

    Args:
        image: (H, W) or (H, W, 3) in [0, 1].
        cam: (h, w) in [0, 1] on any grid, or None.
        expert: (H, W) region the expert drew (solid cyan), or None.
        expected: (h, w) region that was expected, in [0, 1], on any grid (dashed white at one
            half), or None.
        gap: white columns between tiles.
    Returns:
        (H, 3 W + 2 gap, 3) uint8.
    """
    color = np.repeat(image[..., None], 3, 2) if image.ndim == 2 else np.asarray(image)
    marked, width = color.copy(), max(1, len(color) // LINE)
    if expected is not None:
        rows, columns = np.indices(color.shape[:2])
        dashes = (rows // 5 + columns // 3) % 2 == 0  # breaks a line of any direction
        border = outline(_enlarged(expected, color) >= 0.5, width)
        marked[border & dashes] = np.divide(EXPECTED, 255)
    if expert is not None:
        marked[outline(expert, width)] = np.divide(EXPERT, 255)
    looked = color if cam is None else overlay(color, _enlarged(cam, color))
    white = np.ones((color.shape[0], gap, 3))
    tiles = np.concatenate([color, white, marked, white, looked], 1)
    return np.asarray(np.clip(tiles, 0, 1) * 255 + 0.5, np.uint8)


def _enlarged(grid: FloatArray, image: FloatArray) -> FloatArray:
    small = torch.from_numpy(np.asarray(grid, np.float32))[None]
    return np.asarray(resize_map(small, (image.shape[0], image.shape[1]))[0].numpy())
