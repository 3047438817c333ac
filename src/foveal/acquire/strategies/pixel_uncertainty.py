"""Uncertainty over the pixels of a picture: mean entropy, that of the top, confidence, margin."""

import math

import numpy as np

from foveal.acquire.registry import SEGMENTATION, Facts, scorer
from foveal.core.arrays import FloatArray

MOST = math.log(2)  # entropy of a pixel that is as likely foreground as background


def _why_entropy(facts: Facts) -> str:
    mean = f"pixels have a mean entropy of {facts['score']:.2g} of at most {MOST:.2f}"
    return f"{mean}; {facts['standing']}"


def _why_top(facts: Facts) -> str:
    top = f"its least certain pixels have a mean entropy of {facts['score']:.2g}"
    return f"{top} of at most {MOST:.2f}; {facts['standing']}"


def _why_least_confidence(facts: Facts) -> str:
    return f"pixels are right with probability {1 - facts['score']:.2f}; {facts['standing']}"


def _why_margin(facts: Facts) -> str:
    gap = f"foreground and background are {1 - facts['score']:.2f} apart in the mean pixel"
    return f"{gap}; {facts['standing']}"


@scorer("pixel_entropy", needs=("pixel_entropy",), tasks=SEGMENTATION, why=_why_entropy)
def pixel_entropy(pixel_entropy: FloatArray) -> FloatArray:
    """Entropy of foreground against background, both terms, averaged over all pixels.

    The mean over all pixels asks for large uncertain structures: a small lesion hardly moves it.
    `pixel_entropy_top` looks at the least certain pixels only.

    Args:
        pixel_entropy: (n,) mean over pixels of -p ln p - (1 - p) ln(1 - p), in [0, ln 2].

    Returns:
        (n,) the same, nats; 0 where every pixel is certain.
    Source:
        Shannon 1948; over pixels as in nnActive 2025, arXiv:2511.19183, and in the correct form of
        the entropy of Ma et al. 2025 (longitudinal active learning).
    """
    return np.asarray(pixel_entropy, dtype=np.float64)


@scorer("pixel_entropy_top", needs=("pixel_entropy_top",), tasks=SEGMENTATION, why=_why_top)
def pixel_entropy_top(pixel_entropy_top: FloatArray) -> FloatArray:
    """Entropy averaged over the least certain pixels of a picture, so that small lesions count.

    Args:
        pixel_entropy_top: (n,) mean entropy of the share `segment.top_share` of the pixels with
            the highest, in [0, ln 2].

    Returns:
        (n,) the same, nats.
    Source:
        Top-q mean of a map of uncertainty; the lift from pixels to pictures is discussed in
        nnActive 2025, arXiv:2511.19183.
    """
    return np.asarray(pixel_entropy_top, dtype=np.float64)


@scorer(
    "pixel_least_confidence",
    needs=("pixel_confidence",),
    tasks=SEGMENTATION,
    why=_why_least_confidence,
)
def pixel_least_confidence(pixel_confidence: FloatArray) -> FloatArray:
    """What the likelier of foreground and background leaves to the other, averaged over pixels.

    Args:
        pixel_confidence: (n,) mean over pixels of max(p, 1 - p), in [0.5, 1].

    Returns:
        (n,) one minus the confidence, in [0, 0.5]; 0 where every pixel is certain.
    Source:
        Lewis and Gale 1994, over pixels; not the smallest sum of probabilities of published code,
        which asks for empty pictures (see `released_least_confidence`).
    """
    left: FloatArray = 1.0 - np.asarray(pixel_confidence, dtype=np.float64)
    return left


@scorer("pixel_margin", needs=("pixel_margin",), tasks=SEGMENTATION, why=_why_margin)
def pixel_margin(pixel_margin: FloatArray) -> FloatArray:
    """How close foreground and background come to each other, averaged over pixels.

    With two classes it ranks as `pixel_least_confidence` does: one is half the other.

    Args:
        pixel_margin: (n,) mean over pixels of |2p - 1|, in [0, 1].

    Returns:
        (n,) one minus the margin, in [0, 1]; 1 where every pixel is at one half.
    Source:
        Scheffer, Decomain and Wrobel 2001, over pixels.
    """
    left: FloatArray = 1.0 - np.asarray(pixel_margin, dtype=np.float64)
    return left
