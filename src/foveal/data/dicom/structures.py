"""Structure sets (RTSTRUCT): closed contours of regions of interest, as masks of their images."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset

from foveal.core.arrays import BoolArray
from foveal.data.dicom.contours import fill
from foveal.data.dicom.geometry import Floats
from foveal.data.dicom.names import distinct
from foveal.data.dicom.target import Target
from foveal.data.readers.picture import Unreadable

CLOSED = frozenset({"CLOSED_PLANAR", "CLOSEDPLANAR_XOR"})

Note = tuple[str, str]


@dataclass(slots=True)
class _Tally:
    """What became of contours while they were painted."""

    drawn: int = 0
    strange: int = 0  # refer to nothing that the images share
    outside: int = 0  # lie on no slice
    lines: int = 0  # points and open lines
    empty: int = 0  # regions without any contour
    polygons: dict[int, list[Floats]] = field(default_factory=dict)


def structure_names(data: Dataset) -> dict[int, str]:
    """Number to name of each region of interest, no name twice."""
    rois = data.get("StructureSetROISequence") or []
    numbers = [int(roi.ROINumber) for roi in rois]
    names = [str(roi.get("ROIName") or f"region {roi.ROINumber}").strip() for roi in rois]
    return dict(zip(numbers, distinct(names), strict=True))


def paint_structures(
    data: Dataset, target: Target, wanted: Collection[str] | None, partial: bool
) -> tuple[dict[str, BoolArray], tuple[Note, ...]]:
    """(n, rows, columns) masks by name, and notes.

    Each contour belongs to the slice nearest to it, within half the distance between slices.

    Raises:
        Unreadable: `reference` if the set was drawn on other images; unless `partial`, if any
            contour lies on an image that is not in the series. `tags` if a contour is malformed.
    """
    frames = _reference_of_roi(data)
    contours = _contours_of_roi(data)
    tally, masks = _Tally(), {}
    for number, name in structure_names(data).items():
        if wanted is not None and name not in wanted:
            continue
        tally.polygons = {}
        drawn = contours.get(number, [])
        for contour in drawn:
            _sort_in(contour, frames.get(number, ""), target, tally)
        tally.empty += not drawn
        masks[name] = _filled(tally.polygons, target)
    _refuse(tally, partial)
    return masks, _notes(tally)


def _filled(polygons: dict[int, list[Floats]], target: Target) -> BoolArray:
    mask = np.zeros((len(target.frames), *target.size), np.bool_)
    for k, outlines in polygons.items():
        mask[k] = fill(outlines, *target.size)
    return mask


def _sort_in(contour: Dataset, reference: str, target: Target, tally: _Tally) -> None:
    points = _points(contour)
    if str(contour.get("ContourGeometricType", "")) not in CLOSED or len(points) < 3:
        tally.lines += 1
        return
    tally.drawn += 1
    named = {
        str(i.get("ReferencedSOPInstanceUID")) for i in contour.get("ContourImageSequence") or []
    }
    if not (target.shares_place(reference) or named & target.instances):
        tally.strange += 1
        return
    k = _slice_of(points, target)
    if k is None:
        tally.outside += 1
    else:
        tally.polygons.setdefault(k, []).append(target.pixels(k, points))


def _slice_of(points: Floats, target: Target) -> int | None:
    """The slice that a contour lies in; None if it lies in none, or leaves it."""
    middle = int(target.nearest(points.mean(axis=0, keepdims=True))[0])
    plane = target.frames[middle].plane
    if middle < 0 or plane is None or np.ptp(points @ plane.normal) > target.spacing_mm:
        return None
    return middle


def _points(contour: Dataset) -> NDArray[np.float64]:
    numbers = _numbers(contour)
    if len(numbers) % 3 or not np.isfinite(numbers).all():
        raise Unreadable(
            "tags", "contours must hold points of three finite numbers, but one does not"
        )
    return numbers.reshape(-1, 3)


def _numbers(contour: Dataset) -> NDArray[np.float64]:
    held = contour.get_item("ContourData")
    if held is None or not held.value:
        return np.empty(0)
    if isinstance(held.value, bytes):  # as read: sets of 100,000 points take a tenth of the time
        return np.array(held.value.strip(b" \0").split(b"\\")).astype(np.float64)
    return np.asarray(held.value, np.float64)


def _contours_of_roi(data: Dataset) -> dict[int, list[Dataset]]:
    found: dict[int, list[Dataset]] = {}
    for item in data.get("ROIContourSequence") or []:
        contours = list(item.get("ContourSequence") or [])
        found.setdefault(int(item.ReferencedROINumber), []).extend(contours)
    return found


def _reference_of_roi(data: Dataset) -> dict[int, str]:
    rois = data.get("StructureSetROISequence") or []
    usual = data.get("FrameOfReferenceUID") or ""
    return {int(r.ROINumber): str(r.get("ReferencedFrameOfReferenceUID") or usual) for r in rois}


def _refuse(tally: _Tally, partial: bool) -> None:
    if tally.drawn and tally.strange == tally.drawn:
        raise Unreadable(
            "reference",
            "the structure set must be drawn on this series, but names neither its images nor its "
            "frame of reference; choose the series it was drawn on",
        )
    lost = tally.strange + tally.outside
    if lost and not (partial and lost < tally.drawn):
        raise Unreadable(
            "reference",
            f"every contour must lie on an image of the series, but {lost} of {tally.drawn} do "
            "not; restore the missing images, or choose the series it was drawn on",
        )


def _notes(tally: _Tally) -> tuple[Note, ...]:
    return tuple(_said(tally))


def _said(tally: _Tally) -> Iterator[Note]:
    if tally.strange + tally.outside:
        lost = tally.strange + tally.outside
        yield "outside", f"{lost} of {tally.drawn} contours lie on no image and are left out"
    if tally.lines:
        yield "contour_type", f"{tally.lines} contours are points or lines and mark no area"
    if tally.empty:
        yield "empty", f"{tally.empty} regions are named but have no contour"
