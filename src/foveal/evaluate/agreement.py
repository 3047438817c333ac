"""Agreement of readers beyond what chance gives."""

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


def fleiss_kappa(votes: IntArray) -> float | None:
    """Fleiss' kappa of any number of readers, who need not be the same for each case.

    Args:
        votes: (n, C) how many readers gave each case each class; two readers a case or more.
    Returns:
        1 for full agreement, 0 for what chance would give, below 0 for less; None where all say
        one and the same class throughout, so that nothing can be said.
    Raises:
        EvidenceError: if there is no case, or one with fewer than two readers.
    Source:
        Fleiss 1971, doi:10.1037/h0031619; with case by case as many readers as there are.
    """
    if votes.ndim != 2 or len(votes) == 0 or (votes.sum(1) < 2).any() or (votes < 0).any():
        raise EvidenceError(
            "Fleiss' kappa needs cases that two readers or more answered, one row each with the "
            f"votes for each class, but got shape {votes.shape} with other rows"
        )
    readers = votes.sum(1)
    agreed = (votes * (votes - 1)).sum(1) / (readers * (readers - 1))
    share = votes.sum(0) / readers.sum()
    chance = float(share @ share)
    if np.isclose(chance, 1):
        return None
    return (float(agreed.mean()) - chance) / (1 - chance)
