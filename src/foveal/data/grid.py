"""Grid: pixels of any size and depth brought to the network's square, and regions with them."""

import functools
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from foveal.core.arrays import AnyArray, BoolArray
from foveal.core.errors import DataError
from foveal.data.readers import Pixels

Fit = Literal["pad", "squash"]
Intensity = Literal["range", "percentile"]
Ends = tuple[float, float]
Stored = NDArray[np.uint8 | np.uint16]
PERCENTILES = (0.5, 99.5)


def placement(height: int, width: int, size: int, fit: Fit) -> tuple[int, int, int, int]:
    """Top, left, height, width that an image takes on the (size, size) grid.

    `squash` fills the grid; `pad` keeps the aspect ratio, centers, and leaves the rest zero.
    """
    if fit == "squash":
        return 0, 0, size, size
    scale = size / max(height, width)
    h, w = max(1, round(height * scale)), max(1, round(width * scale))
    return (size - h) // 2, (size - w) // 2, h, w


def to_stored(pixels: Pixels, intensity: Intensity, wide: bool, ends: Ends | None = None) -> Stored:
    """Pixels as uint8, or as uint16 if `wide`, over the whole range of that type; any shape.

    `range` takes values as stored: 0..255, 0..65535, and 0..1 for float pixels. `percentile`
    stretches each image so that its 0.5 and 99.5 percentiles become black and white; an image
    without contrast becomes black. Where `ends` are given, these become black and white instead.
    """
    top = 65535 if wide else 255
    if ends is None and intensity == "range":
        return _range(pixels, wide)
    low, high = np.percentile(pixels, PERCENTILES) if ends is None else ends
    if high <= low:
        low, high = float(pixels.min()), float(pixels.max())
    span = float(high - low) or np.inf
    scaled = np.clip((pixels.astype(np.float32) - float(low)) / span, 0, 1) * top
    return _rounded(scaled, wide)


def to_grid(stored: Stored, size: int, fit: Fit, channels: int) -> Stored:
    """(channels, size, size) of the same type; box-averaged where it shrinks, else bilinear.

    Args:
        stored: (H, W) or (H, W, 3).
        channels: 1 or 3; a grey image is repeated, RGB is never made grey.
    """
    top, left, h, w = placement(stored.shape[0], stored.shape[1], size, fit)
    out = np.zeros((channels, size, size), stored.dtype)
    small = _resized(stored, h, w)
    out[:, top : top + h, left : left + w] = np.moveaxis(small, -1, 0) if small.ndim == 3 else small
    return out


def region_to_grid(mask: BoolArray, size: int, fit: Fit) -> NDArray[np.float32]:
    """(size, size) share in [0, 1] of each cell that the region covers, on the grid of `to_grid`.

    Args:
        mask: (H, W) region on the image's own grid; (size, size, size) of a tile stays as it is.
    Raises:
        DataError: if a tile has another size.
    """
    if mask.ndim == 3:
        return check_tile(mask, size).astype(np.float32)
    top, left, h, w = placement(mask.shape[0], mask.shape[1], size, fit)
    out = np.zeros((size, size), np.float32)
    down, across = _coverage(mask.shape[0], h), _coverage(mask.shape[1], w)
    out[top : top + h, left : left + w] = down @ mask.astype(np.float32) @ across.T
    return np.clip(out, 0, 1)


def from_grid(values: NDArray[np.float32], shape: tuple[int, ...], fit: Fit) -> NDArray[np.float32]:
    """Values on the grid of `to_grid` brought to the image's own, bilinear; a tile stays as it is.

    Args:
        values: (size, size), or (size, size, size) of a tile.
        shape: (H, W) of the image.
    """
    if values.ndim == 3:
        return values
    height, width = shape
    top, left, h, w = placement(height, width, values.shape[0], fit)
    shown = np.ascontiguousarray(values[top : top + h, left : left + w], np.float32)
    return _plane(shown, height, width, Image.Resampling.BILINEAR)


def tile_to_grid(stored: Stored, size: int, channels: int) -> Stored:
    """(channels, size, size, size) of a (size, size, size) tile, which is never resized.

    Raises:
        DataError: if the tile has another size.
    """
    return np.repeat(check_tile(stored, size)[None], channels, axis=0)


def check_tile(tile: AnyArray, size: int) -> AnyArray:
    """The tile; `DataError` unless it is (size, size, size)."""
    if tile.shape != (size, size, size):
        raise DataError(
            f"a tile must be as large as the network's grid, {size} x {size} x {size}, but is "
            f"{' x '.join(map(str, tile.shape))}; set `data.image_size` to the tile's side"
        )
    return tile


def fullest_plane(mask: BoolArray) -> int:
    """Of a (S, S, S) mask, the plane that holds most of it; the middle one if it is empty."""
    counts = mask.sum(axis=(1, 2))
    return int(counts.argmax()) if counts.any() else len(mask) // 2


def shrunk(stored: NDArray[np.uint8], side: int) -> NDArray[np.uint8]:
    """The image with its longer side at most `side` pixels; never enlarged."""
    longest = max(stored.shape[:2])
    if longest <= side:
        return stored
    h, w = (max(1, round(n * side / longest)) for n in stored.shape[:2])
    return _resized(stored, h, w).astype(np.uint8)


@functools.lru_cache(maxsize=64)
def _coverage(inner: int, outer: int) -> NDArray[np.float32]:
    """(outer, inner) share of each of `outer` equal cells that each of `inner` pixels covers."""
    pixel, cell = np.arange(inner + 1) / inner, np.arange(outer + 1)[:, None] / outer
    shared = np.minimum(cell[1:], pixel[1:]) - np.maximum(cell[:-1], pixel[:-1])
    return np.asarray(np.clip(shared, 0, None) * outer, np.float32)


def _range(pixels: Pixels, wide: bool) -> Stored:
    if pixels.dtype == np.uint8:
        return pixels.astype(np.uint16) * np.uint16(257) if wide else pixels.astype(np.uint8)
    if pixels.dtype == np.uint16:
        return pixels.astype(np.uint16) if wide else (pixels // 256).astype(np.uint8)
    scaled = np.clip(pixels.astype(np.float32), 0, 1) * (65535 if wide else 255)
    return _rounded(scaled, wide)


def _rounded(values: NDArray[np.float32], wide: bool) -> Stored:
    stored: Stored = np.rint(values).astype(np.uint16 if wide else np.uint8)
    return stored


def _resized(stored: Stored, h: int, w: int) -> Stored:
    height, width = stored.shape[:2]
    shrinks = h <= height and w <= width
    how = Image.Resampling.BOX if shrinks else Image.Resampling.BILINEAR
    if stored.dtype == np.uint8:
        return np.asarray(Image.fromarray(stored).resize((w, h), how))
    planes = stored[:, :, None] if stored.ndim == 2 else stored
    floats = [_plane(p.astype(np.float32), h, w, how) for p in np.moveaxis(planes, -1, 0)]
    out = np.rint(np.clip(np.stack(floats, axis=-1), 0, 65535)).astype(np.uint16)
    return out[:, :, 0] if stored.ndim == 2 else out


def _plane(
    plane: NDArray[np.float32], h: int, w: int, how: Image.Resampling
) -> NDArray[np.float32]:
    return np.asarray(Image.fromarray(plane).resize((w, h), how), np.float32)
