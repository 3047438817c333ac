"""A window that slides over a whole volume, for U-Nets that learned from tiles."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from monai.inferers.utils import sliding_window_inference
from torch import Tensor

from foveal.core.arrays import FloatArray
from foveal.core.errors import DataError
from foveal.core.segment_spec import SegmentSpec
from foveal.models.segment.segmenter import Segmenter
from foveal.models.segment.stream import VOLUME_PASS, Seen, see_pixels
from foveal.models.stream import Pass


@torch.inference_mode()
def volume_probs(
    segmenter: Segmenter,
    volume: FloatArray,
    segment: SegmentSpec,
    tile: int | Sequence[int],
    how: Pass = VOLUME_PASS,
) -> FloatArray:
    """Probabilities of foreground of all voxels of a volume, mean over members and windows.

    Windows overlap by `segment.overlap`, and count less towards their borders (a Gaussian). Where
    the volume is smaller than a tile it is padded with 0.

    Args:
        volume: (channels, D, H, W) in [0, 1].
        tile: side or sides of the window, as in training.
        how: `batch_size` windows are seen at once.
    Returns:
        (D, H, W) in [0, 1].
    Raises:
        DataError: if the volume is not what the segmenter reads.
    """
    fits = volume.ndim == 4 and len(volume) == segmenter.channels and segmenter.dimensions == 3
    if not fits:
        raise DataError(
            f"the volume must have the {segmenter.channels} channels and {segmenter.dimensions} "
            f"axes the segmenter reads, and 3 of these, but has shape {volume.shape}"
        )
    for network in segmenter.members:
        network.eval()

    def window(images: Tensor) -> Tensor:
        outs = see_pixels(segmenter, images, how.precision)
        return Seen(0, np.arange(len(images)), images, outs).probs[:, None]

    whole = torch.from_numpy(np.ascontiguousarray(volume, np.float32))[None]
    sides = (tile,) * 3 if isinstance(tile, int) else tuple(tile)
    probs: Any = sliding_window_inference(  # one tensor, since `window` gives one
        whole,
        sides,
        how.batch_size,
        window,
        overlap=segment.overlap,
        mode="gaussian",
        sw_device=segmenter.device,
        device=torch.device("cpu"),
    )
    return np.asarray(probs[0, 0].clamp(0, 1).numpy())
