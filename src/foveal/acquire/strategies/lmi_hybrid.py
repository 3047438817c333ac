"""LMI hybrid: of what tells most about the model, what resembles the labeled slices, or does not.

The released code calls its second step diversity, but favors candidates whose baseline slices are
similar to labeled ones. The sign is a setting here, since the publication says the opposite.
"""

from typing import Literal

import numpy as np

from foveal.acquire.registry import SEGMENTATION, Facts, Scored, scorer
from foveal.acquire.scaling import over_pool
from foveal.core.arrays import FloatArray
from foveal.core.errors import SpecError

Sign = Literal["similar", "unlike"]
NEEDS = ("pixel_bald", "baseline_cosine", "baseline_information")


def _why(facts: Facts) -> str:
    return (
        f"a mean pixel would tell {facts['pixel_bald']:.2g} nats; its baseline slice has cosine "
        f"{facts['baseline_cosine']:.2f} to labeled ones and shares "
        f"{facts['baseline_information']:.2g} nats with them; {facts['standing']}"
    )


@scorer("lmi_hybrid", needs=NEEDS, tasks=SEGMENTATION, why=_why)
def lmi_hybrid(
    pixel_bald: FloatArray,
    baseline_cosine: FloatArray,
    baseline_information: FloatArray,
    *,
    shortlist: int = 500,
    weight: float = 0.5,
    sign: Sign = "similar",
) -> Scored:
    """Of the candidates with the highest BALD, those whose baseline slice is like labeled ones.

    Within the shortlist the score is +-C - weight * M, with the mean cosine C and the mean mutual
    information M each scaled over the shortlist to [0, 1]. All others come after it, by BALD.

    Args:
        pixel_bald: (n,) nats, as for `pixel_bald`. The released network has no dropout, so that
            its BALD is 0 up to rounding and its shortlist arbitrary.
        baseline_cosine: (n,) mean cosine of the candidate's baseline slice with those of the
            labeled samples, in [-1, 1].
        baseline_information: (n,) mean mutual information of their joint histograms, at least 0.
        shortlist: candidates that the second step looks at, at least 1.
        weight: of the mutual information, at least 0.
        sign: `similar` favors a high cosine, as released; `unlike` a low one, which is what
            diversity would mean.

    Returns:
        Scored with (n,) score; the candidates of the shortlist above all others.

    Raises:
        SpecError: if `shortlist` or `weight` is out of range.
    Source:
        Ma et al. 2025, longitudinal active learning for new lesions, as released, with a working
        BALD.
    """
    if shortlist < 1:
        raise SpecError(f"`shortlist` of lmi_hybrid must be at least 1, not {shortlist}")
    if weight < 0:
        raise SpecError(f"`weight` of lmi_hybrid must be at least 0, not {weight}")
    told = np.asarray(pixel_bald, dtype=np.float64)
    listed = np.argsort(-told, kind="stable")[:shortlist]
    near, shared = over_pool(baseline_cosine[listed]), over_pool(baseline_information[listed])
    below = -3.0 - weight  # no score of the shortlist is below -1 - weight
    score = below + over_pool(told)
    score[listed] = (near if sign == "similar" else -near) - weight * shared
    return Scored(score)
