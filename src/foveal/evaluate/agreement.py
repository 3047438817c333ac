"""Agreement of two readers beyond what chance gives."""

import numpy as np

from foveal.core.arrays import IntArray
from foveal.core.errors import EvidenceError


def kappa(first: IntArray, second: IntArray) -> float | None:
    """Cohen's kappa of two readers' classes.

    Args:
        first, second: (n,) classes of the same cases.
    Returns:
        1 for full agreement, 0 for what chance would give, below 0 for less; None where both say
        one and the same class throughout, so that nothing can be said.
    Raises:
        EvidenceError: if lengths differ or there is no case.
    Source:
        Cohen 1960, doi:10.1177/001316446002000104.
    """
    if first.shape != second.shape or first.ndim != 1 or len(first) == 0:
        raise EvidenceError(
            f"kappa compares two answers to each case, not {first.shape} with {second.shape}"
        )
    classes = np.union1d(first, second)
    a = (first[:, None] == classes).mean(0)
    b = (second[:, None] == classes).mean(0)
    chance = float(a @ b)
    if np.isclose(chance, 1):
        return None
    return (float((first == second).mean()) - chance) / (1 - chance)
