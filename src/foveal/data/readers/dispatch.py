"""One function that reads a picture wherever it lies."""

from foveal.data.readers.npz import read_frame
from foveal.data.readers.picture import Picture, Place, Unreadable
from foveal.data.readers.raster import read_raster
from foveal.data.readers.stack import read_tile
from foveal.data.readers.tiff import read_tiff

TIFF_SUFFIXES = frozenset({".tif", ".tiff"})
RASTER_SUFFIXES = frozenset({".png", ".jpg", ".jpeg"})
IMAGE_SUFFIXES = TIFF_SUFFIXES | RASTER_SUFFIXES


def read_picture(place: Place) -> Picture:
    """The picture, or tile of a volume, at `place`.

    Raises:
        Unreadable: if it is missing, damaged, too large, not finite, or of an unknown format.
    """
    if place.position is not None and place.tile:
        return read_tile(place.path, place.position, place.tile)
    if place.position is not None:
        return read_frame(place.path, place.position)
    suffix = place.path.suffix.lower()
    if suffix in TIFF_SUFFIXES:
        return read_tiff(place.path)
    if suffix in RASTER_SUFFIXES:
        return read_raster(place.path)
    raise Unreadable("format", f"files must be PNG, JPEG or TIFF, but this is {suffix!r}")
