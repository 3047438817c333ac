"""Held: the arrays made last, up to so many bytes, since images differ a thousandfold in size."""

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Any, Generic, TypeVar

from numpy.typing import NDArray

K = TypeVar("K", bound=Hashable)


class Held(Generic[K]):
    """Calls `make` for what it does not hold; may be called by several threads."""

    def __init__(self, make: Callable[[K], NDArray[Any]], most_bytes: int) -> None:
        self._make, self._most = make, most_bytes
        self._kept: OrderedDict[K, NDArray[Any]] = OrderedDict()
        self._bytes = 0
        self._lock = threading.Lock()

    def __call__(self, key: K) -> NDArray[Any]:
        """The array of a key; whatever `make` raises passes, and nothing is kept then."""
        with self._lock:
            if key in self._kept:
                self._kept.move_to_end(key)
                return self._kept[key]
        made = self._make(key)
        with self._lock:
            if key not in self._kept:
                self._kept[key] = made
                self._bytes += made.nbytes
            while self._bytes > self._most:
                _, oldest = self._kept.popitem(last=False)
                self._bytes -= oldest.nbytes
        return made

    @property
    def nbytes(self) -> int:
        """Bytes held now."""
        return self._bytes
