"""Difference of two time points: uncertain where something changed, or changed at all."""

import numpy as np

from foveal.acquire.registry import SEGMENTATION, Facts, scorer
from foveal.core.arrays import FloatArray

SOURCE = "Ma et al. 2025, longitudinal active learning for new lesions; here with both terms."


def _why_entropy(facts: Facts) -> str:
    return f"entropy {facts['score']:.2g} where the time points differ; {facts['standing']}"


def _why_energy(facts: Facts) -> str:
    return f"the time points differ by {facts['score']:.2g} in the mean; {facts['standing']}"


@scorer(
    "difference_entropy",
    needs=("difference_entropy",),
    tasks=SEGMENTATION,
    source=SOURCE,
    why=_why_entropy,
)
def difference_entropy(difference_entropy: FloatArray) -> FloatArray:
    """Entropy of pixels, each weighted by how much it changed between two time points.

    Args:
        difference_entropy: (n,) mean over pixels of the entropy of foreground, both terms, times
            the absolute difference of the time points, scaled to [0, 1]; in [0, ln 2].

    Returns:
        (n,) the same; 0 where what changed is certain, or nothing changed.
    Source:
        Ma et al. 2025, longitudinal active learning for new lesions. The published code has one
        term of the entropy only.
    """
    return np.asarray(difference_entropy, dtype=np.float64)


@scorer(
    "difference_energy",
    needs=("difference_energy",),
    tasks=SEGMENTATION,
    source=SOURCE,
    why=_why_energy,
)
def difference_energy(difference_energy: FloatArray) -> FloatArray:
    """How much changed between two time points, whatever the model says of it.

    A yardstick for `difference_entropy`: it knows the images only, and asks first where change,
    noise or failed registration is largest.

    Args:
        difference_energy: (n,) mean over pixels of the absolute difference of the time points, at
            least 0.

    Returns:
        (n,) the same.
    Source:
        The weight of the difference-weighted entropy of Ma et al. 2025, taken alone.
    """
    return np.asarray(difference_energy, dtype=np.float64)
