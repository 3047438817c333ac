"""Depth: pixels in a type that a browser can be handed, with as little loss as it allows."""

from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from foveal.data.readers import Place
from foveal.data.readers.npz import frames
from foveal.data.readers.stack import stack_facts

Shown = NDArray[np.uint8 | np.int16 | np.uint16]
Ends = tuple[float, float]
STEPS = 65535
SMALLEST, LARGEST = -(2**15), 2**15 - 1
MARGIN = 1.0  # of the usual range of a volume, kept below and above it


def ends_of(place: Place, pixels: NDArray[Any]) -> Ends | None:
    """Values that are stretched over 16 bits; None where pixels can be handed over as they are.

    All pictures of a volume have the same ends, so that one window fits them all.
    """
    if pixels.dtype in (np.uint8, np.uint16):
        return None
    if place.of_volume:
        return _ends_of_stack(place.path)
    return None if _fits(pixels) else _spread(float(pixels.min()), float(pixels.max()))


def shown(pixels: NDArray[Any], ends: Ends | None) -> Shown:
    """(H, W) gray as uint8, int16 or uint16, or (H, W, 3) uint8; whole numbers keep their values.

    Args:
        ends: as `ends_of` gives them; what lies beyond is cut off.
    """
    kept: Shown
    if ends is not None:
        kept = np.rint(stretched(pixels, ends)).astype(np.uint16)
    elif pixels.dtype in (np.uint8, np.uint16):
        kept = pixels
    else:
        kept = np.clip(np.rint(pixels), SMALLEST, LARGEST).astype(np.int16)
    if kept.ndim == 3 and kept.dtype == np.uint16:
        return (kept >> 8).astype(np.uint8)
    return kept


def stretched(values: Any, ends: Ends) -> NDArray[np.float64]:
    """Values in 0..65535 where the ends become 0 and 65535."""
    low, high = ends
    part = (np.asarray(values, np.float64) - low) / (high - low)
    return np.asarray(np.clip(part, 0, 1) * STEPS)


def pack(pixels: Shown) -> tuple[bytes, str]:
    """Little-endian bytes row by row, and the name of their type."""
    kind = pixels.dtype.name
    return np.ascontiguousarray(pixels.astype(pixels.dtype.newbyteorder("<"))).tobytes(), kind


@lru_cache(maxsize=256)
def _ends_of_stack(path: Path) -> Ends | None:
    """Ends of a whole volume; three of its pictures tell whether it holds fractions."""
    stack, facts = frames(path), stack_facts(path)
    n = len(stack)
    if all(_fits(np.asarray(stack[i])) for i in sorted({n // 4, n // 2, 3 * n // 4})):
        return None
    span = MARGIN * (facts.high - facts.low)
    return _spread(facts.low - span, facts.high + span)


def _fits(pixels: NDArray[Any]) -> bool:
    low, high = pixels.min(), pixels.max()
    return bool(low >= SMALLEST and high <= LARGEST and (pixels == np.rint(pixels)).all())


def _spread(low: float, high: float) -> Ends:
    return (low, high) if high > low else (low, low + 1.0)
