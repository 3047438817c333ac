"""Graph-cut functions: similarity to a query set by sums, and its counterpart without a query."""

import numpy as np

from foveal.acquire.sets.items import Items, similarity, total_similarity
from foveal.core.arrays import FloatArray, IntArray


class Modular:
    """f(A) = sum of the members' own values: greedy takes the k highest (GCMI).

    Args:
        values: (n,).
    """

    submodular = True
    reads = 1

    def __init__(self, values: FloatArray) -> None:
        self._values = np.asarray(values, np.float64)

    def __len__(self) -> int:
        return len(self._values)

    def gains(self, among: IntArray | None = None) -> FloatArray:
        return self._values if among is None else self._values[among]

    def add(self, position: int) -> None:
        return


class GraphCutGain:
    """GCCG: sum over U, A of s - trade * sum over A, A of s - 2 trade * nu * sum over A, P of s.

    Submodular for similarities of at least 0; not monotone where `trade` is large, and then
    greedy's guarantee does not hold.

    Args:
        items: the n candidates, which are also the ground set.
        private: what to stay away from; may be empty.
        trade: the cut's trade-off lambda, at least 0; redundancy within A counts by it.
        nu: how strongly to avoid `private`.
    """

    submodular = True
    reads = 1

    def __init__(self, items: Items, private: Items, trade: float = 0.5, nu: float = 1.0) -> None:
        self._items, self._trade = items, trade
        own = (items.scales > 0).astype(np.float64)  # similarity of an item to itself
        away = total_similarity(items, private) if len(private) else np.zeros(len(items))
        self._gain = total_similarity(items, items) - trade * own - 2 * trade * nu * away

    def __len__(self) -> int:
        return len(self._gain)

    def gains(self, among: IntArray | None = None) -> FloatArray:
        return self._gain if among is None else self._gain[among]

    def add(self, position: int) -> None:
        near = similarity(self._items, self._items.rows(np.array([position])))[:, 0]
        self._gain = self._gain - 2 * self._trade * near
