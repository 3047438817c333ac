"""Concave over modular: relevance and coverage with diminishing returns (COM)."""

from typing import Literal

import numpy as np

from foveal.core.arrays import FloatArray, IntArray

Concave = Literal["log", "sqrt", "inverse"]


def concave(x: FloatArray, name: Concave) -> FloatArray:
    """log(1 + x), sqrt(x) or 1 - 1 / (1 + x), for x >= 0; 0 at 0."""
    match name:
        case "log":
            return np.log1p(x)
        case "sqrt":
            return np.sqrt(x)
        case "inverse":
            return 1 - 1 / (1 + x)


class ConcaveOverModular:
    """eta * sum over j in A of psi(sum over q s_jq) + sum over q of psi(sum over j in A s_jq).

    Monotone and submodular.

    Args:
        similarity: (n, q); negative values count as 0.
        eta: weight of relevance, at least 0.
        psi: the concave function.
        weight: (n,) at least 0, multiplies a candidate's similarities; None for 1.
    """

    submodular = True

    def __init__(
        self,
        similarity: FloatArray,
        eta: float = 1.0,
        psi: Concave = "sqrt",
        weight: FloatArray | None = None,
    ) -> None:
        self._s = np.maximum(np.asarray(similarity, np.float64), 0)
        if weight is not None:
            self._s *= np.asarray(weight)[:, None]
        self.reads = self._s.shape[1]
        self._psi: Concave = psi
        self._relevance = eta * concave(self._s.sum(axis=1), psi)
        self._sums = np.zeros(self._s.shape[1])

    def __len__(self) -> int:
        return len(self._s)

    def gains(self, among: IntArray | None = None) -> FloatArray:
        rows = slice(None) if among is None else among
        grown = concave(self._sums + self._s[rows], self._psi) - concave(self._sums, self._psi)
        gains: FloatArray = self._relevance[rows] + grown.sum(axis=1)
        return gains

    def add(self, position: int) -> None:
        self._sums = self._sums + self._s[position]
