"""Losses of segmentation: from logits, on masks that may be soft or empty."""

from collections.abc import Callable

from torch import Tensor
from torch.nn import functional

from foveal.core.segment_spec import SegmentSpec

SMOOTH = 1.0  # pixels; what is empty on both sides agrees
SMALLEST_GAP = 1e-8  # its powers below 1 would have no finite slope at 0

SegmentLossFunction = Callable[[Tensor, Tensor], Tensor]


def soft_dice_loss(logits: Tensor, masks: Tensor) -> Tensor:
    """1 - soft Dice of the whole batch, of which a single empty mask would say nothing.

    Args:
        logits: (n, *S) of "foreground".
        masks: (n, *S) shares in [0, 1].
    Returns:
        scalar in [0, 1); nearly 0 where all masks are empty and no pixel is predicted.
    Source:
        Milletari et al. 2016, arXiv:1606.04797, with sums instead of sums of squares; over the
        batch: Isensee et al. 2021, doi:10.1038/s41592-020-01008-z.
    """
    probs, masks = logits.float().sigmoid(), masks.float()
    both, either = (probs * masks).sum(), probs.sum() + masks.sum()
    return 1 - (2 * both + SMOOTH) / (either + SMOOTH)


def cross_entropy(logits: Tensor, masks: Tensor) -> Tensor:
    """Binary cross-entropy in nats, mean over pixels.

    Args: as `soft_dice_loss`.
    """
    return functional.binary_cross_entropy_with_logits(logits.float(), masks.float())


def focal_loss(logits: Tensor, masks: Tensor, gamma: float = 2.0) -> Tensor:
    """Cross-entropy times |mask - probability| to the power of gamma, mean over pixels; alpha is 1.

    On masks of 0 and 1 this is the focal loss; on soft ones it is lowest where the probability is
    the mask, which the usual form is not.

    Args:
        logits, masks: as `soft_dice_loss`.
        gamma: 0 gives cross-entropy.
    Source:
        Lin et al. 2017, arXiv:1708.02002; soft masks: Li et al. 2020, arXiv:2006.04388.
    """
    logits, masks = logits.float(), masks.float()
    each = functional.binary_cross_entropy_with_logits(logits, masks, reduction="none")
    gap = (logits.sigmoid() - masks).abs().clamp_min(SMALLEST_GAP)
    return (gap.pow(gamma) * each).mean()


def segment_loss(spec: SegmentSpec) -> SegmentLossFunction:
    """The loss a spec names, of logits and masks."""

    def dice_ce(logits: Tensor, masks: Tensor) -> Tensor:
        return soft_dice_loss(logits, masks) + cross_entropy(logits, masks)

    def focal(logits: Tensor, masks: Tensor) -> Tensor:
        return focal_loss(logits, masks, spec.gamma)

    def dice_focal(logits: Tensor, masks: Tensor) -> Tensor:
        return soft_dice_loss(logits, masks) + focal_loss(logits, masks, spec.gamma)

    losses = {"dice_ce": dice_ce, "focal": focal, "dice_focal": dice_focal}
    return losses[spec.loss]
