"""Pretrained embedding: what the backbone sees before anything has been learned here."""

from collections.abc import Callable

import numpy as np
import torch

from foveal.core.arrays import FloatArray, IntArray
from foveal.models.backbones import Backbone
from foveal.models.compute import autocast
from foveal.models.inputs import Inputs, to_tensor

BATCH = 64


@torch.inference_mode()
def pretrained_embedding(
    inputs: Inputs, rows: IntArray, backbone: Callable[[], Backbone] | None = None
) -> FloatArray:
    """(n, K) spatial means of the backbone's features, for a first batch without labels.

    Args:
        inputs: cached features, or images where `backbone` makes one to look at them.
        rows: (n,) positions in the inputs.
    """
    look = None if backbone is None else backbone().eval()
    cpu = torch.device("cpu")
    parts = []
    for start in range(0, len(rows), BATCH):
        seen = to_tensor(inputs, rows[start : start + BATCH], cpu)
        if look is not None:
            with autocast(cpu, "auto"):
                seen = look(seen)
        parts.append(seen.float().mean(dim=(2, 3)).numpy())
    return np.concatenate(parts) if parts else np.zeros((0, 0), np.float32)
