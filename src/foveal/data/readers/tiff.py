"""TIFF: Pillow decodes all that fits 8 bits, tifffile what does not (16-bit, signed, float)."""

import logging
import struct
import zlib
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from tifffile import TiffFile, TiffFileError, TiffPage

from foveal.data.readers.picture import Picture, Unreadable, check_size, picture
from foveal.data.readers.raster import BROKEN, check_file, read_raster

# What tifffile logs of damaged files reaches those who set logging up, and no bare terminal.
logging.getLogger("tifffile").addHandler(logging.NullHandler())

LZW, WHITE_IS_ZERO = 5, 0
DAMAGED = (*BROKEN, TiffFileError, struct.error, zlib.error, AttributeError, RuntimeError)


def read_tiff(path: Path) -> Picture:
    """The one picture of a TIFF file.

    Files with several pages are refused: whether they are a volume, a film or a set is not known.
    Reduced copies of the first page (pyramids, previews) do not count as pages.

    Raises:
        Unreadable: if the file is missing, damaged, too large, has several pages, or a layout
            other than grey and RGB.
    """
    check_file(path)
    try:
        with TiffFile(path) as file:
            page = _only_page(file)
            check_size(page.imagewidth, page.imagelength)
            if page.dtype is not None and page.dtype.itemsize > 1:
                return picture(_wide(page, path))
    except Unreadable:
        raise
    except DAMAGED as error:
        raise Unreadable(
            "unreadable", "the TIFF is cut off, damaged, or of a kind that cannot be decoded"
        ) from error
    return read_raster(path, formats=("TIFF",))


def _only_page(file: TiffFile) -> TiffPage:
    pages = [page for page in file.pages if isinstance(page, TiffPage)]
    others = sum(not page.is_reduced for page in pages[1:])
    if others:
        raise Unreadable(
            "pages",
            f"the TIFF must hold one image, but holds {others + 1} pages; write one file a page",
        )
    return pages[0]


def _wide(page: TiffPage, path: Path) -> NDArray[np.generic]:
    if page.compression == LZW and page.samplesperpixel == 1:
        pixels: NDArray[np.generic] = read_raster(path, formats=("TIFF",)).pixels
    else:
        pixels = _rgb_last(page.asarray(), page.axes)
    if page.photometric == WHITE_IS_ZERO and pixels.dtype == np.uint16:
        return np.invert(pixels.astype(np.uint16))
    return pixels


def _rgb_last(samples: NDArray[np.generic], axes: str) -> NDArray[np.generic]:
    pixels = np.moveaxis(samples, 0, -1) if axes == "SYX" else samples
    if pixels.ndim == 3 and pixels.shape[2] in (3, 4):
        return pixels[:, :, :3]
    if pixels.ndim == 3 and pixels.shape[2] in (1, 2):
        return pixels[:, :, 0]
    if pixels.ndim != 2:
        raise Unreadable("format", f"the TIFF must be grey or RGB, but has shape {pixels.shape}")
    return pixels
