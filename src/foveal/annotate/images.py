"""ImageSource: pixels of a project's images as a viewer wants them, at their full depth."""

import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from foveal.annotate.depth import Ends, Shown, ends_of, shown, stretched
from foveal.annotate.held import Held
from foveal.core.errors import DataError
from foveal.core.pool import Sample, SampleId
from foveal.data import Collection
from foveal.data.png import encode_png
from foveal.data.readers import Place, read_picture
from foveal.data.readers.npz import frames
from foveal.data.readers.stack import stack_facts

log = logging.getLogger("foveal.images")
Which = Literal["current", "prior", "difference"]
CHANNEL: dict[Which, int] = {"prior": 0, "current": 1, "difference": 2}
ENDS = (0.5, 99.5)  # percentiles that become black and white at first
PROBES = 5  # images that are tried to learn whether a disk is away
HELD_BYTES = 2**28  # of pictures kept decoded: neighbors of a slice are asked for one by one


class UnreadableError(DataError):
    """An image of the project cannot be shown; the message names its sample and nothing else."""


@dataclass(frozen=True, slots=True)
class Facts:
    """What a viewer must know of an image before its pixels; sizes in pixels."""

    width: int
    height: int
    slices: int
    key_slice: int
    pair: bool
    color: bool
    bits: int
    signed: bool
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
            "bits": self.bits,
            "signed": self.signed,
            "samples_per_pixel": 3 if self.color else 1,
            "window": {"center": self.center, "width": self.width_of_window},
            "spacing_mm": list(self.spacing_mm),
        }


class ImageSource:
    """Reads one picture at a time; the pool's pixels are never held.

    Args:
        again: loads the collection anew; see `keep_up`.
        samples: in the project before its images were looked at.
    """

    def __init__(
        self,
        collection: Collection,
        held_bytes: int = HELD_BYTES,
        again: Callable[[], Collection] | None = None,
        samples: int = 0,
    ) -> None:
        self.collection = collection
        self._stacks = _stacks(collection)
        self._samples = samples
        self._again = again
        self._lock = threading.Lock()
        self._read = Held(_pixels, held_bytes)

    def keep_up(self, samples: int) -> None:
        """Look for more images once there are more `samples` in the project than there were.

        What cannot be read then is as if it had not come: those who read go on with what there is.
        """
        if self._again is None or samples == self._samples:
            return
        with self._lock:
            if samples == self._samples:
                return
            self._samples = samples
            try:
                self.collection = self._again()
            except (DataError, OSError):
                log.exception("images that came in could not be read")
            self._stacks = _stacks(self.collection)

    def __contains__(self, sample: SampleId) -> bool:
        return sample in self.collection.places

    def sample(self, sample: SampleId) -> Sample:
        """A sample of the pool; DataError if it is unknown."""
        return self.collection.pool[sample]

    def samples(self) -> dict[SampleId, Sample]:
        """The samples whose images can be read."""
        return {one.id: one for one in self.collection.pool.samples}

    def beside(self, sample: SampleId) -> dict[SampleId, int]:
        """The samples of the same volume or pair, this one too, by slice; {} for a picture."""
        place = self.collection.places[self.sample(sample).id]
        return self._stacks.get(place.path, {}) if not place.tile else {}

    def facts(self, sample: SampleId) -> Facts:
        """Size, slices and first window of an image.

        Raises:
            UnreadableError: if it is unknown or cannot be read.
        """
        with _readable(sample):
            place, pair = self._place(sample)
            raw = self._read(place)
            ends = ends_of(place, raw)
            pixels = _of_time(raw, pair, "current", ends)
            count, key = _extent(place, pair)
            low, high = self._window(place, pixels, ends)
            return Facts(
                width=pixels.shape[1],
                height=pixels.shape[0],
                slices=count,
                key_slice=key,
                pair=pair,
                color=pixels.ndim == 3,
                bits=pixels.dtype.itemsize * 8,
                signed=pixels.dtype.kind == "i",
                center=(low + high) / 2,
                width_of_window=high - low,
                spacing_mm=tuple(self.sample(sample).spacing_mm),
            )

    def size(self, sample: SampleId) -> tuple[int, int]:
        """Width and height in pixels, known without reading the file again.

        Raises:
            UnreadableError: if it is unknown.
        """
        with _readable(sample):
            height, width = self.sample(sample).shape[-2:]
            return width, height

    def any_reads(self, besides: SampleId) -> bool:
        """Whether any of a few other images can be read from where it lies."""
        others = [one.id for one in self.collection.pool.samples if one.id != besides]
        return any(self._reads(i) for i in others[:: max(len(others) // PROBES, 1)])

    def _reads(self, sample: SampleId) -> bool:
        try:
            _pixels(self._place(sample)[0])  # not what is held
        except (DataError, OSError, ValueError):
            return False
        return True

    def pixels(
        self, sample: SampleId, position: int | None = None, which: Which = "current"
    ) -> Shown:
        """(H, W) gray as uint8, int16 or uint16, or (H, W, 3) uint8.

        Args:
            position: another slice of the same volume; the sample's own if None.
            which: of a pair, the time point or the difference (int16, 0 where nothing changed).
        Raises:
            DataError: if there is no such slice or time point.
            UnreadableError: if it is unknown or cannot be read.
        """
        with _readable(sample):
            place, pair = self._place(sample)
            count, key = _extent(place, pair)
        if not 0 <= (key if position is None else position) < count:
            raise DataError(f"sample {sample!r} has {count} slices, so none is {position}")
        if which != "current" and not pair:
            raise DataError(f"sample {sample!r} is one image and no pair of time points")
        with _readable(sample):
            if position is not None and (place.of_volume or pair):
                place = _moved(place, position)
            raw = self._read(place)
            return _of_time(raw, pair, which, ends_of(place, raw))

    def png(self, values: NDArray[np.float32], sample: SampleId) -> bytes:
        """A map on the network's grid as a PNG on the image's own, black 0 and white 1."""
        facts = self.facts(sample)
        placed = self.collection.on_image(values, (facts.height, facts.width))
        return encode_png(np.rint(np.clip(placed, 0, 1) * 255).astype(np.uint8))

    def _place(self, sample: SampleId) -> tuple[Place, bool]:
        known = self.sample(sample)
        place = self.collection.places[known.id]
        return _moved(place, place.tile // 2) if place.tile else place, "pair" in known.extra

    def _window(self, place: Place, pixels: Shown, ends: Ends | None) -> tuple[float, float]:
        """What becomes black and white at first; 8-bit images were made to be seen as they are."""
        if pixels.dtype == np.uint8:
            return 0.0, 255.0
        asked = self.collection.spec.window
        if asked is not None:
            low, high = asked[0] - asked[1] / 2, asked[0] + asked[1] / 2
        elif place.of_volume:
            facts = stack_facts(place.path)
            low, high = facts.low, facts.high
        else:
            low, high = (float(value) for value in np.percentile(pixels, ENDS))
            ends = None
        if ends is not None:
            low, high = (float(value) for value in stretched([low, high], ends))
        return low, high if high > low else low + 1.0


def _stacks(collection: Collection) -> dict[Path, dict[SampleId, int]]:
    """The samples of each volume and pair, by slice."""
    stacks: dict[Path, dict[SampleId, int]] = {}
    for one in collection.pool.samples:
        place = collection.places[one.id]
        if place.of_volume or "pair" in one.extra:
            stacks.setdefault(place.path, {})[one.id] = place.position or 0
    return stacks


@contextmanager
def _readable(sample: SampleId) -> Iterator[None]:
    """What a file says of itself, its name above all, is for nobody who asks over the network."""
    try:
        yield
    except (DataError, OSError, ValueError) as error:
        raise UnreadableError(
            f"the image of sample {sample!r} must be readable, but is not; it is left out, and a "
            "lead can take it in again"
        ) from error


@dataclass(frozen=True, slots=True)
class _Plane(Place):
    """One picture of a tile."""

    plane: int = 0


def _moved(place: Place, position: int) -> Place:
    """Another picture of the same volume, or of the same tile."""
    if not place.tile:
        return replace(place, position=position)
    return _Plane(
        place.path, place.position, place.archive, place.member, place.tile, plane=position
    )


def _extent(place: Place, pair: bool) -> tuple[int, int]:
    """How many pictures can be scrolled through, and which of them is asked about."""
    if place.tile:
        return place.tile, place.tile // 2
    if place.of_volume or pair:
        return len(frames(place.path)), place.position or 0
    return 1, 0


def _pixels(place: Place) -> NDArray[Any]:
    pixels: NDArray[Any] = read_picture(place).pixels
    return np.asarray(pixels[place.plane]) if isinstance(place, _Plane) else pixels


def _of_time(raw: NDArray[Any], pair: bool, which: Which, ends: Ends | None) -> Shown:
    if pair:  # gray again where all channels agree
        raw = raw[:, :, CHANNEL[which]] if raw.ndim == 3 else raw
    if which == "difference":
        unchanged = (np.iinfo(raw.dtype).max + 1) // 2  # as `foveal.data.pairs` writes it
        return (raw.astype(np.int32) - unchanged).astype(np.int16)
    return shown(raw, ends)
