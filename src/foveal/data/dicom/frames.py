"""Frames: every picture of a header, where it lies, and what tells its stack from others."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from pydicom.dataset import Dataset

from foveal.data.dicom.geometry import Plane, make_plane
from foveal.data.readers.picture import Unreadable, check_size

MAX_FRAMES = 2**16
MAX_VOXELS = 2**30  # of one series: 1024 x 1024 x 1024

# What may tell several stacks of one series apart, the most telling first: time points, repeated
# acquisitions, echoes, inversions, diffusion weights, phases of the heart, magnitude and phase.
SPLITTERS = (
    "TemporalPositionIdentifier", "TemporalPositionIndex", "AcquisitionNumber",
    "FrameAcquisitionNumber", "EchoNumbers", "EchoTime", "EffectiveEchoTime", "InversionTime",
    "DiffusionBValue", "TriggerTime", "ImageType", "FrameType", "StackID", "AcquisitionTime",
)  # fmt: skip
CM_TO_MM = 10.0
IN_CM = 3  # unit code of ultrasound regions


@dataclass(frozen=True, slots=True)
class Frame:
    """One picture: `index` in file number `file`.

    size: rows, columns, samples. plane: None where the header gives no place. traits: value of
    each of `SPLITTERS`, "" where absent. order: InstanceNumber and frame, for pictures without
    place. reference: the frame of reference in which the place counts.
    """

    file: int
    index: int
    sop: str
    size: tuple[int, int, int]
    plane: Plane | None
    traits: tuple[str, ...]
    order: tuple[int, int]
    reference: str = ""
    localizer: bool = False


def frames_of(header: Dataset, file: int = 0) -> list[Frame]:
    """Every frame that a header declares, in the order of the file.

    Raises:
        Unreadable: `tags` if what every image must have is missing; `too_large` for absurd sizes;
            `geometry` if a place is given that can be none.
    """
    size, count = size_of(header)
    planes = _planes(header, count)
    groups = _per_frame(header, count)
    shared = _first(header, "SharedFunctionalGroupsSequence")
    kinds = "\\".join(str(v) for v in _items(header.get("ImageType")))
    number = _whole(header.get("InstanceNumber"), 0)
    sop = str(header.get("SOPInstanceUID", ""))
    return [
        Frame(
            file, k, sop, size, planes[k], _traits(header, shared, groups[k]), (number, k),
            str(header.get("FrameOfReferenceUID", "")), "LOCALIZER" in kinds,
        )
        for k in range(count)
    ]  # fmt: skip


def size_of(header: Dataset) -> tuple[tuple[int, int, int], int]:
    """(rows, columns, samples) and number of frames, within limits.

    Raises:
        Unreadable: `tags` if a size is missing, `unreadable` if it is 0, `too_large` if absurd.
    """
    rows, columns = (_whole(header.get(tag), None) for tag in ("Rows", "Columns"))
    if rows is None or columns is None:
        raise Unreadable(
            "tags", "the image must tell its rows and columns, but does not; export it again"
        )
    check_size(columns, rows)
    count = _whole(header.get("NumberOfFrames"), 1) or 1
    samples = _whole(header.get("SamplesPerPixel"), 1)
    if samples not in (1, 3):
        raise Unreadable("tags", f"the image must have 1 or 3 samples a pixel, not {samples}")
    if not 1 <= count <= MAX_FRAMES or rows * columns * count > MAX_VOXELS:
        raise Unreadable(
            "too_large",
            f"the file must hold at most {MAX_FRAMES} frames and {MAX_VOXELS} pixels in all, but "
            f"declares {count} frames of {columns} x {rows}; divide it",
        )
    return (rows, columns, samples), count


def pixel_spacing(header: Dataset) -> tuple[float, ...]:
    """Millimeters between rows, between columns, wherever a header tells it; () if nowhere."""
    shared = _first(header, "SharedFunctionalGroupsSequence")
    measures = _first(shared, "PixelMeasuresSequence")
    tags = ("PixelSpacing", "ImagerPixelSpacing", "NominalScannedPixelSpacing")
    for source, tag in [(measures, "PixelSpacing"), *((header, tag) for tag in tags)]:
        found = _floats(source.get(tag) if source is not None else None)
        if len(found) == 2 and np.isfinite(found).all() and min(found) > 0:
            return found
    regions = _items(header.get("SequenceOfUltrasoundRegions"))
    if len(regions) == 1 and regions[0].get("PhysicalUnitsXDirection") == IN_CM:
        steps = _floats([regions[0].get("PhysicalDeltaY", 0), regions[0].get("PhysicalDeltaX", 0)])
        if min(steps) > 0:
            return tuple(step * CM_TO_MM for step in steps)
    return ()


def _planes(header: Dataset, count: int) -> list[Plane | None]:
    if "PerFrameFunctionalGroupsSequence" in header:
        shared = _first(header, "SharedFunctionalGroupsSequence")
        return [_enhanced_plane(shared, group) for group in _per_frame(header, count)]
    if "DetectorInformationSequence" in header and "ImagePositionPatient" not in header:
        detector = _first(header, "DetectorInformationSequence")
        assert detector is not None
        first = _plane(detector, detector, header)
        return _regular(first, header, count)
    first = _plane(header, header, header)
    return [first] if count == 1 else _regular(first, header, count)


def _plane(position: Any, orientation: Any, measures: Any) -> Plane | None:
    if any(source is None for source in (position, orientation, measures)):
        return None
    place = _floats(position.get("ImagePositionPatient"))
    turned = _floats(orientation.get("ImageOrientationPatient"))
    spacing = _floats(measures.get("PixelSpacing"))
    if not place or not turned or not spacing:
        return None
    thick = _floats(measures.get("SpacingBetweenSlices") or measures.get("SliceThickness"))
    return make_plane(place, turned, spacing, abs(thick[0]) if thick else 0.0)


def _enhanced_plane(shared: Dataset | None, group: Dataset | None) -> Plane | None:
    def part(name: str) -> Dataset | None:
        return _first(group, name) or _first(shared, name)

    return _plane(
        part("PlanePositionSequence"),
        part("PlaneOrientationSequence"),
        part("PixelMeasuresSequence"),
    )


def _regular(first: Plane | None, header: Dataset, count: int) -> list[Plane | None]:
    """Planes of a file that tells the first one and the offsets of all (dose, tomographic NM)."""
    if first is None:
        return [None] * count
    offsets = _floats(header.get("GridFrameOffsetVector"))
    if not offsets and "SliceVector" in header:
        step = _floats(header.get("SpacingBetweenSlices")) or (first.thickness_mm,)
        offsets = tuple((s - 1) * step[0] for s in _floats(header.get("SliceVector")))
    if len(offsets) != count or not np.isfinite(offsets).all():
        return [None] * count
    moved = np.asarray(first.position) + np.outer(np.subtract(offsets, offsets[0]), first.normal)
    return [
        make_plane(place, (*first.across, *first.down), first.spacing_mm, first.thickness_mm)
        for place in moved
    ]


def _traits(header: Dataset, shared: Dataset | None, group: Dataset | None) -> tuple[str, ...]:
    if "SegmentationType" in header:
        return ()  # drawn on stacks, never a stack
    nested = [item for part in (group, shared) if part is not None for item in _nested(part)]
    return tuple(
        next((str(s[name].value) for s in (*nested, header) if name in s), "") for name in SPLITTERS
    )


def _nested(group: Dataset) -> Iterable[Dataset]:
    for element in group:
        if element.VR == "SQ" and element.value:
            yield element.value[0]


def _per_frame(header: Dataset, count: int) -> Sequence[Dataset | None]:
    groups: list[Dataset | None] = list(_items(header.get("PerFrameFunctionalGroupsSequence")))
    if groups and len(groups) != count:
        raise Unreadable(
            "tags",
            f"the file must describe each of its {count} frames, but describes {len(groups)}; "
            "export it again",
        )
    return groups or [None] * count


def _first(source: Dataset | None, name: str) -> Dataset | None:
    items = _items(source.get(name)) if source is not None else []
    return items[0] if items else None


def _items(value: Any) -> list[Any]:
    if value is None:
        return []
    return [value] if isinstance(value, str | bytes) or not hasattr(value, "__len__") else [*value]


def _floats(value: Any) -> tuple[float, ...]:
    try:
        return tuple(float(v) for v in _items(value))
    except (TypeError, ValueError):
        return (float("nan"),)  # a place is given, and is none


def _whole(value: Any, missing: Any) -> Any:
    try:
        return missing if value in (None, "") else int(value)
    except (TypeError, ValueError):
        return missing
