"""EG-BADGE: unlike gradients of the whole loss, of the class and of where the class is seen."""

from collections.abc import Callable

import numpy as np

from foveal.acquire.geometry.distances import squared_lengths
from foveal.acquire.geometry.seeding import seeds
from foveal.acquire.registry import Facts, selector
from foveal.core.arrays import FloatArray, IntArray
from foveal.core.errors import SpecError

ROUNDING = 1e-12  # of squared lengths: what is left of a difference of equals


def _why(facts: Facts) -> str:
    class_part = float(np.linalg.norm(facts["residual"]) * np.linalg.norm(facts["embedding"]))
    map_part = float(np.linalg.norm(facts["explanation_gradient"]))
    return (
        f"what class (gradient {class_part:.2g}) and region (gradient {map_part:.2g}) would teach "
        "is unlike what those chosen before it teach"
    )


@selector("eg_badge", needs=("residual", "embedding", "explanation_gradient"), why=_why)
def eg_badge(
    residual: FloatArray,
    embedding: FloatArray,
    explanation_gradient: FloatArray,
    k: int,
    rng: np.random.Generator,
    *,
    balance: float = 0.5,
) -> IntArray:
    """k-means++ seeding on g_u = r_u (x) h_u + mu e_c(u) (x) v_u.

    A network that learns from classes and regions is taught by an image through both. The first
    term is BADGE's: the gradient of the classification loss in the last layer, were the predicted
    class c(u) the true one. The second is that of the explanation loss, were the expected region
    the expert's; it lies in the row of the predicted class. An image can be wanted because the
    class is open, because the model looks at the wrong place, or for both, and two images that
    teach the same are not both drawn. No gradient is ever built.

    Args:
        residual: (n, C) gradient of the loss with respect to the logits, p - onehot(argmax p).
        embedding: (n, D).
        explanation_gradient: (n, D) gradient v of the explanation loss with respect to the
            predicted class's weights; 0 where nothing is expected.
        k: how many to choose.
        rng: draws.
        balance: in [0, 1], the second term's share of the mean squared length over the pool; mu
            follows from it. 0 is BADGE, 1 is the explanation alone.

    Returns:
        (k,) positions in the order drawn, the longest gradient first. Once all that is left
        repeats a chosen gradient, the rest follow in their order.

    Raises:
        SpecError: if `balance` lies outside [0, 1].
    Source:
        Foveal's own; the first term is Ash et al. 2020, arXiv:1906.03671.
    """
    if not 0 <= balance <= 1:
        raise SpecError(f"`balance` of eg_badge must lie in [0, 1], not {balance}")
    n = len(embedding)
    sizes = squared_lengths(residual) * squared_lengths(embedding)
    class_scale, map_scale = _scales(sizes, squared_lengths(explanation_gradient), balance)
    r = np.asarray(residual, np.float64) * class_scale
    v = np.asarray(explanation_gradient, np.float64) * map_scale
    squared, distance_to = joint_distances(r, embedding, v)
    return seeds(distance_to, n, k, rng, first=int(np.argmax(squared)))


def joint_distances(
    residual: FloatArray, embedding: FloatArray, map_gradient: FloatArray
) -> tuple[FloatArray, Callable[[int], FloatArray]]:
    """Squared lengths of all g, and squared distances of all u to one, without building any g.

    Args:
        residual: (n, C); its least entry is at the predicted class.
        embedding, map_gradient: (n, D).

    Returns:
        (n,) |g_u|^2, and a function from a position to (n,) squared distances, at least 0.
    """
    r, h, v = (np.asarray(one, np.float64) for one in (residual, embedding, map_gradient))
    c, every = np.argmin(r, axis=1), np.arange(len(r))
    own = r[every, c] * np.einsum("nd,nd->n", h, v)
    squared = squared_lengths(r) * squared_lengths(h) + 2 * own + squared_lengths(v)

    def distance_to(j: int) -> FloatArray:
        inner = (r @ r[j]) * (h @ h[j]) + r[:, c[j]] * (h @ v[j])
        inner += r[j, c] * (v @ h[j]) + (c == c[j]) * (v @ v[j])
        both = squared + squared[j]
        apart: FloatArray = both - 2 * inner
        return np.where(apart > ROUNDING * both, apart, 0.0)

    return np.maximum(squared, 0.0), distance_to


def _scales(classes: FloatArray, maps: FloatArray, balance: float) -> tuple[float, float]:
    """Factors that give the two terms their shares; a term that is zero everywhere stays zero."""
    means = float(classes.mean()), float(maps.mean())
    shares = (1 - balance, balance)
    first, second = (
        np.sqrt(share / mean) if mean > 0 else 0.0
        for share, mean in zip(shares, means, strict=True)
    )
    return float(first), float(second)
