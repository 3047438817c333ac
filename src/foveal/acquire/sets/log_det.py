"""Log-determinants: volume that a set spans, alone, beside a query set, or given what is known.

With K = S + ridge * I, logdet K_A grows by the logarithm of the squared length that remains of the
new item once what A spans is taken away: one row of an incomplete Cholesky factor for each pick,
n numbers each, and no n x n matrix (Chen et al. 2018, arXiv:1709.05135). Conditioning on a set is
starting with its rows.
"""

import numpy as np
from scipy.linalg import LinAlgError, cholesky, solve_triangular

from foveal.acquire.sets.items import Items, similarity
from foveal.core.arrays import FloatArray, IntArray
from foveal.core.errors import EvidenceError

LEAST = 1e-12  # squared length below which nothing remains


class LogDet:
    """logdet of K_A - scale^2 * K_AG K_G^-1 K_GA: the volume of A given the set G.

    Submodular. Monotone if no remaining length falls below 1, as with a ridge of 1 and `scale` at
    most 1.

    Args:
        items: n candidates.
        given: G; may be empty.
        scale: of the cross block, per member of G (g,) or one number.
        ridge: added to the diagonal, at least 0.
    Raises:
        EvidenceError: where K_G, or K given G, is not positive definite.
    """

    submodular = True
    reads = 1

    def __init__(
        self, items: Items, given: Items, scale: float | FloatArray = 1.0, ridge: float = 1.0
    ) -> None:
        self._items, self._ridge = items, ridge
        own = (items.scales > 0).astype(np.float64)
        self._left = own + ridge
        self._rows: list[FloatArray] = []
        if len(given):
            start = _given_rows(items, given, scale, ridge)
            self._left = self._left - np.einsum("gn,gn->n", start, start)
            self._rows = list(start)
        if self._left.min(initial=1.0) < -1e-6:
            raise EvidenceError(
                "the kernel of log-det functions must be positive definite, but is not once its "
                "cross block is scaled; lower `eta` or `nu`, or raise `ridge`"
            )

    def __len__(self) -> int:
        return len(self._left)

    def gains(self, among: IntArray | None = None) -> FloatArray:
        left = self._left if among is None else self._left[among]
        gains: FloatArray = np.log(np.maximum(left, LEAST))
        return gains

    def add(self, position: int) -> None:
        one = self._items.rows(np.array([position]))
        row = similarity(self._items, one)[:, 0].astype(np.float64)
        row[position] += self._ridge
        if self._rows:
            known = np.stack(self._rows)
            row -= known[:, position] @ known
        row /= np.sqrt(max(self._left[position], LEAST))
        self._rows.append(row)
        self._left = self._left - row * row


class LogDetDifference:
    """The difference of two log-dets: mutual information of A with what only `rest` is given.

    I(A; Q) = logdet K_A - logdet K_A given Q. Not submodular in general, so greedy has no
    guarantee here and lazy greedy would err.
    """

    submodular = False
    reads = 2

    def __init__(self, whole: LogDet, rest: LogDet) -> None:
        self._whole, self._rest = whole, rest

    def __len__(self) -> int:
        return len(self._whole)

    def gains(self, among: IntArray | None = None) -> FloatArray:
        gains: FloatArray = self._whole.gains(among) - self._rest.gains(among)
        return gains

    def add(self, position: int) -> None:
        self._whole.add(position)
        self._rest.add(position)


def _given_rows(items: Items, given: Items, scale: float | FloatArray, ridge: float) -> FloatArray:
    """(g, n) rows of the Cholesky factor that belong to G, seen from the candidates."""
    kernel = similarity(given, given).astype(np.float64)
    kernel[np.diag_indices(len(given))] = (given.scales > 0) + ridge
    try:
        lower = cholesky(kernel, lower=True)
    except LinAlgError as error:
        raise EvidenceError(
            "the kernel of log-det functions must be positive definite, but that of the given set "
            "is not: it holds repeats or things of length 0; raise `ridge` (1 is usual) or remove "
            "the repeats"
        ) from error
    cross = similarity(given, items).astype(np.float64) * np.reshape(scale, (-1, 1))
    rows: FloatArray = solve_triangular(lower, cross, lower=True)
    return rows
