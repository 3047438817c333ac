"""Items and their similarity: cosine of features or of last-layer gradients, never materialized.

A gradient of the last layer is the outer product of a residual (C,) and of the features with a 1
for the bias (D + 1,). The cosine of two outer products is the product of the factors' cosines, so
items are kept as factors, and n x C x D numbers are never written down.
"""

from dataclasses import dataclass

import numpy as np

from foveal.core.arrays import AnyArray, FloatArray, IntArray
from foveal.core.errors import EvidenceError

BLOCK = 2**22  # similarities computed at a time


@dataclass(frozen=True, slots=True)
class Items:
    """n things, each the outer product of its rows in `factors`, ((n, D1), (n, D2), ...).

    `scales` (n,) are one over the products' lengths; 0 for a thing of length 0, which is similar
    to nothing.
    """

    factors: tuple[FloatArray, ...]
    scales: FloatArray

    def __len__(self) -> int:
        return len(self.scales)

    def rows(self, positions: IntArray) -> "Items":
        """Some of the items."""
        return Items(tuple(f[positions] for f in self.factors), self.scales[positions])

    def joined(self, other: "Items") -> "Items":
        """These items, then others of the same kind."""
        pairs = zip(self.factors, other.factors, strict=True)
        scales = np.concatenate([self.scales, other.scales])
        return Items(tuple(np.concatenate(p) for p in pairs), scales)


def features(embedding: AnyArray) -> Items:
    """Items compared by the cosine of their features.

    Args:
        embedding: (n, D).
    """
    return _items(_floats(embedding))


def gradients(residual: AnyArray, embedding: AnyArray) -> Items:
    """Items compared by the cosine of their last-layer gradients, weights and bias.

    Args:
        residual: (n, C) gradient of the loss with respect to the logits.
        embedding: (n, D) features that enter the last layer.
    Source:
        Ash et al. 2020, arXiv:1906.03671; as a kernel Kothawade et al. 2021, arXiv:2107.00717.
    """
    h = _floats(embedding)
    return _items(_floats(residual), np.column_stack([h, np.ones(len(h), h.dtype)]))


def similarity(a: Items, b: Items) -> FloatArray:
    """(len(a), len(b)) cosines in [-1, 1]."""
    result = np.empty((len(a), len(b)), np.float32)
    step = max(1, BLOCK // max(1, len(b)))
    for start in range(0, len(a), step):
        part = slice(start, start + step)
        block = np.outer(a.scales[part], b.scales)
        for fa, fb in zip(a.factors, b.factors, strict=True):
            block *= fa[part] @ fb.T
        result[part] = np.clip(block, -1, 1)
    return result


def total_similarity(items: Items, to: Items) -> FloatArray:
    """(n,) sum of each item's similarity to all of `to`, without the matrix of pairs."""
    if len(items.factors) == 1:
        center = to.scales @ to.factors[0]
        return np.asarray(items.scales * (items.factors[0] @ center), np.float64)
    first, second = to.factors
    center = (first * to.scales[:, None]).T @ second
    sums = np.einsum("nc,nc->n", items.factors[0], items.factors[1] @ center.T)
    return np.asarray(items.scales * sums, np.float64)


def _items(*factors: FloatArray) -> Items:
    lengths = [np.sqrt(np.einsum("nd,nd->n", f, f, dtype=np.float64)) for f in factors]
    length: FloatArray = np.prod(lengths, axis=0)
    scales = np.divide(1.0, length, out=np.zeros_like(length), where=length > 0)
    if not np.isfinite(scales).all():
        raise EvidenceError(
            "lengths of embeddings must be finite numbers of ordinary size, but one is too large "
            "or too small to be compared; normalize the embedding"
        )
    return Items(factors, scales.astype(factors[0].dtype))


def _floats(array: AnyArray) -> FloatArray:
    """As it is if single or double precision, else single."""
    if array.ndim != 2:
        raise EvidenceError(f"items need rows of features, (n, D), not shape {array.shape}")
    wanted = array.dtype in (np.float32, np.float64)
    return array if wanted else array.astype(np.float32)  # type: ignore[return-value]
