"""Experiment: an open run folder. It does one step at a time and journals each before the next."""

import time
from collections.abc import Mapping
from contextlib import AbstractContextManager, ExitStack
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np

from foveal import __version__
from foveal.core.errors import SpecError
from foveal.core.pool import Part, Pool
from foveal.core.region import decode_region, encode_region
from foveal.core.spec import ExperimentSpec, parse_spec, settled
from foveal.core.truth import Guard
from foveal.loop.annotators import annotator_of
from foveal.loop.ask import ask
from foveal.loop.bench import Bench, RegionReader, Watch, check_enough, unwatched
from foveal.loop.constraints import smallest_unit
from foveal.loop.evidence import Known
from foveal.loop.measure import Metrics, measure, measure_subgroups
from foveal.loop.rehearsal import rehearse
from foveal.loop.seed_set import first_query
from foveal.loop.steps import Annotate, Ask, Seed, Step, Stop, Train, next_step
from foveal.loop.wants import wanted
from foveal.models import Learner, Lessons, Pass, learn, learner_from_bytes
from foveal.store import Blobs, Journal, State, TrainedRound, annotated, fold, queried, trained

JOURNAL = "journal.sqlite"
STEP_BY_STEP = 64  # annotations written in one transaction


class Experiment(AbstractContextManager["Experiment"]):
    """A run in its folder; opened again, it goes on where it stopped, with the same outcome.

    Everything decided is in the journal, everything bulky in blobs; what is in memory (the last
    learner) can be had from there.
    """

    def __init__(
        self, spec: ExperimentSpec, bench: Bench, folder: Path, watch: Watch = unwatched
    ) -> None:
        self.spec = spec
        self._settled = settled(spec)
        self.bench = bench
        self.folder = folder
        self._watch = watch
        self._resources = ExitStack()
        self._references = RegionReader(bench, bench.references())
        truth, honest = bench.collection.truth, spec.regions.source != "oracle"
        self._hidden = RegionReader(bench, Guard(truth, ()) if honest else truth)
        self._weak = RegionReader(bench, bench.collection.weak)
        self._learner: Learner | None = None
        self._how = Pass(precision=spec.train.precision)

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
        """Test metrics of the last learner on the values of each column of `report.subgroups`."""
        columns, learner = self.spec.report.subgroups, self._last_learner()
        if not columns or learner is None:
            return {}
        truth = self.bench.references()
        return measure_subgroups(learner, self.bench, "test", columns, truth, self._how)

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
        learner, history = learn(
            self.bench.inputs,
            self._lessons(),
            self.bench.pool.classes,
            self._settled.model,
            self._settled.train,
            self.spec.regions.source,
            self.spec.seed,
            round_number,
            channels=self.bench.channels,
            backbone=self.bench.new_backbone,
            previous=self._last_learner() if self.spec.train.warm_start else None,
            validation=self._validation(),
            progress=lambda done, of: self._watch(f"round {round_number}: training", done, of),
            needs=wanted(self.spec)[0],
            flips=not self.spec.data.laterality,
        )
        learned = time.perf_counter()
        metrics: dict[str, Metrics] = {}
        details: dict[str, Any] = {}
        for part in self._measured_parts():
            metrics[part], details[part] = measure(
                learner,
                self.bench,
                part,
                self._references,
                self.bench.references(),
                self._how,
            )
        record = TrainedRound(
            round=round_number,
            checkpoint=self.blobs.put(learner.to_bytes(self._settled.model)),
            fingerprint=learner.fingerprint(),
            metrics=metrics,
            details={"epochs_kept": history.kept + 1, "loss": history.losses[-1], **details},
            durations={
                "train": learned - began,
                "evaluate": time.perf_counter() - learned,
            },
        )
        self._learner = learner
        old = self.state.trained[-1].checkpoint if self.state.trained else ""
        self._append(trained(record))
        if old and old != record.checkpoint:
            self.blobs.drop(old)

    def _ask(self, round_number: int, budget: int) -> None:
        began = time.perf_counter()
        learner = self._last_learner()
        assert learner is not None
        asked = ask(
            learner,
            self.bench,
            self.state,
            self.spec,
            self._known(),
            self._hidden,
            self._weak,
            budget,
            round_number,
            self._how,
            self.blobs,
        )
        details = asked.details | {"seconds": time.perf_counter() - began}
        self._append(queried(asked.query, details))

    def _known(self) -> Known:
        truth, val = self.bench.references(), self.bench.pool.ids("val")
        bought = {i: self.state.annotations[i].label for i in self.state.labeled()}
        labeled = {i: label for i, label in bought.items() if label is not None}
        return Known(labeled, {i: truth.label(i) for i in val})

    def _measured_parts(self) -> list[Part]:
        parts: tuple[Part, ...] = ("val", "test")
        return [part for part in parts if self.bench.pool.ids(part)]

    def _last_learner(self) -> Learner | None:
        if self._learner is None and self.state.trained:
            data = self.blobs.get(self.state.trained[-1].checkpoint)
            new = self.bench.new_backbone
            self._learner = learner_from_bytes(
                data, self._settled.model, self.bench.pool.classes, new() if new else None
            )
        return self._learner

    def _lessons(self) -> Lessons:
        ids = self.state.labeled()
        annotations = [self.state.annotations[i] for i in ids]
        size = self.bench.pixels.size
        regions = np.zeros((len(ids), size, size), np.float32)
        for i, annotation in enumerate(annotations):
            if annotation.region:
                mask = decode_region(self.blobs.get(annotation.region))
                regions[i] = self.bench.collection.region_on_grid(mask)
        return Lessons(
            self.bench.rows(ids),
            np.array([a.label for a in annotations], dtype=np.int64),
            regions,
            np.array([bool(a.region) for a in annotations]),
        )

    def _validation(self) -> Lessons | None:
        if not self.spec.train.patience:
            return None
        ids = self.bench.pool.ids("val")
        truth, rows = self.bench.references(), self.bench.rows(self.bench.pool.ids("val"))
        size = self.bench.pixels.size
        labels = np.array([truth.label(i) for i in ids], dtype=np.int64)
        nothing = np.zeros((len(ids), size, size), np.float32)
        return Lessons(rows, labels, nothing, np.zeros(len(ids), bool))


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
