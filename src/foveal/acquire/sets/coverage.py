"""Coverage functions: how well a set stands for a pool, for a query set, or for what is neither.

All are facility locations, sums over the ground set of the best similarity to the set; they
differ in where a ground item's share begins to count (its floor) and where it is full (its cap).
"""

import numpy as np

from foveal.core.arrays import FloatArray, IntArray

IN_CACHE = 2**17  # similarities looked at together, so that they are read from memory once


class Coverage:
    """f(A) = sum over i of weight_i * [min(max over j in A of s_ij, cap_i) - floor_i], at least 0.

    Facility location has neither cap nor floor; FLVMI caps at eta * max s_iQ, FLCG begins at
    nu * max s_iP, FLCMI does both. Monotone and submodular.

    Args:
        similarity: (n, g) of candidate and ground item; negative values count as 0.
        cap: (g,) or None.
        floor: (g,) or None.
        weight: (g,) at least 0, or None.
    """

    submodular = True

    def __init__(
        self,
        similarity: FloatArray,
        cap: FloatArray | None = None,
        floor: FloatArray | None = None,
        weight: FloatArray | None = None,
    ) -> None:
        s = np.asarray(similarity)
        g = s.shape[1]
        self._cap = np.full(g, np.inf) if cap is None else np.asarray(cap, np.float64)
        begin = np.zeros(g) if floor is None else np.maximum(np.asarray(floor, np.float64), 0)
        counts = self._cap > begin  # what is full before it begins adds nothing
        if weight is not None:
            counts &= np.asarray(weight) > 0
        whole = bool(counts.all())
        self._s = s if whole else np.ascontiguousarray(s[:, counts])
        self.reads = self._s.shape[1]
        self._cap = self._cap[counts].astype(self._s.dtype)
        self._covered = begin[counts].astype(self._s.dtype)
        self._weight = None if weight is None else np.asarray(weight)[counts].astype(self._s.dtype)

    def __len__(self) -> int:
        return len(self._s)

    def gains(self, among: IntArray | None = None) -> FloatArray:
        count = len(self) if among is None else len(among)
        result = np.empty(count)
        step = max(1, IN_CACHE // max(1, self._s.shape[1]))
        space = np.empty((max(1, min(step, count)), self._s.shape[1]), self._s.dtype)
        for start in range(0, count, step):
            part = slice(start, start + step)
            rows = self._s[part] if among is None else self._s[among[part]]
            result[part] = self._worth(rows, space[: len(rows)])
        return result - self._worth(self._covered[None], space[:1])

    def _worth(self, rows: FloatArray, space: FloatArray) -> FloatArray:
        """(m,) f of the set with each row added, but for the floor that all of them share.

        A sum along a row does not depend on which other rows are asked.
        """
        covered = np.clip(rows, self._covered, self._cap, out=space)
        if self._weight is not None:
            covered *= self._weight
        worth: FloatArray = covered.sum(axis=1, dtype=np.float64)
        return worth

    def add(self, position: int) -> None:
        self._covered = np.clip(self._s[position], self._covered, self._cap)


class QueryCoverage:
    """FLQMI: sum over q of max over j in A of s_jq, plus eta * sum over j in A of max over q s_jq.

    Monotone and submodular; needs the similarity to the query set only.

    Args:
        similarity: (n, q) of candidate and exemplar; negative values count as 0.
        eta: weight of relevance against coverage of the query set, at least 0.
        weight: (n,) at least 0, multiplies a candidate's similarities; None for 1.
    """

    submodular = True

    def __init__(
        self, similarity: FloatArray, eta: float = 1.0, weight: FloatArray | None = None
    ) -> None:
        s = np.maximum(np.asarray(similarity), 0)
        if weight is not None:
            s *= np.asarray(weight, s.dtype)[:, None]
        self._s = s
        self.reads = s.shape[1]
        self._relevance = eta * s.max(axis=1, initial=0).astype(np.float64)
        self._covered = np.zeros(s.shape[1], s.dtype)

    def __len__(self) -> int:
        return len(self._s)

    def gains(self, among: IntArray | None = None) -> FloatArray:
        count = len(self) if among is None else len(among)
        result: FloatArray = self._relevance.copy() if among is None else self._relevance[among]
        step = max(1, IN_CACHE // max(1, self._s.shape[1]))
        for start in range(0, count, step):
            part = slice(start, start + step)
            rows = self._s[part] if among is None else self._s[among[part]]
            more = np.maximum(rows, self._covered)
            more -= self._covered
            result[part] += more.sum(axis=1, dtype=np.float64)
        return result

    def add(self, position: int) -> None:
        self._covered = np.maximum(self._covered, self._s[position])
