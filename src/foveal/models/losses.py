"""Losses: cross-entropy with class weights, the explanation loss, and the region loss."""

import torch
from torch import Tensor
from torch.nn import functional

from foveal.explain import normalize_map
from foveal.models.network import Output

EPSILON = 1e-6


def explanation_loss(cam: Tensor, region: Tensor, bought: Tensor, empty: str = "skip") -> Tensor:
    """1 - soft Dice of the normalized map and the expert's region, mean over samples that count.

    The gradient reaches the network through activations, and through the weights of a linear
    head: the map must not be detached. Unlike EGxFSL this takes maps before their ReLU: where the
    evidence for a class is negative everywhere, a rectified map is zero, has no gradient, and is
    never mended.

    Args:
        cam: (n, *S) evidence maps of the true class, of any sign, not normalized.
        region: (n, *S) regions in [0, 1] on the map's grid.
        bought: (n,) True where the expert gave a region (perhaps an empty one).
        empty: samples whose region is empty: "skip" leaves them out; "suppress" asks for a map
            of low mean, for there a high map of the class has nothing to point at.
    Returns:
        scalar in [0, 1]; 0, with a graph, where no sample counts.
    Source:
        EGxFSL, arXiv:2509.08007; the smoothing constant is that of its released code.
    """
    cam, region = cam.float(), region.float()
    full = region.flatten(1).sum(1) > 0
    scaled = normalize_map(cam)
    both = (scaled * region).flatten(1).sum(1)
    total = (scaled + region).flatten(1).sum(1)
    terms = 1 - (2 * both + EPSILON) / (total + EPSILON)
    if empty == "suppress":
        # A normalized map always reaches 1, so its height is measured before normalization.
        mean = cam.relu().flatten(1).mean(1)
        terms = torch.where(full, terms, mean / (1 + mean))
        counts = bought
    else:
        counts = bought & full
    weights = counts.to(terms.dtype)
    return (terms * weights).sum() / weights.sum().clamp_min(1)


def explanation_gradient(out: Output, evidence: Tensor, region: Tensor) -> Tensor:
    """Gradient of each sample's own explanation loss with respect to its class's weights.

    The map is linear in these weights, so the chain rule ends in one product; only the way from
    map to loss is left to autograd.

    Args:
        out: the forward pass of a network with a linear head.
        evidence: (n, *S) maps of a class before ReLU.
        region: (n, *S) in [0, 1]; NaN where unknown.
    Returns:
        (n, E); 0 where the region is empty or unknown.
    """
    # Tensors of inference mode cannot carry gradients; copies made outside of it can.
    with torch.inference_mode(False), torch.enable_grad():
        cam = evidence.detach().clone().float().requires_grad_()
        known = region.nan_to_num().clone()
        counts = torch.ones(len(cam), dtype=torch.bool, device=cam.device)
        # The loss is a mean over the samples that count: times their number, each has its own.
        total = explanation_loss(cam, known, counts) * (known.flatten(1).sum(1) > 0).sum()
        (slope,) = torch.autograd.grad(total, cam)
    acts = out.acts.float()
    gradient: Tensor = torch.einsum("n...,nd...->nd", slope, acts) / acts[0, 0].numel()
    if out.where is None:
        return gradient
    attended: Tensor = torch.einsum("n...,nd...->nd", slope * out.where.float(), acts)
    return torch.cat([gradient, attended], dim=1)


def region_loss(logits: Tensor, regions: Tensor, bought: Tensor) -> Tensor:
    """Cross-entropy at every position plus 1 - soft Dice of the whole batch, on soft regions.

    Of the whole batch, since the Dice of a single empty region says nothing.

    Args:
        logits: (n, *S) of "an expert would outline this".
        regions: (n, *S) in [0, 1]; an empty one teaches that nothing is there.
        bought: (n,) True where the expert gave a region; the others do not count.
    Returns:
        scalar, 0 or more; 0, with a graph, where no sample counts.
    """
    if not bought.any():
        return logits.sum() * 0
    logits, regions = logits[bought].float(), regions[bought].float()
    crossed = functional.binary_cross_entropy_with_logits(logits, regions)
    probs = logits.sigmoid()
    both = (probs * regions).sum()
    return crossed + 1 - (2 * both + 1) / (probs.sum() + regions.sum() + 1)


def classification_loss(logits: Tensor, labels: Tensor, weights: Tensor | None) -> Tensor:
    """Cross-entropy, mean over samples; `weights` (C,) per class or None."""
    return functional.cross_entropy(logits.float(), labels, weight=weights)


def balanced_weights(labels: Tensor, classes: int) -> Tensor:
    """(C,) weights inverse to class frequency, 1 on average over samples; absent classes get 0."""
    counts = torch.bincount(labels, minlength=classes).float()
    present = counts > 0
    weights = torch.where(present, len(labels) / counts.clamp_min(1), torch.zeros_like(counts))
    return weights / present.sum()
