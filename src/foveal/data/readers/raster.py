"""PNG and JPEG through Pillow: every color mode becomes grey or RGB.

Pixels are taken as stored: an EXIF orientation is reported, not applied, because masks and boxes
are drawn on the stored grid. Transparent pixels are laid over black. A 16-bit RGB PNG is read with
8 bits a channel (Pillow's limit); grey PNG keeps its 16 bits.
"""

import struct
import zlib
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError

from foveal.data.readers.picture import MAX_FILE_BYTES, Picture, Unreadable, check_size, picture

ORIENTATION = 0x0112
WIDE_MODES = frozenset({"I", "F", "I;16", "I;16B", "I;16L", "I;16N"})
# Decoders warn of some damage; where the caller makes warnings errors, that is damage too.
BROKEN = (Warning, OSError, SyntaxError, ValueError, EOFError, KeyError, IndexError, TypeError)
DAMAGED = (*BROKEN, struct.error, zlib.error, OverflowError)


def read_raster(path: Path, formats: tuple[str, ...] = ("PNG", "JPEG")) -> Picture:
    """The picture in a PNG or JPEG file, decoded whole.

    Raises:
        Unreadable: if the file is missing, of another format, damaged, or too large.
    """
    check_file(path)
    try:
        with Image.open(path, formats=formats) as image:
            check_size(*image.size)
            notes = _notes(image)
            return picture(_samples(image), notes)
    except Unreadable:
        raise
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise Unreadable("too_large", "the image declares too many pixels; shrink it") from error
    except UnidentifiedImageError as error:
        raise Unreadable("format", "the file must be PNG, JPEG or TIFF, but is not") from error
    except DAMAGED as error:
        raise Unreadable(
            "unreadable", "the file is cut off or damaged and cannot be decoded; copy it again"
        ) from error


def check_file(path: Path) -> None:
    """Raise `Unreadable` unless `path` is a regular file of a sane size."""
    if not path.is_file():
        raise Unreadable("missing", "the file does not exist; correct the path or restore it")
    if path.stat().st_size > MAX_FILE_BYTES:
        raise Unreadable("too_large", f"the file must be at most {MAX_FILE_BYTES >> 20} MiB")


def _notes(image: Image.Image) -> tuple[tuple[str, str], ...]:
    if image.format != "JPEG" or image.getexif().get(ORIENTATION, 1) == 1:
        return ()
    return (
        (
            "orientation",
            "the EXIF orientation is not applied: the image is used as stored, and masks and "
            "boxes must be drawn on that grid",
        ),
    )


def _samples(image: Image.Image) -> NDArray[np.generic]:
    if image.mode in WIDE_MODES:
        return _narrowest(np.asarray(image))
    if image.mode in ("1", "L"):
        return np.asarray(image.convert("L"))
    if image.mode in ("LA", "La", "PA", "RGBA", "RGBa") or (
        image.mode == "P" and "transparency" in image.info
    ):
        return np.asarray(_over_black(image.convert("RGBA")))
    return np.asarray(image.convert("RGB"))


def _over_black(image: Image.Image) -> Image.Image:
    black = Image.new("RGBA", image.size, (0, 0, 0, 255))
    return Image.alpha_composite(black, image).convert("RGB")


def _narrowest(samples: NDArray[np.generic]) -> NDArray[np.generic]:
    if samples.dtype.kind != "f" and samples.min() >= 0 and samples.max() <= 65535:
        return samples.astype(np.uint16)
    return samples
