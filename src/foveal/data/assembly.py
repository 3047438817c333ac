"""Assembly: rows and facts to a pool; every decision of loading, none of its reading."""

import hashlib
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from foveal.core.arrays import BoolArray, IntArray
from foveal.core.errors import LeakError, SpecError
from foveal.core.pool import Part, Pool, Sample, SampleId, sample_id
from foveal.core.spec import DataSpec
from foveal.data import leaks
from foveal.data.duplicates import Neighbors
from foveal.data.imbalance import left_out
from foveal.data.problems import Problem
from foveal.data.row import NO_REGION, RegionSource, Row
from foveal.data.splits import NOT_ASSIGNED, folds_of, split_groups
from foveal.data.truth import Reference, Regions

BlankLabels = Literal["exclude", "keep", "keep_all"]
PART_OF_SIDE: Sequence[Part] = ("unlabeled", "val", "test")
REPEATS = "repeat a validation or test image"
NO_LABEL = "have no label"
THINNED = "are left out for the imbalance of `data.keep`"


@dataclass(frozen=True, slots=True)
class Assembly:
    """A pool and how it came about."""

    pool: Pool
    truth: Reference
    weak: Regions
    repeats: leaks.Repeats
    excluded: Mapping[str, int]
    conflicts: tuple[int, ...]
    empty_region_classes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Usable:
    """Rows whose images can be used, and what is known of each, in one order.

    shape: (n, 2) height and width. region_ok, weak_ok: (n,) the region can be used.
    """

    rows: Sequence[Row]
    shape: IntArray
    region_ok: BoolArray
    weak_ok: BoolArray
    neighbors: Neighbors

    def ids(self) -> list[SampleId]:
        """Sample ids."""
        return [row.id for row in self.rows]

    def labels(self) -> list[str]:
        """Class names, "" where not given."""
        return [row.label for row in self.rows]

    def groups(self) -> list[str]:
        """Pseudonyms of patients; where none is known of the volume, else the sample's own id."""
        return [_group(row) for row in self.rows]


def assemble(
    usable: Usable,
    spec: DataSpec,
    blank_labels: BlankLabels = "exclude",
    empty_region_classes: Collection[str] | None = None,
) -> Assembly:
    """The pool that rows, facts and settings give.

    Args:
        usable: rows with readable images.
        spec: split and leak settings.
        blank_labels: what to do with candidates without a label: `exclude` them, since a simulated
            annotator has no answer, or `keep` them for people; `keep_all` keeps those of val and
            test too, since in a project people read these as well.
        empty_region_classes: classes in whose images there is nothing to see; None infers them.
    Raises:
        LeakError: if a patient crosses the split, or a repeat does and `spec.leaks` is `refuse`.
    """
    ids, labels, groups = usable.ids(), usable.labels(), usable.groups()
    sides = assign_sides(usable, spec)
    unlabeled = np.array([not label for label in labels], bool)
    if blank_labels == "keep":
        unlabeled &= sides != leaks.TRAIN
    if blank_labels == "keep_all":
        unlabeled[:] = False
    counted = np.where(unlabeled, NOT_ASSIGNED, sides)
    repeats = leaks.count_repeats(counted, usable.neighbors)
    leaking = leaks.leaking(counted, usable.neighbors)
    if spec.leaks == "refuse" and leaking.any():
        raise _refusal(usable.rows, leaking)
    if spec.leaks == "report":
        leaking[:] = False
    thinned = left_out(ids, labels, sides, ~(unlabeled | leaking), spec.keep, spec.split_seed)
    out = unlabeled | leaking | thinned
    train = (sides == leaks.TRAIN) & ~out
    names = leaks.clusters(train, ids, usable.neighbors)
    samples = tuple(map(_sample, usable.rows, groups, _shape_of(usable), names))
    parts: tuple[Part, ...] = tuple(
        "excluded" if gone else PART_OF_SIDE[side]
        for gone, side in zip(out, sides.tolist(), strict=True)
    )
    classes = class_names(labels)
    empty = (
        infer_empty_region_classes(usable.rows)
        if empty_region_classes is None
        else tuple(sorted(empty_region_classes))
    )
    return Assembly(
        pool=Pool(samples, parts, classes),
        truth=_reference(usable, classes, empty),
        weak=_weak(usable),
        repeats=repeats,
        excluded={
            REPEATS: int(leaking.sum()),
            NO_LABEL: int(unlabeled.sum()),
            THINNED: int(thinned.sum()),
        },
        conflicts=tuple(leaks.conflicts(labels, usable.neighbors)),
        empty_region_classes=empty,
    )


def pseudonym(group: str) -> str:
    """A name for a patient that tells nothing of the cell it comes from."""
    return sample_id(f"patient {group}")


def class_names(labels: Sequence[str]) -> tuple[str, ...]:
    """Distinct names without "", in numeric order if all are integers, else alphabetical."""
    names = sorted({label for label in labels if label})
    if all(name.lstrip("-").isdecimal() for name in names):
        names.sort(key=int)
    return tuple(names)


def infer_empty_region_classes(rows: Sequence[Row]) -> tuple[str, ...]:
    """Classes that never have a mask or box, where every other class always has one.

    Data sets with a class such as `normal` often leave its mask cells empty. If any class is
    partly annotated, nothing can be inferred, and an empty cell means unknown.
    """
    total = Counter(row.label for row in rows if row.label)
    known = Counter(row.label for row in rows if row.label and row.region)
    if not known or any(known[name] not in (0, n) for name, n in total.items()):
        return ()
    return tuple(sorted(name for name in total if not known[name]))


def assign_sides(usable: Usable, spec: DataSpec) -> IntArray:
    """(n,) side of each row: as the source says, gaps filled by patient and by class.

    Where a patient has a side already, their other images follow it. Patients whose images repeat
    each other are kept together, so that a split made here has no leak to begin with.
    """
    if spec.folds:
        return _fold_sides(usable, spec, spec.folds)
    number = {name: i for i, name in enumerate(leaks.NAMES)} | {"": NOT_ASSIGNED}
    given = np.array([number[row.split] for row in usable.rows], np.int64)
    if (given >= 0).all():
        return given
    groups = usable.groups()
    held = {g: s for g, s in zip(groups, given.tolist(), strict=True) if s >= 0}
    given = np.array(
        [s if s >= 0 else held.get(g, NOT_ASSIGNED) for g, s in zip(groups, given, strict=True)]
    )
    return split_groups(
        usable.ids(),
        leaks.joined_units(groups, usable.neighbors),
        usable.labels(),
        spec.val_fraction,
        spec.test_fraction,
        spec.split_seed,
        given,
    )


def _fold_sides(usable: Usable, spec: DataSpec, folds: int) -> IntArray:
    """(n,) sides where one fold of the patients is the test part; the rest as by `split_groups`."""
    if spec.fold is None:
        raise SpecError(
            f"`data.folds` ({folds}) makes as many runs, and this is one; set `data.fold`, or use "
            "`foveal compare`"
        )
    ids, units = usable.ids(), leaks.joined_units(usable.groups(), usable.neighbors)
    fold = folds_of(ids, units, folds, spec.split_seed)
    given = np.where(fold == spec.fold, leaks.NAMES.index("test"), NOT_ASSIGNED)
    return split_groups(ids, units, usable.labels(), spec.val_fraction, 0.0, spec.split_seed, given)


def conflict_problems(rows: Sequence[Row], conflicts: Sequence[int]) -> list[Problem]:
    """One problem for each row whose very pixels carry another label elsewhere."""
    text = "the same pixels occur in another row with another label; decide which one is right"
    return [Problem(rows[i].number, rows[i].uri, "conflict", text) for i in conflicts]


def unlabeled_problems(rows: Sequence[Row], text: str) -> list[Problem]:
    """One problem for each row without a label; of a volume, for its first one only."""
    told: set[str] = set()
    problems = []
    for row in rows:
        if row.label or (row.image.of_volume and row.series in told):
            continue
        told.add(row.series)
        problems.append(Problem(row.number, row.uri, "label", text))
    return problems


def _group(row: Row) -> str:
    if row.group:
        return pseudonym(row.group)
    return pseudonym(f"volume {row.volume}") if row.volume else row.id


def _refusal(rows: Sequence[Row], leaking: BoolArray) -> LeakError:
    first = rows[int(np.flatnonzero(leaking)[0])]
    return LeakError(
        f"no image may repeat one of another side of the split, but {int(leaking.sum())} do, the "
        f"first being sample {first.id!r}; set `data.leaks: exclude` to leave them out, or correct "
        "the split"
    )


def _sample(row: Row, group: str, shape: tuple[int, ...], cluster: str) -> Sample:
    return Sample(
        id=row.id,
        group=group,
        uri=row.uri,
        series=row.series,
        position=row.position,
        modality=row.extra.get("modality", ""),
        shape=shape,
        spacing_mm=row.spacing_mm,
        cluster=cluster,
        extra=row.extra,
    )


def _reference(usable: Usable, classes: Sequence[str], empty: Sequence[str]) -> Reference:
    sources: dict[SampleId, RegionSource] = {}
    for row, ok in zip(usable.rows, usable.region_ok, strict=True):
        source = row.region if ok else NO_REGION
        if not row.region and row.label in empty:
            source = replace(NO_REGION, empty=True)
        sources[row.id] = source
    index = {name: i for i, name in enumerate(classes)}
    labels = {row.id: index[row.label] for row in usable.rows if row.label}
    return Reference(sources, _shapes(usable), labels)


def _weak(usable: Usable) -> Regions:
    sources = {
        row.id: row.weak if ok else NO_REGION
        for row, ok in zip(usable.rows, usable.weak_ok, strict=True)
    }
    return Regions(sources, _shapes(usable))


def _shapes(usable: Usable) -> dict[SampleId, tuple[int, ...]]:
    return dict(zip(usable.ids(), _shape_of(usable), strict=True))


def _shape_of(usable: Usable) -> list[tuple[int, ...]]:
    """(height, width) of each row's image; of tiles the side thrice."""
    return [
        (row.image.tile,) * 3 if row.image.tile else (h, w)
        for row, (h, w) in zip(usable.rows, usable.shape.tolist(), strict=True)
    ]


def content_digest(digests: IntArray) -> str:
    """Hash of all images' pixel hashes in order."""
    return hashlib.sha256(np.ascontiguousarray(digests).data).hexdigest()
