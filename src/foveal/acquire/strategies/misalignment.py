"""Misalignment alone: images on which the model looks elsewhere than the expert would."""

import numpy as np

from foveal.acquire.registry import BOTH, Facts, scorer
from foveal.core.arrays import FloatArray
from foveal.core.errors import EvidenceError


def look(misalignment: float) -> str:
    """Agreement of map and region in words."""
    return f"the model's map agrees with the expected region by {1 - misalignment:.2f} of 1"


def _why(facts: Facts) -> str:
    return f"{look(facts['score'])}; {facts['standing']}"


@scorer("misalignment", needs=("misalignment",), tasks=BOTH, why=_why)
def misalignment(misalignment: FloatArray) -> FloatArray:
    """Disagreement of the class activation map with the region where the finding is expected.

    Args:
        misalignment: (n,) 1 - agreement, in [0, 1]; which agreement (soft Dice, IoU, pointing game
            and others) is a setting of the experiment.

    Returns:
        (n,) the same numbers.

    Raises:
        EvidenceError: if one lies outside [0, 1].
    Source:
        The explanation term of EG-AL alone: Uddin et al. 2026, arXiv:2602.13308.
    """
    away = np.array(misalignment, dtype=np.float64)
    if away.size and not (away.min() >= 0 and away.max() <= 1):
        raise EvidenceError(
            f"`misalignment` must lie in [0, 1], but spans [{away.min():.4g}, {away.max():.4g}]"
        )
    return away
