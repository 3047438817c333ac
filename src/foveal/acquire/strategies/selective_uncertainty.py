"""Selective uncertainty: entropy where a target is thought to be, and along its boundary."""

from typing import Literal

import numpy as np

from foveal.acquire.registry import SEGMENTATION, Chosen, Facts, scorer, selector
from foveal.core.arrays import FloatArray, IntArray

Turn = Literal["target", "boundary"]
SOURCE = "Ma et al. 2024, Selective Uncertainty Active Learning, arXiv:2401.16298."


def _why_target(facts: Facts) -> str:
    return f"entropy {facts['score']:.2g} where foreground is possible; {facts['standing']}"


def _why_boundary(facts: Facts) -> str:
    return f"entropy {facts['score']:.2g} along the boundary; {facts['standing']}"


def _why(facts: Facts) -> str:
    target, boundary = facts["pixel_entropy_target"], facts["pixel_entropy_boundary"]
    return f"entropy {target:.2g} where foreground is possible, {boundary:.2g} along the boundary"


@scorer(
    "target_aware",
    needs=("pixel_entropy_target",),
    tasks=SEGMENTATION,
    source=SOURCE,
    why=_why_target,
)
def target_aware(pixel_entropy_target: FloatArray) -> FloatArray:
    """Mean entropy of the pixels that may be foreground, so that background does not dilute it.

    Args:
        pixel_entropy_target: (n,) mean entropy over the pixels whose probability is at least
            `segment.target`, in [0, ln 2]; 0 where there is none.

    Returns:
        (n,) the same, nats.
    Source:
        Ma et al. 2024, Selective Uncertainty Active Learning, arXiv:2401.16298.
    """
    return np.asarray(pixel_entropy_target, dtype=np.float64)


@scorer(
    "boundary_aware",
    needs=("pixel_entropy_boundary",),
    tasks=SEGMENTATION,
    source=SOURCE,
    why=_why_boundary,
)
def boundary_aware(pixel_entropy_boundary: FloatArray) -> FloatArray:
    """Entropy along the boundary of what is thought to be foreground.

    Args:
        pixel_entropy_boundary: (n,) of the pixels whose probability is within `segment.band` of
            one half, in [0, ln 2]; 0 where there is none.

    Returns:
        (n,) the same, nats.
    Source:
        Ma et al. 2024, Selective Uncertainty Active Learning, arXiv:2401.16298.
    """
    return np.asarray(pixel_entropy_boundary, dtype=np.float64)


@selector(
    "selective_uncertainty",
    needs=("pixel_entropy_target", "pixel_entropy_boundary"),
    tasks=SEGMENTATION,
    source=SOURCE,
    why=_why,
)
def selective_uncertainty(
    pixel_entropy_target: FloatArray,
    pixel_entropy_boundary: FloatArray,
    k: int,
    rng: np.random.Generator,
    *,
    first: Turn = "target",
) -> Chosen:
    """By turns the picture that is least certain of its target and the one least of its boundary.

    Args:
        pixel_entropy_target: (n,) as for `target_aware`.
        pixel_entropy_boundary: (n,) as for `boundary_aware`.
        k: how many to choose.
        rng: not used.
        first: whose turn is the first.

    Returns:
        k positions as their turns come, with both entropies of each candidate.
    Source:
        Ma et al. 2024, Selective Uncertainty Active Learning, arXiv:2401.16298.
    """
    target = np.asarray(pixel_entropy_target, dtype=np.float64)
    boundary = np.asarray(pixel_entropy_boundary, dtype=np.float64)
    turns = (target, boundary) if first == "target" else (boundary, target)
    parts = {"pixel_entropy_target": target, "pixel_entropy_boundary": boundary}
    return Chosen(by_turns(turns, k), parts)


def by_turns(scores: tuple[FloatArray, ...], k: int) -> IntArray:
    """(k,) positions: each score in its turn gives the highest that is not yet taken.

    Args:
        scores: each (n,), higher is sooner; equals in their order.
        k: at most n.
    """
    rankings = [iter(np.argsort(-score, kind="stable").tolist()) for score in scores]
    taken: dict[int, None] = {}
    while len(taken) < k:
        ranking = rankings[len(taken) % len(rankings)]
        taken[next(p for p in ranking if p not in taken)] = None
    return np.fromiter(taken, dtype=np.int64, count=len(taken))
