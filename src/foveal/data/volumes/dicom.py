"""DICOM series by folder and token: images unpacked, and what SEG and RTSTRUCT draw on them."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from pydicom.dataset import Dataset

from foveal.core.arrays import AnyArray, BoolArray
from foveal.core.volume import Axis, Volume
from foveal.data.dicom import (
    DicomSeries,
    read_series,
    read_stack,
    region_names,
    regions_of,
)
from foveal.data.dicom.headers import read_header, read_whole, tolerant
from foveal.data.dicom.target import target_of
from foveal.data.readers.picture import Place, Unreadable
from foveal.data.readers.stack import StackFacts, stack_facts
from foveal.data.volumes.address import Address, parse_address
from foveal.data.volumes.listing import Listing, list_series
from foveal.data.volumes.unpack import mask_stack, percentiles, stack_of, stack_path, unpacked

ACQUIRED: Axis = 2  # pictures of a series follow each other along the last axis of its volume
SERIES, INSTANCE = "SeriesInstanceUID", "ReferencedSOPInstanceUID"
Progress = Callable[[int, int], None]


@dataclass(slots=True)
class DicomFolders:
    """Series of the folders looked through so far; each folder is looked through once."""

    cache: Path
    _found: dict[Path, Listing] = field(default_factory=dict)

    def all(self, folder: Path, progress: Progress | None = None) -> Listing:
        """Every series below a folder, and what was wrong."""
        if folder not in self._found:
            if not folder.is_dir():
                raise Unreadable("missing", "the folder of DICOM files does not exist")
            self._found[folder] = list_series(folder, self.cache, progress)
        return self._found[folder]

    def series(self, folder: Path, token: str) -> DicomSeries:
        """The series that a token names.

        Raises:
            Unreadable: if the folder has none.
        """
        for series in self.all(folder)[0]:
            if series.token == token:
                return series
        raise Unreadable("missing", f"the folder holds no DICOM series {token!r}; index it again")

    def files_by_token(self, folder: Path) -> dict[str, tuple[Path, ...]]:
        """The files of each series, with those beside which alone its token names it.

        Several stacks may share an identity and are then told apart: without the others, the one
        that is left would be named otherwise.
        """
        found = self.all(folder)[0]
        alike: dict[str, list[DicomSeries]] = {}
        for series in found:
            alike.setdefault(_uid(series.files[0]) or series.token, []).append(series)
        files = [tuple({path for one in group for path in one.files}) for group in alike.values()]
        named = zip(alike.values(), files, strict=True)
        return {series.token: together for group, together in named for series in group}

    def image(self, folder: Path, address: Address) -> Path:
        """The unpacked pictures of a series.

        Raises:
            Unreadable: if it is no image, or cannot be read, or has no grid to cut tiles of.
        """
        if address.region:
            raise Unreadable("format", "a region is a mask; it belongs into the `mask` column")
        series = self.series(folder, address.token)
        axis = axis_of(address)
        target = stack_path(self.cache, series.files, f"dicom {axis} {series.token}")
        return unpacked(target, lambda: _pictures(series, address, axis))

    def mask(self, folder: Path, address: Address, image: Place) -> Path:
        """The unpacked mask of one region, or of all, on the grid of an image series.

        Raises:
            Unreadable: if image and mask are not of DICOM, the region does not exist, or what was
                drawn does not belong to the image.
        """
        at = parse_address(f"x#{image.member}:0") if image.of_volume else None
        if at is None or not at.token or image.archive is None:
            raise Unreadable(
                "mask_grid", "a region of DICOM belongs to a DICOM series, but its image is another"
            )
        drawn = self.series(folder, address.token)
        images = self.series(image.archive, at.token)
        facts = stack_facts(image.path)
        what = f"dicom mask {facts.axis} {drawn.token} {images.token} {address.region}"
        target = stack_path(self.cache, [*drawn.files, *images.files], what)
        return unpacked(target, lambda: _region(drawn, images, facts, address.region))

    def drawn_on(self, folder: Path) -> dict[str, list[DicomSeries]]:
        """By token of each image series, the segmentations and structure sets drawn on it.

        What names no series here is known by the single images it names.
        """
        found = self.all(folder)[0]
        shown = [series for series in found if series.kind == "image"]
        drawn: dict[str, list[DicomSeries]] = {series.token: [] for series in shown}
        for series in found:
            if series.kind in ("segmentation", "structure_set"):
                for images in _images_of(series, shown):
                    drawn[images.token].append(series)
        return drawn


def axis_of(address: Address) -> Axis | None:
    """The axis a series is cut across: as acquired; of tiles the usual one of volumes."""
    if address.tile:
        return None
    return ACQUIRED if address.axis is None else address.axis


def _pictures(
    series: DicomSeries, address: Address, axis: Axis | None
) -> tuple[AnyArray, StackFacts]:
    if series.volume:
        return stack_of(read_series(series), axis)
    if address.tile or address.axis is not None:
        read_series(series)  # says why there is no volume
    stack = read_stack(series)
    low, high = percentiles(stack.pictures)
    shape = stack.pictures.shape[:3]
    return stack.pictures, StackFacts(
        shape, (), (), 0, stack.spacing_mm, low, high, float(stack.pictures.min())
    )


def _region(
    drawn: DicomSeries, images: DicomSeries, facts: StackFacts, name: str
) -> tuple[BoolArray, StackFacts]:
    on = facts.frame()
    if name and name not in region_names(drawn):
        raise Unreadable("missing", "no region of that name was drawn on the image")
    masks = regions_of(drawn, on, images, names=[name] if name else None)
    if not masks:
        raise Unreadable("missing", "no region was drawn on the image")
    union: BoolArray = np.logical_or.reduce(list(masks.values()))
    if on is None:
        stack = union.transpose(2, 1, 0)
        spacing = facts.spacing_mm
        return stack, StackFacts(stack.shape, (), (), 0, spacing, 0.0, 1.0, 0.0)
    axes: tuple[Axis, Axis, Axis] = (0, 1, 2)
    return mask_stack(Volume(union, on.affine), axes[facts.axis], None)


def _images_of(drawn: DicomSeries, shown: Sequence[DicomSeries]) -> list[DicomSeries]:
    try:
        data = read_whole(drawn.files[0])
    except Unreadable:
        return []  # told when its regions are read
    with tolerant():
        series, instances = (set(_named(data, tag)) for tag in (SERIES, INSTANCE))
    named = [images for images in shown if _uid(images.files[0]) in series]
    return named or [images for images in shown if instances & target_of(images).instances]


def _named(data: Dataset, tag: str) -> Iterator[str]:
    """Values of a tag in all items of sequences, however deep they lie."""
    for element in data:
        if element.VR == "SQ":
            for item in element.value:
                yield str(item.get(tag) or "")
                yield from _named(item, tag)


def _uid(path: Path) -> str:
    return str(read_header(path).get("SeriesInstanceUID") or "")
