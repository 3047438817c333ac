"""Shapes: what a reader drew, as boxes, polygons and painted pixels of the image's own grid.

x runs to the right and y down from the image's corner (0, 0); pixel (i, j) covers [j, j + 1) in x
and [i, i + 1) in y.
"""

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from foveal.core.arrays import BoolArray, IntArray
from foveal.core.errors import DataError

VERSION = 1
MOST_SHAPES = 200
MOST_POINTS = 20_000  # of all polygons, and runs of all masks
MOST_CROSSINGS = 2**20  # of edges and rows that are held at once
SLACK = 1e-6  # of a pixel: a box drawn to the border may end this far beyond it


@dataclass(frozen=True, slots=True)
class Box:
    """Corners in pixels, x0 < x1 and y0 < y1."""

    x0: float
    y0: float
    x1: float
    y1: float


@dataclass(frozen=True, slots=True)
class Polygon:
    """Three points or more, (x, y) in pixels; closed, filled by the even-odd rule."""

    points: tuple[tuple[float, float], ...]


@dataclass(frozen=True, slots=True)
class Mask:
    """Runs of pixels row by row, those outside and those inside in turn, outside first."""

    runs: tuple[int, ...]


Shape = Box | Polygon | Mask


@dataclass(frozen=True, slots=True)
class Shapes:
    """All that was drawn on one image of so many pixels."""

    width: int
    height: int
    shapes: tuple[Shape, ...] = ()

    def as_dict(self) -> dict[str, Any]:
        """Plain JSON; `parse_shapes` gives the same shapes back."""
        return {
            "version": VERSION,
            "width": self.width,
            "height": self.height,
            "shapes": [_as_dict(shape) for shape in self.shapes],
        }

    def to_bytes(self) -> bytes:
        """The one text of these shapes."""
        return json.dumps(self.as_dict(), sort_keys=True, separators=(",", ":")).encode()

    @property
    def kind(self) -> str:
        """`none`, `box` if boxes are all there is, else `mask`."""
        if not self.shapes:
            return "none"
        return "box" if all(isinstance(shape, Box) for shape in self.shapes) else "mask"


def parse_shapes(drawn: object, width: int, height: int) -> Shapes:
    """Shapes of an image of `width` x `height` pixels from plain JSON.

    Raises:
        DataError: naming the first shape that is none, has numbers that are not finite, lies
            outside the image, or is one too many.
    """
    if not isinstance(drawn, Mapping) or not isinstance(drawn.get("shapes"), Sequence):
        raise DataError("shapes must be an object with a list `shapes`, as the page sends it")
    if drawn.get("version") != VERSION:
        raise DataError(f"shapes must be of version {VERSION}, not {drawn.get('version')!r}")
    if (drawn.get("width"), drawn.get("height")) != (width, height):
        raise DataError(
            f"shapes must be drawn on the image's own grid, {width} x {height} pixels, not "
            f"{drawn.get('width')!r} x {drawn.get('height')!r}; load the case again"
        )
    listed = drawn["shapes"]
    if len(listed) > MOST_SHAPES:
        raise DataError(f"at most {MOST_SHAPES} shapes can be drawn, not {len(listed)}")
    room = MOST_POINTS
    shapes = []
    for number, one in enumerate(listed, 1):
        try:
            shape, points = _parsed(one, width, height, room)
        except (KeyError, OverflowError, TypeError, ValueError) as error:
            what = f"it lacks {error}" if isinstance(error, KeyError) else error
            raise DataError(f"shape {number} cannot be kept: {what}") from error
        room -= points
        shapes.append(shape)
    return Shapes(width, height, tuple(shapes))


def rasterize(shapes: Shapes) -> BoolArray:
    """(H, W) pixels whose center lies in any of the shapes."""
    region = np.zeros((shapes.height, shapes.width), bool)
    for shape in shapes.shapes:
        match shape:
            case Box(x0, y0, x1, y1):
                region[_centers(y0, y1, shapes.height), _centers(x0, x1, shapes.width)] = True
            case Polygon(points):
                region |= _filled(np.array(points), shapes.height, shapes.width)
            case Mask(runs):
                region |= unpack_runs(runs, shapes.height, shapes.width)
    return region


def pack_runs(mask: BoolArray) -> tuple[int, ...]:
    """Runs of an (H, W) mask row by row; the first counts pixels outside, perhaps 0."""
    flat = np.concatenate([[False], np.ravel(mask), [not mask.flat[-1] if mask.size else False]])
    ends = np.flatnonzero(flat[1:] != flat[:-1])
    return tuple(int(n) for n in np.diff(ends, prepend=0))


def unpack_runs(runs: Sequence[int] | IntArray, height: int, width: int) -> BoolArray:
    """(H, W) mask of its runs, which fill the image exactly."""
    values = np.arange(len(runs)) % 2 == 1
    return np.repeat(values, runs).reshape(height, width)


def _as_dict(shape: Shape) -> dict[str, Any]:
    match shape:
        case Box(x0, y0, x1, y1):
            return {"type": "box", "x0": x0, "y0": y0, "x1": x1, "y1": y1}
        case Polygon(points):
            return {"type": "polygon", "points": [list(point) for point in points]}
        case Mask(runs):
            return {"type": "mask", "runs": list(runs)}


def _parsed(one: Mapping[str, Any], width: int, height: int, room: int) -> tuple[Shape, int]:
    """A shape and how many points it has."""
    match one["type"]:
        case "box":
            x0, y0, x1, y1 = (_number(one[key]) for key in ("x0", "y0", "x1", "y1"))
            if not (x0 < x1 and y0 < y1):
                raise ValueError("a box must have a width and a height")
            _check_inside([(x0, y0), (x1, y1)], width, height)
            return Box(max(x0, 0.0), max(y0, 0.0), min(x1, width), min(y1, height)), 4
        case "polygon":
            listed = _checked_list(one["points"], room)
            points = [(_number(x), _number(y)) for x, y in listed]
            if len(points) < 3:
                raise ValueError("a polygon must have three points or more")
            _check_inside(points, width, height)
            return Polygon(tuple(points)), len(points)
        case "mask":
            runs = _checked_list(one["runs"], max(room, width * height))
            if any(isinstance(n, bool) or not isinstance(n, int) or n < 0 for n in runs):
                raise ValueError("runs of a mask must be whole numbers from 0 on")
            if sum(runs) != width * height:
                raise ValueError(f"its runs cover {sum(runs)} pixels, not {width * height}")
            return Mask(tuple(runs)), 0
        case other:
            raise ValueError(f"it must be a box, a polygon or a mask, not {other!r}")


def _checked_list(value: object, most: int) -> list[Any]:
    if not isinstance(value, list):
        raise TypeError("it must hold a list")
    if len(value) > most:
        raise ValueError(
            f"it has {len(value)} points where {most} are left of {MOST_POINTS}; draw it more "
            "coarsely, or paint it"
        )
    return value


def _number(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise ValueError("coordinates must be finite numbers")
    return float(value)


def _check_inside(points: Sequence[tuple[float, float]], width: int, height: int) -> None:
    for x, y in points:
        if not (-SLACK <= x <= width + SLACK and -SLACK <= y <= height + SLACK):
            raise ValueError(f"it leaves the image, which has {width} x {height} pixels")


def _centers(low: float, high: float, size: int) -> slice:
    """Pixels whose center lies in [low, high)."""
    first, end = math.ceil(low - 0.5), math.ceil(high - 0.5)
    return slice(min(max(first, 0), size), min(max(end, 0), size))


def _filled(points: np.ndarray[Any, np.dtype[np.float64]], height: int, width: int) -> BoolArray:
    """Even-odd filling at pixel centers, in bands of rows so that memory stays bounded."""
    region = np.zeros((height, width), bool)
    first = min(max(math.floor(points[:, 1].min() - 0.5), 0), height)
    last = min(math.ceil(points[:, 1].max()), height)
    step = max(MOST_CROSSINGS // len(points), 1)
    for top in range(first, last, step):
        bottom = min(top + step, last)
        region[top:bottom] = _band(points, top, bottom, width)
    return region


def _band(
    points: np.ndarray[Any, np.dtype[np.float64]], top: int, bottom: int, width: int
) -> BoolArray:
    """Rows `top` to `bottom` of a polygon: it is left or entered wherever an edge crosses a row."""
    starts, ends = points, np.roll(points, -1, axis=0)
    # Downwards both ways, so that two polygons that share an edge round it alike.
    upwards = (starts[:, 1] > ends[:, 1])[:, None]
    starts, ends = np.where(upwards, ends, starts), np.where(upwards, starts, ends)
    first, end = (
        np.clip(np.ceil(y - 0.5), top, bottom).astype(int) for y in (starts[:, 1], ends[:, 1])
    )
    edge = np.repeat(np.arange(len(points)), end - first)
    a, b = starts[edge], ends[edge]
    row = (
        first[edge]
        + np.arange(len(edge))
        - np.repeat(np.cumsum(end - first) - (end - first), end - first)
    )
    x = a[:, 0] + (row + 0.5 - a[:, 1]) / (b[:, 1] - a[:, 1]) * (b[:, 0] - a[:, 0])
    column = np.clip(np.ceil(x - 0.5), 0, width).astype(int)
    # Each row is crossed an even number of times, so that its end and the next one's begin agree.
    crossed = np.sort((row - top) * width + column)
    size = (bottom - top) * width
    return unpack_runs(np.diff(crossed, prepend=0, append=size), bottom - top, width)
