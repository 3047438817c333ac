"""Where the expected region of an unlabeled image comes from."""

from collections.abc import Callable
from typing import Protocol

import torch
from torch import Tensor, nn
from torch.nn import functional

from foveal.core.arrays import FloatArray, IntArray
from foveal.models.compute import seeded
from foveal.models.losses import region_loss
from foveal.models.network import Output

HIDDEN = 32
EPOCHS = 60
LEARNING_RATE = 3e-3
BATCH = 64
LEAST_PEAK = 0.25  # a cell that a small lesion fills by a quarter is still expected


class Expected(Protocol):
    """Gives the region where evidence for the predicted class is expected."""

    def __call__(self, output: Output, rows: IntArray) -> Tensor:
        """(n, h, w) in [0, 1] for the samples `rows` whose forward pass is `output`."""
        ...


class RegionHead(nn.Module):
    """Features (n, K, h, w) to logits (n, h, w) of "an expert would outline this"."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Conv2d(channels, HIDDEN, 1), nn.ReLU(), nn.Conv2d(HIDDEN, 1, 3, padding=1)
        )

    def forward(self, features: Tensor) -> Tensor:
        """Logits on the grid of the features."""
        return self.layers(features)[:, 0]  # type: ignore[no-any-return]


class PredictedRegions:
    """Mode `predicted`: a light head trained on the regions bought so far, nothing else."""

    def __init__(self, head: RegionHead) -> None:
        self.head = head.eval()

    def __call__(self, output: Output, rows: IntArray) -> Tensor:
        return _outlined(self.head(output.features))


class OutlinedRegions:
    """Mode `predicted` where the network itself learned to outline (`train.region_weight`)."""

    def __call__(self, output: Output, rows: IntArray) -> Tensor:
        assert output.outline is not None
        return _outlined(output.outline)


class AtlasRegions:
    """Mode `atlas`: the mean bought region of the predicted class; of all, where it has none."""

    def __init__(self, atlas: Tensor) -> None:
        self.atlas = atlas

    def __call__(self, output: Output, rows: IntArray) -> Tensor:
        return self.atlas.to(output.logits.device)[output.logits.argmax(1)]


class GivenRegions:
    """Modes `weak` and `oracle`: regions that exist beforehand, or the hidden ones.

    The caller decides what `lookup` may see; it gets positions in the pool and returns
    (n, S, S) regions in [0, 1], NaN for samples without one.
    """

    def __init__(self, lookup: Callable[[IntArray], FloatArray]) -> None:
        self.lookup = lookup

    def __call__(self, output: Output, rows: IntArray) -> Tensor:
        regions = torch.from_numpy(self.lookup(rows)).to(output.logits.device)
        return on_grid(regions, output.acts.shape[-2:])


def _outlined(logits: Tensor) -> Tensor:
    """A sigmoid is never 0: a prediction whose highest value is below `LEAST_PEAK` is empty."""
    region = logits.float().sigmoid()
    return torch.where(region.amax((1, 2), keepdim=True) >= LEAST_PEAK, region, 0)


def on_grid(regions: Tensor, size: tuple[int, ...] | torch.Size) -> Tensor:
    """(n, S, S) regions averaged over the cells of a coarser grid; NaN stays NaN."""
    return functional.adaptive_avg_pool2d(regions[:, None], (size[0], size[1]))[:, 0]


def class_atlas(regions: Tensor, labels: Tensor, bought: Tensor, classes: int) -> Tensor:
    """(C, h, w) mean region of each class; the overall mean for a class without one.

    Args:
        regions: (n, h, w) in [0, 1]; labels: (n,); bought: (n,) bool.
    """
    overall = regions[bought].mean(0) if bought.any() else torch.zeros_like(regions[0])
    rows = [regions[bought & (labels == c)] for c in range(classes)]
    return torch.stack([r.mean(0) if len(r) else overall for r in rows])


def fit_region_head(features: Tensor, regions: Tensor, seed: int) -> RegionHead:
    """Train a region head with cross-entropy and Dice, both on soft regions.

    Args:
        features: (n, K, h, w) standardized; regions: (n, h, w) in [0, 1], all bought.
    """
    with seeded(seed):
        head = RegionHead(features.shape[1]).to(features.device).train()
        optimizer = torch.optim.AdamW(head.parameters(), lr=LEARNING_RATE, weight_decay=1e-3)
        steps = EPOCHS * -(-len(features) // BATCH)
        schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, LEARNING_RATE, steps)
        all_bought = torch.ones(len(features), dtype=torch.bool, device=features.device)
        for _ in range(EPOCHS):
            order = torch.randperm(len(features))
            for batch in order.split(BATCH):
                loss = region_loss(head(features[batch]), regions[batch], all_bought[batch])
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
                schedule.step()
    return head.eval()
