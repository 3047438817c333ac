"""Disagreement and uncertainty over draws: mean standard deviation, variation ratio, BALD.

A draw is one stochastic pass of a network with dropout, or one member of an ensemble. With p_t the
probabilities of draw t and P their mean, the entropy H[P] splits into what the draws disagree
about, BALD, and what each of them is unsure of, mean_t H[p_t].
"""

import math
from typing import Literal

import numpy as np
from scipy.special import entr

from foveal.acquire.registry import BOTH, Facts, scorer
from foveal.core.arrays import FloatArray
from foveal.core.errors import EvidenceError

Form = Literal["mode", "confidence"]


def check_draws(mc_probs: FloatArray) -> None:
    """Raise `EvidenceError` unless there are two draws to compare."""
    if len(mc_probs) < 2:
        raise EvidenceError(
            f"`mc_probs` must hold at least 2 draws, but holds {len(mc_probs)}; set "
            "`model.dropout` above 0 and `train.draws` to 2 or more, or `train.members` to 2 or "
            "more for an ensemble"
        )


def mean_over_draws(draws: FloatArray) -> FloatArray:
    """(...) mean of (T, ...) over its first axis.

    Draws that agree give exactly what they agree on. The rounding of a plain mean would make
    unequal what is equal, and so decide instead of chance.
    """
    first: FloatArray = np.asarray(draws[0], dtype=np.float64)
    away = np.zeros_like(first)
    for draw in draws[1:]:
        away += draw - first
    mean: FloatArray = first + away / len(draws)
    return mean


def variance_over_draws(draws: FloatArray) -> FloatArray:
    """(...) variance of (T, ...) over its first axis, divided by T; exactly 0 where all agree."""
    mean = mean_over_draws(draws)
    squares = np.zeros_like(mean)
    for draw in draws:
        squares += (draw - mean) ** 2
    variance: FloatArray = squares / len(draws)
    return variance


def expected_entropy(mc_probs: FloatArray) -> FloatArray:
    """(n,) nats: the mean over draws of the entropy of each, from (T, n, C) probabilities."""
    return mean_over_draws(
        np.stack([entr(np.asarray(p, dtype=np.float64)).sum(axis=1) for p in mc_probs])
    )


def votes(mc_probs: FloatArray) -> FloatArray:
    """(n, C) shares of the draws whose likeliest class is each class; rows sum to 1."""
    count, _, classes = np.shape(mc_probs)
    modes = np.argmax(mc_probs, axis=2)
    return np.stack([(modes == c).sum(axis=0) / count for c in range(classes)], axis=1)


def _why_mean_std(facts: Facts) -> str:
    spread = f"the probability of a class varies by {facts['score']:.2f} from draw to draw"
    return f"{spread}; {facts['standing']}"


@scorer("mean_std", needs=("mc_probs",), tasks=BOTH, why=_why_mean_std)
def mean_std(mc_probs: FloatArray) -> FloatArray:
    """Standard deviation of the probabilities over draws, averaged over classes.

    Args:
        mc_probs: (T, n, C) probabilities of T draws or members; rows sum to 1.

    Returns:
        (n,) mean_c std_t p_tc, of the population (divided by T), in [0, 0.5]; 0 where all agree.

    Raises:
        EvidenceError: if T < 2.
    Source:
        Kampffmeyer, Salberg and Jenssen 2016, Semantic segmentation of small objects and modeling
        of uncertainty; Kendall, Badrinarayanan and Cipolla 2015, arXiv:1511.02680.
    """
    check_draws(mc_probs)
    score: FloatArray = np.sqrt(variance_over_draws(mc_probs)).mean(axis=1)
    return score


def _why_variation_ratio(facts: Facts) -> str:
    if facts["form"] == "mode":
        return f"{facts['score']:.0%} of the draws dissent from the others; {facts['standing']}"
    return f"on average its class has probability {1 - facts['score']:.2f}; {facts['standing']}"


@scorer("variation_ratio", needs=("mc_probs",), tasks=BOTH, why=_why_variation_ratio)
def variation_ratio(mc_probs: FloatArray, *, form: Form = "mode") -> FloatArray:
    """What the most frequent answer leaves to all others.

    Args:
        mc_probs: (T, n, C) probabilities of T draws or members; rows sum to 1.
        form: `mode` 1 - the share of draws that predict the class most of them predict;
            `confidence` 1 - the largest mean probability, as some published code has it, which
            ranks as least confidence of the mean does.

    Returns:
        (n,) in [0, 1 - 1/C]; 0 where all draws predict the same class, or are certain of it.

    Raises:
        EvidenceError: if T < 2.
    Source:
        Freeman 1965, Elementary Applied Statistics; over draws Gal, Islam and Ghahramani 2017,
        arXiv:1703.02910.
    """
    check_draws(mc_probs)
    shares = votes(mc_probs) if form == "mode" else mean_over_draws(mc_probs)
    left: FloatArray = 1.0 - shares.max(axis=1)
    return left


def _why_mc_entropy(facts: Facts) -> str:
    most = math.log(facts["mc_probs"].shape[-1])
    of = f"entropy {facts['score']:.2f} of at most {most:.2f} for the mean of the draws"
    return f"{of}; {facts['standing']}"


@scorer("mc_entropy", needs=("mc_probs",), tasks=BOTH, why=_why_mc_entropy)
def mc_entropy(mc_probs: FloatArray) -> FloatArray:
    """Entropy of the mean over draws: of dropout (MC dropout) or of members (deep ensembles).

    Args:
        mc_probs: (T, n, C) probabilities of T draws or members; rows sum to 1.

    Returns:
        (n,) nats in [0, ln C]; 0 when all are certain of the same class.

    Raises:
        EvidenceError: if T < 2.
    Source:
        Gal and Ghahramani 2016, arXiv:1506.02142; for ensembles Beluch et al. 2018, The power of
        ensembles for active learning in image classification.
    """
    check_draws(mc_probs)
    nats: FloatArray = entr(mean_over_draws(mc_probs)).sum(axis=1)
    return nats


def _why_bald(facts: Facts) -> str:
    told = f"its label would tell {facts['score']:.2g} nats about the model's weights"
    return f"{told}; {facts['standing']}"


@scorer("bald", needs=("mc_probs",), tasks=BOTH, why=_why_bald)
def bald(mc_probs: FloatArray) -> FloatArray:
    """Mutual information between a sample's label and the model's weights: H[P] - mean_t H[p_t].

    Args:
        mc_probs: (T, n, C) probabilities of T draws or members; rows sum to 1.

    Returns:
        (n,) nats in [0, ln C], and at most ln T; 0 where all draws agree, however unsure they are.

    Raises:
        EvidenceError: if T < 2.
    Source:
        Houlsby et al. 2011, arXiv:1112.5745; with dropout Gal, Islam and Ghahramani 2017,
        arXiv:1703.02910.
    """
    # The difference of two entropies cannot be negative, but its rounding can.
    return np.maximum(mc_entropy(mc_probs) - expected_entropy(mc_probs), 0.0)
