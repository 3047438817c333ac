"""The bench: what a run works on, loaded once and shared by all runs of a study."""

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np

from foveal.core.arrays import BoolArray, FloatArray, IntArray
from foveal.core.errors import BudgetError, DataError
from foveal.core.pool import Pool, SampleId
from foveal.core.spec import ExperimentSpec, ViewSpec
from foveal.core.truth import Guard
from foveal.data import Collection, PixelStore, cache_root, load_pool
from foveal.loop.constraints import check_columns, check_units
from foveal.loop.subgroups import check_subgroups
from foveal.loop.wants import check_wanted
from foveal.models import (
    Backbone,
    FeatureStore,
    Inputs,
    Viewed,
    build_backbone,
    cached_features,
    other_views,
    pick_device,
)

Watch = Callable[[str, int, int], None]  # what, done, of
REMEMBERED = 4096  # regions on the network's grid kept in memory


def unwatched(_what: str, _done: int, _of: int) -> None:
    """A watch that looks away."""


class HasRegions(Protocol):
    """Truth, guard, or the regions that exist beforehand."""

    def region(self, sample: SampleId) -> BoolArray | None:
        """(H, W) or None where unknown."""
        ...


@dataclass(frozen=True, slots=True)
class Bench:
    """Images, their features where the mode wants them, how to make a backbone, and other views
    of the same images, as inputs, where a strategy compares them."""

    collection: Collection
    pixels: PixelStore
    inputs: Inputs
    channels: int
    new_backbone: Callable[[], Backbone] | None
    views: Callable[[ViewSpec], tuple[Inputs, ...]]

    @property
    def pool(self) -> Pool:
        """The pool as loaded: nothing labeled yet."""
        return self.collection.pool

    def references(self) -> Guard:
        """Truth for evaluation: answers for val and test, raises for everything else."""
        visible = frozenset(self.pool.ids("val")) | frozenset(self.pool.ids("test"))
        return Guard(self.collection.truth, visible)

    def rows(self, ids: tuple[SampleId, ...]) -> IntArray:
        """Positions of samples in the inputs."""
        return np.array([self.pool.row(i) for i in ids], dtype=np.int64)


def open_bench(spec: ExperimentSpec, base: Path, watch: Watch = unwatched) -> Bench:
    """Load a spec's images and, in mode `features`, compute or find their features.

    Args:
        base: folder to which the spec's `data.source` is relative.
    Raises:
        DataError: a source that cannot be read, or without enough of what the run needs.
        BudgetError: more labels asked for than there are candidates.
    """
    collection = load_pool(
        spec.data.source, spec.data, base, lambda done, of: watch("reading images", done, of)
    )
    check_enough(spec, collection)
    return bench_of(spec, collection, watch)


def bench_of(spec: ExperimentSpec, collection: Collection, watch: Watch = unwatched) -> Bench:
    """A loaded collection with its pixels and, in mode `features`, their features."""
    folder = cache_root()
    pixels = collection.pixels(folder, lambda done, of: watch("preparing images", done, of))
    key = collection.key
    if spec.model.mode == "full" or spec.task == "segmentation":
        return Bench(
            collection,
            pixels,
            pixels,
            0,
            lambda: build_backbone(spec.model),
            lambda views: tuple(Viewed(pixels, view) for view in other_views(views)),
        )

    def features_of(images: Inputs, image_key: str) -> FeatureStore:
        return cached_features(
            build_backbone(spec.model),
            images,
            image_key,
            folder,
            pick_device(spec.train.accelerator),
            progress=lambda done, of: watch("computing features", done, of),
        )

    features = features_of(pixels, key)
    return Bench(
        collection,
        pixels,
        features,
        features.channels,
        None,
        lambda views: tuple(
            features_of(Viewed(pixels, view), f"{key}-{view.key}") for view in other_views(views)
        ),
    )


def check_enough(spec: ExperimentSpec, collection: Collection) -> None:
    """Raise unless a collection has what a run with this spec will need.

    Raises:
        DataError: no test part, one class, no validation part for `patience`, or no regions where
            the expert shall draw some or where they must exist beforehand.
        BudgetError: more labels asked for than there are candidates.
    """
    pool = collection.pool
    candidates = pool.ids("unlabeled")
    if spec.labels > len(candidates):
        raise BudgetError(
            f"`labels` must not exceed the candidates, but {spec.labels} labels are asked for and "
            f"the pool has {len(candidates)} candidates; set `labels` to {len(candidates)} or less"
        )
    if not pool.ids("test"):
        raise DataError(
            "an experiment needs a test part to be evaluated on, but the pool has none; add `test` "
            "rows to the `split` column, or leave the column out and set `data.test_fraction`"
        )
    if spec.task == "classification" and len(pool.classes) < 2:
        raise DataError(
            f"classification needs two classes or more, but the labels hold {len(pool.classes)}"
        )
    if spec.train.patience and not pool.ids("val"):
        raise DataError(
            "`train.patience` needs a validation part, but the pool has none; add `val` rows, set "
            "`data.val_fraction`, or leave `patience` out"
        )
    if spec.task == "segmentation":
        _check_references(collection)
    check_columns(pool, spec)
    check_units(pool, spec)
    check_subgroups(pool, spec.report.subgroups)
    check_wanted(spec, pool.classes, len(pool.ids("val")))
    _check_regions(spec, collection, candidates)


def _check_references(collection: Collection) -> None:
    pool = collection.pool
    lacking = [i for i in (*pool.ids("val"), *pool.ids("test")) if not collection.truth.sources[i]]
    if lacking:
        raise DataError(
            f"segmentation is measured against masks, but {len(lacking)} samples of the validation "
            f"and test parts have none, the first being {lacking[0]!r}; add masks, or write "
            "`empty` in the `mask` cell where there is nothing to see"
        )


def _check_regions(
    spec: ExperimentSpec, collection: Collection, candidates: tuple[SampleId, ...]
) -> None:
    """Whether regions are known is asked of the manifest; none is read."""
    lacking = [i for i in candidates if not collection.truth.sources[i]]
    if lacking and spec.regions.annotate != "none":
        raise DataError(
            f"the simulated expert must draw a region on any candidate, but {len(lacking)} of "
            f"{len(candidates)} have none in the manifest, the first being sample {lacking[0]!r}; "
            "add masks or boxes (`foveal index` lists those that cannot be used), or set "
            "`regions.annotate: none` and `regions.source: none`"
        )
    beforehand = {"oracle": collection.truth, "weak": collection.weak}.get(spec.regions.source)
    if beforehand is not None and not any(beforehand.sources[i] for i in candidates):
        raise DataError(
            f"`regions.source: {spec.regions.source}` needs regions that exist beforehand, but no "
            "candidate has one; add masks or boxes (column `mask` for oracle, `weak` for weak)"
        )


class RegionReader:
    """Regions of rows on the network's grid; the latest few thousand stay in memory."""

    def __init__(self, bench: Bench, regions: HasRegions) -> None:
        self._bench = bench
        self._regions = regions
        self._kept: OrderedDict[int, FloatArray] = OrderedDict()

    def __call__(self, rows: IntArray) -> FloatArray:
        """(n, S, S) in [0, 1]; NaN where no region is known."""
        return np.stack([self._one(int(row)) for row in rows])

    def _one(self, row: int) -> FloatArray:
        if row in self._kept:
            self._kept.move_to_end(row)
            return self._kept[row]
        mask = self._regions.region(self._bench.pool.samples[row].id)
        size = self._bench.pixels.size
        grid = (
            np.full((size, size), np.nan, np.float32)
            if mask is None
            else self._bench.collection.region_on_grid(mask)
        )
        self._kept[row] = grid
        if len(self._kept) > REMEMBERED:
            self._kept.popitem(last=False)
        return grid
