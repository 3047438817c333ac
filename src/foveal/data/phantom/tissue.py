"""Tissue: layers of a breast as echo levels in decibel, and the speckle ultrasound makes of them.

Not a physical simulation: a picture of the statistics that matter. Speckle is the envelope of
filtered complex noise (Rayleigh distributed; two looks compounded, as scanners do), wider across
the beam and with depth, on echo levels that add in decibel and are shown by log compression.
"""

import functools
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.fft import irfft2, rfft2

Map = NDArray[np.float64]
DYNAMIC_RANGE_DB = 46.0
WHITE_DB = 2.0
LOOKS = 2


@dataclass(frozen=True, slots=True)
class Anatomy:
    """One patient's breast: depths in [0, 1] of the layers, their waviness, and echo levels."""

    fat: float
    gland: float
    muscle: float
    wave: tuple[float, float, float]
    phase: tuple[float, float, float]
    fat_db: float
    gland_db: float
    attenuation_db: float
    gain_db: float


def draw_anatomy(rng: np.random.Generator) -> Anatomy:
    """A plausible patient."""
    return Anatomy(
        fat=rng.uniform(0.05, 0.07),
        gland=rng.uniform(0.20, 0.30),
        muscle=rng.uniform(0.78, 0.88),
        wave=tuple(rng.uniform(0.008, 0.03, 3)),
        phase=tuple(rng.uniform(0, 2 * np.pi, 3)),
        fat_db=rng.uniform(-27, -22),
        gland_db=rng.uniform(-12, -7),
        attenuation_db=rng.uniform(8, 16),
        gain_db=rng.uniform(-2, 2),
    )


def echo_levels(anatomy: Anatomy, size: int, rng: np.random.Generator) -> Map:
    """(size, size) echo levels in dB of healthy tissue, 0 the brightest.

    Skin, fat with bright septa, streaky gland, fascia and muscle; dark fat lobules and faint
    shadows of ligaments lie in any image, so that darkness alone is no lesion.
    """
    depth, across = np.mgrid[0:size, 0:size] / size
    levels = np.full((size, size), anatomy.fat_db)
    levels += 11 * _ridges(rng, size, (0.014, 0.09)) * (depth > anatomy.fat)
    bend = sum(
        a * np.sin(2 * np.pi * (k + 1) * across + p)
        for k, (a, p) in enumerate(zip(anatomy.wave, anatomy.phase, strict=True))
    )
    in_gland = _step(depth - anatomy.gland - bend, 0.012)
    in_muscle = _step(depth - anatomy.muscle - bend / 2, 0.008)
    gland = (
        anatomy.gland_db
        + (2.6 * _streaks(rng, size, (0.03, 0.10)) + 2.2 * _streaks(rng, size, (0.007, 0.05)))
        - _lobules(rng, size)
    )
    muscle = -25 + 4 * _streaks(rng, size, (0.007, 0.2))
    levels = levels + in_gland * (gland - levels)
    levels = levels + in_muscle * (muscle - levels)
    levels += 14 * np.exp(-(((depth - anatomy.muscle - bend / 2) / 0.008) ** 2))
    skin = np.exp(-(((depth - 0.022) / 0.012) ** 2))
    levels = levels + skin * (-2 - levels)
    faded = levels - anatomy.attenuation_db * depth**1.5
    return np.asarray(faded - _ligament_shadows(rng, size, depth))


def speckle(levels: Map, gain_db: float, rng: np.random.Generator) -> NDArray[np.uint8]:
    """(H, W) B-mode picture of echo levels in dB: multiplicative speckle, log compression."""
    size = levels.shape[0]
    near = _power(rng, size, (0.0045 * size, 0.008 * size))
    far = _power(rng, size, (0.006 * size, 0.016 * size))
    depth = np.linspace(0, 1, size)[:, None]
    power = (1 - depth) * near + depth * far
    shown = levels + 10 * np.log10(power + 1e-4) + gain_db
    grey = np.clip(1 + (shown - WHITE_DB) / DYNAMIC_RANGE_DB, 0, 1)
    return np.asarray(np.rint(255 * grey**1.25), np.uint8)


def smooth(field: Map, sigma: tuple[float, float]) -> Map:
    """Gaussian blur of the last two axes, standard deviations in pixels; borders wrap."""
    response = _response(field.shape[-2], field.shape[-1], sigma)
    return np.asarray(irfft2(rfft2(field) * response, s=field.shape[-2:]))


@functools.lru_cache(maxsize=32)
def _response(height: int, width: int, sigma: tuple[float, float]) -> Map:
    down, across = np.fft.fftfreq(height)[:, None], np.fft.rfftfreq(width)[None, :]
    return np.asarray(np.exp(-2 * np.pi**2 * ((sigma[0] * down) ** 2 + (sigma[1] * across) ** 2)))


def _power(rng: np.random.Generator, size: int, sigma: tuple[float, float]) -> Map:
    """Mean squared envelope of a few looks, 1 on average."""
    noise = rng.standard_normal((2 * LOOKS, size, size))
    power = np.mean(smooth(noise, sigma) ** 2, axis=0)
    return np.asarray(power / power.mean())


def _streaks(rng: np.random.Generator, size: int, sigma: tuple[float, float]) -> Map:
    noise = smooth(rng.standard_normal((size, size)), (sigma[0] * size, sigma[1] * size))
    return np.asarray(noise / noise.std())


def _ridges(rng: np.random.Generator, size: int, sigma: tuple[float, float]) -> Map:
    """Thin bright lines in [0, 1] where a smooth field crosses zero: the septa of fat."""
    return np.asarray(np.exp(-((_streaks(rng, size, sigma) / 0.22) ** 2)))


def _lobules(rng: np.random.Generator, size: int) -> Map:
    """Dark patches in the gland, in dB."""
    field = _streaks(rng, size, (0.035, 0.055))
    return np.asarray(9 * _step(field - 1.35, 0.12))


def _ligament_shadows(rng: np.random.Generator, size: int, depth: Map) -> Map:
    columns = np.clip(_streaks(rng, size, (4.0, 0.025))[:1] - 0.9, 0, None)
    return np.asarray(5 * columns * _step(depth - rng.uniform(0.2, 0.4), 0.06))


def _step(distance: Map, width: float) -> Map:
    return np.asarray(1 / (1 + np.exp(-np.clip(distance / width, -40, 40))))
