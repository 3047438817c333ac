"""CEAL, the query side: samples the model is unsure of."""

from typing import Literal

from foveal.acquire.registry import BOTH, Facts, scorer
from foveal.acquire.strategies.uncertainty import entropy, least_confidence, margin
from foveal.core.arrays import FloatArray

Measure = Literal["entropy", "least_confidence", "margin"]
MEASURES = {"entropy": entropy, "least_confidence": least_confidence, "margin": margin}


def _why(facts: Facts) -> str:
    measure = facts["measure"].replace("_", " ")
    return f"uncertain by {measure} ({facts['score']:.2f}); {facts['standing']}"


@scorer("ceal", needs=("probs",), tasks=BOTH, why=_why)
def ceal(probs: FloatArray, *, measure: Measure = "entropy") -> FloatArray:
    """Uncertainty by the measure chosen: the part of CEAL that asks the expert.

    Its other part gives samples the model is sure of their predicted label for the next training.
    That is training, not acquisition: nothing here labels a sample, and for this query alone the
    ranking is that of the measure.

    Args:
        probs: (n, C) probabilities; rows sum to 1.
        measure: `entropy`, `least_confidence` or `margin`, as the strategies of these names.

    Returns:
        (n,) in the range of the measure; higher means annotate sooner.
    Source:
        Wang et al. 2016, Cost-Effective Active Learning for Deep Image Classification,
        arXiv:1701.03551.
    """
    return MEASURES[measure](probs)
