"""Reading series: decoded frames to a volume on its grid, or to pictures side by side."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset

from foveal.core.arrays import AnyArray
from foveal.core.volume import Volume
from foveal.data.dicom.frames import MAX_VOXELS, Frame, frames_of, pixel_spacing
from foveal.data.dicom.geometry import Plane, to_ras
from foveal.data.dicom.headers import damage, read_header, read_whole, tolerant
from foveal.data.dicom.luts import Table
from foveal.data.dicom.pixels import groups_of, values
from foveal.data.dicom.series import DicomSeries, Stack, kind_of
from foveal.data.dicom.sorting import stacks_of, step_between
from foveal.data.dicom.windows import Window, full_range, windowed, windows_of
from foveal.data.readers.picture import Picture, Unreadable, picture


def read_series(series: DicomSeries) -> Volume:
    """The volume of a series.

    Voxels (column, row, slice) or (column, row, slice, 3) hold values after the modality LUT
    (Hounsfield units of CT), no window applied: integers of the smallest type that fits where all
    are whole, else float32. The affine is RAS+; slices follow the normal of the first one.

    Raises:
        Unreadable: `not_image`, `no_geometry`, `gap`, `duplicate` or `spacing` where there is no
            volume; else as for pictures.
    """
    _require_images(series)
    if not series.volume:
        raise _fault(series)
    pictures, frames = _pictures(series)
    planes = [_required(frame) for frame in frames]
    step = step_between(planes) if len(planes) > 1 else None
    axes = (2, 1, 0, 3)[: pictures.ndim]
    return Volume(pictures.transpose(axes), to_ras(planes[0].affine(step)))


def read_stack(series: DicomSeries) -> Stack:
    """The pictures of any series of images, in order, whether or not they have a place.

    Raises:
        Unreadable: as for pictures.
    """
    _require_images(series)
    pictures, _ = _pictures(series)
    with tolerant():
        return Stack(pictures, pixel_spacing(read_header(series.files[0])))


def read_frames(series: DicomSeries) -> list[Frame]:
    """Frames of a series in its order, from headers alone."""
    found: list[list[Frame]] = []
    for n, path in enumerate(series.files):
        found.append(_frames(read_header(path), n))
    return [_placed(found[file], index) for file, index in series.places]


def read_dicom_picture(path: Path, frame: int = 0) -> Picture:
    """One frame as a picture; values after the modality LUT, dark to bright, no window applied.

    MONOCHROME1 is inverted within the range its bits can hold, so that more is brighter in every
    picture. Whole values that are never negative stay uint8 or uint16, all else is float32.

    Raises:
        Unreadable: `not_image`, `missing` if there is no such frame, or whatever is wrong.
    """
    data = read_whole(path)
    return picture(_brightening(data, frame)[0])


def read_windowed_picture(path: Path, frame: int = 0, window: int = 0) -> NDArray[np.float32]:
    """(H, W) brightness in [0, 1] as a workstation shows it; (H, W, 3) of color.

    Args:
        window: which of the file's windows and tables; where it has none the picture spans from
            its least to its greatest value.
    Raises:
        Unreadable: as `read_dicom_picture`; `missing` if there is no such window.
    """
    data = read_whole(path)
    pixels, top = _brightening(data, frame, invert=False)
    if pixels.ndim == 3:
        bright: NDArray[np.float32] = pixels.astype(np.float32) / np.float32(top)
        return bright
    with tolerant():
        choice = windows_of(data, *groups_of(data, frame)) or (full_range(pixels),)
    if not 0 <= window < len(choice):
        raise Unreadable("missing", f"the image has {len(choice)} windows, so none is {window}")
    seen = windowed(pixels, choice[window])
    return 1 - seen if _is_inverse(data) else seen


def read_windows(path: Path, frame: int = 0) -> tuple[Window | Table, ...]:
    """Windows and tables that the file gives a frame, in its order; () where it gives none."""
    data = read_whole(path)
    with tolerant():
        return windows_of(data, *groups_of(data, frame))


def _brightening(data: Dataset, frame: int, invert: bool = True) -> tuple[AnyArray, float]:
    if kind_of(str(data.get("SOPClassUID", "")), "Rows" in data) != "image":
        raise _not_image()
    pixels, (low, high) = values(data, frame)
    if invert and _is_inverse(data):
        turned = low + high - pixels.astype(np.float64)
        pixels = turned.astype(pixels.dtype if pixels.dtype.kind == "u" else np.float32)
    return pixels, high


def _is_inverse(data: Dataset) -> bool:
    return bool(data.get("PhotometricInterpretation") == "MONOCHROME1")


def _require_images(series: DicomSeries) -> None:
    if series.kind != "image":
        raise _not_image()


def _not_image() -> Unreadable:
    return Unreadable("not_image", "the file must hold an image, but holds something else")


def _fault(series: DicomSeries) -> Unreadable:
    """Why no volume can be made, found again."""
    for stack in stacks_of(read_frames(series)):
        if stack.fault is not None:
            return Unreadable(*stack.fault)
    return Unreadable("geometry", "the series was no volume when it was found; find it again")


def _pictures(series: DicomSeries) -> tuple[AnyArray, list[Frame]]:
    """(n, H, W[, 3]) values of all places, each file read once, and their frames."""
    whole: AnyArray | None = None
    frames: list[Frame | None] = [None] * len(series.places)
    for at, frame, pixels in _each(series):
        frames[at] = frame
        if whole is None:
            if len(series.places) * pixels.size > MAX_VOXELS:
                raise Unreadable(
                    "too_large", f"a series must have at most {MAX_VOXELS} voxels; divide it"
                )
            whole = np.zeros((len(series.places), *pixels.shape), pixels.dtype)
        if pixels.shape != whole.shape[1:]:
            raise Unreadable("unreadable", "the images of a series must be of one size")
        whole = _wide_enough(whole, pixels)
        whole[at] = pixels
    if whole is None:
        raise Unreadable("missing", "the series must hold images, but holds none")
    return _narrowed(whole), [frame for frame in frames if frame is not None]


def _each(series: DicomSeries) -> Iterator[tuple[int, Frame, AnyArray]]:
    wanted: dict[int, list[tuple[int, int]]] = {}
    for at, (file, index) in enumerate(series.places):
        wanted.setdefault(file, []).append((at, index))
    for file, places in wanted.items():
        data = read_whole(series.files[file])
        found = _frames(data, file)
        for at, index in places:
            yield at, _placed(found, index), values(data, index)[0]


def _frames(data: Dataset, file: int) -> list[Frame]:
    with damage("unreadable", "the header is damaged and makes no sense; copy the file again"):
        return frames_of(data, file)


def _placed(frames: list[Frame], index: int) -> Frame:
    if not 0 <= index < len(frames):
        raise Unreadable("missing", "the file has lost frames since it was found; find it again")
    return frames[index]


def _wide_enough(whole: AnyArray, pixels: AnyArray) -> AnyArray:
    """`whole`, of a type that holds the new values too."""
    if whole.dtype == pixels.dtype:
        return whole
    if "f" in (whole.dtype.kind, pixels.dtype.kind):
        return whole.astype(np.float32)
    return whole.astype(np.promote_types(whole.dtype, pixels.dtype), copy=False)


def _narrowed(whole: AnyArray) -> AnyArray:
    """16 bits where 32 were needed for what bits may hold, but not for what they do."""
    if whole.dtype != np.int32:
        return whole
    ends = np.iinfo(np.int16)
    fits = ends.min <= int(whole.min()) and int(whole.max()) <= ends.max
    return whole.astype(np.int16) if fits else whole


def _required(frame: Frame) -> Plane:
    if frame.plane is None:
        raise Unreadable("no_geometry", "the images do not tell where they lie")
    return frame.plane
