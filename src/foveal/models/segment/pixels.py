"""Scores of pixels, and how those of one sample become one number: plain tensor functions."""

import math

import torch
from torch import Tensor


def binary_entropy(probs: Tensor) -> Tensor:
    """Nats in [0, ln 2] of probabilities of foreground; highest at one half, 0 at 0 and 1."""
    return foreground_term(probs) + foreground_term(1 - probs)


def foreground_term(probs: Tensor) -> Tensor:
    """-p ln p: half of an entropy, highest at 1 / e; what released code takes for the whole."""
    return -torch.xlogy(probs, probs)


def mean_of(values: Tensor) -> Tensor:
    """(n,) mean over all pixels of (n, *S)."""
    return values.flatten(1).mean(1)


def sum_of(values: Tensor) -> Tensor:
    """(n,) sum over all pixels of (n, *S)."""
    return values.flatten(1).sum(1)


def mean_of_top(values: Tensor, share: float) -> Tensor:
    """(n,) mean of the highest pixels of (n, *S): a share of them in (0, 1], one at least."""
    flat = values.flatten(1)
    count = max(1, math.ceil(share * flat.shape[1]))
    return flat.topk(count, dim=1, sorted=False).values.mean(1)


def mean_where(values: Tensor, where: Tensor) -> Tensor:
    """(n,) mean of (n, *S) over the pixels that count; 0 where none does."""
    return sum_of(values * where) / sum_of(where.float()).clamp_min(1)


def share_of(where: Tensor) -> Tensor:
    """(n,) share of the pixels that count."""
    return mean_of(where.float())


def signed_difference(images: Tensor) -> Tensor:
    """(n, *S) in [-1, 1] from the third channel of (n, 3, *S), whose one half is no difference."""
    return 2 * images[:, 2] - 1


def relative_difference(images: Tensor) -> Tensor:
    """(n, *S) in [0, 1]: |difference| beside the largest of the image; 0 where nothing differs."""
    size = signed_difference(images).abs()
    largest = size.flatten(1).amax(1).view(-1, *[1] * (size.ndim - 1))
    return size / largest.clamp_min(torch.finfo(size.dtype).tiny)
