"""Modality transforms: from stored numbers to Hounsfield units, activity, dose, or color."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset

from foveal.core.arrays import AnyArray
from foveal.data.readers.picture import Unreadable

INTEGERS = (np.uint8, np.uint16, np.int16, np.int32)
PALETTE_TAGS = ("Red", "Green", "Blue")
MAX_ENTRIES = 2**16


@dataclass(frozen=True, slots=True, eq=False)
class Table:
    """A lookup table: value `first` becomes entries[0]; values beyond the ends take the ends."""

    entries: NDArray[np.uint8 | np.uint16]
    first: int

    def __call__(self, values: AnyArray) -> AnyArray:
        at = np.clip(values.astype(np.int64) - self.first, 0, len(self.entries) - 1)
        return self.entries[at]


@dataclass(frozen=True, slots=True, eq=False)
class Modality:
    """value = stored * slope + intercept, or the entry of `table`."""

    slope: float = 1.0
    intercept: float = 0.0
    table: Table | None = None

    def __call__(self, stored: AnyArray, low: int, high: int) -> AnyArray:
        """Values of stored numbers that lie in [low, high].

        Returns:
            The first of uint8, uint16, int16 and int32 that holds every value possible, where
            all are whole numbers; else float32.
        """
        if self.table is not None:
            return self.table(stored)
        if stored.dtype.kind == "f" or not (self.slope % 1 == 0 and self.intercept % 1 == 0):
            return (stored.astype(np.float64) * self.slope + self.intercept).astype(np.float32)
        dtype = _smallest(*self.ends(low, high))
        if dtype is np.float32:
            return (stored.astype(np.float64) * self.slope + self.intercept).astype(np.float32)
        values = stored.astype(np.int64) * int(self.slope) + int(self.intercept)
        return values.astype(dtype)

    def ends(self, low: int, high: int) -> tuple[float, float]:
        """Least and greatest value that stored numbers in [low, high] may become."""
        if self.table is not None:
            return 0.0, float(np.iinfo(self.table.entries.dtype).max)
        a, b = (end * self.slope + self.intercept for end in (low, high))
        return min(a, b), max(a, b)


def modality_of(
    data: Dataset, group: Dataset | None = None, shared: Dataset | None = None
) -> Modality:
    """The transform of one frame; what its own functional groups say comes first.

    Raises:
        Unreadable: `tags` if slope or intercept are not finite, or the slope is 0.
    """
    for source in (_transform(group), _transform(shared), data):
        if source is None:
            continue
        if source.get("ModalityLUTSequence"):
            return Modality(table=table_of(source.ModalityLUTSequence[0], data))
        if source.get("RescaleSlope") is not None or source.get("RescaleIntercept") is not None:
            return _linear(source.get("RescaleSlope"), source.get("RescaleIntercept"))
    if data.get("DoseGridScaling") is not None:
        return _linear(data.DoseGridScaling, 0)
    return Modality()


def table_of(item: Dataset, data: Dataset) -> Table:
    """The lookup table of a sequence item.

    Raises:
        Unreadable: `tags` if it has fewer entries than it says.
    """
    return _table(item.get("LUTDescriptor"), item.get("LUTData"), data)


def palette_of(data: Dataset) -> tuple[Table, Table, Table]:
    """Red, green and blue tables of a PALETTE COLOR image.

    Raises:
        Unreadable: `color` if they are segmented or missing.
    """
    tables = []
    for color in PALETTE_TAGS:
        entries = data.get(f"{color}PaletteColorLookupTableData")
        if entries is None:
            raise Unreadable(
                "color", "the color table must be plain, but is segmented or missing; convert it"
            )
        described = data.get(f"{color}PaletteColorLookupTableDescriptor")
        tables.append(_table(described, entries, data))
    red, green, blue = tables
    return red, green, blue


def _table(described: Any, entries: Any, data: Dataset) -> Table:
    if described is None or len(described) != 3 or entries is None:
        raise Unreadable("tags", "a lookup table of the image is incomplete; export it again")
    count = int(described[0]) or MAX_ENTRIES
    first = int(described[1])
    if isinstance(entries, bytes):
        wide = len(entries) >= 2 * count
        order = "<" if _little(data) else ">"
        values = np.frombuffer(entries, np.dtype(f"{order}u2") if wide else np.uint8)
    else:
        values = np.atleast_1d(np.asarray(entries))
    if len(values) < count:
        raise Unreadable("tags", "a lookup table of the image is cut off; export it again")
    kept = np.uint16 if values.max() > np.iinfo(np.uint8).max or int(described[2]) > 8 else np.uint8
    return Table(values[:count].astype(kept), first)


def _little(data: Dataset) -> bool:
    return bool(data.original_encoding[1]) if data.original_encoding[1] is not None else True


def _transform(group: Dataset | None) -> Dataset | None:
    items = group.get("PixelValueTransformationSequence") if group is not None else None
    return items[0] if items else None


def _linear(slope: Any, intercept: Any) -> Modality:
    numbers = (float(1 if slope is None else slope), float(0 if intercept is None else intercept))
    if not np.isfinite(numbers).all() or numbers[0] == 0:
        raise Unreadable(
            "tags",
            "the rescale slope must be a number other than 0, but is not; export the image again",
        )
    return Modality(*numbers)


def _smallest(low: float, high: float) -> type[np.generic]:
    for kind in INTEGERS:
        if np.iinfo(kind).min <= low and high <= np.iinfo(kind).max:
            return kind
    return np.float32
