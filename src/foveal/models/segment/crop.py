"""Squares cut from training pictures, often around what is outlined: small lesions seen large."""

import numpy as np

from foveal.core.arrays import BoolArray, FloatArray, IntArray

AROUND_FOREGROUND = (
    0.5  # share of the cuts that are made around a foreground pixel, if there is one
)


def cut(
    images: FloatArray, masks: FloatArray, side: int, rng: np.random.Generator
) -> tuple[FloatArray, FloatArray]:
    """One square (cube) of each picture, the same of image and mask.

    A share of `AROUND_FOREGROUND` shows a foreground pixel drawn at random, somewhere in it; the
    others lie anywhere. So a network learns from full resolution at the price of small pictures.

    Args:
        images: (b, channels, *S) of any range.
        masks: (b, *S) in [0, 1].
        side: of the squares, in pixels of the grid; longer sides than the grid's give all of it.
    Returns:
        (b, channels, *s) and (b, *s), copies.
    Source:
        Sampling of patches as in Isensee et al. 2021, doi:10.1038/s41592-020-01008-z.
    """
    size = np.minimum(side, masks.shape[1:])
    corners = [_corner(mask > 0, size, rng) for mask in masks]
    windows = [tuple(slice(a, a + n) for a, n in zip(c, size, strict=True)) for c in corners]
    return (
        np.stack([image[(slice(None), *w)] for image, w in zip(images, windows, strict=True)]),
        np.stack([mask[w] for mask, w in zip(masks, windows, strict=True)]),
    )


def _corner(shown: BoolArray, size: IntArray, rng: np.random.Generator) -> list[int]:
    last = np.array(shown.shape) - size
    low, high = np.zeros_like(last), last
    if rng.random() < AROUND_FOREGROUND and shown.any():
        pixels = np.argwhere(shown)
        pixel = pixels[rng.integers(len(pixels))]
        low, high = np.maximum(pixel - size + 1, 0), np.minimum(pixel, last)
    return [int(i) for i in rng.integers(low, high + 1)]
