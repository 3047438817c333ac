"""PixelStore: all images or 3-D tiles of a pool on the network's grid, in one mapped file."""

import hashlib
import io
import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.lib import format as npy
from numpy.typing import NDArray

from foveal.core.arrays import IntArray
from foveal.core.errors import DataError
from foveal.data.cache import write_streamed
from foveal.data.grid import Ends, Fit, Intensity, Stored, tile_to_grid, to_grid, to_stored
from foveal.data.readers import Place, Unreadable, read_picture
from foveal.data.readers.stack import stack_facts

VERSION = 1  # raise it when an image would come out differently, so that old files are not used
BLOCK = 64
Type = np.dtype[np.uint8] | np.dtype[np.uint16]
Progress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class GridPlan:
    """How every image is brought to the grid; part of the key of the file."""

    size: int
    fit: Fit
    intensity: Intensity
    channels: int
    wide: bool
    solid: bool = False
    window: tuple[float, float] | None = None

    def key(self, digests: NDArray[np.uint8], places: Sequence[Place] = ()) -> str:
        """Name of the file: everything that decides its content, and nothing else."""
        h = hashlib.sha256(f"pixels {VERSION} {self._text()}\n".encode())
        h.update(np.ascontiguousarray(digests).data)
        for ends in (self.ends(place) for place in places if place.of_volume):
            h.update(f"{ends}\n".encode())
        return h.hexdigest()[:32]

    def _text(self) -> str:
        """What does not hold for plain pictures is left out, so that their files keep the name."""
        plain = (
            f"GridPlan(size={self.size!r}, fit={self.fit!r}, intensity={self.intensity!r}, "
            f"channels={self.channels!r}, wide={self.wide!r})"
        )
        more = (f" solid={self.solid}" if self.solid else "") + (
            f" window={self.window}" if self.window else ""
        )
        return plain + more

    def shape(self, count: int) -> tuple[int, ...]:
        """Of the store of so many images."""
        return (count, self.channels, *(self.size,) * (3 if self.solid else 2))

    def ends(self, place: Place) -> Ends | None:
        """Values that become black and white; None if each picture has its own, or as stored.

        Raises:
            Unreadable: if the volume that the picture is part of is no longer there.
        """
        if self.window:
            center, width = self.window
            return center - width / 2, center + width / 2
        if place.of_volume:
            facts = stack_facts(place.path)
            return facts.low, facts.high
        return None

    def stored(self, place: Place, wide: bool) -> Stored:
        """(H, W[, 3]) image or (S, S, S) tile at `place`, at its own size."""
        return to_stored(read_picture(place).pixels, self.intensity, wide, self.ends(place))

    def apply(self, place: Place) -> Stored:
        """(C, S, S) image, or (C, S, S, S) tile, at `place`."""
        stored = self.stored(place, self.wide)
        if self.solid:
            return tile_to_grid(stored, self.size, self.channels)
        return to_grid(stored, self.size, self.fit, self.channels)


class PixelStore:
    """(n, C, S, S) uint8 or uint16 images, (n, C, S, S, S) tiles; row i is sample i of the pool.

    Nothing is held in memory but the pages the system keeps of the file.
    """

    def __init__(self, array: NDArray[np.uint8 | np.uint16]) -> None:
        self._array = array
        self._top = np.float32(np.iinfo(array.dtype).max)

    def __len__(self) -> int:
        return len(self._array)

    @property
    def channels(self) -> int:
        """1 if every image of the pool is grey, else 3."""
        return int(self._array.shape[1])

    @property
    def size(self) -> int:
        """Side of the grid in pixels."""
        return int(self._array.shape[2])

    @property
    def solid(self) -> bool:
        """Whether rows are 3-D tiles."""
        return self._array.ndim == 5

    def read(self, rows: IntArray) -> NDArray[np.float32]:
        """(b, C, S, S) images, (b, C, S, S, S) tiles, of some rows as asked, in [0, 1]."""
        index = np.asarray(rows, np.int64)
        return np.asarray(self._array[index], np.float32) / self._top


def open_store(
    places: Sequence[Place],
    names: Sequence[str],
    digests: NDArray[np.uint8],
    plan: GridPlan,
    folder: Path,
    progress: Progress | None = None,
) -> PixelStore:
    """The store of these images, reused if its file is whole, else written anew.

    Args:
        places: where each image lies.
        names: what to call each in an error: its uri.
        digests: (n, B) pixel hashes; the file's name depends on them, so a changed image is seen.
        plan: the grid.
        folder: where the file is kept.
        progress: called with images done and all.
    Raises:
        DataError: if an image can no longer be read.
        StoreError: if the disk is full or the folder not writable.
    """
    target = folder / "pixels" / f"{plan.key(digests, places)}.npy"
    shape = plan.shape(len(places))
    dtype: Type = np.dtype(np.uint16) if plan.wide else np.dtype(np.uint8)
    array = _mapped(target, shape, dtype)
    if array is None:
        write_streamed(target, _chunks(places, names, plan, shape, dtype, progress))
        array = _mapped(target, shape, dtype)
    assert array is not None, "a file just written whole must be readable"
    return PixelStore(array)


def _mapped(
    path: Path, shape: tuple[int, ...], dtype: Type
) -> NDArray[np.uint8 | np.uint16] | None:
    """The array if the file is whole and of the right form; numpy checks its length."""
    if not path.exists():
        return None
    if not shape[0]:
        return np.zeros(shape, dtype)
    try:
        array: NDArray[np.uint8 | np.uint16] = np.load(path, mmap_mode="r", allow_pickle=False)
    except (OSError, ValueError, EOFError):
        return None
    whole = array.shape == shape and array.dtype == dtype
    return array if whole else None


def _chunks(
    places: Sequence[Place],
    names: Sequence[str],
    plan: GridPlan,
    shape: tuple[int, ...],
    dtype: Type,
    progress: Progress | None,
) -> Iterator[bytes]:
    yield _header(shape, dtype)
    with ThreadPoolExecutor(max_workers=min(8, os.cpu_count() or 1)) as threads:
        for start in range(0, len(places), BLOCK):  # blocks bound what waits in memory
            stop = min(start + BLOCK, len(places))
            jobs = zip(places[start:stop], names[start:stop], strict=True)
            for image in threads.map(lambda job: _read(plan, *job), jobs):
                yield image.tobytes()
            if progress:
                progress(stop, len(places))


def _read(plan: GridPlan, place: Place, name: str) -> Stored:
    try:
        return plan.apply(place)
    except Unreadable as error:
        raise DataError(
            f"{name!r} could be read when the pool was loaded, but not now: {error}"
        ) from error


def _header(shape: tuple[int, ...], dtype: Type) -> bytes:
    data = io.BytesIO()
    described = {"descr": npy.dtype_to_descr(dtype), "fortran_order": False, "shape": shape}
    npy.write_array_header_1_0(data, described)
    return data.getvalue()
