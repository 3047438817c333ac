"""Sample and Pool: what may be chosen, and which part of the experiment each sample serves."""

import hashlib
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Literal, get_args

from foveal.core.errors import DataError, LeakError

SampleId = str
Part = Literal["unlabeled", "labeled", "val", "test", "excluded"]
Side = Literal["train", "val", "test"]
PARTS: tuple[Part, ...] = get_args(Part)
SIDES: Mapping[Part, Side] = {
    "unlabeled": "train",
    "labeled": "train",
    "val": "val",
    "test": "test",
}


def sample_id(series: str, position: int = 0, key: bytes = b"foveal") -> SampleId:
    """Keyed hash of series and position: stable for ever, and tells nothing of either."""
    text = f"{series}\0{position}".encode()
    return hashlib.blake2b(text, key=key, digest_size=8).hexdigest()


@dataclass(frozen=True, slots=True)
class Sample:
    """One image, slice, volume or pair that can be annotated.

    `group` is the patient; where no patient is known it is the sample's own id. `cluster` names
    the set of near-duplicates the sample belongs to, "" if it is alone. `position` is the
    place within the series. `spacing_mm` is between rows and between columns, and before these
    between pictures where the sample is part of a volume; () where unknown. `extra` keeps the
    manifest's further columns (site, sex, age) for reports.
    """

    id: SampleId
    group: str
    uri: str
    series: str = ""
    position: int = 0
    modality: str = ""
    shape: tuple[int, ...] = ()
    spacing_mm: tuple[float, ...] = ()
    cluster: str = ""
    extra: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Pool:
    """Samples and the part each belongs to; parts are disjoint and complete by construction.

    Raises:
        DataError: if an id repeats or lengths differ.
        LeakError: if a group crosses train, val and test.
    """

    samples: tuple[Sample, ...]
    parts: tuple[Part, ...]
    classes: tuple[str, ...]
    _row: Mapping[SampleId, int] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        if len(self.samples) != len(self.parts):
            raise DataError(f"{len(self.samples)} samples but {len(self.parts)} parts")
        rows = {s.id: i for i, s in enumerate(self.samples)}
        if len(rows) != len(self.samples):
            twice = Counter(s.id for s in self.samples).most_common(1)[0][0]
            raise DataError(f"sample ids must be unique, but {twice!r} occurs twice or more")
        object.__setattr__(self, "_row", rows)
        self._check_groups()

    def _check_groups(self) -> None:
        side_of: dict[str, str] = {}
        for sample, part in zip(self.samples, self.parts, strict=True):
            side = SIDES.get(part)
            if side and side_of.setdefault(sample.group, side) != side:
                raise LeakError(
                    f"every patient must stay on one side of the split, but the group of sample "
                    f"{sample.id!r} is in both {side_of[sample.group]!r} and {side!r}; "
                    "correct the `split` column or leave it out to let Foveal split by patient"
                )

    def __len__(self) -> int:
        return len(self.samples)

    def ids(self, part: Part) -> tuple[SampleId, ...]:
        """Ids of one part, in the order of the manifest."""
        return tuple(s.id for s, p in zip(self.samples, self.parts, strict=True) if p == part)

    def row(self, sample: SampleId) -> int:
        """Position of a sample in `samples`."""
        try:
            return self._row[sample]
        except KeyError:
            raise DataError(f"sample {sample!r} is not in this pool") from None

    def __getitem__(self, sample: SampleId) -> Sample:
        return self.samples[self.row(sample)]

    def part(self, sample: SampleId) -> Part:
        """The part a sample belongs to."""
        return self.parts[self.row(sample)]

    def moved(self, ids: Iterable[SampleId], to: Part) -> "Pool":
        """A new pool with `ids` in part `to`."""
        parts = list(self.parts)
        for i in ids:
            parts[self.row(i)] = to
        return replace(self, parts=tuple(parts))

    def counts(self) -> dict[Part, int]:
        """How many samples each part holds."""
        have = Counter(self.parts)
        return {part: have[part] for part in PARTS}

    def digest(self) -> str:
        """Hash of ids, groups, parts and classes: two pools with one digest are the same pool."""
        h = hashlib.sha256("\0".join(self.classes).encode())
        for sample, part in zip(self.samples, self.parts, strict=True):
            h.update(f"{sample.id}\0{sample.group}\0{part}\n".encode())
        return h.hexdigest()
