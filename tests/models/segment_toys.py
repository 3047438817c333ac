"""Toys of segmentation: discs and balls on an uneven ground, and small U-Nets."""

from functools import cache

import numpy as np
import torch
from model_toys import Memory

from foveal.core.segment_spec import SegmentSpec
from foveal.core.spec import ModelSpec, TrainSpec
from foveal.models.segment import Segmenter, Strokes, learn_segmenter, predict_pixels
from foveal.models.segment.network import UNet

SMALL = SegmentSpec(widths=(4, 6, 8))
LEARNS = SegmentSpec(widths=(8, 16, 32))


def discs(n, side=24, dimensions=2, seed=0, empty=0.5):
    """Images (n, 1, *S) and strokes: a bright disc (or ball) in all but a share of them."""
    rng = np.random.default_rng(seed)
    at = np.indices((side,) * dimensions)
    images, masks = [], []
    for i in range(n):
        center = rng.uniform(0.3, 0.7, dimensions).reshape(-1, *[1] * dimensions) * side
        inside = np.sqrt(((at - center) ** 2).sum(0)) < rng.uniform(0.12, 0.2) * side
        mask = inside * float(i >= n * empty)
        ground = 0.3 + 0.1 * np.sin(at[0] / side * rng.uniform(3, 9))
        images.append(ground + 0.35 * mask + 0.05 * rng.standard_normal(mask.shape))
        masks.append(mask)
    order = rng.permutation(n)
    shape = (n, *(side,) * dimensions)
    images, masks = (np.reshape(a, shape).astype(np.float32)[order] for a in (images, masks))
    return Memory(images.clip(0, 1)[:, None]), Strokes(np.arange(n), masks)


def pictures(n, channels=1, side=16, dimensions=2, seed=0):
    """Random images in memory."""
    shape = (n, channels, *(side,) * dimensions)
    return Memory(np.random.default_rng(seed).random(shape))


def unet(channels=1, dimensions=2, dropout=0.0, seed=0, widths=SMALL.widths):
    """A small untrained U-Net, sharpened so that not all of its pixels are near one half."""
    torch.manual_seed(seed)
    network = UNet(channels, dimensions, widths, dropout).eval()
    with torch.no_grad():
        network.final.weight *= 8
    return network


def segmenter(members=1, **settings):
    return Segmenter(tuple(unet(seed=seed, **settings) for seed in range(members)))


@cache
def trained(dimensions=2):
    """A segmenter that has learned discs (or balls); a few seconds, once for all tests."""
    side, n = (24, 16) if dimensions == 2 else (16, 8)
    spec = TrainSpec(epochs=15, learning_rate=1e-2, precision="32", accelerator="cpu")
    segment = LEARNS if dimensions == 2 else SegmentSpec(widths=(8, 16))
    inputs, strokes = discs(n, side, dimensions, seed=1)
    found, history = learn_segmenter(
        inputs, strokes, segment, ModelSpec(), spec, seed=0, dimensions=dimensions
    )
    return found, history


def foreground_dice(found, inputs, strokes):
    """Mean Dice of samples that show something (1 without any), share of false alarms elsewhere."""
    rows = np.arange(len(inputs))
    probs = np.concatenate([p for _, p in predict_pixels(found, inputs, rows)])
    hot, mask = (probs >= 0.5).reshape(len(rows), -1), strokes.masks.reshape(len(rows), -1) > 0
    shown = strokes.shown
    dice = 2 * (hot & mask)[shown].sum(1) / (hot[shown].sum(1) + mask[shown].sum(1))
    return dice.mean() if shown.any() else 1.0, hot[~shown].any(1).mean()
