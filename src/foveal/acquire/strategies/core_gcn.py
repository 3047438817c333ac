"""CoreGCN: k-center on features of a small graph network that tells labeled from unlabeled."""

import numpy as np
from scipy.sparse import coo_array, csr_array, diags_array
from scipy.special import expit

from foveal.acquire.geometry.distances import reach_of, squared_distances, unit_rows
from foveal.acquire.geometry.farthest import farthest_first, most_central
from foveal.acquire.geometry.neighbors import neighbors
from foveal.acquire.geometry.picks import drawn
from foveal.acquire.registry import BOTH, Chosen, Facts, selector
from foveal.core.arrays import BoolArray, FloatArray
from foveal.core.errors import SpecError

BALANCE = 1.2  # weight of the unlabeled in the loss, as published
RATE, DECAY = 1e-3, 5e-4  # learning rate and weight decay of Adam, as published


def _why(facts: Facts) -> str:
    return "far from labeled and chosen ones in features that tell labeled from unlabeled"


@selector("core_gcn", needs=("embedding", "labeled_embedding"), tasks=BOTH, why=_why)
def core_gcn(
    embedding: FloatArray,
    k: int,
    rng: np.random.Generator,
    labeled_embedding: FloatArray,
    *,
    hidden: int = 128,
    epochs: int = 200,
    neighbor_count: int = 10,
    graph_rows: int = 10_000,
) -> Chosen:
    """Farthest first in the hidden features of a two-layer graph convolutional network.

    The graph joins candidates and labeled samples to their nearest neighbors. The network,
    sigmoid(A relu(A X W + b) v + c) with A the normalized adjacency, is trained to be 1 on labeled
    samples and 0 on candidates. A hidden feature blends those of neighbors, so that one labeled
    sample makes its neighborhood look labeled. Dropout of the published network is left out.

    Args:
        embedding: (n, D).
        k: how many to choose.
        rng: draws the first weights, and the candidates of a large pool.
        labeled_embedding: (m, D); with m = 0 it is k-center on embeddings of length 1.
        hidden: width of the hidden layer, at least 1.
        epochs: steps of training.
        neighbor_count: neighbors that a sample is joined to, at least 1.
        graph_rows: most candidates in the graph; a larger pool is thinned to so many at random
            (to k if that is more), and a note says so.

    Returns:
        (k,) positions, most wanted first; duplicates in hidden features come last, in their order.

    Raises:
        SpecError: if `hidden` or `neighbor_count` is below 1.
    Source:
        Caramalau, Bhattarai and Kim 2021, Sequential graph convolutional network for active
        learning, arXiv:2006.10219.
    """
    for name, value in (("hidden", hidden), ("neighbor_count", neighbor_count)):
        if value < 1:
            raise SpecError(f"`{name}` of core_gcn must be at least 1, not {value}")
    n, most = len(embedding), max(graph_rows, k)
    kept = drawn(n, most, rng)
    rows = unit_rows(np.concatenate([embedding[kept], labeled_embedding]).astype(np.float64))
    if len(labeled_embedding):
        labeled = np.arange(len(rows)) >= kept.size
        rows = hidden_features(rows, labeled, rng, hidden, epochs, neighbor_count)
    own, reach = rows[: kept.size], reach_of(rows[: kept.size], rows[kept.size :])
    start = (most_central(own),) if reach is None else ()
    picked = farthest_first(
        lambda i: squared_distances(own, own[i]), len(own), k, reach=reach, picked=start
    )
    thinned = f"core_gcn looked at {kept.size} of {n} candidates, drawn at random"
    return Chosen(kept[picked], notes=(thinned,) if kept.size < n else ())


def hidden_features(
    rows: FloatArray,
    labeled: BoolArray,
    rng: np.random.Generator,
    hidden: int,
    epochs: int,
    neighbor_count: int,
) -> FloatArray:
    """(m, hidden) activations of the trained network for (m, D) rows, (m,) of them labeled."""
    A = adjacency(rows, neighbor_count)
    AX = A @ rows
    bound = np.sqrt(6 / (rows.shape[1] + hidden))
    weights = [
        rng.uniform(-bound, bound, (rows.shape[1], hidden)),
        np.zeros(hidden),
        rng.uniform(-1, 1, hidden) * np.sqrt(6 / (hidden + 1)),
        np.zeros(1),
    ]
    moments = [(np.zeros_like(w), np.zeros_like(w)) for w in weights]
    for epoch in range(1, epochs + 1):
        slopes = loss_and_gradient(weights, A, AX, labeled)[1]
        for w, (mean, square), slope in zip(weights, moments, slopes, strict=True):
            slope = slope + DECAY * w
            mean += 0.1 * (slope - mean)
            square += 0.001 * (slope**2 - square)
            fitted = np.sqrt(square / (1 - 0.999**epoch)) + 1e-8
            w -= RATE * mean / (1 - 0.9**epoch) / fitted
    activations: FloatArray = np.maximum(AX @ weights[0] + weights[1], 0)
    return activations


def loss_and_gradient(
    weights: list[FloatArray], A: csr_array, AX: FloatArray, labeled: BoolArray
) -> tuple[float, list[FloatArray]]:
    """Binary cross-entropy, labeled against unlabeled, and its gradient for (W, b, v, c)."""
    W, b, v, c = weights
    before = AX @ W + b
    AH = A @ np.maximum(before, 0)
    logit = AH @ v + c
    share = np.where(labeled, 1 / labeled.sum(), BALANCE / (~labeled).sum())
    loss = float(share @ np.logaddexp(0, np.where(labeled, -logit, logit)))
    slope = share * (expit(logit) - labeled)
    back = np.outer(A @ slope, v) * (before > 0)  # A is symmetric
    return loss, [AX.T @ back, back.sum(axis=0), AH.T @ slope, slope.sum(keepdims=True)]


def adjacency(rows: FloatArray, neighbor_count: int) -> csr_array:
    """Symmetric (m, m) graph of nearest neighbors with loops, D^-1/2 (A + I) D^-1/2."""
    m = len(rows)
    everyone, count = np.arange(m), min(neighbor_count, m - 1)
    near = neighbors(rows, everyone, everyone, count)[0].ravel()
    joined = coo_array((np.ones(near.size), (np.repeat(everyone, count), near)), shape=(m, m))
    joined = joined.tocsr()
    A = joined.maximum(joined.T) + diags_array(np.ones(m))
    scale = diags_array(1 / np.sqrt(A.sum(axis=1)))
    return csr_array(scale @ A @ scale)
