"""Ctrl-C that is always heard."""

import _thread
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

AGAIN_AFTER = 0.02  # seconds; by then the callback that swallowed it has ended


@contextmanager
def heard() -> Iterator[None]:
    """A block in which Ctrl-C is not lost where Python cannot raise it.

    It comes as an exception in whatever runs just then. In a destructor or the callback of a weak
    reference, of which libraries have many, Python can only report and forget it, and the command
    would run on; so it is sent once more.
    """
    before = sys.unraisablehook

    def again(lost: Any) -> None:
        if issubclass(lost.exc_type, KeyboardInterrupt):
            threading.Timer(AGAIN_AFTER, _thread.interrupt_main).start()
        else:
            before(lost)

    sys.unraisablehook = again
    try:
        yield
    finally:
        sys.unraisablehook = before
