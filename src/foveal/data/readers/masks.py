"""Masks: any picture becomes True and False, several become their union."""

from collections.abc import Sequence

import numpy as np

from foveal.core.arrays import BoolArray
from foveal.data.readers.dispatch import read_picture
from foveal.data.readers.picture import Place, Unreadable, is_color

JPEG_SUFFIXES = frozenset({".jpg", ".jpeg"})
JPEG_ABOVE = 127  # JPEG smears a black-and-white mask; half way between is its edge


def read_mask(places: Sequence[Place]) -> BoolArray:
    """(H, W) union of mask files, (S, S, S) of tiles; True where any channel is not zero.

    Palette masks count by color, so the usual black background is False whatever its index. JPEG
    masks are cut at half intensity, since their compression leaves faint values around the edge.

    Raises:
        Unreadable: if a file cannot be read or the files differ in size.
    """
    masks = [_one(place) for place in places]
    if any(mask.shape != masks[0].shape for mask in masks):
        raise Unreadable("mask_size", "all masks of one image must have the same size")
    union: BoolArray = np.logical_or.reduce(masks)
    return union


def _one(place: Place) -> BoolArray:
    pixels = read_picture(place).pixels
    lossy = place.path.suffix.lower() in JPEG_SUFFIXES
    inside: BoolArray = np.greater(pixels, JPEG_ABOVE if lossy else 0)
    return np.asarray(inside.any(axis=2)) if is_color(pixels) else inside
