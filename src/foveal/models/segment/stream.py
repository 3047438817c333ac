"""The stream: samples go through U-Nets batch by batch; no pixel outlives its batch."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from torch import Tensor

from foveal.core.arrays import FloatArray, IntArray
from foveal.explain import resize_map
from foveal.models.compute import autocast
from foveal.models.inputs import Inputs, to_tensor
from foveal.models.segment.network import Outlined
from foveal.models.segment.pixels import binary_entropy
from foveal.models.segment.segmenter import Segmenter
from foveal.models.stream import Pass

PIXEL_PASS = Pass(batch_size=8)
VOLUME_PASS = Pass(batch_size=2)  # of tiles: one of 64 x 64 x 64 is as large as 16 large pictures


@dataclass(eq=False)
class Seen:
    """What a segmenter sees in the samples `rows`, the first of which is number `start`.

    `images` (b, channels, *S) is what was read; `members` are the outputs of its networks.
    """

    start: int
    rows: IntArray
    images: Tensor
    members: tuple[Outlined, ...]

    @cached_property
    def member_probs(self) -> Tensor:
        """(M, b, *S) probabilities of foreground of each member."""
        return torch.stack([out.logits.float().sigmoid() for out in self.members])

    @cached_property
    def probs(self) -> Tensor:
        """(b, *S) mean over members."""
        return self.member_probs.mean(0)

    @cached_property
    def entropy(self) -> Tensor:
        """(b, *S) nats in [0, ln 2]."""
        return binary_entropy(self.probs)


def stream_pixels(
    segmenter: Segmenter, inputs: Inputs, rows: IntArray, how: Pass
) -> Iterator[Seen]:
    """All networks see a batch, without dropout or augmentation, before the next one is read."""
    for network in segmenter.members:
        network.eval()
    for start in range(0, len(rows), how.batch_size):
        part = rows[start : start + how.batch_size]
        images = to_tensor(inputs, part, segmenter.device)
        yield Seen(start, part, images, see_pixels(segmenter, images, how.precision))
        how.progress(start + len(part), len(rows))


def see_pixels(segmenter: Segmenter, images: Tensor, precision: str) -> tuple[Outlined, ...]:
    """What each network makes of one batch of images."""
    with autocast(segmenter.device, precision):
        return tuple(network(images) for network in segmenter.members)


def predict_pixels(
    segmenter: Segmenter, inputs: Inputs, rows: IntArray, how: Pass = PIXEL_PASS
) -> Iterator[tuple[IntArray, FloatArray]]:
    """Rows of each batch and their (b, *S) probabilities of foreground, mean over members."""
    batches = stream_pixels(segmenter, inputs, rows, how)
    while True:
        # Around each step, not around the whole: a generator must not leave its mode to others.
        with torch.inference_mode():
            seen = next(batches, None)
            if seen is None:
                return
            probs = seen.probs.cpu().numpy()
        yield seen.rows, probs


def pixel_probs_on_grid(
    segmenter: Segmenter,
    inputs: Inputs,
    rows: IntArray,
    size: tuple[int, ...],
    how: Pass = PIXEL_PASS,
) -> FloatArray:
    """(n, *size) probabilities of foreground on another grid, by linear interpolation.

    For a few samples at a time: all are held in memory.
    """
    parts = [
        resize_map(torch.from_numpy(probs), size).numpy()
        for _rows, probs in predict_pixels(segmenter, inputs, rows, how)
    ]
    return np.concatenate(parts) if parts else np.empty((0, *size), np.float32)
