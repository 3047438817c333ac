"""What is known in a project: labels and regions from its journal, and from nowhere else."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import partial

import numpy as np

from foveal.core.arrays import BoolArray
from foveal.core.pool import Pool, SampleId
from foveal.core.region import decode_region
from foveal.data.row import NO_REGION
from foveal.data.truth import Reference
from foveal.loop.bench import Bench
from foveal.loop.craft import Bought
from foveal.store.blobs import Blobs
from foveal.store.live import LiveState
from foveal.store.resolution import Resolution

Read = Callable[[SampleId], BoolArray | None]


@dataclass(frozen=True, slots=True)
class JournalTruth(Reference):
    """A reference whose regions are what readers drew."""

    read: Read

    def region(self, sample: SampleId) -> BoolArray | None:
        """(H, W) what most of a case's readers drew; None if nobody drew."""
        return self.read(sample)


def known_bench(bench: Bench, live: LiveState, blobs: Blobs) -> Bench:
    """A bench that knows what people have said, and not a word of the manifest's labels.

    Test cases that nobody has read, and images that are left out, are no part of it.
    """
    told = dict((*live.lessons(), *live.references()))
    labels = {i: r.label for i, r in told.items() if r.label is not None}
    shapes = bench.collection.truth.shapes
    truth = JournalTruth(
        dict.fromkeys(shapes, NO_REGION),
        shapes,
        labels,
        lambda sample: region_of(told[sample], blobs) if sample in told else None,
    )
    pool = known_pool(bench.pool, live, labels)
    return replace(bench, collection=replace(bench.collection, truth=truth, pool=pool))


def known_pool(pool: Pool, live: LiveState, labels: Mapping[SampleId, int]) -> Pool:
    """The pool with the project's classes, less what cannot serve now."""
    unread = [i for part in ("val", "test") for i in pool.ids(part) if i not in labels]
    left = [i for i in live.quarantined if i in live.parts]
    bad = [i for i in live.resolutions if live.resolution(i).status == "excluded"]
    return replace(pool, classes=live.classes).moved({*unread, *left, *bad}, "excluded")


def lessons_of(live: LiveState, blobs: Blobs) -> Iterator[Bought]:
    """What the model learns from, one case at a time."""
    for sample, resolution in live.lessons():
        yield Bought(sample, resolution.label, partial(region_of, resolution, blobs))


def region_of(resolution: Resolution, blobs: Blobs) -> BoolArray | None:
    """(H, W) pixels that most readers of a case drew; None if none was asked to."""
    drawn = [decode_region(blobs.get(digest)) for digest in resolution.regions]
    if not drawn:
        return None
    return np.asarray(np.mean(drawn, axis=0) > 0.5) if len(drawn) > 1 else drawn[0]
