"""Classification: a network with a class for each image, taught by classes and regions."""

from collections.abc import Iterable, Sequence
from typing import Any, cast

import numpy as np

from foveal.core.arrays import FloatArray
from foveal.core.pool import Part, SampleId
from foveal.core.spec import ExperimentSpec, settled
from foveal.core.truth import Guard
from foveal.loop.bench import Bench, RegionReader, Watch
from foveal.loop.craft import Bought, Gathered, Looks, Metrics, Model, Taught
from foveal.loop.evidence import Known, gather
from foveal.loop.measure import measure, measure_subgroups
from foveal.loop.wants import wanted
from foveal.models import (
    Expected,
    GivenRegions,
    Learner,
    Lessons,
    Pass,
    expected_regions,
    learn,
    learner_from_bytes,
    maps,
)


class Classification:
    """The craft of the task `classification`."""

    def __init__(self, spec: ExperimentSpec, bench: Bench) -> None:
        self._spec, self._settled = spec, settled(spec)
        self._bench = bench
        self._how = Pass(precision=spec.train.precision)
        truth, honest = bench.collection.truth, spec.regions.source != "oracle"
        self._references = RegionReader(bench, bench.references())
        self._hidden = RegionReader(bench, Guard(truth, ()) if honest else truth)
        self._weak = RegionReader(bench, bench.collection.weak)

    def learn(
        self, bought: Iterable[Bought], round_number: int, previous: Model | None, watch: Watch
    ) -> Taught:
        learner, history = learn(
            self._bench.inputs,
            self._lessons(bought),
            self._bench.pool.classes,
            self._settled.model,
            self._settled.train,
            self._spec.regions.source,
            self._spec.seed,
            round_number,
            channels=self._bench.channels,
            backbone=self._bench.new_backbone,
            previous=None if previous is None else _learner(previous),
            validation=self._validation(),
            progress=lambda done, of: watch(f"round {round_number}: training", done, of),
            needs=wanted(self._spec)[0],
            flips=not self._spec.data.laterality,
        )
        details = {"epochs_kept": history.kept + 1, "loss": history.losses[-1]}
        return Taught(learner, learner.to_bytes(self._settled.model), details)

    def restore(self, checkpoint: bytes) -> Model:
        new = self._bench.new_backbone
        classes = self._bench.pool.classes
        return learner_from_bytes(checkpoint, self._settled.model, classes, new() if new else None)

    def measure(self, model: Model, part: Part) -> tuple[Metrics, dict[str, Any]]:
        truth = self._bench.references()
        return measure(_learner(model), self._bench, part, self._references, truth, self._how)

    def subgroups(self, model: Model, part: Part, columns: Sequence[str]) -> dict[str, Any]:
        truth = self._bench.references()
        return measure_subgroups(_learner(model), self._bench, part, columns, truth, self._how)

    def gather(self, model: Model, ids: tuple[SampleId, ...], bought: Iterable[Bought]) -> Gathered:
        truth = self._bench.references()
        labeled = {one.sample: one.label for one in bought if one.label is not None}
        known = Known(labeled, {i: truth.label(i) for i in self._bench.pool.ids("val")})
        expected = self._expected(_learner(model))
        return gather(_learner(model), self._bench, ids, self._spec, expected, known, self._how)

    def look(self, model: Model, ids: tuple[SampleId, ...]) -> Looks:
        learner, rows = _learner(model), self._bench.rows(ids)
        size = (self._bench.pixels.size, self._bench.pixels.size)
        expected = self._expected(learner)
        return Looks(*maps(learner, self._bench.inputs, rows, size, expected, self._how))

    def _expected(self, learner: Learner) -> Expected | None:
        match self._spec.regions.source:
            case "oracle":
                return GivenRegions(self._hidden)
            case "weak":
                return GivenRegions(self._weak)
            case "none":
                return None
            case _:
                return expected_regions(learner)

    def _lessons(self, bought: Iterable[Bought]) -> Lessons:
        known = list(bought_on_grid(self._bench, bought))
        ids = tuple(sample for sample, _, _ in known)
        return Lessons(
            self._bench.rows(ids),
            np.array([label for _, label, _ in known], dtype=np.int64),
            np.stack([self._nothing() if grid is None else grid for _, _, grid in known]),
            np.array([grid is not None for _, _, grid in known]),
        )

    def _validation(self) -> Lessons | None:
        if not self._spec.train.patience:
            return None
        ids = self._bench.pool.ids("val")
        truth = self._bench.references()
        labels = np.array([truth.label(i) for i in ids], dtype=np.int64)
        nothing = np.stack([self._nothing()] * len(ids))
        return Lessons(self._bench.rows(ids), labels, nothing, np.zeros(len(ids), bool))

    def _nothing(self) -> FloatArray:
        return np.zeros((self._bench.pixels.size, self._bench.pixels.size), np.float32)


def bought_on_grid(
    bench: Bench, bought: Iterable[Bought]
) -> Iterable[tuple[SampleId, int | None, FloatArray | None]]:
    """Sample, class, and region on the network's grid of each annotation, one at a time."""
    for one in bought:
        region = one.region
        grid = None if region is None else bench.collection.region_on_grid(region)
        yield one.sample, one.label, grid


def _learner(model: Model) -> Learner:
    return cast(Learner, model)  # a craft is only ever handed what it has made itself
