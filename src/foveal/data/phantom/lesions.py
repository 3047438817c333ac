"""Lesions: three classes that differ in shape, margin, echo and what they do to the sound behind.

benign: a smooth oval, wider than tall, dark and even, with a thin bright capsule. malignant: an
irregular, spiculated mass, often taller than wide, with a blurred bright rim and a shadow behind.
cyst: round, nearly free of echoes, sharp, with a bright band behind. Sizes, echo levels and the
effects behind overlap between classes; shape and margin decide.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from foveal.core.arrays import BoolArray
from foveal.data.phantom.tissue import smooth

Map = NDArray[np.float64]
CLASSES = ("benign", "cyst", "malignant")
SPICULE_SHARPNESS = 30.0


@dataclass(frozen=True, slots=True)
class Lesion:
    """Center, half-axes and edges in shares of the image; echo levels in dB.

    `waves` are (order, amplitude, phase) of the outline's ripple; `spicules` (angle, length).
    """

    center: tuple[float, float]
    half_axes: tuple[float, float]
    tilt: float
    waves: tuple[tuple[int, float, float], ...]
    spicules: tuple[tuple[float, float], ...]
    edge: float
    level_db: float
    texture_db: float
    rim_db: float
    rim_width: float
    behind_db: float


def draw_lesion(kind: str, rng: np.random.Generator) -> Lesion:
    """A lesion of one of `CLASSES`, somewhere in the gland."""
    center = rng.uniform(0.42, 0.60), rng.uniform(0.28, 0.72)
    tilt = rng.uniform(-0.35, 0.35)
    long = rng.uniform(0.07, 0.15)
    if kind == "benign":
        axes = long * rng.uniform(0.55, 0.78), long
        waves = _waves(rng, (2, 3, 4), 0.05)
        level, behind = rng.uniform(-32, -24), rng.uniform(-3, 4)
        return Lesion(center, axes, tilt, waves, (), 0.12, level, 1.6, 3.0, 0.09, behind)
    if kind == "cyst":
        axes = long * rng.uniform(0.74, 0.98), long * 0.95
        waves = _waves(rng, (2, 3), 0.02)
        level, behind = rng.uniform(-40, -30), rng.uniform(1, 6)
        return Lesion(center, axes, tilt, waves, (), 0.07, level, 0.8, 3.0, 0.06, behind)
    axes = long, long * rng.uniform(0.62, 1.05)
    waves = _waves(rng, (3, 4, 5, 6, 7), 0.06)
    angles = rng.uniform(0, 2 * np.pi, rng.integers(6, 11))
    spicules = tuple((float(a), float(rng.uniform(0.1, 0.4))) for a in angles)
    level, behind = rng.uniform(-34, -25), rng.uniform(-10, 1)
    return Lesion(center, axes, tilt, waves, spicules, 0.20, level, 2.5, 4.0, 0.28, behind)


def add_lesion(levels: Map, lesion: Lesion, rng: np.random.Generator) -> tuple[Map, BoolArray]:
    """Echo levels in dB with the lesion in them, and its (H, W) mask."""
    size = levels.shape[0]
    ratio = _radius_ratio(lesion, size)
    inside = 1 / (1 + np.exp(np.clip((ratio - 1) / lesion.edge * 2.5, -40, 40)))
    rim = np.exp(-(((ratio - 1 - lesion.rim_width / 2) / lesion.rim_width) ** 2))
    grain = smooth(rng.standard_normal(levels.shape), (0.012 * size, 0.012 * size))
    filling = lesion.level_db + lesion.texture_db * grain / grain.std()
    mask = ratio < 1
    out = levels + lesion.rim_db * rim * (1 - inside)
    out = out + inside * (filling - out)
    return out + lesion.behind_db * _behind(mask), mask


def _waves(
    rng: np.random.Generator, orders: tuple[int, ...], amplitude: float
) -> tuple[tuple[int, float, float], ...]:
    return tuple(
        (order, float(rng.normal(0, amplitude)), float(rng.uniform(0, 2 * np.pi)))
        for order in orders
    )


def _radius_ratio(lesion: Lesion, size: int) -> Map:
    """(size, size) distance from the center over the outline's radius in that direction."""
    rows, columns = np.mgrid[0:size, 0:size] / size
    z, x = rows - lesion.center[0], columns - lesion.center[1]
    cos, sin = np.cos(lesion.tilt), np.sin(lesion.tilt)
    u = (cos * z - sin * x) / lesion.half_axes[0]
    v = (sin * z + cos * x) / lesion.half_axes[1]
    angle = np.arctan2(u, v)
    outline = np.ones_like(angle)
    for order, amplitude, phase in lesion.waves:
        outline += amplitude * np.cos(order * angle + phase)
    for where, length in lesion.spicules:
        outline += length * np.exp(SPICULE_SHARPNESS * (np.cos(angle - where) - 1))
    return np.asarray(np.hypot(u, v) / np.maximum(outline, 0.3))


def _behind(mask: BoolArray) -> Map:
    """(H, W) weight in [0, 1] of the sound path behind the lesion, fading with depth."""
    above = np.cumsum(mask, axis=0) / max(int(mask.sum(axis=0).max()), 1)
    below = above * ~mask
    depth = np.arange(len(mask))[:, None]
    end = np.max(depth * mask)
    fade = np.exp(-np.clip(depth - end, 0, None) / (0.35 * len(mask)))
    return np.asarray(smooth(below * fade, (0.012 * len(mask), 0.012 * len(mask))))
