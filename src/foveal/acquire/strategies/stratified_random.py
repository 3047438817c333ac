"""Stratified random: the baseline for pools in which some classes are rare."""

import numpy as np

from foveal.acquire.registry import Facts, scorer
from foveal.core.arrays import FloatArray


def _why(facts: Facts) -> str:
    return f"drawn at random among the candidates predicted as class {facts['probs'].argmax()}"


@scorer("stratified_random", needs=("probs",), why=_why)
def stratified_random(probs: FloatArray, chance: FloatArray) -> FloatArray:
    """Random draws in turns, one from each predicted class, so that all classes get equal shares.

    A class that runs out leaves its turns to the others. Unlike the class-balanced draws of some
    published code it uses predictions, never hidden labels.

    Args:
        probs: (n, C) probabilities; rows sum to 1.
        chance: (n,) independent uniform numbers in (0, 1).

    Returns:
        (n,) minus the turn in which a candidate is drawn: 0 for the first of each class, then -1.
    Source:
        Stratified sampling, with predicted classes as strata: Cochran 1977, Sampling Techniques.
    """
    predicted = np.argmax(probs, axis=1)
    order = np.lexsort((chance, predicted))
    ordered = predicted[order]
    turns = np.arange(order.size) - np.searchsorted(ordered, ordered)
    score = np.empty(order.size)
    score[order] = 0.0 - turns
    return score
