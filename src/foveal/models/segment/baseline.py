"""How much the baseline of a candidate is like those of the labeled samples."""

from collections.abc import Iterator

import torch
from torch import Tensor
from torch.nn import functional

from foveal.core.arrays import IntArray
from foveal.models.inputs import Inputs, to_tensor

BINS = 20  # of each axis of the joint histogram
MOST_POSITIONS = 4096  # 64 x 64, or 16 x 16 x 16: larger images are shrunk before they are binned
TOGETHER = 128  # labeled samples whose histograms are counted at once


def mean_direction(inputs: Inputs, rows: IntArray, batch_size: int, device: torch.device) -> Tensor:
    """(P,) mean over rows of the first channel scaled to length 1; a black one counts as zero.

    The cosine similarity of an image to it, not scaled again, is the mean of the similarities.
    """
    total = torch.zeros(())
    for images in _batches(inputs, rows, batch_size, device):
        total = total.to(device) + directions(images).sum(0)
    return total / len(rows)


def directions(images: Tensor) -> Tensor:
    """(n, P) the first channel of (n, channels, *S), scaled to length 1."""
    return functional.normalize(images[:, 0].flatten(1).float(), dim=1)


def labeled_bins(inputs: Inputs, rows: IntArray, batch_size: int, device: torch.device) -> Tensor:
    """(m, P) bins of the first channel of some rows; P is at most `MOST_POSITIONS`."""
    return torch.cat([binned(images) for images in _batches(inputs, rows, batch_size, device)])


def binned(images: Tensor) -> Tensor:
    """(n, P) bin of each position of the first channel: `BINS` of one width from low to high.

    Images of more than `MOST_POSITIONS` are first shrunk by averaging, each side alike.
    """
    first = images[:, :1].float()
    sides = tuple(first.shape[2:])
    most = round(MOST_POSITIONS ** (1 / len(sides)))
    pool = functional.adaptive_avg_pool2d if len(sides) == 2 else functional.adaptive_avg_pool3d
    flat = pool(first, tuple(min(side, most) for side in sides)).flatten(1)
    low, high = flat.amin(1, keepdim=True), flat.amax(1, keepdim=True)
    scaled = (flat - low) / (high - low).clamp_min(torch.finfo(flat.dtype).tiny)
    return (scaled * BINS).long().clamp_max(BINS - 1).to(torch.uint8)


def mean_information(images: Tensor, labeled: Tensor) -> Tensor:
    """Mutual information of intensities at one position, mean over labeled samples.

    Memory does not depend on how many samples are labeled, beyond their bins.

    Args:
        images: (n, channels, *S), of which the first channel counts.
        labeled: (m, P) as `labeled_bins` gives them.
    Returns:
        (n,) nats in [0, ln 20].
    Source:
        arXiv:2511.18007 (LMI-AL), whose released code has joint histograms of 20 bins.
    """
    found = []
    for bins in binned(images):
        parts = [information(joint_counts(bins, some)).sum() for some in labeled.split(TOGETHER)]
        found.append(torch.stack(parts).sum() / len(labeled))
    return torch.stack(found)


def joint_counts(bins: Tensor, others: Tensor) -> Tensor:
    """(m, BINS, BINS) positions with each pair of bins, of (P,) and each of (m, P)."""
    m = len(others)
    pairs = bins.long() * BINS + others.long()
    pairs += BINS * BINS * torch.arange(m, device=pairs.device)[:, None]
    counts = torch.bincount(pairs.flatten(), minlength=m * BINS * BINS)
    return counts.view(m, BINS, BINS)


def information(counts: Tensor) -> Tensor:
    """(m,) nats of mutual information from (m, a, b) joint counts."""
    joint = counts.double() / counts.sum((1, 2), keepdim=True)
    apart = joint.sum(2, keepdim=True) * joint.sum(1, keepdim=True)
    # Where joint is 0 so is its term; where joint is more than 0, so is `apart`.
    terms = torch.xlogy(joint, joint) - torch.xlogy(joint, apart)
    return terms.sum((1, 2)).clamp_min(0)


def _batches(
    inputs: Inputs, rows: IntArray, batch_size: int, device: torch.device
) -> Iterator[Tensor]:
    for start in range(0, len(rows), batch_size):
        yield to_tensor(inputs, rows[start : start + batch_size], device)
