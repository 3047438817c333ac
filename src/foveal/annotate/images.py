"""ImageSource: pixels of a project's images as a viewer wants them, at their full depth."""

import io
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from foveal.core.errors import DataError
from foveal.core.pool import Sample, SampleId
from foveal.core.spec import DataSpec
from foveal.data import Collection, load_pool
from foveal.data.png import encode_png
from foveal.data.readers import Place, read_picture
from foveal.data.readers.npz import frames

Which = Literal["current", "prior", "difference"]
CHANNEL: dict[Which, int] = {"prior": 0, "current": 1, "difference": 2}
ENDS = (0.5, 99.5)  # percentiles that become black and white at first
SMALLEST, LARGEST = -(2**15), 2**15 - 1
HELD = 64  # pictures kept decoded: neighbors of a slice are asked for one after another

Shown = NDArray[np.uint8 | np.int16 | np.uint16]


@dataclass(frozen=True, slots=True)
class Facts:
    """What a viewer must know of an image before its pixels; sizes in pixels."""

    width: int
    height: int
    slices: int
    key_slice: int
    pair: bool
    color: bool
    center: float
    width_of_window: float
    spacing_mm: tuple[float, ...]

    def as_dict(self) -> dict[str, Any]:
        """Plain JSON."""
        return {
            "width": self.width,
            "height": self.height,
            "slices": self.slices,
            "key_slice": self.key_slice,
            "pair": self.pair,
            "color": self.color,
            "window": {"center": self.center, "width": self.width_of_window},
            "spacing_mm": list(self.spacing_mm),
        }


class ImageSource:
    """Reads one picture at a time; the pool's pixels are never held."""

    def __init__(self, collection: Collection) -> None:
        self.collection = collection
        self._read = lru_cache(HELD)(_pixels)

    def sample(self, sample: SampleId) -> Sample:
        """A sample of the pool; DataError if it is unknown."""
        return self.collection.pool[sample]

    def facts(self, sample: SampleId) -> Facts:
        """Size, slices and first window of an image.

        Raises:
            DataError: if it is unknown or cannot be read.
        """
        place = self._place(sample)
        pair = "pair" in self.sample(sample).extra
        pixels = self.pixels(sample)
        low, high = np.percentile(pixels, ENDS)
        if high <= low:
            low, high = float(pixels.min()), float(pixels.max()) + 1
        return Facts(
            width=pixels.shape[1],
            height=pixels.shape[0],
            slices=len(frames(place.path)) if place.of_volume or pair else 1,
            key_slice=(place.position or 0) if place.of_volume or pair else 0,
            pair=pair,
            color=pixels.ndim == 3,
            center=float(low + high) / 2,
            width_of_window=float(high - low),
            spacing_mm=tuple(self.sample(sample).spacing_mm),
        )

    def pixels(
        self, sample: SampleId, position: int | None = None, which: Which = "current"
    ) -> Shown:
        """(H, W) gray as uint8, int16 or uint16, or (H, W, 3) uint8.

        Args:
            position: another slice of the same volume; the sample's own if None.
            which: of a pair, the time point or the difference.
        Raises:
            DataError: if there is no such image or slice, or it cannot be read.
        """
        place = self._place(sample)
        pair = "pair" in self.sample(sample).extra
        if position is not None and position != (place.position or 0):
            if not (place.of_volume or pair):
                raise DataError(f"sample {sample!r} is a single image; it has no other slice")
            if not 0 <= position < len(frames(place.path)):
                raise DataError(f"the volume of sample {sample!r} has no slice {position}")
            place = replace(place, position=position)
        pixels = self._read(place)
        if pair and pixels.ndim == 3:
            return shown(pixels[:, :, CHANNEL[which]])
        return shown(pixels)

    def png(self, values: NDArray[np.float32], sample: SampleId) -> bytes:
        """A map on the network's grid as a PNG on the image's own, black 0 and white 1."""
        facts = self.facts(sample)
        placed = self.collection.on_image(values, (facts.height, facts.width))
        return encode_png(np.rint(np.clip(placed, 0, 1) * 255).astype(np.uint8))

    def _place(self, sample: SampleId) -> Place:
        return self.collection.places[self.sample(sample).id]


def open_images(manifest: Path, spec: DataSpec, cache: Path | None = None) -> ImageSource:
    """The images of a project's manifest; rows without a label are kept."""
    collection = load_pool(
        manifest.name, spec, manifest.parent, blank_labels="keep_all", cache=cache
    )
    return ImageSource(collection)


def shown(pixels: NDArray[Any]) -> Shown:
    """Pixels in a type that a browser can be handed; whole numbers keep their values.

    Fractions are stretched over 16 bits, since a window needs steps and not units.
    """
    if pixels.dtype in (np.uint8, np.uint16):
        return _eight_bit_color(pixels)
    whole = bool((pixels == np.rint(pixels)).all())
    low, high = float(pixels.min()), float(pixels.max())
    if whole and low >= SMALLEST and high <= LARGEST:
        return pixels.astype(np.int16)
    span = (high - low) or 1.0
    return _eight_bit_color(np.rint((pixels - low) / span * 65535).astype(np.uint16))


def _eight_bit_color(pixels: NDArray[Any]) -> Shown:
    if pixels.ndim == 3 and pixels.dtype == np.uint16:
        return (pixels >> 8).astype(np.uint8)
    kept: Shown = pixels
    return kept


def _pixels(place: Place) -> NDArray[Any]:
    pixels: NDArray[Any] = read_picture(place).pixels
    tile = pixels.ndim == 3 and pixels.shape[2] != 3
    return np.asarray(pixels[len(pixels) // 2] if tile else pixels)


def pack(pixels: Shown) -> tuple[bytes, str]:
    """Little-endian bytes row by row, and the name of their type."""
    kind = pixels.dtype.name
    return np.ascontiguousarray(pixels.astype(pixels.dtype.newbyteorder("<"))).tobytes(), kind


def unpack_map(data: bytes) -> NDArray[np.float32]:
    """(S, S) in [0, 1]: the map that the worker kept, from its bytes."""
    with io.BytesIO(data) as file:
        kept: NDArray[np.uint8] = np.load(file, allow_pickle=False)
    return kept.astype(np.float32) / np.float32(255)
