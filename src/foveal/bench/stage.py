"""Stage: a network, made-up images and lessons; speed does not depend on what they show."""

import numpy as np
import torch

from foveal.core.arrays import FloatArray, IntArray
from foveal.core.spec import ModelSpec
from foveal.models import Learner, Lessons, build_backbone
from foveal.models.network import Network
from foveal.models.regions import RegionHead

SIZE = 128
CLASSES = ("a", "b", "c")


class Noise:
    """Inputs that cost nothing to read: images drawn once, repeated as often as asked."""

    def __init__(self, count: int, channels: int = 1, size: int = SIZE, kept: int = 256) -> None:
        rng = np.random.default_rng(0)
        self._count = count
        self._block = rng.random((min(kept, count), channels, size, size), dtype=np.float32)

    def __len__(self) -> int:
        return self._count

    def read(self, rows: IntArray) -> FloatArray:
        """(b, channels, size, size) in [0, 1)."""
        return self._block[np.asarray(rows) % len(self._block)]


def untrained(backbone: str = "mobilenet_v2", stride: int = 16) -> Learner:
    """A learner with a region head, ready to predict; weights do not change its speed."""
    weights = "default" if backbone == "mobilenet_v2" else "none"
    spec = ModelSpec(backbone=backbone, weights=weights, output_stride=stride, mode="full")
    torch.manual_seed(0)
    trunk = build_backbone(spec)
    network = Network(spec, trunk.channels, len(CLASSES), trunk).eval()
    return Learner(network, CLASSES, RegionHead(trunk.channels).eval())


def lessons(count: int) -> Lessons:
    """Made-up labels, each with a square region."""
    rng = np.random.default_rng(1)
    regions = np.zeros((count, SIZE, SIZE), np.float32)
    regions[:, 32:80, 40:96] = 1
    labels = rng.integers(0, len(CLASSES), count)
    return Lessons(np.arange(count), labels, regions, np.ones(count, bool))
