"""PowerBALD: draws in favor of a high score, so that a batch is not one sample many times."""

import math

import numpy as np

from foveal.acquire.registry import BOTH, Facts, Scored, scorer
from foveal.acquire.strategies.bayesian import bald
from foveal.core.arrays import FloatArray
from foveal.core.errors import SpecError

SMALLEST = 1e-12  # a smaller score is rounding and counts as this, so that its log is finite


def power_noise(score: FloatArray, chance: FloatArray, beta: float) -> FloatArray:
    """Noisy log score, log s + Gumbel / beta: its k highest are k random draws by s^beta.

    Args:
        score: (n,) not negative. A zero counts as 1e-12: it is hardly ever drawn before others, and
            equal to all other zeros.
        chance: (n,) independent uniform numbers in (0, 1).
        beta: above 0; the larger, the closer to the ranking by score. Near 0 all are alike.

    Returns:
        (n,) finite; higher is sooner.

    Raises:
        SpecError: if beta is not positive and finite.
    Source:
        Kirsch et al. 2023, Stochastic Batch Acquisition, arXiv:2106.12059; the equivalence: Kool,
        van Hoof and Welling 2019, arXiv:1903.06059.
    """
    if not 0 < beta < math.inf:
        raise SpecError(f"`beta` of power noise must be positive and finite, not {beta}")
    log_score = np.log(np.maximum(np.asarray(score, dtype=np.float64), SMALLEST))
    noisy: FloatArray = log_score - np.log(-np.log(chance)) / beta
    return noisy


def _why(facts: Facts) -> str:
    return f"drawn at random in favor of what tells about the model (BALD {facts['bald']:.2g} nats)"


@scorer("power_bald", needs=("mc_probs",), tasks=BOTH, why=_why)
def power_bald(mc_probs: FloatArray, chance: FloatArray, *, beta: float = 1.0) -> Scored:
    """Draws without replacement with odds BALD^beta: log BALD + Gumbel noise of scale 1/beta.

    The top of a plain ranking is often many near-copies. Here each draw leaves room for others,
    at the price of one score.

    Args:
        mc_probs: (T, n, C) probabilities of T draws or members; rows sum to 1.
        chance: (n,) independent uniform numbers in (0, 1).
        beta: above 0; the larger, the closer to BALD itself. Near 0 all are alike.

    Returns:
        Scored with (n,) score, finite, and the part `bald` in nats; a BALD of 0 counts as 1e-12.

    Raises:
        EvidenceError: if T < 2.
        SpecError: if beta is not positive and finite.
    Source:
        Kirsch et al. 2023, Stochastic Batch Acquisition, arXiv:2106.12059.
    """
    told = bald(mc_probs)
    return Scored(power_noise(told, chance, beta), {"bald": told})
