"""npz in MedMNIST's layout: {train,val,test}_images and _labels, optionally _masks.

Image arrays are unpacked once into the cache as `.npy` and memory-mapped, so that a file larger
than memory works and any frame can be read alone. Object arrays are refused, never unpickled.
"""

import functools
import hashlib
import io
import zipfile
import zlib
from pathlib import Path

import numpy as np
from numpy.lib import format as npy
from numpy.typing import NDArray

from foveal.core.errors import DataError, StoreError
from foveal.data.cache import require_space, write_streamed
from foveal.data.readers.picture import Picture, Unreadable, check_size, picture

MAX_LABEL_BYTES = 2**28
CHUNK_BYTES = 2**22
DAMAGED = (OSError, ValueError, EOFError, zlib.error, zipfile.BadZipFile, KeyError)


def members(path: Path) -> frozenset[str]:
    """Names of the arrays in an npz.

    Raises:
        DataError: if it is no npz.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            return frozenset(n.removesuffix(".npy") for n in archive.namelist())
    except DAMAGED as error:
        raise DataError(f"{path.name!r} must be an npz archive, but cannot be opened") from error


def read_labels(path: Path, member: str) -> NDArray[np.int64]:
    """(n,) integer labels.

    Raises:
        DataError: if they are not (n,) or (n, 1) integers (several labels an image are refused).
    """
    try:
        with zipfile.ZipFile(path) as archive:
            if archive.getinfo(f"{member}.npy").file_size > MAX_LABEL_BYTES:
                raise ValueError("labels of more than 256 MiB")
            data = io.BytesIO(archive.read(f"{member}.npy"))
        labels = npy.read_array(data, allow_pickle=False)
    except DAMAGED as error:
        raise DataError(f"`{member}` of {path.name!r} cannot be read: {error}") from error
    if labels.ndim == 2 and labels.shape[1] == 1:
        labels = labels[:, 0]
    if labels.ndim != 1 or labels.dtype.kind not in "iub":
        raise DataError(
            f"`{member}` of {path.name!r} must hold one integer an image, but has shape "
            f"{labels.shape} and type {labels.dtype}; data with several labels an image are not "
            "supported"
        )
    return labels.astype(np.int64)


def unpack(path: Path, member: str, cache: Path) -> Path:
    """The `.npy` file in `cache` that holds array `member`; written once for each state of `path`.

    Raises:
        DataError: if the array is missing, damaged, of objects, or not (n, H, W[, 1 or 3]).
        StoreError: if the cache cannot be written.
    """
    stat = path.stat()
    state = f"{path.resolve()}\0{member}\0{stat.st_size}\0{stat.st_mtime_ns}"
    target = cache / "frames" / f"{hashlib.sha256(state.encode()).hexdigest()[:32]}.npy"
    if not _whole(target):
        frames.cache_clear()
        try:
            with zipfile.ZipFile(path) as archive, archive.open(f"{member}.npy") as source:
                require_space(target.parent, archive.getinfo(f"{member}.npy").file_size)
                write_streamed(target, iter(lambda: source.read(CHUNK_BYTES), b""))
        except StoreError:
            raise
        except DAMAGED as error:
            raise DataError(f"`{member}` of {path.name!r} is missing or damaged") from error
    _check_frames(target, f"`{member}` of {path.name!r}")
    return target


@functools.lru_cache(maxsize=16)
def frames(path: Path) -> NDArray[np.generic]:
    """The memory-mapped array of an unpacked `.npy` file."""
    array: NDArray[np.generic] = np.load(path, mmap_mode="r", allow_pickle=False)
    return array


def read_frame(path: Path, position: int) -> Picture:
    """Frame `position` of an unpacked array.

    Raises:
        Unreadable: if there is no such frame.
    """
    array = frames(path)
    if not 0 <= position < len(array):
        raise Unreadable("missing", f"the array holds {len(array)} frames, so none is {position}")
    frame = np.asarray(array[position])
    return picture(frame[:, :, 0] if frame.ndim == 3 and frame.shape[2] == 1 else frame)


def _whole(path: Path) -> bool:
    if not path.exists():
        return False
    try:
        frames(path)
    except (OSError, ValueError, EOFError):
        return False
    return True


def _check_frames(path: Path, name: str) -> None:
    try:
        array = frames(path)
    except (OSError, ValueError, EOFError) as error:
        raise DataError(f"{name} must be an array of numbers, but cannot be mapped") from error
    grey_or_rgb = array.ndim == 3 or (array.ndim == 4 and array.shape[3] in (1, 3))
    if not grey_or_rgb or array.dtype.kind not in "biuf":
        raise DataError(
            f"{name} must have shape (n, H, W), (n, H, W, 1) or (n, H, W, 3), but has "
            f"{array.shape} of type {array.dtype}; volumes are not read from npz"
        )
    check_size(array.shape[2], array.shape[1])
