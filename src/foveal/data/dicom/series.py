"""DicomSeries: the files of one stack of images, or of what was drawn on one."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from foveal.core.arrays import AnyArray

Kind = Literal["image", "segmentation", "structure_set", "other"]


@dataclass(frozen=True, slots=True)
class DicomSeries:
    """One stack of images on one grid, one multi-frame file, or one segmentation.

    token: keyed hash of SeriesInstanceUID, and of what tells this stack from others where a series
        holds several; 16 hexadecimal digits.
    files: sorted by place along the stack; by InstanceNumber where files have no place.
    patient, study: keyed hashes; "" where the file names none.
    date: of acquisition, series or study, "YYYY-MM-DD" or ""; only for putting time points in
        order.
    frames: pictures of a series of images; 0 of anything else.
    places: of each picture, in the order of the stack, the position in `files` and the frame in
        that file.
    volume: whether `read_series` gives a `Volume`. Else the pictures stand alone, and `read_stack`
        gives them.
    """

    token: str
    files: tuple[Path, ...]
    patient: str
    study: str
    modality: str
    date: str
    frames: int
    kind: Kind
    places: tuple[tuple[int, int], ...] = ()
    volume: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class Stack:
    """(n, H, W) or (n, H, W, 3) values of pictures that need not have a place in the patient.

    Values are those after the modality LUT, in the order of `DicomSeries.places`. `spacing_mm` is
    between rows and between columns; () where the file tells none.
    """

    pictures: AnyArray
    spacing_mm: tuple[float, ...]


_STORAGE = "1.2.840.10008.5.1.4.1.1."
_KINDS: dict[str, Kind] = {
    f"{_STORAGE}66.4": "segmentation",
    f"{_STORAGE}66.7": "segmentation",  # labelmap
    f"{_STORAGE}481.3": "structure_set",
}
_WHOLE_SLIDE = f"{_STORAGE}77.1.6"  # tiles of a slide of glass; no picture of a patient


def kind_of(sop_class: str, has_pixels: bool) -> Kind:
    """What a file of this SOP class holds; anything with pixels is an image."""
    if sop_class == _WHOLE_SLIDE:
        return "other"
    return _KINDS.get(sop_class, "image" if has_pixels else "other")
