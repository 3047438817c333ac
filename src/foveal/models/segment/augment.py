"""Augmentation that moves image and mask together, in two or three dimensions."""

import torch
from torch import Tensor
from torch.nn import functional

LARGEST_ROTATION = 0.26  # radians, 15 degrees, in the plane of the last two axes
LARGEST_SHIFT = 0.08  # of the side
SCALES = (0.9, 1.15)
LARGEST_GAMMA = 1.35  # and its inverse
LARGEST_NOISE = 0.02  # standard deviation, of intensities in [0, 1]


def augment_pixels(images: Tensor, masks: Tensor, flips: bool = True) -> tuple[Tensor, Tensor]:
    """Random flips, rotation, scale and shift of both; gamma and noise of the images only.

    Brightness and contrast are left alone: the network takes them away itself. What comes in at
    the border repeats the border. Chance comes from torch's current generator.

    Args:
        images: (n, channels, *S) in [0, 1].
        masks: (n, *S) in [0, 1].
        flips: along every axis, each with probability one half.
    Returns:
        images and masks of the same shapes, still in [0, 1].
    """
    n, axes = len(images), images.ndim - 2
    grid = functional.affine_grid(_transforms(n, axes, flips), [n, 1, *images.shape[2:]], False)
    both = torch.cat([images, masks[:, None].to(images.dtype)], 1)
    moved = functional.grid_sample(
        both, grid.to(images.device), padding_mode="border", align_corners=False
    )
    one_each = (n, *[1] * (images.ndim - 1))
    gamma = LARGEST_GAMMA ** (2 * torch.rand(one_each) - 1)
    noise = LARGEST_NOISE * torch.rand(one_each) * torch.randn(images.shape)
    changed = moved[:, :-1].clamp(0, 1) ** gamma.to(images.device) + noise.to(images.device)
    return changed.clamp(0, 1), moved[:, -1].clamp(0, 1)


def _transforms(n: int, axes: int, flips: bool) -> Tensor:
    """(n, axes, axes + 1) maps; torch counts axes from the last one."""
    angle = LARGEST_ROTATION * (2 * torch.rand(n) - 1)
    scale = torch.empty(n).uniform_(*SCALES)
    matrix = torch.eye(axes).repeat(n, 1, 1)
    matrix[:, 0, 0] = matrix[:, 1, 1] = angle.cos() / scale
    matrix[:, 0, 1], matrix[:, 1, 0] = -angle.sin() / scale, angle.sin() / scale
    if flips:
        matrix = matrix * torch.where(torch.rand(n, 1, axes) < 0.5, -1.0, 1.0)
    shift = LARGEST_SHIFT * (2 * torch.rand(n, axes, 1) - 1)
    return torch.cat([matrix, shift], 2)
