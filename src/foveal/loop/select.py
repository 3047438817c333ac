"""Select: from images of which some are labeled, the next ones to label; one round, no journal."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np

from foveal.core.arrays import FloatArray
from foveal.core.errors import BudgetError, SpecError
from foveal.core.pool import Pool, SampleId
from foveal.core.query import Query
from foveal.core.spec import ExperimentSpec
from foveal.core.truth import Guard
from foveal.data import Collection, load_pool
from foveal.loop.ask import query_of
from foveal.loop.bench import Bench, Watch, bench_of, unwatched
from foveal.loop.constraints import names_of
from foveal.loop.craft import Bought
from foveal.loop.crafts import craft_of
from foveal.loop.rehearsal import rehearse
from foveal.loop.seed_set import cold_query
from foveal.loop.wants import SHOWN

COLD = "typiclust"  # what chooses before there are labels
FEWEST = 2  # labels of which a model can be made


@dataclass(frozen=True, slots=True)
class Selection:
    """The next samples to label, best first; what the model says of each, if there is one.

    `probs` (k, C) are probabilities of `classes`, None where there were too few labels to train.
    """

    query: Query
    pool: Pool
    labeled: int
    classes: tuple[str, ...]
    probs: FloatArray | None


def select(spec: ExperimentSpec, budget: int, base: Path, watch: Watch = unwatched) -> Selection:
    """Train on what is labeled, and let the spec's strategy choose among the rest.

    A sample is labeled if the manifest has its class or, in the task `segmentation`, its mask.
    Where these are too few to train on, `COLD` chooses by the pretrained embedding alone.

    Args:
        base: folder to which the spec's `data.source` is relative.
    Raises:
        BudgetError: if every sample is labeled.
        SpecError, EvidenceError: see `rehearse`.
    """
    rehearse(spec)
    collection = load_pool(
        spec.data.source,
        spec.data,
        base,
        lambda done, of: watch("reading images", done, of),
        blank_labels="keep",
        # That a class never has a mask means little while people are still drawing.
        empty_region_classes=() if spec.task == "segmentation" else None,
    )
    labeled = labeled_in(spec, collection)
    bench = bench_of(spec, _with_labeled(collection, labeled), watch)
    ids = bench.pool.ids("unlabeled")
    if not ids:
        raise BudgetError(
            f"all {len(labeled)} samples are labeled, so that none is left to be chosen; add rows "
            "with an empty `label` (for segmentation: `mask`) to the manifest"
        )
    size = min(budget, len(ids))
    if too_few(spec, collection, labeled):
        if bench.pixels.solid:
            raise SpecError(
                "3-D tiles can be chosen once some are outlined, but fewer than "
                f"{FEWEST} with foreground are; add masks for a few"
            )
        return Selection(_cold(spec, bench, size), bench.pool, len(labeled), (), None)
    return _warm(spec, bench, labeled, size, watch)


def labeled_in(spec: ExperimentSpec, collection: Collection) -> tuple[SampleId, ...]:
    """Samples that serve training and are labeled already, in the order of the manifest."""
    truth = collection.truth
    known = truth.labels.keys() if spec.task == "classification" else truth.sources
    return tuple(
        i
        for i in collection.pool.ids("unlabeled")
        if i in known and (spec.task == "classification" or bool(truth.sources[i]))
    )


def too_few(spec: ExperimentSpec, collection: Collection, labeled: tuple[SampleId, ...]) -> bool:
    """Whether nothing can be trained: fewer than two classes, or two outlined samples."""
    if spec.task == "classification":
        return len({collection.truth.label(i) for i in labeled}) < FEWEST
    shown = (collection.truth.region(i) for i in labeled)
    return sum(region is not None and bool(region.any()) for region in shown) < FEWEST


def _with_labeled(collection: Collection, labeled: tuple[SampleId, ...]) -> Collection:
    return replace(collection, pool=collection.pool.moved(labeled, "labeled"))


def _cold(spec: ExperimentSpec, bench: Bench, size: int) -> Query:
    plain = spec.model_copy(update={"cold_start": COLD})
    return cold_query(bench, plain, size)


def _warm(
    spec: ExperimentSpec,
    bench: Bench,
    labeled: tuple[SampleId, ...],
    size: int,
    watch: Watch,
) -> Selection:
    craft = craft_of(spec, bench)
    taught = craft.learn(_bought(spec, bench, labeled), 0, None, watch)
    ids = bench.pool.ids("unlabeled")
    gathered = craft.gather(taught.model, ids, _bought(spec, bench, labeled))
    names = names_of(bench.pool, ids, spec, labeled)
    arm = spec.acquire.strategy
    query = query_of(arm, gathered.pool, gathered.context, names, spec, size, 1)
    at = {sample: row for row, sample in enumerate(gathered.pool.ids)}
    probs = np.asarray(gathered.pool.arrays["probs"], np.float64)[[at[i] for i in query.ids]]
    classes = bench.pool.classes if spec.task == "classification" else SHOWN
    return Selection(query, bench.pool, len(labeled), classes, probs)


def _bought(spec: ExperimentSpec, bench: Bench, labeled: tuple[SampleId, ...]) -> Iterator[Bought]:
    truth = Guard(bench.collection.truth, frozenset(labeled))
    drawn = spec.regions.annotate != "none"
    for sample in labeled:
        label = truth.label(sample) if spec.task == "classification" else None
        yield Bought(sample, label, partial(truth.region, sample) if drawn else lambda: None)
