"""Uncertainty of one prediction: least confidence, margin, entropy."""

import math
from typing import Literal

import numpy as np
from scipy.special import entr

from foveal.acquire.registry import BOTH, Facts, scorer
from foveal.core.arrays import FloatArray

LogBase = Literal["e", "2"]


def largest_entropy(classes: int, log_base: LogBase = "e") -> float:
    """Entropy of the uniform distribution over that many classes, in nats or bits."""
    return math.log2(classes) if log_base == "2" else math.log(classes)


def _why_least_confidence(facts: Facts) -> str:
    return f"the likeliest class has probability {1 - facts['score']:.2f}; {facts['standing']}"


def _why_margin(facts: Facts) -> str:
    gap = f"the two likeliest classes are {1 - facts['score']:.2f} apart"
    return f"{gap}; {facts['standing']}"


def _why_entropy(facts: Facts) -> str:
    most = 1.0 if facts["normalize"] else largest_entropy(facts["probs"].size, facts["log_base"])
    return f"entropy {facts['score']:.2f} of at most {most:.2f}, {facts['standing']}"


@scorer("least_confidence", needs=("probs",), tasks=BOTH, why=_why_least_confidence)
def least_confidence(probs: FloatArray) -> FloatArray:
    """What the likeliest class leaves to all others.

    Args:
        probs: (n, C) probabilities; rows sum to 1.

    Returns:
        (n,) in [0, 1 - 1/C]; 0 when certain.
    Source:
        Lewis and Gale 1994, A sequential algorithm for training text classifiers.
    """
    p = np.asarray(probs, dtype=np.float64)
    left: FloatArray = 1.0 - p.max(axis=1)
    return left


@scorer("margin", needs=("probs",), tasks=BOTH, why=_why_margin)
def margin(probs: FloatArray) -> FloatArray:
    """How close the second likeliest class comes to the likeliest.

    Args:
        probs: (n, C) probabilities; rows sum to 1.

    Returns:
        (n,) one minus the difference of the two, in [0, 1]; 1 where both are equally likely.
    Source:
        Scheffer, Decomain and Wrobel 2001, Active hidden Markov models for information
        extraction.
    """
    p = np.asarray(probs, dtype=np.float64)
    if p.shape[1] < 2:
        return 1.0 - p[:, 0]
    top = np.partition(p, -2, axis=1)
    return 1.0 - (top[:, -1] - top[:, -2])


@scorer("entropy", needs=("probs",), tasks=BOTH, why=_why_entropy)
def entropy(probs: FloatArray, *, log_base: LogBase = "e", normalize: bool = False) -> FloatArray:
    """Expected surprise at the label: -sum over classes of p log p, where 0 log 0 is 0.

    Args:
        probs: (n, C) probabilities; rows sum to 1.
        log_base: `e` gives nats, `2` gives bits. It changes no ranking.
        normalize: divide by the entropy of the uniform distribution, so that 1 is the most.

    Returns:
        (n,) in [0, log C], or in [0, 1] if normalized; 0 when certain.
    Source:
        Shannon 1948; as a query strategy Settles 2009, Active learning literature survey.
    """
    p = np.asarray(probs, dtype=np.float64)
    nats: FloatArray = entr(p).sum(axis=1)
    if normalize:
        return nats / largest_entropy(p.shape[1]) if p.shape[1] > 1 else nats
    return nats / math.log(2) if log_base == "2" else nats
