"""The network: backbone, standardization, adapter, pooling, dropout, head; maps come for free."""

from typing import NamedTuple

import torch
from torch import Tensor, nn

from foveal.core.spec import ModelSpec
from foveal.explain import evidence_map
from foveal.models.backbones import Backbone
from foveal.models.heads import build_head


class Output(NamedTuple):
    """What one forward pass gives.

    logits (n, C); embedding (n, E) that the head reads; acts (n, D, h, w); features (n, K, h, w)
    after standardization; if targets were given, the evidence map (n, h, w) of each sample's
    target, before ReLU; if the network outlines, logits (n, h, w) of "an expert would outline
    this"; if it attends, weights `where` (n, h, w) of every position, of sum 1 or less.
    """

    logits: Tensor
    embedding: Tensor
    acts: Tensor
    features: Tensor
    evidence: Tensor | None = None
    outline: Tensor | None = None
    where: Tensor | None = None


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
        self.attends = spec.pooling == "attention"
        self.head = build_head(spec, self.width, classes)
        # Last, so that the other weights begin alike with and without it.
        self.outline = nn.Conv2d(spec.adapter, 1, 3, padding=1) if outlines else None
        self.register_buffer("mean", torch.zeros(1, channels, 1, 1))
        self.register_buffer("std", torch.ones(1, channels, 1, 1))

    @property
    def width(self) -> int:
        """E, the number of pooled features."""
        return self.adapter.out_channels * (2 if self.attends else 1)

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
        outline = None if self.outline is None else self.outline(acts)[:, 0]
        where = _attention(acts, outline) if self.attends else None
        pooled = acts.mean(dim=(2, 3))
        if where is not None:
            pooled = torch.cat([pooled, (acts * where[:, None]).sum(dim=(2, 3))], dim=1)
        kept = self.dropout(pooled)  # maps and embedding are of all features, so maps stay exact
        if training_head and targets is not None:
            logits = self.head.training_logits(kept, targets)
        else:
            logits = self.head.logits(kept)
        out = Output(logits, pooled, acts, features, None, outline, where)
        return out if targets is None else out._replace(evidence=self.evidence(out, targets))

    def cam(self, out: Output, targets: Tensor) -> Tensor:
        """(n, h, w) map of each sample's target class, not normalized: Grad-CAM, or gradient times
        activation at every position (HiResCAM) where the network attends; both are exact."""
        return self.evidence(out, targets).relu()

    def evidence(self, out: Output, targets: Tensor) -> Tensor:
        """(n, h, w) evidence for each sample's target class: its map before ReLU. Its sum is what
        the target gains."""
        weights = self.head.cam_weights(out.embedding, targets).to(out.acts.dtype)
        if out.where is None:
            return evidence_map(out.acts, weights)
        everywhere, attended = weights.chunk(2, dim=1)
        cells = out.acts[0, 0].numel()
        return evidence_map(out.acts, everywhere) + (
            evidence_map(out.acts, attended) * cells * out.where
        )

    @torch.no_grad()
    def standardize(self, raw: Tensor) -> None:
        """Take mean and deviation of each channel from raw features of the labeled samples."""
        self.mean.copy_(raw.mean(dim=(0, 2, 3), keepdim=True))
        spread = raw.std(dim=(0, 2, 3), keepdim=True, correction=0)  # of a single position: 0
        self.std.copy_(spread.clamp_min(1e-3))


def _attention(acts: Tensor, outline: Tensor | None) -> Tensor:
    """(n, h, w) weights of a mean over the region that the network outlines.

    Their sum is 1 where the outline holds a cell or more, and less where it holds next to nothing:
    what is pooled then fades out, rather than being taken from wherever the noise is highest.
    Before the network outlines, the weights are those of the plain mean. The classes do not train
    the outline: that is what the expert's regions are for.
    """
    if outline is None:
        return torch.full_like(acts[:, 0], 1 / acts[0, 0].numel())
    region = outline.detach().sigmoid()
    return region / region.sum(dim=(1, 2), keepdim=True).clamp_min(1)
