"""load_pool: read a source, look at every file once, decide, and keep the receipt."""

from collections import Counter
from collections.abc import Collection as AnyCollection
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from foveal.core.arrays import BoolArray, IntArray
from foveal.core.errors import DataError, SpecError
from foveal.core.pool import PARTS, Part, Pool, SampleId, Side
from foveal.core.spec import DataSpec
from foveal.data.assembly import (
    Assembly,
    BlankLabels,
    Usable,
    assemble,
    conflict_problems,
    content_digest,
    unlabeled_problems,
)
from foveal.data.cache import cache_root
from foveal.data.collection import Collection, Progress
from foveal.data.duplicates import Neighbors
from foveal.data.facts import Facts, Survey, survey
from foveal.data.pixels import GridPlan
from foveal.data.problems import Problem
from foveal.data.receipt import Receipt, SplitMaker
from foveal.data.row import Row, Split
from foveal.data.sources import read_source

DIM_BELOW = 8192  # of 65535: such an image is nearly black unless it is stretched


def load_pool(
    source: str | Path,
    spec: DataSpec | None = None,
    base: Path | None = None,
    progress: Progress | None = None,
    *,
    cache: Path | None = None,
    blank_labels: BlankLabels = "exclude",
    empty_region_classes: AnyCollection[str] | None = None,
    settled: Mapping[SampleId, Side] | None = None,
    classes: AnyCollection[str] | None = None,
    validation: bool = True,
) -> Collection:
    """A source as a pool that can be believed: checked, split by patient, free of repeats.

    Every image is decoded once (in threads, never all in memory); what is found is remembered in
    the cache, so that loading again takes about the time of reading the table. Rows with problems
    are listed, not raised; their images are left out if they cannot be used.

    Args:
        source: a manifest (CSV or Parquet), a folder, an npz, or a NIfTI file.
        spec: grid, split and leak settings; the defaults if None.
        base: what a relative `source` starts from; the current folder if None.
        progress: called with volumes unpacked and all, then with images looked at and all; not
            called with images if nothing changed since.
        cache: where facts, unpacked arrays and pixels are kept; see `cache_root` if None.
        blank_labels: `keep` leaves unlabeled candidates in the pool, `keep_all` every image.
        empty_region_classes: classes whose images have nothing to see; None infers them (a class
            that never has a region while all others always have).
        settled: sides that hold whatever the source says; then none is drawn by chance, and other
            images follow their patient or are candidates.
        classes: see `read_source`.
        validation: False makes candidates of what the source holds for validation.
    Raises:
        DataError: if the source cannot be opened or no image of it can be used.
        SpecError: if the pool holds 3-D tiles and `spec.image_size` is not their side.
        LeakError: if a patient crosses the split, or an image does and `spec.leaks` is `refuse`.
    """
    settings = spec or DataSpec(source=str(source))
    folder = cache or cache_root()
    rows, problems = read_source(source, folder, base, progress=progress, classes=classes)
    found = survey(rows, folder, progress)
    problems += found.problems
    problems += _float_problems(rows, found.facts, settings)
    kept = np.flatnonzero(found.facts.ok & ~_out_of_range(rows, found.facts, settings))
    _refuse_nothing(source, kept, problems)
    tile = _tile(rows, kept, settings)
    usable = _usable(rows, found, kept)
    if not validation:
        usable = replace(usable, rows=_candidates(usable.rows, "train" if settled is None else ""))
    if settled is not None:
        settings = settings.model_copy(update={"val_fraction": 0.0, "test_fraction": 0.0})
        usable = replace(usable, rows=[_settled(row, settled) for row in usable.rows])
    made = assemble(usable, settings, blank_labels, empty_region_classes)
    problems += conflict_problems(usable.rows, made.conflicts)
    problems += _label_problems(usable.rows, blank_labels)
    problems.sort(key=lambda p: p.row or 0)
    receipt = _receipt(made, usable, found, kept, settings, problems, empty_region_classes is None)
    return Collection(
        pool=made.pool,
        truth=made.truth,
        weak=made.weak,
        problems=tuple(problems),
        receipt=receipt,
        spec=settings,
        plan=_plan(found.facts, kept, settings, solid=tile > 0),
        places={row.id: row.image for row in usable.rows},
        digests=found.facts.digest[kept],
        cache=folder,
    )


def _out_of_range(rows: Sequence[Row], facts: Facts, spec: DataSpec) -> BoolArray:
    """Float images have no natural range but 0..1; `percentile` and volumes take any."""
    plain = np.array([not row.image.of_volume for row in rows], bool)
    outside = plain & (facts.bits == 32) & ((facts.low < 0) | (facts.high > 1))
    return np.asarray(outside & (spec.intensity == "range") & (spec.window is None))


def _float_problems(rows: Sequence[Row], facts: Facts, spec: DataSpec) -> list[Problem]:
    text = (
        "signed and float pixels must lie in 0..1 to be used as stored, but do not; "
        "set `data.intensity: percentile`, or a `data.window`"
    )
    where = np.flatnonzero(_out_of_range(rows, facts, spec)).tolist()
    return [Problem(rows[i].number, rows[i].uri, "range", text) for i in where]


def _label_problems(rows: Sequence[Row], blank_labels: BlankLabels) -> list[Problem]:
    if blank_labels != "exclude":
        return []
    text = "the `label` cell is empty, so the image is excluded; fill it or drop the row"
    return unlabeled_problems(rows, text)


def _refuse_nothing(source: str | Path, kept: IntArray, problems: Sequence[Problem]) -> None:
    if len(kept):
        return
    first = f" First problem: {problems[0]}" if problems else " It lists none."
    raise DataError(f"{str(source)!r} must hold at least one usable image, but has none.{first}")


def _usable(rows: Sequence[Row], found: Survey, kept: IntArray) -> Usable:
    facts, near = found.facts, found.neighbors
    return Usable(
        rows=[rows[i] for i in kept],
        shape=facts.shape[kept],
        region_ok=facts.region_ok[kept],
        weak_ok=facts.weak_ok[kept],
        neighbors=Neighbors(near.picture[kept], near.near, near.complete),
    )


def _candidates(rows: Sequence[Row], split: Split) -> list[Row]:
    """Rows of `val` moved elsewhere."""
    return [replace(row, split=split) if row.split == "val" else row for row in rows]


def _settled(row: Row, settled: Mapping[SampleId, Side]) -> Row:
    return replace(row, split=settled.get(row.id, row.split))


def _tile(rows: Sequence[Row], kept: IntArray, spec: DataSpec) -> int:
    """Side of the tiles that the pool is made of; 0 for pictures."""
    sides = {rows[i].image.tile for i in kept.tolist()}
    if len(sides) > 1:
        raise DataError(
            "a pool must hold pictures, or 3-D tiles of one size, but this source has "
            f"{' and '.join(_kind_of(side) for side in sorted(sides))}; make a manifest for each"
        )
    side: int = sides.pop()
    if side and side != spec.image_size:
        raise SpecError(
            f"`data.image_size` must be the side of the pool's tiles, {side}, but is "
            f"{spec.image_size}; tiles are never resized"
        )
    return side


def _kind_of(side: int) -> str:
    return f"tiles of side {side}" if side else "pictures"


def _plan(facts: Facts, kept: IntArray, spec: DataSpec, solid: bool) -> GridPlan:
    return GridPlan(
        size=spec.image_size,
        fit=spec.fit,
        intensity=spec.intensity,
        channels=int(facts.channels[kept].max()),
        wide=bool((facts.bits[kept] > 8).any()),
        solid=solid,
        window=spec.window,
    )


def _receipt(
    made: Assembly,
    usable: Usable,
    found: Survey,
    kept: IntArray,
    spec: DataSpec,
    problems: Sequence[Problem],
    inferred: bool,
) -> Receipt:
    known = {row.group for row in usable.rows if row.group}
    sources = made.truth.sources
    return Receipt(
        counts=_counts(made.pool, made.truth.labels),
        usable=len(kept),
        broken=len(found.facts.ok) - len(kept),
        groups_known=len(known),
        samples_without_group=sum(not row.group for row in usable.rows),
        identical=made.repeats.identical,
        near=made.repeats.near,
        leaks=spec.leaks,
        excluded=made.excluded,
        conflicts=len(made.conflicts),
        clusters=len({s.cluster for s in made.pool.samples if s.cluster}),
        regions=sum(bool(source) for source in sources.values()),
        empty_region_classes=made.empty_region_classes,
        empty_regions_inferred=inferred,
        split=_split_made_by(usable.rows),
        split_seed=spec.split_seed,
        problems=dict(sorted(Counter(p.kind for p in problems).items())),
        notes=tuple(_notes(made.pool, usable, found, kept, spec)),
        digest=made.pool.digest(),
        content=content_digest(found.facts.digest[kept]),
    )


def _counts(pool: Pool, labels: Mapping[SampleId, int]) -> dict[str, dict[str, int]]:
    counts: dict[str, dict[str, int]] = {part: dict.fromkeys(pool.classes, 0) for part in PARTS}
    for sample, part in zip(pool.samples, pool.parts, strict=True):
        name = pool.classes[labels[sample.id]] if sample.id in labels else ""
        counts[part][name] = counts[part].get(name, 0) + 1
    return counts


def _split_made_by(rows: Sequence[Row]) -> SplitMaker:
    given = sum(bool(row.split) for row in rows)
    return "manifest" if given == len(rows) else "mixed" if given else "foveal"


def _notes(
    pool: Pool, usable: Usable, found: Survey, kept: IntArray, spec: DataSpec
) -> Iterator[str]:
    have = pool.counts()
    serving: tuple[Part, ...] = ("unlabeled", "val", "test")
    for part in serving:
        if not have[part]:
            yield f"the part `{part}` is empty"
    if len(pool.classes) < 2:
        yield f"{len(pool.classes)} classes: nothing can be told apart"
    plain = np.array([not row.image.of_volume for row in usable.rows], bool)
    wide = kept[plain & (found.facts.bits[kept] == 16)]
    as_stored = spec.intensity == "range" and spec.window is None
    if len(wide) and as_stored and found.facts.high[wide].max() < DIM_BELOW:
        yield (
            f"16-bit images reach {int(found.facts.high[wide].max())} of 65535 at most and will be "
            "nearly black; set `data.intensity: percentile`"
        )
    if not found.neighbors.complete:
        yield "the search for near-duplicates stopped at its limit of pairs; some are missing"
