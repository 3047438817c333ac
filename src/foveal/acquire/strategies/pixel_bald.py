"""BALD over pixels: where the draws of a network disagree about what is foreground."""

import numpy as np

from foveal.acquire.registry import SEGMENTATION, Facts, scorer
from foveal.core.arrays import FloatArray


def _why(facts: Facts) -> str:
    told = f"a mean pixel would tell {facts['score']:.2g} nats about the model's weights"
    return f"{told}; {facts['standing']}"


@scorer("pixel_bald", needs=("pixel_bald",), tasks=SEGMENTATION, why=_why)
def pixel_bald(pixel_bald: FloatArray) -> FloatArray:
    """Mutual information of a pixel's label and the model's weights, averaged over pixels.

    Args:
        pixel_bald: (n,) mean over pixels of H[mean over draws of p] minus the mean over draws of
            H[p], both terms of the entropy, in [0, ln 2]. Draws are dropout passes with all other
            layers as in prediction, or members of an ensemble.

    Returns:
        (n,) the same, nats; 0 where all draws agree, however unsure they are.
    Source:
        Houlsby et al. 2011, arXiv:1112.5745; with dropout Gal, Islam and Ghahramani 2017,
        arXiv:1703.02910; over pixels.
    """
    return np.asarray(pixel_bald, dtype=np.float64)
