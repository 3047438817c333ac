"""Toys every suite of this room shares: inputs in memory, planted discs, small networks."""

import numpy as np
import torch
from torch import nn

from foveal.core.spec import ModelSpec
from foveal.models import Backbone, Learner, Lessons
from foveal.models.network import Network

CLASSES = ("benign", "malignant")
CHANNELS, SIDE = 6, 8


class Memory:
    """Inputs in memory that remember which rows were read."""

    def __init__(self, array):
        self.array = np.asarray(array, np.float32)
        self.reads = []

    def __len__(self):
        return len(self.array)

    def read(self, rows):
        self.reads.append(np.asarray(rows).tolist())
        return self.array[np.asarray(rows)]


def planted(n, seed=0, shortcut=0.0, classes=2):
    """Features and lessons: a disc somewhere inside lights up one channel for each class.

    `shortcut` lights up a corner too, in channels of its own: it tells the class as well.
    """
    rng = np.random.default_rng(seed)
    labels = np.arange(n) % classes
    grid = np.indices((SIDE, SIDE))
    centers = rng.uniform(3, SIDE - 3, (n, 2))
    gaps = grid[None] - centers[:, :, None, None]
    regions = (np.hypot(gaps[:, 0], gaps[:, 1]) < 1.8).astype(np.float32)
    features = 0.3 * rng.standard_normal((n, CHANNELS, SIDE, SIDE)).astype(np.float32)
    features[np.arange(n), labels] += regions
    features[np.arange(n), 3 + labels, :2, :2] += shortcut
    return Memory(features), Lessons(np.arange(n), labels, regions, np.ones(n, bool))


def plain(n, classes=2, seed=0):
    """Lessons without regions on features that hold a little of the class."""
    rng = np.random.default_rng(seed)
    labels = np.arange(n) % classes
    features = rng.standard_normal((n, CHANNELS, 4, 4)).astype(np.float32)
    features[np.arange(n), labels] += 1
    nothing = np.zeros((n, 4, 4), np.float32)
    return Memory(features), Lessons(np.arange(n), labels, nothing, np.zeros(n, bool))


def network(head="linear", distance="euclidean", classes=2, channels=CHANNELS, seed=0, **spec):
    """A small untrained network that reads features."""
    torch.manual_seed(seed)
    model = ModelSpec(**{"head": head, "distance": distance, "adapter": 8, **spec})
    return Network(model, channels, classes).eval()


def learner(head="linear", seed=0, **spec):
    """A small learner that has seen prototypes, and that knows its place nowhere else."""
    net = network(head, seed=seed, **spec)
    labels = torch.arange(8) % len(CLASSES)
    with torch.no_grad():
        net.head.settle(net(torch.randn(8, CHANNELS, SIDE, SIDE)).embedding, labels)
    return Learner(net, CLASSES)


def tiny_backbone(seed=0):
    """A backbone of one convolution with batch norm: (n, 1 or 3, H, W) to (n, 4, H/16, W/16)."""
    torch.manual_seed(seed)
    trunk = nn.Sequential(nn.Conv2d(3, 4, 16, 16), nn.BatchNorm2d(4), nn.ReLU())
    return Backbone(trunk, 4, torch.full((3,), 0.5), torch.full((3,), 0.5)).eval()


def weights(module):
    return {name: value.detach().clone() for name, value in module.state_dict().items()}


def same(a, b):
    return a.keys() == b.keys() and all(torch.equal(a[k], b[k]) for k in a)
