"""Processes that are killed: what tests of kills and measurements (results/live) share."""

import multiprocessing
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from multiprocessing.connection import Connection
from multiprocessing.context import ForkServerContext
from multiprocessing.process import BaseProcess
from typing import Any


def nursery_of(*modules: str) -> ForkServerContext:
    """Where processes start in milliseconds, since these modules are loaded already."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(list(modules))
    return context


@contextmanager
def running(
    nursery: ForkServerContext, does: Callable[..., None], *given: Any
) -> Iterator[BaseProcess]:
    """A process for a block; killed at its end."""
    process = nursery.Process(target=does, args=given, daemon=True)  # type: ignore[attr-defined]
    process.start()
    try:
        yield process
    finally:
        process.kill()
        process.join()


def started(
    nursery: ForkServerContext, does: Callable[..., None], *given: Any
) -> tuple[BaseProcess, Connection]:
    """A process, and the end of a pipe to which it speaks; the other end is its last argument."""
    ours, theirs = nursery.Pipe(duplex=False)
    process = nursery.Process(target=does, args=(*given, theirs), daemon=True)  # type: ignore[attr-defined]
    process.start()
    theirs.close()
    return process, ours


def last_words(process: BaseProcess, pipe: Connection) -> list[Any]:
    """Kill a process; what it had said that nobody has heard yet."""
    process.kill()
    process.join()
    process.close()
    said = []
    with pipe:
        while True:
            try:
                said.append(pipe.recv())
            except EOFError:
                return said
