"""What is known in a project: labels and regions from its journal, and from nowhere else."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import partial

from foveal.core.arrays import BoolArray
from foveal.core.errors import DataError
from foveal.core.pool import Part, Pool, SampleId
from foveal.core.region import decode_region, majority
from foveal.data.row import NO_REGION
from foveal.data.truth import Reference
from foveal.loop.bench import Bench
from foveal.loop.craft import Bought
from foveal.store.blobs import Blobs
from foveal.store.live import LiveState
from foveal.store.resolution import Resolution

TOLD_PARTS = frozenset({"val", "test"})  # only what was read can be compared with
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
    """The pool with the project's classes and its frozen parts, less what cannot serve now.

    A case that somebody passed on, or on which readers disagree, is no candidate: those who are
    still to read it get it anyway, and nobody else would.

    A split drawn by chance would fall out otherwise once an image is missing.
    """
    return replace(
        pool,
        classes=live.classes,
        parts=tuple(_part(sample.id, live, labels) for sample in pool.samples),
    )


def _part(sample: SampleId, live: LiveState, labels: Mapping[SampleId, int]) -> Part:
    part = live.parts.get(sample, "excluded")
    status = live.resolution(sample).status
    if part == "excluded" or status in ("excluded", "partial", "disputed"):
        return "excluded"
    return "excluded" if part in TOLD_PARTS and sample not in labels else part


def lost(pool: Pool, live: LiveState) -> tuple[SampleId, ...]:
    """Images of a project that can no longer be read, and are not left out yet.

    Raises:
        DataError: if most images are lost: then a disk is missing, and no image is bad.
    """
    wanted = sum(part != "excluded" for part in live.parts.values())
    gone = missing(pool, live)
    if 2 * len(gone) > wanted:
        raise DataError(
            f"a project's images must stay where they were, but {len(gone)} of {wanted} "
            "cannot be read any more; bring the disk or folder back that they lie in"
        )
    return gone


def missing(pool: Pool, live: LiveState) -> tuple[SampleId, ...]:
    """Images of a project that a pool does not have, and that are not left out."""
    there = {sample.id for sample in pool.samples}
    wanted = (i for i, part in live.parts.items() if part != "excluded")
    return tuple(i for i in wanted if i not in there and i not in live.quarantined)


def lessons_of(live: LiveState, blobs: Blobs) -> Iterator[Bought]:
    """What the model learns from, one case at a time."""
    for sample, resolution in live.lessons():
        yield Bought(sample, resolution.label, partial(region_of, resolution, blobs))


def region_of(resolution: Resolution, blobs: Blobs) -> BoolArray | None:
    """(H, W) pixels that most readers of a case drew; None if none was asked to."""
    drawn = [decode_region(blobs.get(digest)) for digest in resolution.regions]
    return majority(drawn) if drawn else None
