"""Seg-Grad-CAM: what made a model outline a region, for any number of spatial axes."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from foveal.core.errors import EvidenceError
from foveal.explain.cam import grad_cam
from foveal.explain.record import record


def region_target(logits: Tensor, region: Tensor) -> Tensor:
    """(n,) sum of logits over the region; over all positions where the region is empty.

    Args:
        logits: (n, *S) of "foreground".
        region: (n, *S) in [0, 1] or True; what is explained.
    """
    inside = region.to(logits.dtype).flatten(1)
    empty = inside.sum(1, keepdim=True) == 0
    counts = torch.where(empty, torch.ones_like(inside), inside)
    return (logits.flatten(1) * counts).sum(1)


def seg_grad_cam(
    model: nn.Module,
    layer: nn.Module,
    images: Tensor,
    threshold: float = 0.5,
    logits_of: Callable[[Any], Tensor] = lambda output: output,
) -> Tensor:
    """Grad-CAM of the region that a model itself predicts in each image.

    The model's modes, gradients and hooks are as they were afterwards.

    Args:
        model: any module.
        layer: the module inside `model` whose output (n, K, *s) is explained, as the bottleneck.
        images: (n, channels, *S) inputs.
        threshold: probability from which a position belongs to the region.
        logits_of: turns the model's output into (n, *S) logits, where it is not that already.
    Returns:
        (n, *s) maps on the layer's grid, zero or more, not normalized, detached.
    Raises:
        EvidenceError: if the layer did not run, or the logits do not depend on it.
    Source:
        Vinogradova et al. 2020, arXiv:2002.11434, with logits as the network's scores.
    """
    with torch.enable_grad(), record(layer) as tape:
        logits = logits_of(model(images))
        target = region_target(logits, logits.detach().sigmoid() >= threshold).sum()
        if tape.acts is None:
            raise EvidenceError(
                f"the layer to explain ({type(layer).__name__}) must run in the model's forward "
                "pass, but did not; name a layer that does"
            )
        grads = None
        if target.requires_grad:
            (grads,) = torch.autograd.grad(target, tape.acts, allow_unused=True)
        acts = tape.acts.detach()
    if grads is None:
        raise EvidenceError(
            f"the logits must depend on the layer to explain ({type(layer).__name__}), but do not; "
            "name a layer between the image and the logits"
        )
    return grad_cam(acts, grads.detach())
