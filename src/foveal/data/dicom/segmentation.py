"""Segmentations (DICOM SEG): binary, fractional and labelmap frames, on the images they belong to.

A frame lands on the image whose plane it lies in, if both share a frame of reference, else on the
image it names as its source. Frames need not be there for every image, may cover a part of it or
have pixels of another size; what is not on the pixels of the image takes its nearest pixel, with a
note.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset

from foveal.core.arrays import AnyArray
from foveal.data.dicom.frames import Frame, frames_of
from foveal.data.dicom.geometry import PARALLEL_WITHIN, Plane
from foveal.data.dicom.names import distinct
from foveal.data.dicom.pixels import groups_of, stored
from foveal.data.dicom.target import Target, pixels_in
from foveal.data.readers.picture import Unreadable

ON_PIXEL_WITHIN = 0.05  # of a pixel: nearer than this pixels are the same
HALF = 0.5
COARSER_FROM = 1.5  # times the distance of images: slices between are then missing
BACKGROUND = 0

Note = tuple[str, str]


@dataclass(slots=True)
class _Tally:
    """What became of frames while they were painted."""

    frames: int = 0
    outside: int = 0
    resampled: int = 0
    seen: set[tuple[int, int]] = field(default_factory=set)

    def once(self, k: int, numbers: Sequence[int]) -> None:
        """Raise `Unreadable` if a segment comes to one image twice."""
        here = {(k, number) for number in numbers}
        if here & self.seen:
            raise Unreadable(
                "grid",
                "segments must have one frame on each image, but several lie on one; resample "
                "them to the slices of the images first",
            )
        self.seen |= here


def segment_names(data: Dataset) -> dict[int, str]:
    """Number to label of each segment but the background, no label twice."""
    described = [s for s in data.get("SegmentSequence") or [] if int(s.SegmentNumber) != BACKGROUND]
    numbers = [int(s.SegmentNumber) for s in described]
    labels = [str(s.get("SegmentLabel") or f"segment {s.SegmentNumber}").strip() for s in described]
    return dict(zip(numbers, distinct(labels), strict=True))


def paint_segments(
    data: Dataset,
    target: Target,
    wanted: Collection[str] | None = None,
    partial: bool = False,
    shares: bool = False,
) -> tuple[dict[str, AnyArray], tuple[Note, ...]]:
    """(n, rows, columns) masks by label, and notes.

    Args:
        wanted: labels to read; None for all.
        partial: leaves out what lies on no image, instead of refusing it.
        shares: gives float32 shares in [0, 1] instead of masks; a mask is True from a share of 0.5.
    Raises:
        Unreadable: `reference` if it was drawn on other images; `grid` if it is turned against
            the images or has other slices; `tags`, or any kind that pixels have.
    """
    names = {n: name for n, name in segment_names(data).items() if wanted is None or name in wanted}
    size = (len(target.frames), *target.size)
    masks: dict[str, AnyArray] = {
        name: np.zeros(size, np.float32 if shares else np.bool_) for name in names.values()
    }
    frames = _frames(data)
    _refuse_strangers(data, frames, target)
    _refuse_coarser(frames, target)
    tally = _Tally()
    for frame in frames:
        numbers = _segments_in(data, frame.index, names)
        k = _image_of(data, frame, target) if numbers else None
        tally.frames += bool(numbers)
        if k is None:
            tally.outside += bool(numbers)
            continue
        tally.once(k, numbers)
        pixels = _on_image(stored(data, frame.index), frame, target, k, tally)
        for number in numbers:
            share = _share(data, pixels, number)
            masks[names[number]][k] = share if shares else share >= HALF
    _refuse_lost(tally, partial)
    return masks, _notes(tally, masks)


def _frames(data: Dataset) -> list[Frame]:
    if str(data.get("DimensionOrganizationType", "")).startswith("TILED"):
        raise Unreadable(
            "format", "segmentations must lie on images of a patient, but this one is of a slide"
        )
    return frames_of(data)


def _segments_in(data: Dataset, index: int, names: Mapping[int, str]) -> list[int]:
    """Numbers of the wanted segments that a frame is about; all of them in a labelmap."""
    if data.get("SegmentationType") == "LABELMAP":
        return list(names)
    for group in groups_of(data, index):
        for item in (
            group.get("SegmentIdentificationSequence") if group is not None else None
        ) or []:
            number = int(item.ReferencedSegmentNumber)
            return [number] if number in names else []
    raise Unreadable("tags", "each frame must name its segment, but one does not; export it again")


def _share(data: Dataset, pixels: AnyArray, number: int) -> NDArray[np.float32]:
    """(rows, columns) share in [0, 1] of each pixel that belongs to a segment."""
    if data.get("SegmentationType") == "LABELMAP":
        found: NDArray[np.float32] = np.equal(pixels, number).astype(np.float32)
        return found
    top = float(data.get("MaximumFractionalValue") or 1)
    share: NDArray[np.float32] = pixels.astype(np.float32) / np.float32(top)
    return np.minimum(share, np.float32(1))


def _image_of(data: Dataset, frame: Frame, target: Target) -> int | None:
    if frame.plane is not None and target.shares_place(frame.reference):
        own = target.frames[0].plane
        assert own is not None
        if np.abs(np.cross(frame.plane.normal, own.normal)).max() > PARALLEL_WITHIN:
            raise Unreadable(
                "grid",
                "segments must lie in the planes of the images, but are turned against them; "
                "resample them first",
            )
        at = int(target.nearest(np.array([frame.plane.position]))[0])
        return None if at < 0 else at
    named = [target.of_instance(*source) for source in _sources(data, frame.index)]
    found = {k for k in named if k is not None}
    if len(found) > 1:
        raise Unreadable(
            "grid", "each frame must have a place or name one image, but one names several"
        )
    return found.pop() if found else None


def _sources(data: Dataset, index: int) -> list[tuple[str, int | None]]:
    """Instance and frame (from 1, if any) of the images that a frame was made from."""
    found = []
    for group in groups_of(data, index):
        for derived in (group.get("DerivationImageSequence") if group is not None else None) or []:
            for source in derived.get("SourceImageSequence") or []:
                number = source.get("ReferencedFrameNumber")
                single = int(number) if isinstance(number, int | str) else None
                found.append((str(source.get("ReferencedSOPInstanceUID")), single))
    return found


def _on_image(pixels: AnyArray, frame: Frame, target: Target, k: int, tally: _Tally) -> AnyArray:
    """(rows, columns) of the image: the nearest pixel of the frame, 0 beyond its edges."""
    own = target.frames[k].plane
    if frame.plane is None or own is None or not target.shares_place(frame.reference):
        if pixels.shape != target.size:
            raise Unreadable(
                "grid",
                f"frames without a place must have the size of their image, {target.size}, but "
                f"have {pixels.shape}",
            )
        return pixels
    offset, turn = _between(own, frame.plane)
    shift = np.round(offset)
    reach = max(target.size)
    if np.abs(turn - np.eye(2)).max() * reach > ON_PIXEL_WITHIN or (
        np.abs(offset - shift).max() > ON_PIXEL_WITHIN
    ):
        tally.resampled += 1
    elif not shift.any() and pixels.shape == target.size:
        return pixels
    return _nearest(pixels, target.size, offset, turn)


def _between(image: Plane, frame: Plane) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Offset, turn (2, 2): pixel (column, row) p of the image is offset + turn @ p of the frame."""
    across = np.asarray(image.across) * image.spacing_mm[1]
    down = np.asarray(image.down) * image.spacing_mm[0]
    steps = np.stack([np.zeros(3), across, down])
    at = pixels_in(frame, np.asarray(image.position) + steps)
    return at[0], (at[1:] - at[0]).T


def _nearest(
    pixels: AnyArray,
    size: tuple[int, int],
    offset: NDArray[np.float64],
    turn: NDArray[np.float64],
) -> AnyArray:
    row, column = np.indices(size)
    at = np.einsum("ab,brc->arc", turn, np.stack([column, row])) + offset[:, None, None]
    i, j = np.floor(at + 0.5).astype(np.int64)
    inside = (i >= 0) & (j >= 0) & (i < pixels.shape[1]) & (j < pixels.shape[0])
    found = np.zeros(size, pixels.dtype)
    found[inside] = pixels[j[inside], i[inside]]
    return found


def _refuse_strangers(data: Dataset, frames: Sequence[Frame], target: Target) -> None:
    if any(target.shares_place(frame.reference) for frame in frames):
        return
    for frame in frames:
        if any(sop in target.instances for sop, _ in _sources(data, frame.index)):
            return
    raise Unreadable(
        "reference",
        "the segmentation must belong to this series, but names neither its images nor its frame "
        "of reference; choose the series it was drawn on",
    )


def _refuse_coarser(frames: Sequence[Frame], target: Target) -> None:
    """Raise `Unreadable` if images between the slices of the segmentation would stay empty."""
    planes = [f.plane for f in frames if f.plane is not None and target.shares_place(f.reference)]
    if not planes or len(target.frames) < 2:
        return
    along = np.unique(np.round([np.asarray(p.position) @ planes[0].normal for p in planes], 3))
    limit = COARSER_FROM * target.spacing_mm
    if len(along) > 1 and min(planes[0].thickness_mm, float(np.diff(along).min())) > limit:
        raise Unreadable(
            "grid",
            "segments must have the slices of the images, but have thicker ones; resample them "
            "first",
        )


def _refuse_lost(tally: _Tally, partial: bool) -> None:
    if tally.outside and not (partial and tally.outside < tally.frames):
        raise Unreadable(
            "reference",
            f"every frame must lie on an image of the series, but {tally.outside} of "
            f"{tally.frames} do not; restore the missing images, or choose the series it was "
            "drawn on",
        )


def _notes(tally: _Tally, masks: Mapping[str, AnyArray]) -> tuple[Note, ...]:
    notes = []
    if tally.outside:
        said = f"{tally.outside} of {tally.frames} frames lie on no image and are left out"
        notes.append(("outside", said))
    if tally.resampled:
        said = f"{tally.resampled} frames do not lie on the pixels of their images: nearest taken"
        notes.append(("resampled", said))
    empty = sum(not mask.any() for mask in masks.values())
    if empty:
        notes.append(("empty", f"{empty} of {len(masks)} segments mark nothing"))
    return tuple(notes)
