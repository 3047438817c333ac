"""Submodular conditional mutual information: like the exemplars and unlike a private set.

I_f(A; Q | P) is what A shares with the exemplars Q beyond what the private set P tells already.
DIAGNOSE finds in-distribution images in pools that hold foreign ones. `s` is a cosine.
"""

import numpy as np

from foveal.acquire.registry import BOTH, Chosen, selector
from foveal.acquire.sets import (
    Coverage,
    Items,
    LogDet,
    LogDetDifference,
    Optimizer,
    by_parts,
    maximize,
    similarity,
)
from foveal.acquire.strategies.smi import NEEDS, RESIDUALS, largest_kernel
from foveal.acquire.targeted import Kernel, check_weights, like, nearest, target, why
from foveal.core.arrays import FloatArray, IntArray

DIAGNOSE = "Kothawade et al. 2022 (DIAGNOSE), arXiv:2210.01526"
PRIVATE = ("private_embedding", "private_residual")


@selector(
    "flcmi",
    needs=NEEDS,
    optional=(*RESIDUALS, *PRIVATE, "weight"),
    tasks=BOTH,
    source=DIAGNOSE,
    why=why,
)
def flcmi(
    embedding: FloatArray,
    exemplar_embedding: FloatArray,
    k: int,
    rng: np.random.Generator,
    residual: FloatArray | None = None,
    exemplar_residual: FloatArray | None = None,
    private_embedding: FloatArray | None = None,
    private_residual: FloatArray | None = None,
    weight: FloatArray | None = None,
    *,
    eta: float = 1.0,
    nu: float = 1.0,
    kernel: Kernel = "gradient",
    optimizer: Optimizer = "auto",
) -> Chosen:
    """The part of the pool that is like the exemplars and unlike the private set is covered.

    Maximizes sum over i of max(min(max over A of s_ia, eta * max over Q) - nu * max over P, 0).

    Args:
        embedding: (n, D) features that enter the last layer.
        exemplar_embedding: (q, D), q at least 1.
        k: how many to choose.
        rng: deals large pools out to parts; for the stochastic optimizer.
        residual: (n, C) p - y with hypothesized labels; for the kernel `gradient`.
        exemplar_residual: (q, C) p - y with true labels; for the kernel `gradient`.
        private_embedding: (p, D) or None.
        private_residual: (p, C) p - y with true labels; for the kernel `gradient`.
        weight: (n,) in [0, 1]: how much it counts that a candidate is covered.
        eta: where an item counts as covered, as a share of its likeness to the exemplars.
        nu: how strongly to stay away from the private set, at least 0.
        kernel: `gradient` or `features`; see `acquire.targeted` for where gradients are blind.
        optimizer: `lazy` and `naive` give the same batch; `stochastic` a nearly as good one.

    Returns:
        k positions in greedy's order, with each candidate's `similarity` to its nearest exemplar.
    Raises:
        EvidenceError: if there is no exemplar, or residuals of the private set are missing.
    Source:
        Kothawade et al. 2022 (DIAGNOSE), arXiv:2210.01526.
    """
    check_weights(eta=eta, nu=nu)

    def choose(pool: Items, exemplars: Items, rows: IntArray, count: int) -> IntArray:
        private = like(pool, private_embedding, private_residual, embedding.shape[1])
        cap, floor = eta * nearest(pool, exemplars), nu * nearest(pool, private)

        def of(candidates: IntArray, ground: IntArray, wanted: int) -> IntArray:
            near = similarity(pool.rows(candidates), pool.rows(ground))
            matters = None if weight is None else weight[rows[ground]]
            f = Coverage(near, cap[ground], floor[ground], matters)
            return candidates[maximize(f, wanted, optimizer, rng)]

        return by_parts(len(pool), count, largest_kernel(), of, rng)

    return target(choose, k, embedding, exemplar_embedding, residual, exemplar_residual, kernel)


@selector(
    "logdetcmi",
    needs=NEEDS,
    optional=(*RESIDUALS, *PRIVATE),
    tasks=BOTH,
    source=DIAGNOSE,
    why=why,
)
def logdetcmi(
    embedding: FloatArray,
    exemplar_embedding: FloatArray,
    k: int,
    rng: np.random.Generator,
    residual: FloatArray | None = None,
    exemplar_residual: FloatArray | None = None,
    private_embedding: FloatArray | None = None,
    private_residual: FloatArray | None = None,
    *,
    ridge: float = 1.0,
    kernel: Kernel = "gradient",
) -> Chosen:
    """Volume shared with the exemplars beyond what the private set spans, and diversity.

    Maximizes logdet of S_A given P minus logdet of S_A given P and Q, with `ridge` on the
    diagonals: the closed form of DIAGNOSE in other words. Not submodular. Linear in n.

    Args:
        embedding: (n, D) features that enter the last layer.
        exemplar_embedding: (q, D), q at least 1.
        k: how many to choose.
        rng: not used.
        residual: (n, C) p - y with hypothesized labels; for the kernel `gradient`.
        exemplar_residual: (q, C) p - y with true labels; for the kernel `gradient`.
        private_embedding: (p, D) or None.
        private_residual: (p, C) p - y with true labels; for the kernel `gradient`.
        ridge: added to the diagonals, at least 0.
        kernel: `gradient` or `features`; see `acquire.targeted` for where gradients are blind.

    Returns:
        k positions in greedy's order, with each candidate's `similarity` to its nearest exemplar.
    Raises:
        EvidenceError: if there is no exemplar, residuals of the private set are missing, or a
            kernel is not positive definite.
    Source:
        Kothawade et al. 2022 (DIAGNOSE), arXiv:2210.01526.
    """
    check_weights(ridge=ridge)

    def choose(pool: Items, exemplars: Items, rows: IntArray, count: int) -> IntArray:
        private = like(pool, private_embedding, private_residual, embedding.shape[1])
        known = LogDet(pool, private, ridge=ridge)
        both = LogDet(pool, private.joined(exemplars), ridge=ridge)
        return maximize(LogDetDifference(known, both), count)

    return target(choose, k, embedding, exemplar_embedding, residual, exemplar_residual, kernel)
