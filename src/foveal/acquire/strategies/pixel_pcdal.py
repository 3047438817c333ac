"""PCDAL over pixels: pictures whose outline changes when they are flipped."""

import numpy as np

from foveal.acquire.registry import SEGMENTATION, Facts, scorer
from foveal.core.arrays import FloatArray


def _why(facts: Facts) -> str:
    change = f"probabilities of pixels change by {facts['score'] ** 0.5:.2f} from view to view"
    return f"{change}; {facts['standing']}"


@scorer("pixel_pcdal", needs=("pixel_view_variance",), tasks=SEGMENTATION, why=_why)
def pixel_pcdal(pixel_view_variance: FloatArray) -> FloatArray:
    """Variance of a pixel's probability over views of the picture, averaged over pixels.

    Maps of flipped views are flipped back before they are compared. Where left and right matter,
    use views that add noise.

    Args:
        pixel_view_variance: (n,) mean over pixels and views of (p_v - mean p)^2, in [0, 0.25].

    Returns:
        (n,) the same; 0 where all views agree, as for a model that flips do not sway.
    Source:
        PCDAL 2023, arXiv:2306.16918.
    """
    return np.asarray(pixel_view_variance, dtype=np.float64)
