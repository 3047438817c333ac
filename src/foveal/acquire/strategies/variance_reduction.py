"""Variance reduction: labels that tell most about all the candidates on which the model wavers."""

import numpy as np

from foveal.acquire.geometry.picks import drawn, importance
from foveal.acquire.geometry.posterior import Posterior, unit_scale
from foveal.acquire.registry import Facts, selector
from foveal.acquire.strategies.uncertainty import margin
from foveal.core.arrays import FloatArray, IntArray
from foveal.core.errors import SpecError


def _why(facts: Facts) -> str:
    return "its label says most about the uncertain images that resemble it"


@selector(
    "variance_reduction",
    needs=("probs", "backbone_embedding"),
    optional=("labeled_backbone_embedding", "weight"),
    why=_why,
)
def variance_reduction(
    probs: FloatArray,
    backbone_embedding: FloatArray,
    k: int,
    rng: np.random.Generator,
    labeled_backbone_embedding: FloatArray | None = None,
    weight: FloatArray | None = None,
    *,
    noise: float = 0.3,
    length_scale: float = 1.0,
    references: int = 2000,
) -> IntArray:
    """Greedy: the candidate whose label takes most variance away from ambiguous candidates.

    A Gaussian process over the backbone's features tells how sure labels make us elsewhere. A pick
    maximizes sum over v of w_v a_v cov(u, v)^2 / (var(u) + noise), where a_v = 1 - margin of v and
    the covariances are those left by all labels and picks before it. So an outlier, which tells
    nothing about others, is no good pick however uncertain it is; nor is a candidate beside a
    label, nor one among candidates that are classified without doubt.

    Args:
        probs: (n, C) probabilities; rows sum to 1.
        backbone_embedding: (n, K) features before any layer that labels train; their scales do not
            matter.
        k: how many to choose.
        rng: draws the references where there are more candidates, and the labeled samples that
            count where these are more.
        labeled_backbone_embedding: (m, K).
        weight: (n,) in [0, 1]: how much it counts that a candidate becomes known.
        noise: variance of a label, above 0, where a candidate's own is 1. The higher, the more
            labels a region of the space takes.
        length_scale: of the kernel, above 0, where the root mean square distance of a sample from
            the mean of all is 1.
        references: most candidates v over which the sum goes, and most labeled samples, at least 1.
            Memory is 8 n bytes times this.

    Returns:
        (k,) positions in the order chosen.

    Raises:
        SpecError: if a setting is out of range.
        EvidenceError: if weights lie outside [0, 1].
    Source:
        Cohn, Ghahramani and Jordan 1996, Active learning with statistical models,
        arXiv:cs/9603104; Yu, Bi and Tresp 2006, Active learning via transductive experimental
        design. That the variance counts as much as the candidate is ambiguous is ours.
    """
    _check(noise, length_scale, references)
    n = len(backbone_embedding)
    counted = importance(weight, n) * margin(probs)
    # Where nothing is in doubt, or nothing counts, every candidate counts alike.
    counted = counted if counted.any() else np.ones(n)
    others = backbone_embedding[:0]
    if labeled_backbone_embedding is not None:
        others = labeled_backbone_embedding[drawn(len(labeled_backbone_embedding), references, rng)]
    rows, labeled = unit_scale(backbone_embedding, others)
    seen = drawn(n, references, rng)
    posterior = Posterior(rows, seen, counted[seen], labeled, noise, length_scale)
    picked: list[int] = []
    for _ in range(k):
        worth = posterior.reduction()
        worth[picked] = -np.inf
        picked.append(int(np.argmax(worth)))
        posterior.observe(picked[-1])
    return np.array(picked, dtype=np.int64)


def _check(noise: float, length_scale: float, references: int) -> None:
    for name, value in (("noise", noise), ("length_scale", length_scale)):
        if not value > 0:
            raise SpecError(f"`variance_reduction.{name}` must be above 0, not {value}")
    if references < 1:
        raise SpecError(f"`variance_reduction.references` must be at least 1, not {references}")
