"""Picture: the decoded pixels of one image, and the limits no file may cross."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from foveal.core.errors import DataError

MAX_PIXELS = 2**26  # 8192 x 8192; a mammogram has a third of it
MAX_FILE_BYTES = 2**29

Pixels = NDArray[np.uint8 | np.uint16 | np.float32]


@dataclass(frozen=True, slots=True)
class Place:
    """Where pixels lie: an image file, or frame `position` of a `.npy` file.

    `archive` and `member` say which npz and which of its arrays such a `.npy` was unpacked from,
    or which volume and how it was cut. Where `tile` is not 0, `position` counts 3-D tiles of that
    side instead of frames.
    """

    path: Path
    position: int | None = None
    archive: Path | None = None
    member: str = ""
    tile: int = 0

    @property
    def of_volume(self) -> bool:
        """Whether this is a picture or tile of a volume."""
        return self.archive is not None and self.archive.suffix.lower() != ".npz"


@dataclass(frozen=True, slots=True)
class Picture:
    """(H, W) grey or (H, W, 3) RGB pixels as stored: uint8, uint16, or finite float32.

    A tile of a volume is (S, S, S), with S far above 3.
    `notes` are pairs of kind and sentence about things that a user may want to know.
    """

    pixels: Pixels
    notes: tuple[tuple[str, str], ...] = ()


class Unreadable(DataError):  # noqa: N818  (says what the file is)
    """A file cannot be used as an image; `kind` is the word its problem is filed under."""

    def __init__(self, kind: str, message: str) -> None:
        super().__init__(message)
        self.kind = kind


def grid_shape(pixels: NDArray[np.generic]) -> tuple[int, ...]:
    """(H, W) of a picture without its colors, (S, S, S) of a tile."""
    return pixels.shape[:2] if is_color(pixels) else pixels.shape


def is_color(pixels: NDArray[np.generic]) -> bool:
    """Whether the last axis holds colors."""
    return pixels.ndim == 3 and pixels.shape[2] == 3


def check_size(width: int, height: int) -> None:
    """Raise `Unreadable` for empty images and decompression bombs, before a pixel is decoded."""
    if width < 1 or height < 1:
        raise Unreadable("unreadable", "the image must have pixels, but its size is 0")
    if width * height > MAX_PIXELS:
        raise Unreadable(
            "too_large",
            f"the image must have at most {MAX_PIXELS} pixels, but has {width} x {height}; "
            "cut it into tiles or shrink it first",
        )


def picture(pixels: NDArray[np.generic], notes: tuple[tuple[str, str], ...] = ()) -> Picture:
    """A `Picture` from decoded samples of any number type.

    uint8 and uint16 stay; truth values become 0 and 255; all else becomes float32. RGB whose
    channels agree everywhere becomes grey, so a grey image stored as RGB is the same image.

    Raises:
        Unreadable: if a value is NaN or infinite.
    """
    if pixels.dtype == np.bool_:
        pixels = pixels.astype(np.uint8) * np.uint8(255)
    if pixels.dtype not in (np.uint8, np.uint16):
        pixels = pixels.astype(np.float32)
        if not np.isfinite(pixels).all():
            raise Unreadable(
                "nan", "pixels must be finite, but some are NaN or infinite; replace them"
            )
    if is_color(pixels) and _channels_agree(pixels):
        pixels = pixels[:, :, 0]
    kept: Pixels = np.ascontiguousarray(pixels)
    return Picture(kept, notes)


def _channels_agree(pixels: NDArray[np.generic]) -> bool:
    first = pixels[:, :, 0]
    return all(np.array_equal(first, pixels[:, :, c]) for c in range(1, pixels.shape[2]))
