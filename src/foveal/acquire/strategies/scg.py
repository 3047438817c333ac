"""Submodular conditional gain: a set that stands for the pool and stays away from a private set.

f(A | P) = f(A with P) - f(P) is what A adds to what is already known or unwanted: P may be images
out of distribution, or simply those labeled so far. `s` is a cosine (see `acquire.sets`).
"""

import numpy as np

from foveal.acquire.registry import BOTH, selector
from foveal.acquire.sets import (
    Coverage,
    GraphCutGain,
    LogDet,
    Optimizer,
    by_parts,
    features,
    maximize,
    similarity,
)
from foveal.acquire.strategies.smi import largest_kernel
from foveal.acquire.targeted import check_weights, like, nearest
from foveal.core.arrays import FloatArray, IntArray

SIMILAR = "Kothawade et al. 2021 (SIMILAR), arXiv:2107.00717"


@selector(
    "flcg",
    needs=("embedding",),
    optional=("private_embedding", "weight"),
    tasks=BOTH,
    source=SIMILAR,
)
def flcg(
    embedding: FloatArray,
    k: int,
    rng: np.random.Generator,
    private_embedding: FloatArray | None = None,
    weight: FloatArray | None = None,
    *,
    nu: float = 1.0,
    optimizer: Optimizer = "auto",
) -> IntArray:
    """The picks cover what of the pool the private set does not.

    Maximizes sum over i of max(max over A of s_ia - nu * max over P of s_ip, 0): facility location
    where there is no private set.

    Args:
        embedding: (n, D).
        k: how many to choose.
        rng: deals large pools out to parts; for the stochastic optimizer.
        private_embedding: (p, D) or None.
        weight: (n,) in [0, 1]: how much it counts that a candidate is covered.
        nu: how strongly to stay away, at least 0.
        optimizer: `lazy` and `naive` give the same batch; `stochastic` a nearly as good one.

    Returns:
        k positions in greedy's order.
    Source:
        Kothawade et al. 2021 (SIMILAR), arXiv:2107.00717.
    """
    check_weights(nu=nu)
    pool = features(embedding)
    floor = nu * nearest(pool, like(pool, private_embedding, None, embedding.shape[1]))

    def of(candidates: IntArray, ground: IntArray, wanted: int) -> IntArray:
        near = similarity(pool.rows(candidates), pool.rows(ground))
        matters = None if weight is None else weight[ground]
        f = Coverage(near, floor=floor[ground], weight=matters)
        return candidates[maximize(f, wanted, optimizer, rng)]

    return by_parts(len(pool), k, largest_kernel(), of, rng)


@selector("gccg", needs=("embedding",), optional=("private_embedding",), tasks=BOTH, source=SIMILAR)
def gccg(
    embedding: FloatArray,
    k: int,
    rng: np.random.Generator,
    private_embedding: FloatArray | None = None,
    *,
    trade: float = 0.5,
    nu: float = 1.0,
) -> IntArray:
    """Picks similar to the pool, unlike each other and unlike the private set, by sums.

    Maximizes sum over U, A of s - trade * sum over A, A of s - 2 * trade * nu * sum over A, P of s.

    Args:
        embedding: (n, D).
        k: how many to choose.
        rng: not used.
        private_embedding: (p, D) or None.
        trade: the cut's lambda, at least 0: redundancy against likeness to the pool.
        nu: how strongly to stay away, at least 0.

    Returns:
        k positions in greedy's order.
    Source:
        Kothawade et al. 2021 (SIMILAR), arXiv:2107.00717.
    """
    check_weights(trade=trade, nu=nu)
    pool = features(embedding)
    private = like(pool, private_embedding, None, embedding.shape[1])
    return maximize(GraphCutGain(pool, private, trade, nu), k)


@selector(
    "logdetcg", needs=("embedding",), optional=("private_embedding",), tasks=BOTH, source=SIMILAR
)
def logdetcg(
    embedding: FloatArray,
    k: int,
    rng: np.random.Generator,
    private_embedding: FloatArray | None = None,
    *,
    nu: float = 1.0,
    ridge: float = 1.0,
) -> IntArray:
    """Picks of the largest volume once what the private set spans is taken away.

    Maximizes logdet(S_A - nu^2 S_AP S_P^-1 S_PA), with `ridge` on the diagonals. Linear in n.

    Args:
        embedding: (n, D).
        k: how many to choose.
        rng: not used.
        private_embedding: (p, D) or None.
        nu: how strongly to stay away, in [0, 1].
        ridge: added to the diagonals, at least 0.

    Returns:
        k positions in greedy's order.
    Raises:
        EvidenceError: if a kernel is not positive definite.
    Source:
        Kothawade et al. 2021 (SIMILAR), arXiv:2107.00717.
    """
    check_weights(nu=nu, ridge=ridge)
    pool = features(embedding)
    private = like(pool, private_embedding, None, embedding.shape[1])
    return maximize(LogDet(pool, private, nu, ridge), k)
