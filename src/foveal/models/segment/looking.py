"""Looking: what in an image made a segmenter outline what it outlines."""

import numpy as np
import torch
from torch import Tensor

from foveal.core.arrays import FloatArray, IntArray
from foveal.explain import normalize_map, resize_map, seg_grad_cam
from foveal.models.inputs import Inputs, to_tensor
from foveal.models.segment.network import BOTTLENECK, Outlined
from foveal.models.segment.segmenter import Segmenter
from foveal.models.segment.stream import PIXEL_PASS
from foveal.models.stream import Pass


def segment_maps(
    segmenter: Segmenter,
    inputs: Inputs,
    rows: IntArray,
    size: tuple[int, ...],
    how: Pass = PIXEL_PASS,
    threshold: float = 0.5,
    layer: str = BOTTLENECK,
) -> FloatArray:
    """Seg-Grad-CAM maps of the predicted region, on the image grid; of the first member.

    In full precision. For a few samples at a time: all maps are held in memory.

    Args:
        threshold: probability from which a pixel belongs to the predicted region.
        layer: of `UNet.layers`: the bottleneck, or a level of the decoder ("decoder 0" is the top).
    Returns:
        (n, *size) in [0, 1].
    Raises:
        UnknownName: if the network has no such layer.
    """
    network = segmenter.network.eval()
    explained = network.layer(layer)
    maps = []
    # Maps need gradients, whatever the caller has switched off.
    with torch.inference_mode(False), torch.enable_grad():
        for start in range(0, len(rows), how.batch_size):
            images = to_tensor(inputs, rows[start : start + how.batch_size], segmenter.device)
            cam = seg_grad_cam(network, explained, images, threshold, _logits)
            maps.append(resize_map(normalize_map(cam), size).cpu().numpy())
            how.progress(start + len(images), len(rows))
    return np.concatenate(maps) if maps else np.empty((0, *size), np.float32)


def _logits(out: Outlined) -> Tensor:
    return out.logits
