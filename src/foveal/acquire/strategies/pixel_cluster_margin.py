"""Cluster-margin over pixels: the smallest mean margins, spread evenly over clusters."""

import numpy as np

from foveal.acquire.registry import SEGMENTATION, Facts, selector
from foveal.acquire.strategies.cluster_margin import over_clusters
from foveal.acquire.strategies.pixel_uncertainty import pixel_margin as closeness
from foveal.core.arrays import FloatArray, IntArray


def _why(facts: Facts) -> str:
    gap = f"foreground and background are {facts['pixel_margin']:.2f} apart in the mean pixel"
    return f"{gap}; its turn in a round over clusters"


@selector("pixel_cluster_margin", needs=("pixel_margin", "embedding"), tasks=SEGMENTATION, why=_why)
def pixel_cluster_margin(
    pixel_margin: FloatArray,
    embedding: FloatArray,
    k: int,
    rng: np.random.Generator,
    *,
    factor: float = 10.0,
    cluster_size: float = 10.0,
    hac_rows: int = 2000,
) -> IntArray:
    """Turns over the clusters of the factor * k smallest mean margins of pixels.

    As `cluster_margin`, with the margins of pixels in place of those of classes.

    Args:
        pixel_margin: (n,) mean over pixels of |2p - 1|, in [0, 1].
        embedding: (n, D).
        k: how many to choose.
        rng: draws within clusters.
        factor: candidates kept for each sample chosen, those of the smallest margins; at least 1.
        cluster_size: mean number of pool members in a cluster, at least 1.
        hac_rows: most rows, or micro-clusters, that are linked; at least 2.

    Returns:
        (k,) positions in the order drawn.

    Raises:
        SpecError: if a setting is out of range.
    Source:
        Citovsky et al. 2021, Batch active learning at scale, arXiv:2107.14263. Ma et al. 2025 name
        it too, but their code ignores the margins.
    """
    near = closeness(pixel_margin)
    return over_clusters(
        near, embedding, k, rng, factor, cluster_size, hac_rows, "pixel_cluster_margin"
    )
