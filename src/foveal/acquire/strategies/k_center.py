"""k-center (core-set): every candidate shall be near a labeled one."""

import numpy as np

from foveal.acquire.geometry.distances import Metric, measured, reach_of, squared_distances
from foveal.acquire.geometry.farthest import farthest_first, most_central
from foveal.acquire.geometry.picks import importance
from foveal.acquire.registry import BOTH, Facts, selector
from foveal.core.arrays import FloatArray, IntArray


def _why(facts: Facts) -> str:
    return "far from all that is labeled or chosen before it"


@selector(
    "k_center",
    needs=("embedding",),
    optional=("labeled_embedding", "weight"),
    tasks=BOTH,
    why=_why,
)
def k_center(
    embedding: FloatArray,
    k: int,
    rng: np.random.Generator,
    labeled_embedding: FloatArray | None = None,
    weight: FloatArray | None = None,
    *,
    metric: Metric = "euclidean",
) -> IntArray:
    """Farthest first: again and again the candidate farthest from all labeled and chosen ones.

    It picks argmax over u of w_u * min over v of |h_u - h_v|, with v in the labeled and the chosen
    ones. With w = 1 the largest distance that is left is at most twice the smallest possible.

    Args:
        embedding: (n, D).
        k: how many to choose.
        rng: not used; equal candidates are taken in their order, which the engine draws.
        labeled_embedding: (m, D). Without labeled samples the first pick is the candidate nearest
            to the mean, among those of the highest weight.
        weight: (n,) in [0, 1], importance of a candidate; multiplies its distance.
        metric: `euclidean`, or `cosine` for the distance between directions.

    Returns:
        (k,) positions, most wanted first; at the end, in their order, those at weighted distance 0
        (duplicates, weight 0).

    Raises:
        EvidenceError: if weights lie outside [0, 1].
    Source:
        Sener and Savarese 2018, Active learning for convolutional neural networks: a core-set
        approach, arXiv:1708.00489; bound of Gonzalez 1985.
    """
    w = importance(weight, len(embedding))
    rows = measured(embedding, metric)
    covered = None if labeled_embedding is None else measured(labeled_embedding, metric)
    reach = reach_of(rows, covered)
    return farthest_first(
        lambda i: squared_distances(rows, rows[i]),
        len(rows),
        k,
        reach=reach,
        picked=(most_central(rows, w),) if reach is None else (),
        weight=w**2,
    )
