"""Segmentation metrics: how far a predicted mask and the reference's cover each other."""

import numpy as np

from foveal.core.arrays import BoolArray
from foveal.evaluate.checks import check_masks


def dice(prediction: BoolArray, reference: BoolArray) -> float:
    """Foreground Dice: twice the common foreground, divided by the foregrounds together.

    Args:
        prediction: boolean mask of any rank.
        reference: the same shape.

    Returns:
        A number in [0, 1]; 1 where both are empty, 0 where one is.

    Raises:
        EvidenceError: if the masks do not fit together.

    Source:
        Dice 1945, Measures of the amount of ecologic association between species.
    """
    check_masks(prediction, reference)
    both = np.count_nonzero(prediction & reference)
    together = np.count_nonzero(prediction) + np.count_nonzero(reference)
    return 2 * both / together if together else 1.0


def two_class_dice(prediction: BoolArray, reference: BoolArray) -> float:
    """Mean of the foreground's and the background's Dice, to compare with code that reports it.

    The background of a scan is large and easy, so that this number flatters: a model that finds
    nothing has about one half. It is no measure of how well lesions are outlined.

    Args:
        prediction: boolean mask of any rank.
        reference: the same shape.

    Returns:
        A number in [0, 1].

    Raises:
        EvidenceError: if the masks do not fit together.
    """
    return (dice(prediction, reference) + dice(~prediction, ~reference)) / 2


def voxel_recall(prediction: BoolArray, reference: BoolArray) -> float | None:
    """Share of the reference's foreground that is predicted.

    Args:
        prediction: boolean mask of any rank.
        reference: the same shape.

    Returns:
        A number in [0, 1]; None where the reference is empty.

    Raises:
        EvidenceError: if the masks do not fit together.
    """
    check_masks(prediction, reference)
    there = np.count_nonzero(reference)
    return np.count_nonzero(prediction & reference) / there if there else None


def voxel_precision(prediction: BoolArray, reference: BoolArray) -> float | None:
    """Share of the predicted foreground that is right.

    Args:
        prediction: boolean mask of any rank.
        reference: the same shape.

    Returns:
        A number in [0, 1]; None where the prediction is empty.

    Raises:
        EvidenceError: if the masks do not fit together.
    """
    return voxel_recall(reference, prediction)
