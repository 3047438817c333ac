"""Init: a folder of images becomes a project that people can read in at once."""

import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from foveal import __version__
from foveal.core.annotation import Annotation
from foveal.core.arrays import BoolArray
from foveal.core.errors import BudgetError, DataError, SpecError
from foveal.core.files import write_whole
from foveal.core.live_spec import LiveSpec
from foveal.core.pool import Part, Pool, Sample, SampleId
from foveal.core.query import Query
from foveal.core.region import encode_region
from foveal.core.spec import ExperimentSpec, parse_spec
from foveal.data import Collection, load_project
from foveal.loop.bench import Watch, unwatched
from foveal.loop.constraints import smallest_unit
from foveal.loop.live.order import slice_by_slice
from foveal.loop.seed_set import random_query, volumes_query
from foveal.store.blobs import Blobs
from foveal.store.folder import source_of
from foveal.store.project import ProjectStore
from foveal.store.records import annotated, queried

SPEC = "spec.yaml"
SPEC_HEAD = b"# To look at: a project keeps its settings in its journal, and reads nothing here.\n"
FEWEST = 4  # candidates a project makes sense with
IMPORTER = "manifest"


@dataclass(frozen=True, slots=True)
class Beginning:
    """What a new project holds; `patients` says whether they are known."""

    id: str
    candidates: int
    tests: int
    imported: int
    patients: str
    problems: tuple[str, ...]


def init_project(
    folder: Path,
    manifest: Path,
    live: LiveSpec,
    settings: Mapping[str, Any],
    url: str = "",
    watch: Watch = unwatched,
) -> Beginning:
    """Make a project of the images that a manifest names.

    The test part is frozen here: as the manifest says, else drawn by patient. What a manifest holds
    for validation is to be read too. Labels and masks that it has count as read. The first query is
    random, so that nobody waits for the model.

    Args:
        manifest: beside or within the project's folder; it is read again whenever the project is.
        settings: of a spec; `data.source` is set here.
    Raises:
        DataError: if there are too few images, or labels of other classes than the project's.
        StoreError: if the folder cannot be made.
    """
    spec = spec_of(settings, os.path.relpath(manifest, folder), live)
    # The folder is made last, so that whatever is wrong leaves nothing behind.
    placed_spec = placed(spec, str(manifest.resolve()))
    collection = collection_of(placed_spec, folder, watch, classes=live.classes)
    pool = collection.pool
    check(pool, live)
    if live.queue < (need := smallest_unit(pool, spec)):
        raise BudgetError(
            f"`queue` must hold a whole volume, as `acquire.unit: volume` asks, but is "
            f"{live.queue}, and the smallest volume has {need} slices; give --live queue={need} "
            "or more"
        )
    with ProjectStore.create(folder, url) as store:
        settled = yaml.safe_dump(spec.model_dump(mode="json"))
        write_whole(folder / SPEC, SPEC_HEAD + settled.encode())
        created = {
            "spec": spec.model_dump(mode="json"),
            "live": live.model_dump(mode="json"),
            "project": store.id,
            "pool_digest": pool.digest(),
            "classes": list(live.classes),
            "parts": {s.id: p for s, p in zip(pool.samples, pool.parts, strict=True)},
            "receipt": collection.receipt.as_dict() | {"lines": collection.receipt.lines()},
            "version": __version__,
        }
        known = told_by(collection, collection.pool.samples, spec, live, store.blobs)
        entries: list[tuple[str, Mapping[str, Any]]] = [("created", created)]
        entries += [annotated(one) for one in known]
        unread = tuple(set(pool.ids("unlabeled")) - {one.sample for one in known})
        size = min(live.queue, len(unread))
        left = pool.moved((one.sample for one in known), "excluded")
        entries.append(queried(_first(left, size, spec)))
        store.append(entries)
        return Beginning(
            store.id,
            len(pool.ids("unlabeled")),
            len(pool.ids("test")),
            len(known),
            collection.receipt.patients(),
            tuple(map(str, collection.problems)),
        )


def _first(pool: Pool, size: int, spec: ExperimentSpec) -> Query:
    if spec.acquire.unit == "volume" and size:
        return slice_by_slice(volumes_query(pool, size, spec), pool)
    return random_query(pool, size, spec.seed)


def project_spec(store: ProjectStore) -> ExperimentSpec:
    """The experiment of an open project, with its images where they are now."""
    created = store.live().created
    return placed(parse_spec(created["spec"]), source_of(store.folder, created))


def placed(spec: ExperimentSpec, source: str) -> ExperimentSpec:
    """The same experiment with its manifest elsewhere."""
    return spec.model_copy(update={"data": spec.data.model_copy(update={"source": source})})


def spec_of(settings: Mapping[str, Any], source: str, live: LiveSpec) -> ExperimentSpec:
    """The experiment of a project; no validation part, for people read each label of it.

    Raises:
        SpecError: if the settings do not fit, ask for a validation part, or for outlines without
            a tool to draw them.
    """
    if settings.get("task") == "segmentation" and not live.tools:
        raise SpecError(
            "`task: segmentation` learns from what readers draw, but `tools` is empty; leave "
            "--live tools out"
        )
    given = settings.get("data", {})
    if given.get("val_fraction", 0.0):
        raise SpecError(
            "`data.val_fraction` must be 0 in a project, in which all but the test part teach, but "
            f"is {given['val_fraction']}; leave it out"
        )
    data = {**given, "val_fraction": 0.0, "source": source}
    regions = {"annotate": "mask" if live.tools else "none", **settings.get("regions", {})}
    whole = {"regions": regions, **settings, "data": data, "budget": live.queue}
    return parse_spec(whole)


def collection_of(
    spec: ExperimentSpec,
    folder: Path,
    watch: Watch = unwatched,
    parts: Mapping[SampleId, Part] | None = None,
    classes: Sequence[str] | None = None,
) -> Collection:
    """The images of a project; see `data.load_project`."""
    return load_project(
        spec.data,
        folder,
        lambda done, of: watch("reading images", done, of),
        parts=parts,
        classes=classes,
    )


def check(pool: Pool, live: LiveSpec) -> None:
    """Raise `DataError` unless a pool can become a project with these classes."""
    if any(len(sample.shape) > 2 for sample in pool.samples):
        raise DataError(
            "the images of a project must be pictures, for people draw on one at a time, but these "
            "are 3-D tiles; cut the volumes into slices (`foveal index --unit slice`)"
        )
    if len(pool.ids("unlabeled")) < FEWEST:
        raise DataError(
            f"a project needs {FEWEST} images to choose from, besides those of the test part, but "
            f"has {len(pool.ids('unlabeled'))}; add images, or set data.test_fraction=0"
        )
    check_classes(pool, live)


def check_classes(pool: Pool, live: LiveSpec) -> None:
    """Raise `DataError` unless a pool's labels are classes of the project."""
    others = sorted(set(pool.classes) - set(live.classes))
    if others:
        raise DataError(
            f"the labels of the manifest must be classes of the project, but {others[0]!r} is "
            f"none; give --classes {','.join((*live.classes, *others))}"
        )


def told_by(
    collection: Collection,
    samples: Iterable[Sample],
    spec: ExperimentSpec,
    live: LiveSpec,
    blobs: Blobs,
) -> list[Annotation]:
    """Labels and masks that the manifest has of samples which are not left out, as answers.

    Where regions teach, a label without a mask is none: somebody has still to draw.
    """
    truth, pool = collection.truth, collection.pool
    told = []
    for sample in samples:
        label = truth.labels.get(sample.id)
        if label is None or pool.part(sample.id) == "excluded":
            continue
        region = truth.region(sample.id) if live.tools else None
        if region is not None or spec.task != "segmentation":
            told.append(_told(sample.id, live.classes.index(pool.classes[label]), region, blobs))
    return told


def _told(sample: SampleId, label: int, region: BoolArray | None, blobs: Blobs) -> Annotation:
    return Annotation(
        sample=sample,
        annotator=IMPORTER,
        verdict="labeled",
        label=label,
        region="" if region is None else blobs.put(encode_region(region)),
        region_kind="none" if region is None else "mask",
        purpose="imported",
    )
