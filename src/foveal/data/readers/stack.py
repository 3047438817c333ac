"""Stacks: a volume unpacked as pictures, what is known of it as a whole, and its 3-D tiles.

Beside `NAME.npy`, the (n, H, W[, 3]) pictures of a volume, lies `NAME.json`. Tiles are blocks of
the stack: they do not overlap, are counted in C order (pictures, rows, columns), and where the
stack ends within one it is filled up with `fill`.
"""

import functools
import itertools
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from foveal.core.arrays import AnyArray, FloatArray
from foveal.core.errors import DataError
from foveal.core.volume import Volume
from foveal.data.readers.npz import frames
from foveal.data.readers.picture import Picture, Unreadable, picture


@dataclass(frozen=True, slots=True)
class StackFacts:
    """What one picture cannot tell of its volume.

    grid: (I, J, K) voxels of the source and the 16 numbers of its affine, RAS+ mm, row by row; ()
    where pictures have no place in the patient. axis: that pictures are cut across. spacing_mm:
    between pictures (where known), rows and columns. low, high: 0.5 and 99.5 percentile of all
    voxels. fill: the least value, 0 for masks.
    """

    shape: tuple[int, ...]
    grid: tuple[int, ...]
    affine: tuple[float, ...]
    axis: int
    spacing_mm: tuple[float, ...]
    low: float
    high: float
    fill: float

    def matrix(self) -> FloatArray:
        """The affine as (4, 4)."""
        return np.array(self.affine, np.float64).reshape(4, 4)

    def frame(self) -> Volume | None:
        """A volume of no content on the source's grid; None where it has none."""
        if not self.grid:
            return None
        return Volume(np.broadcast_to(np.uint8(0), self.grid), self.matrix())

    def as_bytes(self) -> bytes:
        """JSON."""
        return json.dumps(asdict(self)).encode()


def facts_path(stack: Path) -> Path:
    """The file with the facts about a stack."""
    return stack.with_suffix(".json")


@functools.lru_cache(maxsize=4096)
def stack_facts(stack: Path) -> StackFacts:
    """Facts about an unpacked volume.

    Raises:
        Unreadable: if they are missing or torn.
    """
    try:
        held: dict[str, Any] = json.loads(facts_path(stack).read_bytes())
        held |= {name: tuple(v) for name, v in held.items() if isinstance(v, list)}
        return StackFacts(**held)
    except (OSError, ValueError, TypeError) as error:
        raise Unreadable("unreadable", "the unpacked volume is damaged; load it again") from error


def read_tile(path: Path, number: int, side: int) -> Picture:
    """(side, side, side) tile of an unpacked volume.

    Raises:
        Unreadable: if there is no such tile, or the volume is of color.
    """
    stack = frames(path)
    if stack.ndim != 3:
        raise Unreadable("format", "tiles are cut of grey volumes, but this one is of color")
    count = count_tiles(stack.shape, side)
    if not 0 <= number < count:
        raise Unreadable("missing", f"the volume holds {count} tiles, so none is {number}")
    return picture(tile_of(stack, number, side, stack_facts(path).fill))


def tile_grid(shape: Sequence[int], side: int) -> tuple[int, int, int]:
    """How many tiles of (side, side, side) a stack has along pictures, rows and columns."""
    n, h, w = (-(-size // side) for size in shape[:3])
    return n, h, w


def count_tiles(shape: Sequence[int], side: int) -> int:
    """How many tiles a stack has."""
    n, h, w = tile_grid(shape, side)
    return n * h * w


def tile_of(stack: AnyArray, number: int, side: int, fill: float) -> AnyArray:
    """(side, side, side) tile `number` of a (n, H, W) stack, filled up where the stack ends."""
    at = np.unravel_index(number, tile_grid(stack.shape, side))
    part = stack[tuple(slice(int(i) * side, (int(i) + 1) * side) for i in at)]
    out = np.full((side, side, side), fill, stack.dtype)
    out[tuple(slice(size) for size in part.shape)] = part
    return out


def stack_of_tiles(tiles: AnyArray, shape: Sequence[int]) -> AnyArray:
    """The (n, H, W) stack of `shape` that (m, S, S, S) tiles, all of them in order, were cut of.

    Raises:
        DataError: if there are not as many tiles as the stack has.
    """
    side = tiles.shape[1]
    if len(tiles) != count_tiles(shape, side):
        raise DataError(
            f"a stack of shape {tuple(shape)} must have {count_tiles(shape, side)} tiles of side "
            f"{side}, but got {len(tiles)}"
        )
    grid = tile_grid(shape, side)
    whole = np.empty([n * side for n in grid], tiles.dtype)
    for tile, at in zip(tiles, itertools.product(*map(range, grid)), strict=True):
        whole[tuple(slice(i * side, (i + 1) * side) for i in at)] = tile
    stack: AnyArray = whole[tuple(slice(n) for n in shape[:3])]
    return stack
