"""Annotators that stand in for the expert: they hold the truth, and put a price on each answer."""

from dataclasses import dataclass
from typing import Protocol

import numpy as np

from foveal.core.annotation import Annotation, RegionKind
from foveal.core.arrays import BoolArray
from foveal.core.chance import generator
from foveal.core.errors import DataError
from foveal.core.pool import SampleId
from foveal.core.region import box_of
from foveal.core.spec import CostSpec, ExperimentSpec
from foveal.core.truth import Truth


@dataclass(frozen=True, slots=True)
class Answer:
    """An annotation and the region drawn with it, (H, W) on the image's own grid, or None."""

    annotation: Annotation
    region: BoolArray | None


class Annotator(Protocol):
    """Whoever answers a query."""

    def annotate(self, sample: SampleId, round_number: int, region: bool = True) -> Answer:
        """Class of a sample, and its region unless that is not asked for."""
        ...


@dataclass(frozen=True, slots=True)
class Oracle:
    """Answers from ground truth, without error."""

    truth: Truth
    region_kind: RegionKind
    cost: CostSpec

    def annotate(self, sample: SampleId, round_number: int, region: bool = True) -> Answer:
        """The reference class and region."""
        drawn = self._region(sample) if region else None
        return self._answer(sample, round_number, self.truth.label(sample), drawn)

    def _region(self, sample: SampleId) -> BoolArray | None:
        if self.region_kind == "none":
            return None
        region = self.truth.region(sample)
        if region is None:
            raise DataError(
                f"the oracle must draw a region on sample {sample!r}, but the manifest has none "
                "for it; add masks or boxes, or set `regions.annotate: none` (and "
                "`regions.source: none`) for a data set without regions"
            )
        return box_of(region) if self.region_kind == "box" else region

    def _answer(
        self, sample: SampleId, round_number: int, label: int, region: BoolArray | None
    ) -> Answer:
        annotation = Annotation(
            sample=sample,
            annotator="oracle",
            verdict="labeled",
            label=label,
            region_kind="none" if region is None else self.region_kind,
            seconds=seconds_of(self.cost, region, self.region_kind),
            round=round_number,
        )
        return Answer(annotation, region)


@dataclass(frozen=True, slots=True)
class NoisyOracle:
    """An oracle that errs: a wrong class now and then, a region beside its place.

    An answer depends on seed and sample only, so it is the same in whatever order it is asked.
    """

    oracle: Oracle
    classes: int
    class_error: float
    region_shift: float
    seed: int

    def annotate(self, sample: SampleId, round_number: int, region: bool = True) -> Answer:
        """The oracle's answer with errors added."""
        exact = self.oracle.annotate(sample, round_number, region)
        rng = generator(self.seed, f"annotator/{sample}")
        label = exact.annotation.label
        assert label is not None
        if self.classes > 1 and rng.random() < self.class_error:
            label = (label + int(rng.integers(1, self.classes))) % self.classes
        drawn = None if exact.region is None else shifted(exact.region, self.region_shift, rng)
        return self.oracle._answer(sample, round_number, label, drawn)


def seconds_of(cost: CostSpec, region: BoolArray | None, kind: RegionKind) -> float:
    """Expert's seconds: the class, and the region if there was something to draw."""
    if region is None or not region.any():
        return cost.class_seconds
    return cost.class_seconds + (cost.box_seconds if kind == "box" else cost.mask_seconds)


def shifted(region: BoolArray, deviation: float, rng: np.random.Generator) -> BoolArray:
    """A region moved by a normal offset (standard deviation in shares of the image's sides).

    What would leave the image is pushed back to its border, so that nothing drawn is lost.
    """
    offsets = np.rint(rng.normal(0, deviation, region.ndim) * region.shape).astype(int)
    moved = np.zeros_like(region)
    where = np.argwhere(region)
    if len(where) == 0:
        return moved
    low, high = where.min(0), where.max(0)
    offsets = np.clip(offsets, -low, np.array(region.shape) - 1 - high)
    moved[tuple((where + offsets).T)] = True
    return moved


def annotator_of(spec: ExperimentSpec, truth: Truth, classes: int) -> Annotator:
    """The simulated expert that a spec asks for."""
    oracle = Oracle(truth, spec.regions.annotate, spec.cost)
    if spec.annotator.kind == "oracle":
        return oracle
    noise = spec.annotator
    return NoisyOracle(oracle, classes, noise.class_error, noise.region_shift, spec.seed)
