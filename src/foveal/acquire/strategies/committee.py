"""Query by committee: the members of an ensemble, or draws, vote on each sample."""

import numpy as np
from scipy.special import entr, rel_entr

from foveal.acquire.registry import BOTH, Facts, scorer
from foveal.acquire.strategies.bayesian import check_draws, mean_over_draws, votes
from foveal.core.arrays import FloatArray


def _why_vote_entropy(facts: Facts) -> str:
    votes_for = np.bincount(facts["mc_probs"].argmax(axis=1))
    told = ", ".join(f"{v} for class {c}" for c, v in enumerate(votes_for.tolist()) if v)
    return f"the committee votes {told}; {facts['standing']}"


@scorer("vote_entropy", needs=("mc_probs",), tasks=BOTH, why=_why_vote_entropy)
def vote_entropy(mc_probs: FloatArray) -> FloatArray:
    """Entropy of the votes: -sum over classes of v log v, with v the share of members for a class.

    A member votes for its likeliest class, however narrowly; `mean_kl` hears how sure it is.

    Args:
        mc_probs: (T, n, C) probabilities of T members or draws; rows sum to 1.

    Returns:
        (n,) nats in [0, ln min(T, C)]; 0 when the vote is unanimous.

    Raises:
        EvidenceError: if T < 2.
    Source:
        Seung, Opper and Sompolinsky 1992, Query by committee; the measure: Dagan and Engelson
        1995, Committee-based sampling for training probabilistic classifiers.
    """
    check_draws(mc_probs)
    nats: FloatArray = entr(votes(mc_probs)).sum(axis=1)
    return nats


def _why_mean_kl(facts: Facts) -> str:
    told = f"members are {facts['score']:.2g} nats away from their consensus on average"
    return f"{told}; {facts['standing']}"


@scorer("mean_kl", needs=("mc_probs",), tasks=BOTH, why=_why_mean_kl)
def mean_kl(mc_probs: FloatArray) -> FloatArray:
    """Mean divergence of the members from their consensus: mean_t sum_c p_tc log (p_tc / P_c).

    The consensus P is the mean over members. For probabilities this is the mutual information
    that `bald` computes from entropies; the two differ in history and rounding alone.

    Args:
        mc_probs: (T, n, C) probabilities of T members or draws; rows sum to 1.

    Returns:
        (n,) nats in [0, ln min(T, C)]; 0 when all members say the same.

    Raises:
        EvidenceError: if T < 2.
    Source:
        McCallum and Nigam 1998, Employing EM and pool-based active learning for text
        classification.
    """
    check_draws(mc_probs)
    consensus = mean_over_draws(mc_probs)
    from_consensus = [
        rel_entr(np.asarray(p, dtype=np.float64), consensus).sum(axis=1) for p in mc_probs
    ]
    # Single terms of the sum may be negative, the whole only by rounding.
    return np.maximum(mean_over_draws(np.stack(from_consensus)), 0.0)
