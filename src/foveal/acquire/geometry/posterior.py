"""Variance that is left between samples once some are labeled: a Gaussian process over features."""

import numpy as np
from scipy.linalg import cho_factor, solve_triangular

from foveal.core.arrays import FloatArray, IntArray


def unit_scale(rows: FloatArray, others: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Both with every feature standardized over all rows, and a mean squared length of 1.

    So the kernel's length scale has one meaning, whatever the features and however many.
    """
    together = np.concatenate([rows, others]).astype(np.float64)
    together -= together.mean(axis=0)
    spread = together.std(axis=0)
    together /= np.where(spread > 0, spread, 1)
    size = np.sqrt(np.einsum("ij,ij->", together, together) / len(together))
    together /= size if size > 0 else 1
    return together[: len(rows)], together[len(rows) :]


class Posterior:
    """How much a label of each of n candidates would tell about m references among them.

    The kernel is exp(-|a - b|^2 / 2 l^2). The covariances of candidates and references are worked
    out once; what each pick changes in them is kept as a product, so that a pick costs one product
    of a matrix and a vector.

    Args:
        rows: (n, D) candidates.
        references: (m,) positions of candidates.
        weight: (m,) how much it counts that a reference becomes known, at least 0.
        labeled: (s, D) samples whose labels are known.
        noise: variance of a label, above 0; the kernel's own variance is 1.
        length_scale: l, above 0.
    """

    def __init__(
        self,
        rows: FloatArray,
        references: IntArray,
        weight: FloatArray,
        labeled: FloatArray,
        noise: float,
        length_scale: float,
    ) -> None:
        self._rows, self._references, self._weight = rows, references, weight
        self._noise, self._length_scale = noise, length_scale
        self._known = self._explained(labeled)
        self._steps: list[FloatArray] = []
        self._covariance = self._kernel(rows, rows[references])
        self._covariance -= self._known.T @ self._known[:, references]
        self._explains = np.einsum("ij,ij,j->i", self._covariance, self._covariance, weight)
        self.variance = 1 - np.einsum("ij,ij->j", self._known, self._known)

    def reduction(self) -> FloatArray:
        """(n,) by how much the weighted sum of the references' variances would fall, for each
        candidate, were it labeled."""
        reduced: FloatArray = self._explains / (self.variance + self._noise)
        return reduced

    def observe(self, i: int) -> None:
        """Take in that candidate i has a label now; which one does not matter to variances."""
        column = self._kernel(self._rows, self._rows[i : i + 1])[:, 0]
        column -= self._known.T @ self._known[:, i]
        for earlier in self._steps:
            column -= earlier * earlier[i]
        step = column / np.sqrt(self.variance[i] + self._noise)
        # The covariances become C - s r', with r the step at the references.
        at, w = step[self._references], self._weight
        product = self._covariance @ (w * at)
        for earlier in self._steps:
            product -= earlier * (earlier[self._references] @ (w * at))
        self._explains += step * (step * (w @ at**2) - 2 * product)
        np.maximum(self._explains, 0, out=self._explains)
        self.variance = np.maximum(self.variance - step**2, 0)
        self._steps.append(step)

    def _explained(self, labeled: FloatArray) -> FloatArray:
        """(s, n) whose products over s are the covariance that the labels explain."""
        if not len(labeled):
            return np.zeros((0, len(self._rows)))
        own = self._kernel(labeled, labeled)
        own[np.diag_indices_from(own)] += self._noise
        factor, _ = cho_factor(own, lower=True)
        solved: FloatArray = solve_triangular(factor, self._kernel(labeled, self._rows), lower=True)
        return solved

    def _kernel(self, a: FloatArray, b: FloatArray) -> FloatArray:
        """(len(a), len(b))."""
        squared = a @ b.T
        squared *= -2
        squared += np.einsum("ij,ij->i", a, a)[:, None] + np.einsum("ij,ij->i", b, b)
        np.maximum(squared, 0, out=squared)
        squared *= -1 / (2 * self._length_scale**2)
        return np.exp(squared, out=squared)
