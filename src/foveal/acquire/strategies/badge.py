"""BADGE: gradients that are large, because the model is unsure, and unlike each other."""

from collections.abc import Callable
from typing import Literal

import numpy as np

from foveal.acquire.geometry.distances import squared_distances, squared_lengths
from foveal.acquire.geometry.picks import importance
from foveal.acquire.geometry.seeding import draw, seeds
from foveal.acquire.registry import BOTH, Facts, selector
from foveal.core.arrays import FloatArray, IntArray

First = Literal["norm", "random"]


def _why(facts: Facts) -> str:
    size = float(np.linalg.norm(facts["residual"]) * np.linalg.norm(facts["embedding"]))
    return f"its gradient (length {size:.3g}) is unlike those chosen before it"


@selector("badge", needs=("residual", "embedding"), optional=("weight",), tasks=BOTH, why=_why)
def badge(
    residual: FloatArray,
    embedding: FloatArray,
    k: int,
    rng: np.random.Generator,
    weight: FloatArray | None = None,
    *,
    first: First = "norm",
) -> IntArray:
    """k-means++ seeding on the gradients g_u = r_u (x) h_u of the last layer.

    A candidate is drawn with probability proportional to w_u * min over chosen v of |g_u - g_v|^2.
    No gradient is ever built: its C * D numbers enter through r and h alone.

    Args:
        residual: (n, C) gradient of the loss with respect to the logits, p - onehot(argmax p).
        embedding: (n, D).
        k: how many to choose.
        rng: draws.
        weight: (n,) in [0, 1], importance of a candidate; multiplies its probability to be drawn.
        first: `norm` begins with the largest w |g|^2, `random` with a draw proportional to w.

    Returns:
        (k,) positions in the order drawn. Once all that is left repeats a chosen gradient or has
        weight 0, the rest follow in their order.

    Raises:
        EvidenceError: if weights lie outside [0, 1].
    Source:
        Ash et al. 2020, Deep batch active learning by diverse, uncertain gradient lower bounds,
        arXiv:1906.03671.
    """
    n = len(embedding)
    w = importance(weight, n)
    norms = squared_lengths(residual) * squared_lengths(embedding)
    start = int(np.argmax(w * norms)) if first == "norm" or not w.any() else draw(w, rng)
    distance_to = gradient_distances(residual, embedding)
    return seeds(distance_to, n, k, rng, first=start, weight=w)


def gradient_distances(residual: FloatArray, embedding: FloatArray) -> Callable[[int], FloatArray]:
    """Squared distances |r_u (x) h_u - r_v (x) h_v|^2 of all u to one v, without building either.

    With dr = r_u - r_v, dh = h_u - h_v and means over the two rows, the difference of the products
    is dr (x) mean h + mean r (x) dh. So its square is |dr|^2 |mean h|^2 + |dh|^2 |mean r|^2 + half
    the product of the differences of squared lengths. Every term is made of differences: equal
    rows are at exactly 0, and near-duplicates keep their digits, as |g_u|^2 - 2 g_u g_v + |g_v|^2
    would not.

    Args:
        residual: (n, C).
        embedding: (n, D).

    Returns:
        a function from a position to (n,) squared distances, at least 0.
    """
    r, h = squared_lengths(residual), squared_lengths(embedding)

    def distance_to(v: int) -> FloatArray:
        dr = squared_distances(residual, residual[v])
        dh = squared_distances(embedding, embedding[v])
        mean_h, mean_r = (h + h[v]) / 2 - dh / 4, (r + r[v]) / 2 - dr / 4
        squared: FloatArray = dr * mean_h + dh * mean_r + (r - r[v]) * (h - h[v]) / 2
        # Different rows may have one product, r (x) 2h and 2r (x) h; then rounding is left.
        return np.maximum(squared, 0.0)

    return distance_to
