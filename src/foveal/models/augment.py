"""Augmentation that moves image and region together."""

import torch
from torch import Tensor
from torch.nn import functional

LARGEST_ROTATION = 0.26  # radians, 15 degrees
LARGEST_SHIFT = 0.08  # of the side
SCALES = (0.9, 1.15)
CONTRAST = 0.2
BRIGHTNESS = 0.1


def augment(images: Tensor, regions: Tensor, flips: bool = True) -> tuple[Tensor, Tensor]:
    """Random flip, rotation, scale and shift of both; contrast and brightness of the image only.

    Chance comes from torch's current generator, so the caller seeds it.

    Args:
        images: (n, channels, H, W) in [0, 1].
        regions: (n, H, W) in [0, 1].
    Returns:
        images and regions of the same shapes, still in [0, 1].
    """
    n = len(images)
    grid = functional.affine_grid(_transforms(n, flips), [n, 1, *images.shape[2:]], False)
    grid = grid.to(images.device)
    both = torch.cat([images, regions[:, None].to(images.dtype)], 1)
    moved = functional.grid_sample(both, grid, padding_mode="zeros", align_corners=False)
    gain = 1 + CONTRAST * (2 * torch.rand(n, 1, 1, 1) - 1).to(images.device)
    shift = BRIGHTNESS * (2 * torch.rand(n, 1, 1, 1) - 1).to(images.device)
    return (moved[:, :-1] * gain + shift).clamp(0, 1), moved[:, -1].clamp(0, 1)


def _transforms(n: int, flips: bool) -> Tensor:
    angle = LARGEST_ROTATION * (2 * torch.rand(n) - 1)
    scale = torch.empty(n).uniform_(*SCALES)
    mirror = torch.where(torch.rand(n) < 0.5, -1.0, 1.0) if flips else torch.ones(n)
    shift = LARGEST_SHIFT * (2 * torch.rand(n, 2) - 1)
    cos, sin = angle.cos() / scale, angle.sin() / scale
    rows = [torch.stack([cos * mirror, -sin, shift[:, 0]], 1)]
    rows.append(torch.stack([sin * mirror, cos, shift[:, 1]], 1))
    return torch.stack(rows, 1)
