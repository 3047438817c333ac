"""Heads that see features through their spatial mean: linear and prototypical."""

from typing import Protocol

import torch
from torch import Tensor, nn
from torch.nn import functional

from foveal.core.spec import ModelSpec

NEVER = -1e4  # logit of a class without a prototype: probability 0 in every precision
EMBEDDING = 64


class Head(Protocol):
    """What a network needs from a head."""

    def logits(self, pooled: Tensor) -> Tensor:
        """(n, D) pooled features to (n, C) logits."""
        ...

    def training_logits(self, pooled: Tensor, labels: Tensor) -> Tensor:
        """Logits for the loss; may use the labels of the other samples of the batch."""
        ...

    def cam_weights(self, pooled: Tensor, targets: Tensor) -> Tensor:
        """(n, D) gradient of each sample's target logit with respect to its pooled features."""
        ...

    def settle(self, pooled: Tensor, labels: Tensor) -> None:
        """Take in all labeled samples at once, after training."""
        ...


class LinearHead(nn.Module):
    """Logits W h + b."""

    def __init__(self, features: int, classes: int) -> None:
        super().__init__()
        self.linear = nn.Linear(features, classes)

    def logits(self, pooled: Tensor) -> Tensor:
        return self.linear(pooled)  # type: ignore[no-any-return]

    def training_logits(self, pooled: Tensor, labels: Tensor) -> Tensor:
        return self.logits(pooled)

    def cam_weights(self, pooled: Tensor, targets: Tensor) -> Tensor:
        return self.linear.weight[targets]

    def settle(self, pooled: Tensor, labels: Tensor) -> None:
        return


class PrototypeHead(nn.Module):
    """Logits -|e - prototype| / T with e = P h / |P h|; a prototype is the mean of its class.

    In training every sample is a query once, against prototypes of all *other* samples of its
    batch (leave-one-out). EGxFSL samples episodes of a few support images instead; using the
    whole batch gives the same expectation with less noise. For evaluation the prototypes are
    those of all labeled samples, not of the last episode.

    Source:
        Snell et al. 2017, arXiv:1703.05175; EGxFSL, arXiv:2509.08007.
    """

    prototypes: Tensor
    counts: Tensor

    def __init__(self, features: int, classes: int, temperature: float, squared: bool) -> None:
        super().__init__()
        self.project = nn.Linear(features, EMBEDDING)
        self.temperature = temperature
        self.squared = squared
        self.register_buffer("prototypes", torch.zeros(classes, EMBEDDING))
        self.register_buffer("counts", torch.zeros(classes))

    def embed(self, pooled: Tensor) -> Tensor:
        """(n, D) pooled features to (n, E) unit vectors."""
        return functional.normalize(self.project(pooled), dim=1)

    def logits(self, pooled: Tensor) -> Tensor:
        e = self.embed(pooled)
        gaps = e[:, None] - self.prototypes.to(e.dtype)[None]
        return self._logits(gaps).masked_fill(self.counts == 0, NEVER)

    def training_logits(self, pooled: Tensor, labels: Tensor) -> Tensor:
        e = self.embed(pooled)
        sums, counts = self._class_sums(e, labels)
        with torch.no_grad():
            self.prototypes.copy_(sums / counts.clamp_min(1)[:, None])
            self.counts.copy_(counts)
        own = functional.one_hot(labels, len(counts)).to(e.dtype)
        left = counts[None] - own  # support that remains for each query and class
        centers = (sums[None] - own[:, :, None] * e[:, None]) / left.clamp_min(1)[..., None]
        logits = self._logits(e[:, None] - centers).masked_fill(left == 0, NEVER)
        # Alone in its class a sample stands for it: it learns to keep away from the others.
        return logits.masked_fill((left == 0) & own.bool(), 0)

    def cam_weights(self, pooled: Tensor, targets: Tensor) -> Tensor:
        u = self.project(pooled)
        norm = u.norm(dim=1, keepdim=True).clamp_min(1e-12)
        e = u / norm
        gap = e - self.prototypes.to(e.dtype)[targets].detach()
        if self.squared:
            slope = -2 * gap / self.temperature
        else:
            slope = -gap / _length(gap)[..., None] / self.temperature
        tangent = (slope - (slope * e).sum(1, keepdim=True) * e) / norm
        weights: Tensor = tangent @ self.project.weight.to(tangent.dtype)
        # Constants for the explanation loss, as in EGxFSL. Their own gradient turns with the
        # direction of a gap that training makes small: through it, maps and classes get worse.
        return weights.detach()

    @torch.no_grad()
    def settle(self, pooled: Tensor, labels: Tensor) -> None:
        sums, counts = self._class_sums(self.embed(pooled), labels)
        self.prototypes.copy_(sums / counts.clamp_min(1)[:, None])
        self.counts.copy_(counts)

    def _class_sums(self, e: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
        own = functional.one_hot(labels, len(self.counts)).to(e.dtype)
        return own.T @ e, own.sum(0)

    def _logits(self, gaps: Tensor) -> Tensor:
        distance = gaps.square().sum(-1) if self.squared else _length(gaps)
        logits: Tensor = -distance / self.temperature
        return logits


def _length(gaps: Tensor) -> Tensor:
    # Rounded off at zero: the slope of a length jumps there, and a mean of equals lies there.
    return (gaps.square().sum(-1) + 1e-12).sqrt()


def build_head(spec: ModelSpec, features: int, classes: int) -> LinearHead | PrototypeHead:
    """The head a spec names."""
    if spec.head == "linear":
        return LinearHead(features, classes)
    return PrototypeHead(features, classes, spec.temperature, spec.distance == "squared")
