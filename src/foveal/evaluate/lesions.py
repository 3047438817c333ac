"""Lesions counted: which are found, and which of the predicted ones are there."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.ndimage import generate_binary_structure, label

from foveal.core.arrays import BoolArray
from foveal.core.errors import EvidenceError
from foveal.evaluate.checks import check_masks, check_spacing

OVERLAP = 0.1
ROUNDING = 1e-9  # a tenth of ten voxels is one voxel


@dataclass(frozen=True, slots=True)
class Lesions:
    """How many lesions the reference has and how many of them are found; how many are predicted
    and how many of them are there."""

    reference: int
    found: int
    predicted: int
    true: int

    @property
    def recall(self) -> float | None:
        """Share of the reference's lesions that are found; None where it has none."""
        return self.found / self.reference if self.reference else None

    @property
    def precision(self) -> float | None:
        """Share of the predicted lesions that are there; None where none is predicted."""
        return self.true / self.predicted if self.predicted else None

    @property
    def f1(self) -> float:
        """Harmonic mean of recall and precision; 1 where there is no lesion at all, 0 where only
        one side has any."""
        recall, precision = self.recall, self.precision
        if recall is None and precision is None:
            return 1.0
        if not recall or not precision:
            return 0.0
        return 2 * recall * precision / (recall + precision)


def count_lesions(
    prediction: BoolArray,
    reference: BoolArray,
    *,
    overlap: float = OVERLAP,
    least: float = 0.0,
    spacing_mm: Sequence[float] | None = None,
) -> Lesions:
    """Lesions of both masks: connected parts, corners included (26 neighbors in 3-D, 8 in 2-D).

    A reference lesion is found if the prediction covers at least the share `overlap` of it, and a
    predicted one is there if the reference covers as much of it; one voxel at the least. A smaller
    lesion than `least` is not counted on either side, but what lies on it is not wrong for that.

    Args:
        prediction: boolean mask of any rank.
        reference: the same shape.
        overlap: in [0, 1].
        least: smallest lesion that counts, in mm3, or in voxels where no spacing is given.
        spacing_mm: size of a voxel along each axis.

    Raises:
        EvidenceError: if masks and spacing do not fit together, or a number is out of range.
    """
    check_masks(prediction, reference)
    if not 0 <= overlap <= 1:
        raise EvidenceError(f"`overlap` must lie in [0, 1], not {overlap}")
    if not 0 <= least < math.inf:
        raise EvidenceError(f"`least` must be a size of 0 or more, not {least}")
    voxel = 1.0 if spacing_mm is None else math.prod(check_spacing(spacing_mm, reference.ndim))
    there, found = _covered(reference, prediction, overlap, least / voxel)
    predicted, true = _covered(prediction, reference, overlap, least / voxel)
    return Lesions(there, found, predicted, true)


def lesion_f1(
    prediction: BoolArray,
    reference: BoolArray,
    *,
    overlap: float = OVERLAP,
    least: float = 0.0,
    spacing_mm: Sequence[float] | None = None,
) -> float:
    """F1 of finding lesions, whatever their size; see `count_lesions`.

    Returns:
        A number in [0, 1]; 1 where neither mask has a lesion that counts, 0 where one has.

    Raises:
        EvidenceError: as for `count_lesions`.

    Source:
        Lesion-wise detection as in Commowick et al. 2018, Objective evaluation of multiple
        sclerosis lesion segmentation, with one threshold of overlap for both sides.
    """
    return count_lesions(
        prediction, reference, overlap=overlap, least=least, spacing_mm=spacing_mm
    ).f1


def _covered(of: BoolArray, by: BoolArray, overlap: float, least: float) -> tuple[int, int]:
    """How many connected parts a mask has, and how many of them another covers."""
    parts, count = label(of, generate_binary_structure(of.ndim, of.ndim))
    size = np.bincount(parts.ravel(), minlength=count + 1)[1:]
    common = np.bincount(parts[by].ravel(), minlength=count + 1)[1:]
    large = size >= least * (1 - ROUNDING)
    hit = (common >= 1) & (common >= overlap * size * (1 - ROUNDING))
    return int(large.sum()), int((large & hit).sum())
