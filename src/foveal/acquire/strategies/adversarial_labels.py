"""VAAL and WAAL: samples that an adversary can tell from the labeled ones."""

import math

import numpy as np

from foveal.acquire.registry import BOTH, Facts, Scored, scorer
from foveal.core.arrays import FloatArray, check_unit
from foveal.core.errors import SpecError

SMALLEST = 1e-12  # a probability of 0 counts as this, so that its logarithm is finite


def _why_vaal(facts: Facts) -> str:
    told = f"taken for a labeled sample with probability {1 - facts['score']:.2f} only"
    return f"{told}; {facts['standing']}"


@scorer("vaal", needs=("discriminator",), tasks=BOTH, why=_why_vaal)
def vaal(discriminator: FloatArray) -> FloatArray:
    """Probability that a sample belongs to the unlabeled part, as a discriminator sees it.

    Args:
        discriminator: (n,) probability of being labeled, in [0, 1].

    Returns:
        (n,) 1 - discriminator: what looks least like the labeled samples is asked first.

    Raises:
        EvidenceError: if one lies outside [0, 1].
    Source:
        Sinha, Ebrahimi and Darrell 2019, Variational Adversarial Active Learning, arXiv:1904.00370.
    """
    check_unit("discriminator", discriminator)
    return 1.0 - np.asarray(discriminator, dtype=np.float64)


def _why_waal(facts: Facts) -> str:
    uncertain, away = f"uncertainty {facts['uncertainty']:.3g}", f"critic {facts['critic']:.3g}"
    return f"{uncertain}, {away} (low is unlike the labeled samples); {facts['standing']}"


@scorer("waal", needs=("probs", "critic"), tasks=BOTH, why=_why_waal)
def waal(probs: FloatArray, critic: FloatArray, *, weight: float = 10.0) -> Scored:
    """Uncertain, and far from the labeled samples by a critic: -(L2 + L1) / 2 - weight critic.

    L2 is the norm of log p and L1 the sum of -log p over classes. Both are bounds of the loss
    whatever the label turns out to be, and smallest where all classes are equally likely.

    Here a higher `critic` means more like the labeled samples, as a higher `discriminator` does.
    The publication trains its critic the other way round, to be high on unlabeled samples, and so
    adds what is subtracted here.

    Args:
        probs: (n, C) probabilities; rows sum to 1.
        critic: (n,) value of the Wasserstein critic, higher for what is more like the labeled.
        weight: of the critic, at least 0; 0 leaves uncertainty alone.

    Returns:
        Scored with (n,) score and the part `uncertainty`, -(L2 + L1) / 2, which is negative.

    Raises:
        SpecError: if `weight` is negative or not finite.
    Source:
        Shui et al. 2020, Deep Active Learning: Unified and Principled Method for Query and
        Training, arXiv:1911.09162.
    """
    if not 0 <= weight < math.inf:
        raise SpecError(f"`weight` of waal must be at least 0 and finite, not {weight}")
    surprise = -np.log(np.clip(np.asarray(probs, dtype=np.float64), SMALLEST, 1.0))
    loss_bound = (np.linalg.norm(surprise, axis=1) + surprise.sum(axis=1)) / 2
    return Scored(-loss_bound - weight * np.asarray(critic), {"uncertainty": -loss_bound})
