"""The network: backbone, standardization, adapter, pooling, dropout, head; maps come for free."""

from typing import NamedTuple

import torch
from torch import Tensor, nn

from foveal.core.spec import ModelSpec
from foveal.explain import evidence_map
from foveal.models.backbones import Backbone
from foveal.models.heads import build_head


class Output(NamedTuple):
    """What one forward pass gives: logits (n, C), embedding (n, D), acts (n, D, h, w), features
    (n, K, h, w) after standardization, if targets were given, the evidence map (n, h, w) of
    each sample's target, before ReLU, and, if the network outlines, logits (n, h, w) of "an expert
    would outline this"."""

    logits: Tensor
    embedding: Tensor
    acts: Tensor
    features: Tensor
    evidence: Tensor | None
    outline: Tensor | None = None


class Network(nn.Module):
    """Reads images where it has a backbone, else the features that a frozen backbone gave.

    The adapter, a 1 x 1 convolution with ReLU, is what the explanation loss can shape when the
    backbone is frozen: it decides at every position what may speak for a class.
    """

    mean: Tensor
    std: Tensor

    def __init__(
        self,
        spec: ModelSpec,
        channels: int,
        classes: int,
        backbone: Backbone | None = None,
        outlines: bool = False,
    ) -> None:
        super().__init__()
        self.backbone = backbone
        self.adapter = nn.Conv2d(channels, spec.adapter, 1)
        self.dropout = nn.Dropout(spec.dropout)
        self.head = build_head(spec, spec.adapter, classes)
        # Last, so that the other weights begin alike with and without it.
        self.outline = nn.Conv2d(spec.adapter, 1, 3, padding=1) if outlines else None
        self.register_buffer("mean", torch.zeros(1, channels, 1, 1))
        self.register_buffer("std", torch.ones(1, channels, 1, 1))

    def features(self, inputs: Tensor) -> Tensor:
        """Standardized spatial features (n, K, h, w) of images or of raw features."""
        raw = inputs if self.backbone is None else self.backbone(inputs)
        return (raw - self.mean) / self.std

    def forward(
        self, inputs: Tensor, targets: Tensor | None = None, training_head: bool = False
    ) -> Output:
        """One pass; `targets` (n,) ask for evidence maps, `training_head` for the loss's logits."""
        features = self.features(inputs)
        acts = self.adapter(features).relu()
        pooled = acts.mean(dim=(2, 3))
        kept = self.dropout(pooled)  # maps and embedding are of all features, so maps stay exact
        if training_head and targets is not None:
            logits = self.head.training_logits(kept, targets)
        else:
            logits = self.head.logits(kept)
        evidence = None if targets is None else self.evidence(acts, pooled, targets)
        outline = None if self.outline is None else self.outline(acts)[:, 0]
        return Output(logits, pooled, acts, features, evidence, outline)

    def cam(self, acts: Tensor, pooled: Tensor, targets: Tensor) -> Tensor:
        """(n, h, w) Grad-CAM of each sample's target class, not normalized."""
        return self.evidence(acts, pooled, targets).relu()

    def evidence(self, acts: Tensor, pooled: Tensor, targets: Tensor) -> Tensor:
        """(n, h, w) evidence for each sample's target class: its map before ReLU."""
        return evidence_map(acts, self.head.cam_weights(pooled, targets).to(acts.dtype))

    @torch.no_grad()
    def standardize(self, raw: Tensor) -> None:
        """Take mean and deviation of each channel from raw features of the labeled samples."""
        self.mean.copy_(raw.mean(dim=(0, 2, 3), keepdim=True))
        spread = raw.std(dim=(0, 2, 3), keepdim=True, correction=0)  # of a single position: 0
        self.std.copy_(spread.clamp_min(1e-3))
