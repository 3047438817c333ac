"""Adversarial perturbation: samples that a small change carries over to another class."""

import numpy as np

from foveal.acquire.registry import Facts, scorer
from foveal.core.arrays import FloatArray
from foveal.core.errors import EvidenceError


def _why(facts: Facts) -> str:
    change = f"a change of the image by {-facts['score']:.3g} flips the prediction"
    return f"{change}; {facts['standing']}"


@scorer("deepfool", needs=("deepfool_distance",), why=_why)
def deepfool(deepfool_distance: FloatArray) -> FloatArray:
    """Closeness to the decision boundary, measured by DeepFool's smallest perturbation.

    Args:
        deepfool_distance: (n,) norm of the change that flips the predicted class, at least 0.

    Returns:
        (n,) minus the distance, at most 0: the smallest change is asked first.

    Raises:
        EvidenceError: if a distance is negative.
    Source:
        Ducoffe and Precioso 2018, Adversarial Active Learning for Deep Networks, arXiv:1802.09841.
    """
    return _closeness("deepfool_distance", deepfool_distance)


@scorer("bim", needs=("bim_distance",), why=_why)
def bim(bim_distance: FloatArray) -> FloatArray:
    """Closeness to the decision boundary, measured by steps along the sign of the gradient.

    Args:
        bim_distance: (n,) norm of the change by which the basic iterative method flips the
            predicted class, at least 0.

    Returns:
        (n,) minus the distance, at most 0: the smallest change is asked first.

    Raises:
        EvidenceError: if a distance is negative.
    Source:
        The method: Kurakin, Goodfellow and Bengio 2017, arXiv:1607.02533; as a query strategy
        Ducoffe and Precioso 2018, arXiv:1802.09841, and Zhan et al. 2022, arXiv:2203.13450.
    """
    return _closeness("bim_distance", bim_distance)


def _closeness(name: str, distance: FloatArray) -> FloatArray:
    away = np.asarray(distance, dtype=np.float64)
    if away.size and away.min() < 0:
        raise EvidenceError(
            f"`{name}` must be at least 0, but holds {away.min():.4g}; give the norm of the change"
        )
    return 0.0 - away
