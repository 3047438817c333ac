"""Gate: how many may try a password at once and in a minute; checking one is dear on purpose."""

import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from foveal.annotate.failures import RefusedError

AT_ONCE = 2  # each takes 32 MiB and a core for a moment
WAITING = 4  # besides; each holds a thread that others need
MINUTE = 60.0


class Gate:
    """Lets `most` tries through in any minute, whoever makes them."""

    def __init__(self, most: int = 100, clock: Callable[[], float] = time.monotonic) -> None:
        self._most, self._clock = most, clock
        self._tries: deque[float] = deque()
        self._lock = threading.Lock()
        self._door = threading.BoundedSemaphore(AT_ONCE + WAITING)
        self._room = threading.BoundedSemaphore(AT_ONCE)

    @contextmanager
    def passing(self) -> Iterator[None]:
        """One try.

        Raises:
            RefusedError: if there were too many.
        """
        self._count()
        if not self._door.acquire(blocking=False):
            raise too_many()
        try:
            with self._room:
                yield
        finally:
            self._door.release()

    def _count(self) -> None:
        now = self._clock()
        with self._lock:
            while self._tries and self._tries[0] <= now - MINUTE:
                self._tries.popleft()
            if len(self._tries) >= self._most:
                raise too_many()
            self._tries.append(now)


def too_many() -> RefusedError:
    """What those hear who have to wait."""
    return RefusedError(429, "too_many", "Too many people try to log in; wait a minute.")
