"""Experiment: an open run folder. It does one step at a time and journals each before the next."""

import time
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack
from dataclasses import replace
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from foveal import __version__
from foveal.core.arrays import BoolArray
from foveal.core.errors import SpecError
from foveal.core.pool import Part, Pool
from foveal.core.region import decode_region, encode_region
from foveal.core.spec import ExperimentSpec, parse_spec
from foveal.loop.annotators import annotator_of
from foveal.loop.ask import ask
from foveal.loop.bench import Bench, Watch, check_enough, unwatched
from foveal.loop.constraints import smallest_unit
from foveal.loop.craft import Bought, Metrics, Model
from foveal.loop.crafts import craft_of
from foveal.loop.rehearsal import rehearse
from foveal.loop.seed_set import first_query
from foveal.loop.steps import Annotate, Ask, Seed, Step, Stop, Train, next_step
from foveal.store import Blobs, Journal, State, TrainedRound, annotated, fold, queried, trained

JOURNAL = "journal.sqlite"
STEP_BY_STEP = 64  # annotations written in one transaction


class Experiment(AbstractContextManager["Experiment"]):
    """A run in its folder; opened again, it goes on where it stopped, with the same outcome.

    Everything decided is in the journal, everything bulky in blobs; what is in memory (the last
    model) can be had from there.
    """

    def __init__(
        self, spec: ExperimentSpec, bench: Bench, folder: Path, watch: Watch = unwatched
    ) -> None:
        self.spec = spec
        self.bench = bench
        self.folder = folder
        self._watch = watch
        self._resources = ExitStack()
        self._craft = craft_of(spec, bench)
        self._model: Model | None = None

    def __enter__(self) -> Self:
        rehearse(self.spec)
        check_enough(self.spec, self.bench.collection)
        with ExitStack() as resources:
            journal = Journal.open(self.folder / JOURNAL)
            self._journal = resources.enter_context(journal)
            self.blobs = Blobs(self.folder / "blobs")
            self._events = list(self._journal.events())
            self.state = fold(self._events)
            if self.state.created is None:
                self._append(("created", beginning(self.spec, self.bench)))
            else:
                check_same(self.state.created, beginning(self.spec, self.bench), self.folder)
            self._resources = resources.pop_all()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._resources.__exit__(kind, error, trace)

    @property
    def pool(self) -> Pool:
        """The pool as it is now."""
        return self.bench.pool.moved(self.state.labeled(), "labeled")

    @property
    def next(self) -> Step:
        """What `step` would do."""
        candidates, smallest = self.bench.pool.ids("unlabeled"), smallest_unit(self.pool, self.spec)
        return next_step(self.state, self.spec, len(candidates), smallest)

    def step(self) -> Step:
        """Do the next step, journal it, and tell which it was."""
        step = self.next
        match step:
            case Seed():
                self._append(queried(first_query(self.bench, self.spec)))
            case Annotate(ids):
                self._annotate(ids)
            case Train(round_number):
                self._train(round_number)
            case Ask(round_number, budget):
                self._ask(round_number, budget)
            case Stop():
                pass
        return step

    def run(self) -> State:
        """All steps to the end."""
        while not isinstance(self.step(), Stop):
            pass
        return self.state

    def subgroups(self) -> dict[str, Any]:
        """Test metrics of the last model on the values of each column of `report.subgroups`."""
        columns, model = self.spec.report.subgroups, self._last_model()
        if not columns or model is None:
            return {}
        return self._craft.subgroups(model, "test", columns)

    def _append(self, *entries: tuple[str, Mapping[str, Any]]) -> None:
        self._events += self._journal.append_many(entries)
        self.state = fold(self._events)

    def _annotate(self, ids: tuple[str, ...]) -> None:
        truth, classes = self.bench.collection.truth, len(self.bench.pool.classes)
        annotator = annotator_of(self.spec, truth, classes)
        query, round_number = self.state.queries[-1], len(self.state.queries) - 1
        entries = []
        for sample in ids[:STEP_BY_STEP]:
            answer = annotator.annotate(sample, round_number, query.asks_region(sample))
            digest = "" if answer.region is None else self.blobs.put(encode_region(answer.region))
            entries.append(annotated(replace(answer.annotation, region=digest)))
        self._append(*entries)

    def _train(self, round_number: int) -> None:
        began = time.perf_counter()
        previous = self._last_model() if self.spec.train.warm_start else None
        taught = self._craft.learn(self._bought(), round_number, previous, self._watch)
        learned = time.perf_counter()
        metrics: dict[str, Metrics] = {}
        details: dict[str, Any] = {}
        for part in self._measured_parts():
            metrics[part], details[part] = self._craft.measure(taught.model, part)
        record = TrainedRound(
            round=round_number,
            checkpoint=self.blobs.put(taught.checkpoint),
            fingerprint=taught.model.fingerprint(),
            metrics=metrics,
            details={**taught.details, **details},
            durations={
                "train": learned - began,
                "evaluate": time.perf_counter() - learned,
            },
        )
        self._model = taught.model
        old = self.state.trained[-1].checkpoint if self.state.trained else ""
        self._append(trained(record))
        if old and old != record.checkpoint:
            self.blobs.drop(old)

    def _ask(self, round_number: int, budget: int) -> None:
        began = time.perf_counter()
        model = self._last_model()
        assert model is not None
        asked = ask(
            self._craft,
            model,
            self._bought(),
            self.bench,
            self.state,
            self.spec,
            budget,
            round_number,
            self.blobs,
        )
        details = asked.details | {"seconds": time.perf_counter() - began}
        self._append(queried(asked.query, details))

    def _measured_parts(self) -> list[Part]:
        parts: tuple[Part, ...] = ("val", "test")
        return [part for part in parts if self.bench.pool.ids(part)]

    def _last_model(self) -> Model | None:
        if self._model is None and self.state.trained:
            self._model = self._craft.restore(self.blobs.get(self.state.trained[-1].checkpoint))
        return self._model

    def _bought(self) -> Iterator[Bought]:
        for sample in self.state.labeled():
            told = self.state.annotations[sample]
            yield Bought(sample, told.label, partial(self._region, told.region))

    def _region(self, digest: str) -> BoolArray | None:
        return decode_region(self.blobs.get(digest)) if digest else None


def beginning(spec: ExperimentSpec, bench: Bench) -> dict[str, Any]:
    """The first entry of a run's journal: what it is about."""
    pool, collection = bench.pool, bench.collection
    return {
        "spec": spec.model_dump(mode="json"),
        "pool_digest": pool.digest(),
        "classes": list(pool.classes),
        "parts": {s.id: p for s, p in zip(pool.samples, pool.parts, strict=True)},
        "receipt": collection.receipt.as_dict() | {"lines": collection.receipt.lines()},
        "version": __version__,
    }


def check_same(stored: Mapping[str, Any], now: Mapping[str, Any], folder: Path) -> None:
    """Raise `SpecError` unless a folder's journal belongs to this spec and these images."""
    # A run begun before a setting existed began with its default; what is reported may change.
    began = parse_spec(stored["spec"]).model_dump(mode="json") | {"report": now["spec"]["report"]}
    changed = sorted(_differences(began, now["spec"]))
    if changed:
        raise SpecError(
            f"the run in {folder.name!r} began with other settings of {', '.join(changed)}; use "
            "the same settings to resume it, or choose another --out folder"
        )
    if _identity(stored) != _identity(now):
        raise SpecError(
            f"the run in {folder.name!r} began with other images, labels, splits or classes than "
            "the source has now; restore the source, or choose another --out folder"
        )


def _identity(created: Mapping[str, Any]) -> tuple[Any, ...]:
    """What makes a pool the same: its samples and parts, all pixels, and the labels by count."""
    return created["pool_digest"], created["receipt"]["content"], created["receipt"]["counts"]


def _differences(a: Any, b: Any, path: str = "") -> list[str]:
    if isinstance(a, Mapping) and isinstance(b, Mapping):
        keys = sorted(set(a) | set(b))
        return [d for k in keys for d in _differences(a.get(k), b.get(k), f"{path}.{k}")]
    return [] if a == b else [f"`{path.removeprefix('.')}`"]


def run_round(experiment: Experiment) -> TrainedRound | None:
    """Steps up to and including the next training; None if the experiment is over."""
    while True:
        step = experiment.step()
        if isinstance(step, Stop):
            return None
        if isinstance(step, Train):
            return experiment.state.trained[-1]
