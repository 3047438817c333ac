"""Unpacking: a volume, once turned to face the reader, as a mapped stack of pictures in the cache.

One volume is in memory at a time. The stack's name is a hash of what it was made from: path, size
and time of the files, cut, time point, and which part of a mask.
"""

import hashlib
import io
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.lib import format as npy

from foveal.core.arrays import AnyArray, BoolArray
from foveal.core.volume import Axis, Facing, Volume, facing_of
from foveal.data.cache import require_space, write_streamed
from foveal.data.grid import PERCENTILES
from foveal.data.readers.npz import frames
from foveal.data.readers.picture import Unreadable, check_size
from foveal.data.readers.stack import StackFacts, facts_path, stack_facts

VERSION = 1  # raise it when a stack would come out differently
SAMPLED = 2**24  # voxels that percentiles are taken of, evenly spread; all of smaller volumes


def stack_path(cache: Path, files: Sequence[Path], what: str) -> Path:
    """Where the stack made of `files` lies, or will; `what` is everything else that decides it."""
    h = hashlib.sha256(f"stack {VERSION}\0{what}".encode())
    for file in files:
        stat = file.stat()
        h.update(f"\0{file.resolve()}\0{stat.st_size}\0{stat.st_mtime_ns}".encode())
    return cache / "frames" / f"{h.hexdigest()[:32]}.npy"


def unpacked(target: Path, make: Callable[[], tuple[AnyArray, StackFacts]]) -> Path:
    """`target`, with its facts beside it; written from what `make` gives unless it is whole.

    Raises:
        Unreadable: whatever `make` raises.
        StoreError: if the cache cannot be written.
    """
    if _whole(target):
        return target
    stack, facts = make()
    check_size(stack.shape[2], stack.shape[1])
    require_space(target.parent, stack.nbytes)
    write_streamed(facts_path(target), [facts.as_bytes()])
    write_streamed(target, _chunks(stack))
    frames.cache_clear()
    stack_facts.cache_clear()
    return target


def stack_of(volume: Volume, axis: Axis | None) -> tuple[AnyArray, StackFacts]:
    """(n, H, W[, 3]) pictures of a volume, numbers narrow enough for a picture; and facts."""
    facing = facing_of(volume.affine, axis)
    voxels = volume.voxels
    low, high = percentiles(voxels)
    facts = _facts(volume, facing, low, high, float(voxels.min()))
    return facing.stack(voxels), facts


def mask_stack(
    volume: Volume, axis: Axis | None, label: int | None
) -> tuple[BoolArray, StackFacts]:
    """(n, H, W) True where a label map holds `label`, or anything but 0 if that is None.

    Raises:
        Unreadable: if the map holds other than whole numbers, or is of color.
    """
    voxels = volume.voxels
    if voxels.ndim != 3:
        raise Unreadable("mask_format", "a mask must hold one number a voxel, but holds colors")
    if voxels.dtype.kind == "f" and not np.array_equal(voxels, np.rint(voxels)):
        raise Unreadable(
            "mask_format",
            "a mask must hold whole numbers, but holds fractions; cut it at a threshold first",
        )
    inside = voxels != 0 if label is None else voxels == label
    facing = facing_of(volume.affine, axis)
    stack: BoolArray = np.asarray(facing.stack(inside), bool)
    return stack, _facts(volume, facing, 0.0, 1.0, 0.0)


def percentiles(voxels: AnyArray) -> tuple[float, float]:
    """The 0.5 and 99.5 percentiles; the least and greatest value where these are one."""
    flat: Any = voxels.ravel(order="K")  # a view where voxels lie in one piece
    low, high = np.percentile(flat[:: -(-flat.size // SAMPLED)], PERCENTILES)
    if high <= low:
        low, high = voxels.min(), voxels.max()
    return float(low), float(high)


def _facts(volume: Volume, facing: Facing, low: float, high: float, fill: float) -> StackFacts:
    i, j, k = (int(n) for n in volume.voxels.shape[:3])
    order = (facing.axis, facing.row, facing.column)
    return StackFacts(
        shape=tuple(volume.voxels.shape[a] for a in order),
        grid=(i, j, k),
        affine=tuple(float(x) for x in volume.affine.ravel()),
        axis=facing.axis,
        spacing_mm=facing.spacing_mm(volume.affine),
        low=low,
        high=high,
        fill=fill,
    )


def _whole(path: Path) -> bool:
    if not path.exists():
        return False
    try:
        return frames(path).shape[:3] == tuple(stack_facts(path).shape[:3])
    except (OSError, ValueError, EOFError):
        frames.cache_clear()
        stack_facts.cache_clear()
        return False


def _chunks(stack: AnyArray) -> Iterator[bytes]:
    wide = stack.dtype.kind == "f" and stack.dtype.itemsize > 4
    narrow = np.dtype(np.float32) if wide else stack.dtype
    data = io.BytesIO()
    described = {
        "descr": npy.dtype_to_descr(narrow),
        "fortran_order": False,
        "shape": stack.shape,
    }
    npy.write_array_header_1_0(data, described)
    yield data.getvalue()
    for shown in stack:
        yield np.ascontiguousarray(shown, narrow).tobytes()
