"""Submodular mutual information: candidates that share the most with a query set of exemplars.

I_f(A; Q) = f(A) + f(Q) - f(A with Q) is what a set A and the exemplars Q have in common by a
set function f. CLINICAL maximizes it to find rare classes. `s` is a cosine (see `acquire.sets`).
"""

import math

import numpy as np

from foveal.acquire.registry import BOTH, Chosen, selector
from foveal.acquire.sets import (
    Concave,
    ConcaveOverModular,
    Coverage,
    Items,
    LogDet,
    LogDetDifference,
    Modular,
    Optimizer,
    QueryCoverage,
    by_parts,
    maximize,
    similarity,
)
from foveal.acquire.targeted import Kernel, check_weights, nearest, target, why
from foveal.core.arrays import FloatArray, IntArray

CLINICAL = "Kothawade et al. 2022 (CLINICAL), arXiv:2210.01520; functions of SIMILAR, 2107.00717"
NEEDS = ("embedding", "exemplar_embedding")
RESIDUALS = ("residual", "exemplar_residual")
KERNEL_BYTES = 2**30  # a kernel of the pool with itself up to this size is held whole


def largest_kernel() -> int:
    """Items whose kernel with themselves is held in memory."""
    return math.isqrt(KERNEL_BYTES // 4)


@selector(
    "flqmi", needs=NEEDS, optional=(*RESIDUALS, "weight"), tasks=BOTH, source=CLINICAL, why=why
)
def flqmi(
    embedding: FloatArray,
    exemplar_embedding: FloatArray,
    k: int,
    rng: np.random.Generator,
    residual: FloatArray | None = None,
    exemplar_residual: FloatArray | None = None,
    weight: FloatArray | None = None,
    *,
    eta: float = 1.0,
    kernel: Kernel = "gradient",
    optimizer: Optimizer = "auto",
) -> Chosen:
    """Every exemplar is covered by a pick, and every pick resembles an exemplar.

    Maximizes sum over q of max over A of s_aq, plus eta * sum over A of max over q of s_aq. Needs
    only the n x q similarities: the usual choice, a million candidates take seconds.

    Args:
        embedding: (n, D) features that enter the last layer.
        exemplar_embedding: (q, D), q at least 1.
        k: how many to choose.
        rng: for the stochastic optimizer.
        residual: (n, C) p - y with hypothesized labels; for the kernel `gradient`.
        exemplar_residual: (q, C) p - y with true labels; for the kernel `gradient`.
        weight: (n,) in [0, 1]: importance of a candidate, multiplies its similarities.
        eta: relevance against coverage of the exemplars, at least 0.
        kernel: `gradient` or `features`; see `acquire.targeted` for where gradients are blind.
        optimizer: `lazy` and `naive` give the same batch; `stochastic` a nearly as good one.

    Returns:
        k positions in greedy's order, with each candidate's `similarity` to its nearest exemplar.
    Raises:
        EvidenceError: if there is no exemplar.
    Source:
        Kothawade et al. 2022 (CLINICAL), arXiv:2210.01520.
    """
    check_weights(eta=eta)

    def choose(pool: Items, exemplars: Items, rows: IntArray, count: int) -> IntArray:
        near = similarity(pool, exemplars)
        f = QueryCoverage(near, eta, None if weight is None else weight[rows])
        return maximize(f, count, optimizer, rng)

    return target(choose, k, embedding, exemplar_embedding, residual, exemplar_residual, kernel)


@selector(
    "flvmi", needs=NEEDS, optional=(*RESIDUALS, "weight"), tasks=BOTH, source=CLINICAL, why=why
)
def flvmi(
    embedding: FloatArray,
    exemplar_embedding: FloatArray,
    k: int,
    rng: np.random.Generator,
    residual: FloatArray | None = None,
    exemplar_residual: FloatArray | None = None,
    weight: FloatArray | None = None,
    *,
    eta: float = 1.0,
    kernel: Kernel = "gradient",
    optimizer: Optimizer = "auto",
) -> Chosen:
    """The part of the pool that resembles the exemplars is covered by the picks.

    Maximizes sum over i of min(max over A of s_ia, eta * max over q of s_iq). Needs the n x n
    similarities: up to 16,384 candidates at once, more in two rounds (`sets.by_parts`).

    Args:
        embedding: (n, D) features that enter the last layer.
        exemplar_embedding: (q, D), q at least 1.
        k: how many to choose.
        rng: deals large pools out to parts; for the stochastic optimizer.
        residual: (n, C) p - y with hypothesized labels; for the kernel `gradient`.
        exemplar_residual: (q, C) p - y with true labels; for the kernel `gradient`.
        weight: (n,) in [0, 1]: how much it counts that a candidate is covered.
        eta: where an item counts as covered, as a share of its likeness to the exemplars.
        kernel: `gradient` or `features`; see `acquire.targeted` for where gradients are blind.
        optimizer: `lazy` and `naive` give the same batch; `stochastic` a nearly as good one.

    Returns:
        k positions in greedy's order, with each candidate's `similarity` to its nearest exemplar.
    Raises:
        EvidenceError: if there is no exemplar.
    Source:
        Kothawade et al. 2022 (CLINICAL), arXiv:2210.01520.
    """
    check_weights(eta=eta)

    def choose(pool: Items, exemplars: Items, rows: IntArray, count: int) -> IntArray:
        cap = eta * nearest(pool, exemplars)

        def of(candidates: IntArray, ground: IntArray, wanted: int) -> IntArray:
            near = similarity(pool.rows(candidates), pool.rows(ground))
            matters = None if weight is None else weight[rows[ground]]
            f = Coverage(near, cap=cap[ground], weight=matters)
            return candidates[maximize(f, wanted, optimizer, rng)]

        return by_parts(len(pool), count, largest_kernel(), of, rng)

    return target(choose, k, embedding, exemplar_embedding, residual, exemplar_residual, kernel)


@selector("gcmi", needs=NEEDS, optional=RESIDUALS, tasks=BOTH, source=CLINICAL, why=why)
def gcmi(
    embedding: FloatArray,
    exemplar_embedding: FloatArray,
    k: int,
    rng: np.random.Generator,
    residual: FloatArray | None = None,
    exemplar_residual: FloatArray | None = None,
    *,
    kernel: Kernel = "gradient",
) -> Chosen:
    """The candidates with the highest summed similarity to the exemplars: retrieval alone.

    Maximizes 2 * lambda * sum over A and Q of s_aq; lambda changes no ranking. Modular, so picks
    may all be alike: on easy sets it can fall below random.

    Args:
        embedding: (n, D) features that enter the last layer.
        exemplar_embedding: (q, D), q at least 1.
        k: how many to choose.
        rng: not used.
        residual: (n, C) p - y with hypothesized labels; for the kernel `gradient`.
        exemplar_residual: (q, C) p - y with true labels; for the kernel `gradient`.
        kernel: `gradient` or `features`; see `acquire.targeted` for where gradients are blind.

    Returns:
        k positions, highest first, with each candidate's `similarity` to its nearest exemplar.
    Raises:
        EvidenceError: if there is no exemplar.
    Source:
        Kothawade et al. 2022 (CLINICAL), arXiv:2210.01520.
    """

    def choose(pool: Items, exemplars: Items, rows: IntArray, count: int) -> IntArray:
        sums = similarity(pool, exemplars).sum(axis=1, dtype=np.float64)
        return maximize(Modular(sums), count)

    return target(choose, k, embedding, exemplar_embedding, residual, exemplar_residual, kernel)


@selector("logdetmi", needs=NEEDS, optional=RESIDUALS, tasks=BOTH, source=CLINICAL, why=why)
def logdetmi(
    embedding: FloatArray,
    exemplar_embedding: FloatArray,
    k: int,
    rng: np.random.Generator,
    residual: FloatArray | None = None,
    exemplar_residual: FloatArray | None = None,
    *,
    eta: float = 1.0,
    ridge: float = 1.0,
    kernel: Kernel = "gradient",
) -> Chosen:
    """Relevance to the exemplars and diversity among the picks, by volumes.

    Maximizes logdet S_A - logdet(S_A - eta^2 S_AQ S_Q^-1 S_QA), with `ridge` on the diagonals.
    Not submodular: greedy asks every candidate each time. Linear in n.

    Args:
        embedding: (n, D) features that enter the last layer.
        exemplar_embedding: (q, D), q at least 1.
        k: how many to choose.
        rng: not used.
        residual: (n, C) p - y with hypothesized labels; for the kernel `gradient`.
        exemplar_residual: (q, C) p - y with true labels; for the kernel `gradient`.
        eta: weight of the exemplars, at least 0.
        ridge: added to the diagonals, at least 0; 1 as in the released toolkit.
        kernel: `gradient` or `features`; see `acquire.targeted` for where gradients are blind.

    Returns:
        k positions in greedy's order, with each candidate's `similarity` to its nearest exemplar.
    Raises:
        EvidenceError: if there is no exemplar, or a kernel is not positive definite.
    Source:
        Kothawade et al. 2022 (CLINICAL), arXiv:2210.01520.
    """
    check_weights(eta=eta, ridge=ridge)

    def choose(pool: Items, exemplars: Items, rows: IntArray, count: int) -> IntArray:
        nothing = exemplars.rows(np.zeros(0, dtype=np.int64))
        alone = LogDet(pool, nothing, ridge=ridge)
        beside = LogDet(pool, exemplars, eta, ridge)
        return maximize(LogDetDifference(alone, beside), count)

    return target(choose, k, embedding, exemplar_embedding, residual, exemplar_residual, kernel)


@selector("com", needs=NEEDS, optional=(*RESIDUALS, "weight"), tasks=BOTH, source=CLINICAL, why=why)
def com(
    embedding: FloatArray,
    exemplar_embedding: FloatArray,
    k: int,
    rng: np.random.Generator,
    residual: FloatArray | None = None,
    exemplar_residual: FloatArray | None = None,
    weight: FloatArray | None = None,
    *,
    eta: float = 1.0,
    psi: Concave = "sqrt",
    kernel: Kernel = "gradient",
    optimizer: Optimizer = "auto",
) -> Chosen:
    """Relevance and coverage of the exemplars, both with diminishing returns.

    Maximizes eta * sum over A of psi(sum over q of s_aq) + sum over q of psi(sum over A of s_aq).

    Args:
        embedding: (n, D) features that enter the last layer.
        exemplar_embedding: (q, D), q at least 1.
        k: how many to choose.
        rng: for the stochastic optimizer.
        residual: (n, C) p - y with hypothesized labels; for the kernel `gradient`.
        exemplar_residual: (q, C) p - y with true labels; for the kernel `gradient`.
        weight: (n,) in [0, 1]: importance of a candidate, multiplies its similarities.
        eta: relevance against coverage of the exemplars, at least 0.
        psi: `sqrt`, `log` for log(1 + x), `inverse` for 1 - 1 / (1 + x).
        kernel: `gradient` or `features`; see `acquire.targeted` for where gradients are blind.
        optimizer: `lazy` and `naive` give the same batch; `stochastic` a nearly as good one.

    Returns:
        k positions in greedy's order, with each candidate's `similarity` to its nearest exemplar.
    Raises:
        EvidenceError: if there is no exemplar.
    Source:
        Kothawade et al. 2022 (CLINICAL), arXiv:2210.01520.
    """
    check_weights(eta=eta)

    def choose(pool: Items, exemplars: Items, rows: IntArray, count: int) -> IntArray:
        near = similarity(pool, exemplars)
        f = ConcaveOverModular(near, eta, psi, None if weight is None else weight[rows])
        return maximize(f, count, optimizer, rng)

    return target(choose, k, embedding, exemplar_embedding, residual, exemplar_residual, kernel)
