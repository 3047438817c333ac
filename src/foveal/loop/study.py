"""Study: arms x seeds. Every run has its own folder and journal, so a study resumes run by run."""

import hashlib
import itertools
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from foveal import __version__
from foveal.core.errors import FovealError, SchemaError, SpecError, StoreError
from foveal.core.spec import ExperimentSpec, parse_spec, with_settings
from foveal.loop.bench import Bench, Watch, check_enough, open_bench, unwatched
from foveal.loop.craft import MAIN
from foveal.loop.experiment import JOURNAL, Experiment, beginning, check_same, run_round
from foveal.loop.gallery import draw_gallery
from foveal.loop.lineup import arms_in, check_shared, of_a_run, slug
from foveal.loop.rehearsal import rehearse
from foveal.loop.results import REPORTED, run_record
from foveal.store import Journal, State, fold

ALL_LABELS = "all labels"
ON_ALL_LABELS = {
    "acquire.strategy": "random",
    "acquire.parameters": {},
    "seed_counts": {},
    "cold_start": "random",
}
PICTURED = 3  # rounds of each arm's first seed: a report stays small enough to send


@dataclass(frozen=True, slots=True)
class Run:
    """One run of a study: an arm with a seed (and fold), where it is kept, and how many of its
    rounds are pictured in the report (None for all). With `everything` all candidates are labeled
    at once, however many the spec names."""

    arm: str
    spec: ExperimentSpec
    folder: Path
    pictured: int | None = None
    everything: bool = False

    def spec_on(self, bench: Bench) -> ExperimentSpec:
        """The spec with as many labels as the bench has candidates, where all are asked for."""
        if not self.everything:
            return self.spec
        count = len(bench.pool.ids("unlabeled"))
        return self.spec.model_copy(update={"seed_set": count, "labels": count})


class Reached(NamedTuple):
    """How far a run is: rounds trained, labels bought, and the last round's main test metric."""

    rounds: int
    labels: int
    value: float | None


Hear = Callable[[Reached], None]


@dataclass(frozen=True, slots=True)
class Ended:
    """How a run ended: with its record and its journal's `created` entry, or with a failure:
    {"arm", "seed", "round", "labels", "error"}."""

    record: dict[str, Any] | None = None
    created: Mapping[str, Any] | None = None
    failure: dict[str, Any] | None = None


def runs_of(settings: Mapping[str, Any], folder: Path) -> list[Run]:
    """The runs a spec asks for: its arms (or itself as the only one) times its seeds and folds.

    With `reference` there is one more arm, `ALL_LABELS`. Runs of one fold come together, since they
    share a bench.

    Raises:
        SpecError: if an arm's settings make no valid spec, change what all must share, or its
            strategy makes no sense (see `rehearse`, which also raises UnknownName and
            EvidenceError).
    """
    whole = parse_spec(settings)
    check_shared(settings)
    arms, alone = arms_in(whole), of_a_run(settings)
    folders = _folder_names([arm.name for arm in arms])
    seeds = range(whole.seed, whole.seed + whole.seeds)
    runs = []
    for part, seed in itertools.product(folds_in(whole), seeds):
        change = {"seed": seed} if part is None else {"seed": seed, "data.fold": part}
        pictured = PICTURED if seed == whole.seed and not part else 0
        tail = f"seed{seed}" if part is None else f"seed{seed}-fold{part}"
        for arm in arms:
            spec = parse_spec(with_settings(alone, {**arm.set, **change}))
            rehearse(spec)
            place = folder / "runs" / f"{folders[arm.name]}-{tail}"
            runs.append(Run(arm.name, spec, place, pictured))
        if whole.reference:
            spec = parse_spec(with_settings(alone, {**ON_ALL_LABELS, **change}))
            place = folder / "runs" / f"{slug(ALL_LABELS)}-{tail}"
            runs.append(Run(ALL_LABELS, spec, place, 0, everything=True))
    return runs


def folds_in(whole: ExperimentSpec) -> Sequence[int | None]:
    """The folds that a comparison runs; None is the source's own split."""
    if whole.data.folds is None or whole.data.fold is not None:
        return (whole.data.fold,)
    return range(whole.data.folds)


def check_study(runs: Sequence[Run], base: Path, watch: Watch = unwatched) -> Bench:
    """Raise what would stop a run of a study, before any begins; features are computed here.

    Raises:
        DataError, BudgetError, SpecError: see `check_enough`.
        SpecError: for the folder of a run with other settings, of another pool or version.
        SchemaError: for a damaged journal.
    """
    first = open_bench_of(runs[0].spec, base, watch)
    for run in runs:
        bench = open_bench_of(run.spec, base, watch)
        check_enough(run.spec_on(bench), bench.collection)
        _check_folder(run, bench)
    return first


def perform(
    run: Run, base: Path, folder: Path, watch: Watch = unwatched, hear: Hear = lambda _: None
) -> tuple[dict[str, Any], Mapping[str, Any]]:
    """One run to its end (at once, if it has ended before): its record and `created` entry."""
    bench = open_bench_of(run.spec, base, watch)
    spec = run.spec_on(bench)
    with Experiment(spec, bench, run.folder, watch) as experiment:
        hear(_reached(experiment.state, spec))
        while run_round(experiment) is not None:
            hear(_reached(experiment.state, spec))
        state = experiment.state
        record = run_record(run.arm, spec, state, bench.pool)
        record["everything"] = run.everything
        record["subgroups"] = experiment.subgroups()
        record["gallery"] = draw_gallery(state, bench, experiment.blobs, run.folder, run.pictured)
        _rebase(record["gallery"], run.folder, folder)
        assert state.created is not None
        return record, state.created


def attempt(
    run: Run, base: Path, folder: Path, watch: Watch = unwatched, hear: Hear = lambda _: None
) -> Ended:
    """One run, which may fail without stopping others. What it has done stays in its journal."""
    try:
        return Ended(*perform(run, base, folder, watch, hear))
    except Exception as error:  # noqa: BLE001  (a strategy is anyone's code; its error is recorded)
        return Ended(failure=_failure(run, error))


_BENCHES: dict[str, Bench] = {}


def open_bench_of(spec: ExperimentSpec, base: Path, watch: Watch = unwatched) -> Bench:
    """`open_bench`, remembered in this process: runs of a study differ in little else."""
    key = f"{base}{spec.data.model_dump_json()}{spec.model.model_dump_json()}"
    if key not in _BENCHES:
        _BENCHES.clear()
        _BENCHES[key] = open_bench(spec, base, watch)
    return _BENCHES[key]


def _reached(state: State, spec: ExperimentSpec) -> Reached:
    metric = MAIN[spec.task]
    value = state.trained[-1].metrics.get(REPORTED, {}).get(metric) if state.trained else None
    return Reached(len(state.trained), len(state.labeled()), value)


def _failure(run: Run, error: Exception) -> dict[str, Any]:
    place = error.__traceback__
    while place is not None and place.tb_next is not None:
        place = place.tb_next
    told = str(error)
    if not isinstance(error, FovealError):
        at = "" if place is None else f" ({_where(place.tb_frame.f_code, place.tb_lineno)})"
        told = f"{type(error).__name__}: {error}{at}"
    state = State() if isinstance(error, SchemaError) else _stored(run)
    return {
        "arm": run.arm,
        "seed": run.spec.seed,
        "round": len(state.trained),
        "labels": len(state.labeled()),
        "error": told,
    }


def _where(code: Any, line: int) -> str:
    return f"{Path(code.co_filename).name}, line {line}"


def _stored(run: Run) -> State:
    """What the run's journal says; nothing, where there is none or it was killed while making it.

    Raises:
        SchemaError: if it is damaged.
    """
    try:
        with Journal.open(run.folder / JOURNAL, create=False, exclusive=False) as journal:
            return fold(journal.events())
    except SchemaError:
        raise
    except StoreError:
        return State()


def _check_folder(run: Run, bench: Bench) -> None:
    created = _stored(run).created
    if created is None:
        return
    check_same(created, beginning(run.spec_on(bench), bench), run.folder)
    if created["version"] != __version__:
        raise SpecError(
            f"the runs of a comparison must come from one version of Foveal, but the one in "
            f"{run.folder.name!r} began with {created['version']} and this is {__version__}; go on "
            "with that version, or choose another --out folder"
        )


def _rebase(gallery: list[dict[str, Any]], inner: Path, outer: Path) -> None:
    """Panel paths relative to the study's folder."""
    for rounds in gallery:
        for case in rounds["cases"]:
            case["panel"] = (inner / case["panel"]).relative_to(outer).as_posix()


def _folder_names(names: Sequence[str]) -> dict[str, str]:
    """Folder names of arms; those that would share one are told apart by a hash of the name."""
    plain = {name: slug(name) for name in names}
    shared = Counter(plain.values())
    return {
        name: own if shared[own] == 1 else f"{own}-{hashlib.sha256(name.encode()).hexdigest()[:6]}"
        for name, own in plain.items()
    }
