"""Regions: what a segmentation or structure set marks, on the grid of the images it belongs to."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from foveal.core.arrays import AnyArray
from foveal.core.volume import Volume
from foveal.data.dicom.headers import damage, read_whole
from foveal.data.dicom.segmentation import paint_segments, segment_names
from foveal.data.dicom.series import DicomSeries
from foveal.data.dicom.structures import paint_structures, structure_names
from foveal.data.dicom.target import target_of
from foveal.data.readers.picture import Unreadable

DAMAGED = "the regions are damaged and make no sense; export them again"


@dataclass(frozen=True, slots=True, eq=False)
class Regions:
    """masks: (I, J, K) by name, on the grid of the images. notes: kinds and sentences."""

    masks: Mapping[str, NDArray[np.bool_]]
    notes: tuple[tuple[str, str], ...]


def regions_of(
    series: DicomSeries,
    on: Volume | None,
    images: DicomSeries,
    *,
    names: Collection[str] | None = None,
    partial: bool = False,
) -> dict[str, NDArray[np.bool_]]:
    """(I, J, K) masks by region name; as `read_regions`, without the notes.

    Args:
        on: what `read_series(images)` gave, if anything; its shape is checked.
    """
    masks = dict(read_regions(series, images, names=names, partial=partial).masks)
    for mask in masks.values():
        if on is not None and mask.shape != on.voxels.shape[:3]:
            raise Unreadable("grid", "the images have changed since the volume was read")
    return masks


def read_regions(
    series: DicomSeries,
    images: DicomSeries,
    *,
    names: Collection[str] | None = None,
    partial: bool = False,
) -> Regions:
    """What a segmentation or structure set marks on a series of images.

    Args:
        names: regions to read; None for all.
        partial: take what lies on these images and note what does not, where the default is to
            refuse a set that was drawn on more images than are here.
    Raises:
        Unreadable: `reference` if it was drawn on other images or on more, `grid` if it does not
            lie in their planes, `not_regions` if the series is no such thing, `tags` and the like
            if it is damaged.
    """
    data, target = read_whole(_file_of(series)), target_of(images)
    with damage("unreadable", DAMAGED):
        if series.kind == "segmentation":
            painted, notes = paint_segments(data, target, names, partial)
        else:
            drawn, notes = paint_structures(data, target, names, partial)
            painted = dict(drawn)
    return Regions({name: _on_grid(mask) for name, mask in painted.items()}, notes)


def fractions_of(
    series: DicomSeries, images: DicomSeries, *, names: Collection[str] | None = None
) -> dict[str, NDArray[np.float32]]:
    """(I, J, K) shares in [0, 1] by name: probability or occupancy of a fractional segmentation.

    Raises:
        Unreadable: as `read_regions`; `not_regions` for structure sets.
    """
    if series.kind != "segmentation":
        raise _no_regions()
    data, target = read_whole(_file_of(series)), target_of(images)
    with damage("unreadable", DAMAGED):
        painted, _ = paint_segments(data, target, names, shares=True)
    return {name: _on_grid(mask) for name, mask in painted.items()}


def region_names(series: DicomSeries) -> tuple[str, ...]:
    """Names of all regions of a segmentation or structure set, in its order.

    Raises:
        Unreadable: `not_regions` if the series is no such thing, or whatever is wrong.
    """
    data = read_whole(_file_of(series))
    with damage("unreadable", DAMAGED):
        found = segment_names(data) if series.kind == "segmentation" else structure_names(data)
    return tuple(found.values())


def _file_of(series: DicomSeries) -> Any:
    if series.kind not in ("segmentation", "structure_set"):
        raise _no_regions()
    return series.files[0]


def _no_regions() -> Unreadable:
    return Unreadable("not_regions", "the file must hold regions, but holds something else")


def _on_grid(mask: AnyArray) -> Any:
    """(column, row, slice) of (slice, row, column); a view."""
    return mask.transpose(2, 1, 0)
