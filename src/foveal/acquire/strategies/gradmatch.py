"""GradMatch: a few gradients whose weighted sum is that of all."""

import numpy as np

from foveal.acquire.geometry.distances import WIDE, blocks, squared_lengths
from foveal.acquire.registry import BOTH, Chosen, Facts, selector
from foveal.core.arrays import FloatArray, IntArray
from foveal.core.errors import SpecError

SWEEPS = 100  # most, over the weights after each pick, from those before it
SETTLED = 1e-6  # largest change of a weight, relative to the largest weight, that ends the sweeps


def _why(facts: Facts) -> str:
    return "its gradient supplies what those chosen before it lack to match the whole"


@selector(
    "gradmatch",
    needs=("residual", "embedding"),
    optional=("val_residual", "val_embedding"),
    tasks=BOTH,
    why=_why,
)
def gradmatch(
    residual: FloatArray,
    embedding: FloatArray,
    k: int,
    rng: np.random.Generator,
    val_residual: FloatArray | None = None,
    val_embedding: FloatArray | None = None,
    *,
    ridge: float = 0.1,
) -> Chosen:
    """Orthogonal matching pursuit of the mean gradient, with nonnegative weights.

    With g_u = r_u (x) h_u it picks argmax <g_u, missing>, where missing = target - sum of w_v g_v
    over the picks, and w >= 0 minimizes |missing|^2 + ridge * mean |g|^2 * |w|^2. Only the target
    and what is missing, (C, D) each, are ever built.

    Args:
        residual: (n, C) gradient of the loss with respect to the logits, p - onehot(argmax p).
        embedding: (n, D).
        k: how many to choose.
        rng: not used; equal candidates are taken in their order, which the engine draws.
        val_residual: (v, C) with true labels, and
        val_embedding: (v, D), whose mean gradient is the target. Without both the target is the
            mean gradient of the pool, and a note says so.
        ridge: keeps weights from piling up on few picks, at least 0.

    Returns:
        (k,) positions, most wanted first, and notes. Once no gradient points to what is missing,
        the rest follow by <g_u, missing>.

    Raises:
        SpecError: if `ridge` is out of range.
    Source:
        Killamsetty et al. 2021, GRAD-MATCH: gradient matching based data subset selection for
        efficient deep model training, arXiv:2103.00123.
    """
    if not 0 <= ridge < np.inf:
        raise SpecError(f"`ridge` of gradmatch must be at least 0 and finite, not {ridge}")
    if val_residual is None or val_embedding is None or not len(val_residual):
        target = mean_gradient(residual, embedding)
        notes: tuple[str, ...] = (POOL,)
    else:
        target, notes = mean_gradient(val_residual, val_embedding), ()
    mean_square = float((squared_lengths(residual) * squared_lengths(embedding)).mean())
    return Chosen(pursuit(residual, embedding, target, k, ridge * mean_square), notes=notes)


POOL = (
    "gradmatch matched the mean gradient of the pool, because there is no `val` set with "
    "`embedding` and `residual`"
)


def mean_gradient(residual: FloatArray, embedding: FloatArray) -> FloatArray:
    """(C, D) mean of r (x) h over rows."""
    total = np.zeros((residual.shape[1], embedding.shape[1]))
    for at, part in blocks(embedding, WIDE):
        total += residual[at].T @ part
    mean: FloatArray = total / len(embedding)
    return mean


def pursuit(
    residual: FloatArray, embedding: FloatArray, target: FloatArray, k: int, ridge: float
) -> IntArray:
    """(k,) positions in the order of orthogonal matching pursuit; `ridge` in units of |g|^2."""
    toward = _aligned(residual, embedding, target)
    along, open_ = toward, np.ones(len(toward), dtype=bool)
    picked: list[int] = []
    gram, weight = np.zeros((k, k)), np.zeros(k)
    while len(picked) < k:
        ranked = np.where(open_, along, -np.inf)
        best = int(np.argmax(ranked))
        if ranked[best] <= 0:
            rest = np.argsort(-ranked, kind="stable")[: k - len(picked)]
            return np.array([*picked, *rest.tolist()], dtype=np.int64)
        picked.append(best)
        open_[best] = False
        m, r, h = len(picked), residual[picked], embedding[picked].astype(np.float64)
        gram[m - 1, :m] = gram[:m, m - 1] = (r @ r[-1]) * (h @ h[-1])
        gram[m - 1, m - 1] += ridge
        weight[:m] = nonnegative(gram[:m, :m], toward[picked], weight[:m])
        along = _aligned(residual, embedding, target - (r * weight[:m, None]).T @ h)
    return np.array(picked, dtype=np.int64)


def nonnegative(gram: FloatArray, toward: FloatArray, start: FloatArray) -> FloatArray:
    """(m,) w >= 0 with the smallest w'Gw / 2 - t'w, by coordinate descent from `start`.

    Args:
        gram: (m, m) G, symmetric, with a positive diagonal.
        toward: (m,) t.
        start: (m,) at least 0.
    """
    w = start.copy()
    slope = gram @ w - toward
    for _ in range(SWEEPS):
        before = w.copy()
        for j in range(w.size):
            moved = max(0.0, w[j] - slope[j] / gram[j, j])
            if moved != w[j]:
                slope += gram[:, j] * (moved - w[j])
                w[j] = moved
        if np.abs(w - before).max() <= SETTLED * w.max():
            break
    return w


def _aligned(residual: FloatArray, embedding: FloatArray, gradient: FloatArray) -> FloatArray:
    """(n,) <r (x) h, gradient>."""
    product = embedding @ gradient.T.astype(embedding.dtype)
    aligned: FloatArray = np.einsum("ij,ij->i", product, residual, dtype=np.float64)
    return aligned
