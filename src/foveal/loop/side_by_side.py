"""Side by side: the runs of a study in several processes, which share nothing but the cache."""

import multiprocessing
import os
import threading
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from functools import partial
from multiprocessing.connection import Connection
from multiprocessing.connection import wait as wait_for
from pathlib import Path
from typing import Any, NamedTuple

from foveal.core.errors import FovealError
from foveal.loop.bench import Watch, unwatched
from foveal.loop.study import Ended, Reached, Run, attempt, check_study
from foveal.models import use_threads

TICK = 0.5  # seconds between looks at what the processes say

HearAll = Callable[[Run, Reached], None]


class Outcome(NamedTuple):
    """A study's end: records of the runs that ended, in the order of the runs, the `created` entry
    of the first of them, and the failures of the others."""

    records: list[dict[str, Any]]
    created: Mapping[str, Any]
    failures: list[dict[str, Any]]


def run_study(
    runs: Sequence[Run],
    base: Path,
    folder: Path,
    jobs: int = 1,
    threads: int = 1,
    watch: Watch = unwatched,
    hear: HearAll = lambda _run, _reached: None,
    finished: Callable[[Run, Ended], None] = lambda _run, _ended: None,
) -> Outcome:
    """Every run to its end, in `jobs` processes. A run that fails does not stop the others.

    Args:
        threads: of torch in each process; the same number gives the same figures, whatever `jobs`.
        hear: called in this process as rounds end.
        finished: called in this process as runs end, in any order.
    Raises:
        FovealError: if no run came to its end, or a process was killed; and what `check_study`
            raises.
    """
    check_study(runs, base, watch)
    ended: dict[int, Ended] = {}
    for i, end in _ends(runs, base, folder, jobs, threads, watch, hear):
        ended[i] = end
        finished(runs[i], end)
    in_order = [ended[i] for i in range(len(runs))]
    failures = [end.failure for end in in_order if end.failure is not None]
    whole = [end for end in in_order if end.record is not None]
    if not whole:
        one = failures[0]
        raise FovealError(
            f"none of {len(runs)} runs came to its end; {one['arm']} with seed {one['seed']} "
            f"stopped in round {one['round']}: {one['error']}"
        )
    assert whole[0].created is not None
    return Outcome([e.record for e in whole if e.record is not None], whole[0].created, failures)


def _ends(
    runs: Sequence[Run],
    base: Path,
    folder: Path,
    jobs: int,
    threads: int,
    watch: Watch,
    hear: HearAll,
) -> Iterator[tuple[int, Ended]]:
    if jobs == 1:
        use_threads(threads)
        for i, run in enumerate(runs):
            yield i, attempt(run, base, folder, watch, partial(hear, run))
        return
    context = multiprocessing.get_context("spawn")
    said = context.SimpleQueue()
    stop, stopper = context.Pipe(duplex=False)
    waiting = deque(enumerate(runs))
    running: dict[Future[Ended], int] = {}
    with ProcessPoolExecutor(jobs, context, _enlist, (threads, said, stop)) as workers:
        try:
            while waiting or running:
                # No more than can run at once, so that after Ctrl-C nothing else begins.
                while waiting and len(running) < jobs:
                    i, run = waiting.popleft()
                    running[workers.submit(_work, i, run, base, folder)] = i
                done = wait(running, TICK, return_when=FIRST_COMPLETED).done
                while not said.empty():
                    i, reached = said.get()
                    hear(runs[i], reached)
                for future in done:
                    yield running.pop(future), _result(future)
        except BaseException:
            stopper.close()  # else leaving the pool would wait for what runs
            raise


def _result(future: Future[Ended]) -> Ended:
    try:
        return future.result()
    except BrokenProcessPool as error:
        raise FovealError(
            "the process of a run was killed, perhaps because memory ran out; the same command "
            "goes on from there, if need be with fewer --jobs"
        ) from error


class _Worker:
    """What a process of the pool was given when it began."""

    said: Any = None


def _enlist(threads: int, said: Any, stop: Connection) -> None:
    """Prepare a worker: it ends with its parent, which may be killed without a word, and at once
    when the study is stopped."""
    use_threads(threads)
    _Worker.said = said
    threading.Thread(target=_follow, args=(stop,), daemon=True).start()


def _follow(stop: Connection) -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        wait_for([parent.sentinel, stop])
        os._exit(1)  # the journal bears it; else this process would wait for work for ever


def _work(i: int, run: Run, base: Path, folder: Path) -> Ended:
    said = _Worker.said
    return attempt(run, base, folder, hear=lambda reached: said.put((i, reached)))
