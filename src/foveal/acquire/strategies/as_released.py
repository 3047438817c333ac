"""As released: scores of published longitudinal active learning, flaws and all, to reproduce it.

Each has a correct form beside it, which the docstring names. Nothing else should ask with these.
"""

import numpy as np

from foveal.acquire.registry import SEGMENTATION, Facts, Scored, scorer
from foveal.core.arrays import FloatArray

SOURCE = "Ma et al. 2025, longitudinal active learning for new lesions, released code."


def _why_entropy(facts: Facts) -> str:
    return f"as released: one-sided entropy {facts['score']:.4g}; {facts['standing']}"


def _why_least_confidence(facts: Facts) -> str:
    return f"as released: summed probability {-facts['score']:.4g}; {facts['standing']}"


def _why_margin(facts: Facts) -> str:
    return "as released: one of the last in the list, whatever the model says"


def _why_bald(facts: Facts) -> str:
    return f"as released: one-sided information {facts['score']:.4g}; {facts['standing']}"


@scorer(
    "released_entropy",
    needs=("released_entropy",),
    tasks=SEGMENTATION,
    source=SOURCE,
    why=_why_entropy,
    reproduction=True,
)
def released_entropy(released_entropy: FloatArray) -> FloatArray:
    """For reproduction only: the foreground term of the entropy, summed over pixels.

    Without the term of the background it is highest at p = 1/e (.37) rather than at one half, and
    sums favor large structures. Correct: `pixel_entropy`.

    Args:
        released_entropy: (n,) sum over pixels of -p ln p, at least 0.

    Returns:
        (n,) the same.
    Source:
        Ma et al. 2025, longitudinal active learning for new lesions, released code.
    """
    return np.asarray(released_entropy, dtype=np.float64)


@scorer(
    "released_least_confidence",
    needs=("released_confidence",),
    tasks=SEGMENTATION,
    source=SOURCE,
    why=_why_least_confidence,
    reproduction=True,
)
def released_least_confidence(released_confidence: FloatArray) -> FloatArray:
    """For reproduction only: the smallest sum of foreground probabilities, the emptiest pictures.

    A picture that is certainly empty is asked first. Correct: `pixel_least_confidence`.

    Args:
        released_confidence: (n,) sum over pixels of p, at least 0.

    Returns:
        (n,) minus the sum, at most 0.
    Source:
        Ma et al. 2025, longitudinal active learning for new lesions, released code.
    """
    return 0.0 - np.asarray(released_confidence, dtype=np.float64)


@scorer(
    "released_margin",
    needs=("released_confidence",),
    tasks=SEGMENTATION,
    source=SOURCE,
    why=_why_margin,
    reproduction=True,
)
def released_margin(released_confidence: FloatArray) -> Scored:
    """For reproduction only: the last candidates of the list, whatever the model says.

    The code sorts the sums, forms margins of the sorted ones, and takes positions among these for
    positions in the pool. The last of the list come first (equal margins aside). The engine lists
    candidates by a hash, so that there it is a random draw; as a function of rows in their own
    order it does what was released. Correct: `pixel_margin`.

    Args:
        released_confidence: (n,) sum over pixels of p, at least 0.

    Returns:
        Scored with (n,) minus the place: 0 for the first that the code takes, then -1.
    Source:
        Ma et al. 2025, longitudinal active learning for new lesions, released code.
    """
    in_order = np.sort(np.asarray(released_confidence, dtype=np.float64))[::-1]
    gap = 2 * in_order - 1
    score = np.empty(gap.size)
    score[np.argsort(gap, kind="stable")] = 0.0 - np.arange(gap.size)
    return Scored(score, notes=("the margins had no say: the list's order alone decides",))


@scorer(
    "released_bald",
    needs=("released_bald",),
    tasks=SEGMENTATION,
    source=SOURCE,
    why=_why_bald,
    reproduction=True,
)
def released_bald(released_bald: FloatArray) -> FloatArray:
    """For reproduction only: mutual information with the foreground's term alone, summed.

    The released network has no dropout, so that all draws agree, the information is 0 up to
    rounding, and the choice arbitrary. Correct: `pixel_bald`.

    Args:
        released_bald: (n,) sum over pixels, foreground terms only; of any sign.

    Returns:
        (n,) the same.
    Source:
        Ma et al. 2025, longitudinal active learning for new lesions, released code.
    """
    return np.asarray(released_bald, dtype=np.float64)
