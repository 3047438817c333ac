"""Class activation maps as tensor functions, for any number of spatial axes."""

import torch
from torch import Tensor
from torch.nn import functional

LINEAR_INTERPOLATION = {1: "linear", 2: "bilinear", 3: "trilinear"}
SMALLEST_RANGE = 1e-8  # a map that spans less than this is constant


def evidence_map(acts: Tensor, weights: Tensor) -> Tensor:
    """`pooled_cam` before its ReLU: (n, *S) of any sign; its sum is what the target gains.

    Args and Returns: as `pooled_cam`.
    """
    return torch.einsum("nk,nk...->n...", weights, acts) / acts[0, 0].numel()


def pooled_cam(acts: Tensor, weights: Tensor) -> Tensor:
    """Grad-CAM in closed form, for heads that see activations through their spatial mean only.

    There the gradient of a target with respect to every position of channel k is the same number:
    its gradient with respect to the mean, divided by the number of positions. No backward pass is
    needed, and the map can be trained through.

    Args:
        acts: (n, K, *S) activations that the head pools.
        weights: (n, K) gradient of each sample's target with respect to the pooled activations;
            for a linear head the target class's row of its weight matrix.
    Returns:
        (n, *S) maps, zero or more, not normalized.
    Source:
        Zhou et al. 2016, arXiv:1512.04150; equality with Grad-CAM: Selvaraju et al. 2017,
        arXiv:1610.02391, section 3.1.
    """
    return evidence_map(acts, weights).relu()


def grad_cam(acts: Tensor, grads: Tensor) -> Tensor:
    """Grad-CAM from recorded activations and gradients.

    Args:
        acts: (n, K, *S) activations of a layer.
        grads: (n, K, *S) gradient of each sample's target with respect to them.
    Returns:
        (n, *S) maps, zero or more, not normalized.
    Source:
        Selvaraju et al. 2017, arXiv:1610.02391.
    """
    weights = grads.flatten(2).mean(-1)
    return torch.einsum("nk,nk...->n...", weights, acts).relu()


def normalize_map(cam: Tensor) -> Tensor:
    """Each map scaled to span [0, 1]; a constant map, which points nowhere, becomes all zero.

    Args:
        cam: (n, *S) maps.
    Returns:
        (n, *S) in [0, 1]; differentiable with respect to `cam`.
    """
    flat = cam.flatten(1)
    low = flat.amin(1, keepdim=True)
    span = flat.amax(1, keepdim=True) - low
    # Maps of a nearly dead head are tiny but not constant: judge the span beside the map itself.
    alive = span > SMALLEST_RANGE * flat.abs().amax(1, keepdim=True).clamp_min(1e-30)
    scaled = (flat - low) / span.clamp_min(torch.finfo(flat.dtype).tiny)
    return torch.where(alive, scaled, torch.zeros_like(scaled)).view_as(cam)


def resize_map(cam: Tensor, size: tuple[int, ...]) -> Tensor:
    """(n, *S) maps on another grid, by linear interpolation between centers."""
    mode = LINEAR_INTERPOLATION[cam.ndim - 1]
    resized = functional.interpolate(cam[:, None], size=size, mode=mode, align_corners=False)
    return resized[:, 0]
