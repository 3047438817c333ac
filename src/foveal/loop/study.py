"""Study: arms x seeds. Every run has its own folder and journal, so a study resumes run by run."""

import hashlib
import multiprocessing
import os
import re
import threading
from collections import Counter, deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from foveal.acquire import names
from foveal.core.errors import FovealError
from foveal.core.spec import ArmSpec, ExperimentSpec, parse_spec, with_settings
from foveal.loop.bench import Bench, Watch, check_enough, open_bench, unwatched
from foveal.loop.experiment import Experiment
from foveal.loop.gallery import draw_gallery
from foveal.loop.rehearsal import rehearse
from foveal.loop.results import run_record
from foveal.loop.wants import check_targets
from foveal.models import use_threads

LONGEST_NAME = 60
PICTURED = 3  # rounds of each arm's first seed: a report stays small enough to send


@dataclass(frozen=True, slots=True)
class Run:
    """One run of a study: an arm with a seed, where it is kept, and how many of its rounds are
    pictured in the report (None for all)."""

    arm: str
    spec: ExperimentSpec
    folder: Path
    pictured: int | None = None


def runs_of(settings: Mapping[str, Any], folder: Path) -> list[Run]:
    """The runs a spec asks for: its arms (or itself as the only one) times its seeds.

    Raises:
        SpecError: if an arm's settings make no valid spec, or its strategy no sense (see
            `rehearse`, which also raises UnknownName and EvidenceError).
    """
    whole = parse_spec(settings)
    arms = whole.arms or (ArmSpec(name=shortened(whole.acquire.strategy)),)
    alone = {k: v for k, v in settings.items() if k not in ("arms", "seeds")}
    slugs = _slugs([arm.name for arm in arms])
    runs = []
    for seed in range(whole.seed, whole.seed + whole.seeds):
        for arm in arms:
            spec = parse_spec(with_settings(alone, {**arm.set, "seed": seed}))
            rehearse(spec)
            place = folder / "runs" / f"{slugs[arm.name]}-seed{seed}"
            runs.append(Run(arm.name, spec, place, PICTURED if seed == whole.seed else 0))
    return runs


def arms_of(strategies: Sequence[str]) -> list[dict[str, Any]]:
    """Arms that differ in the strategy alone."""
    return [{"name": shortened(name), "set": {"acquire.strategy": name}} for name in strategies]


def shortened(name: str) -> str:
    """A strategy's name as that of an arm, which has a limit that expressions may pass."""
    return name if len(name) <= LONGEST_NAME else f"{name[: LONGEST_NAME - 1]}…"


def runnable(settings: Mapping[str, Any]) -> tuple[list[str], dict[str, str]]:
    """All strategies that a spec can run as it is, and why it cannot run the others."""
    able, unable = [], {}
    alone = {k: v for k, v in settings.items() if k not in ("arms", "seeds")}
    for name in names():
        spec = parse_spec(with_settings(alone, {"acquire.strategy": name}))
        try:
            rehearse(spec)
            check_targets(spec)
        except FovealError as error:
            unable[name] = str(error)
        else:
            able.append(name)
    return able, unable


def run_study(
    runs: Sequence[Run],
    base: Path,
    folder: Path,
    jobs: int = 1,
    threads: int = 1,
    watch: Watch = unwatched,
    finished: Callable[[Run, dict[str, Any]], None] = lambda _run, _record: None,
) -> tuple[list[dict[str, Any]], Mapping[str, Any]]:
    """Every run to its end, in `jobs` processes.

    Args:
        threads: of torch in each process; the same number gives the same figures, whatever `jobs`.
        finished: called in this process as runs end, in any order.
    Returns:
        the runs' records in the order of `runs`, and the `created` entry of the first.
    """
    first = runs[0].spec
    bench = open_bench_of(first, base, watch)  # features are computed once, before runs share them
    for run in runs:
        if run.spec.data == first.data:
            check_enough(run.spec, bench.collection)
    records: dict[int, tuple[dict[str, Any], Mapping[str, Any]]] = {}
    for i, outcome in _outcomes(runs, base, folder, jobs, threads, watch):
        records[i] = outcome
        finished(runs[i], outcome[0])
    return [records[i][0] for i in range(len(runs))], records[0][1]


def _outcomes(
    runs: Sequence[Run], base: Path, folder: Path, jobs: int, threads: int, watch: Watch
) -> Iterator[tuple[int, Any]]:
    if jobs == 1:
        use_threads(threads)
        for i, run in enumerate(runs):
            yield i, perform(run, base, folder, watch)
        return
    context = multiprocessing.get_context("spawn")
    waiting = deque(enumerate(runs))
    running: dict[Future[Any], int] = {}
    with ProcessPoolExecutor(jobs, context, _enlist, (threads,)) as workers:
        while waiting or running:
            # No more than can run at once, so that after an error or Ctrl-C nothing else begins.
            while waiting and len(running) < jobs:
                i, run = waiting.popleft()
                running[workers.submit(perform, run, base, folder)] = i
            for future in wait(running, return_when=FIRST_COMPLETED).done:
                yield running.pop(future), _result(future)


def _result(future: Future[Any]) -> Any:
    try:
        return future.result()
    except BrokenProcessPool as error:
        raise FovealError(
            "the process of a run was killed, perhaps because memory ran out; the same command "
            "goes on from there, if need be with fewer --jobs"
        ) from error


def _enlist(threads: int) -> None:
    """Prepare a worker: it ends with its parent, which may be killed without a word."""
    use_threads(threads)
    threading.Thread(target=_follow, daemon=True).start()


def _follow() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)  # the journal bears it; else this process would wait for work for ever


def perform(
    run: Run, base: Path, folder: Path, watch: Watch = unwatched
) -> tuple[dict[str, Any], Mapping[str, Any]]:
    """One run to its end (at once, if it has ended before): its record and `created` entry."""
    bench = open_bench_of(run.spec, base, watch)
    with Experiment(run.spec, bench, run.folder, watch) as experiment:
        state = experiment.run()
        record = run_record(run.arm, run.spec, state, bench.pool)
        record["gallery"] = draw_gallery(state, bench, experiment.blobs, run.folder, run.pictured)
        _rebase(record["gallery"], run.folder, folder)
        assert state.created is not None
        return record, state.created


def _rebase(gallery: list[dict[str, Any]], inner: Path, outer: Path) -> None:
    """Panel paths relative to the study's folder."""
    for rounds in gallery:
        for case in rounds["cases"]:
            case["panel"] = (inner / case["panel"]).relative_to(outer).as_posix()


_BENCHES: dict[str, Bench] = {}


def open_bench_of(spec: ExperimentSpec, base: Path, watch: Watch = unwatched) -> Bench:
    """`open_bench`, remembered in this process: runs of a study differ in little else."""
    key = f"{base}{spec.data.model_dump_json()}{spec.model.model_dump_json()}"
    if key not in _BENCHES:
        _BENCHES.clear()
        _BENCHES[key] = open_bench(spec, base, watch)
    return _BENCHES[key]


def _slugs(names: Sequence[str]) -> dict[str, str]:
    """Folder names of arms; those that would share one are told apart by a hash of the name."""
    plain = {name: re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-") or "arm" for name in names}
    shared = Counter(plain.values())
    return {
        name: slug
        if shared[slug] == 1
        else f"{slug}-{hashlib.sha256(name.encode()).hexdigest()[:6]}"
        for name, slug in plain.items()
    }
