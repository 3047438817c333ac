"""Facts: what one pass over all files finds out about each image, remembered between runs.

An image's digest is a hash of its decoded pixels, so the same picture saved twice, as PNG and as
TIFF, is the same image. Its thumbnail (32 x 32, grey, stretched to 0..255) is what near-duplicates
are found by. Memory: about 1.1 kB an image, whatever its size. Tiles of volumes have none: at
32 x 32 x 32 voxels very different places look alike.
"""

import hashlib
import io
import json
import os
import zipfile
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, fields
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from foveal.core.arrays import BoolArray, IntArray
from foveal.data.cache import write_streamed
from foveal.data.duplicates import THUMB_SIDE, Neighbors, find_neighbors
from foveal.data.problems import Problem
from foveal.data.readers import Pixels, Unreadable, read_mask, read_picture
from foveal.data.readers.picture import grid_shape, is_color
from foveal.data.row import Box, RegionSource, Row

VERSION = 1  # raise it when a reader or a hash changes, so that remembered facts are not used
DIGEST_BYTES = 16
BLOCK = 256
Progress = Callable[[int, int], None]
TORN = (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile)


@dataclass(frozen=True, slots=True)
class Facts:
    """Columns, one entry a row.

    ok: (n,) the image can be used. shape: (n, 2) height and width. channels: (n,) 1 or 3.
    bits: (n,) 8, 16, or 32 (float). low, high: (n,) least and greatest pixel value.
    digest: (n, 16) hash of pixels. thumb: (n, 32, 32). region_ok, weak_ok: (n,) the region can be
    read and fits; True where there is none.
    """

    ok: BoolArray
    shape: IntArray
    channels: IntArray
    bits: IntArray
    low: NDArray[np.float32]
    high: NDArray[np.float32]
    digest: NDArray[np.uint8]
    thumb: NDArray[np.uint8]
    region_ok: BoolArray
    weak_ok: BoolArray


@dataclass(frozen=True, slots=True)
class Survey:
    """Facts, the problems met while finding them, and which images repeat each other."""

    facts: Facts
    problems: tuple[Problem, ...]
    neighbors: Neighbors


def survey(rows: Sequence[Row], cache: Path, progress: Progress | None = None) -> Survey:
    """Facts about all rows: remembered if no file changed since, else from one threaded pass.

    Raises:
        StoreError: if the cache cannot be written.
    """
    target = cache / "facts" / f"{_state(rows)}.npz"
    try:
        return _load(target)
    except TORN:
        pass  # never written, or torn: look again
    facts, problems = _look(rows, progress)
    # Blank images are alike without being repeats; counted as such they would chain patients.
    shown = np.flatnonzero(facts.ok & (facts.low < facts.high))
    neighbors = find_neighbors(facts.digest, facts.thumb, shown, volume_numbers(rows))
    found = Survey(facts, problems, neighbors)
    _save(target, found)
    return found


def volume_numbers(rows: Sequence[Row]) -> IntArray:
    """(n,) number of the volume that each row is a picture of; -1 for other images."""
    numbers: dict[str, int] = {}
    return np.array(
        [
            numbers.setdefault(row.series, len(numbers)) if row.image.of_volume else -1
            for row in rows
        ],
        np.int64,
    )


def _look(rows: Sequence[Row], progress: Progress | None) -> tuple[Facts, tuple[Problem, ...]]:
    facts = _blank(len(rows))
    problems: list[Problem] = []
    with ThreadPoolExecutor(max_workers=min(8, os.cpu_count() or 1)) as threads:
        for start in range(0, len(rows), BLOCK):  # blocks bound what waits in memory
            stop = min(start + BLOCK, len(rows))
            for found in threads.map(lambda i: _examine(rows[i], facts, i), range(start, stop)):
                problems += found
            if progress:
                progress(stop, len(rows))
    return facts, tuple(problems)


def _blank(n: int) -> Facts:
    return Facts(
        ok=np.zeros(n, bool),
        shape=np.zeros((n, 2), np.int32),
        channels=np.ones(n, np.uint8),
        bits=np.full(n, 8, np.uint8),
        low=np.zeros(n, np.float32),
        high=np.zeros(n, np.float32),
        digest=np.zeros((n, DIGEST_BYTES), np.uint8),
        thumb=np.zeros((n, THUMB_SIDE, THUMB_SIDE), np.uint8),
        region_ok=np.ones(n, bool),
        weak_ok=np.ones(n, bool),
    )


def _examine(row: Row, facts: Facts, i: int) -> list[Problem]:
    """Write what one row's files hold into position i; rows never share a position."""
    try:
        found = read_picture(row.image)
    except Unreadable as error:
        return [Problem(row.number, row.uri, error.kind, str(error))]
    pixels = found.pixels
    facts.shape[i] = pixels.shape[:2]
    facts.channels[i] = 3 if is_color(pixels) else 1
    facts.bits[i] = 8 * pixels.dtype.itemsize
    facts.low[i], facts.high[i] = pixels.min(), pixels.max()
    facts.digest[i] = np.frombuffer(pixel_digest(pixels), np.uint8)
    if not row.image.tile:
        facts.thumb[i] = thumbnail(pixels)
    facts.ok[i] = True
    notes = list(found.notes)
    # A volume's ends may well be blank.
    if facts.low[i] == facts.high[i] and not row.image.of_volume:
        notes.append(("constant", "all pixels have one value; there is nothing to see"))
    for source, column, name in (
        (row.region, facts.region_ok, "mask"),
        (row.weak, facts.weak_ok, "weak region"),
    ):
        wrong = region_problem(source, grid_shape(pixels), name)
        column[i] = wrong is None or wrong[0] == "box"
        notes += [wrong] if wrong else []
    return [Problem(row.number, row.uri, kind, text) for kind, text in notes]


def region_problem(
    source: RegionSource, shape: tuple[int, ...], name: str
) -> tuple[str, str] | None:
    """Kind and sentence of what is wrong with a region of an image of (H, W) `shape`.

    Tiles have (S, S, S).
    """
    if source.masks:
        try:
            mask = read_mask(source.masks)
        except Unreadable as error:
            return _mask_kind(error), f"the {name} cannot be used ({error}); it counts as unknown"
        if mask.shape != shape:
            return "mask_size", (
                f"the {name} must be as large as its image, {_sizes(shape)}, but is "
                f"{_sizes(mask.shape)}; it counts as unknown"
            )
    elif source.box is not None:
        return _box_problem(source.box, shape, name)
    return None


def _sizes(shape: tuple[int, ...]) -> str:
    return " x ".join(str(size) for size in reversed(shape))


def _mask_kind(error: Unreadable) -> str:
    return error.kind if error.kind.startswith("mask") else f"mask_{error.kind}"


def _box_problem(box: Box, shape: tuple[int, ...], name: str) -> tuple[str, str] | None:
    x0, y0, x1, y1 = box
    height, width = shape
    if x1 <= 0 or y1 <= 0 or x0 >= width or y0 >= height:
        return "box_outside", f"the box of the {name} lies outside the image; it counts as unknown"
    if x0 < 0 or y0 < 0 or x1 > width or y1 > height:
        return "box", f"the box of the {name} reaches beyond the image and is cut at its edge"
    return None


def pixel_digest(pixels: Pixels) -> bytes:
    """Hash of shape, type and values of decoded pixels, 16 bytes."""
    h = hashlib.blake2b(f"{pixels.shape} {pixels.dtype.str}".encode(), digest_size=DIGEST_BYTES)
    h.update(np.ascontiguousarray(pixels).data)
    return h.digest()


def thumbnail(pixels: Pixels) -> NDArray[np.uint8]:
    """(32, 32) grey thumbnail, stretched to 0..255; all 0 where there is no contrast."""
    grey = pixels if pixels.ndim == 2 else np.asarray(_grey(pixels))
    image = Image.fromarray(grey if grey.dtype == np.uint8 else grey.astype(np.float32))
    small = image.resize((THUMB_SIDE, THUMB_SIDE), _filter(*grey.shape))
    values = np.asarray(small, np.float32)
    low, high = float(values.min()), float(values.max())
    stretch = 255 / (high - low) if high > low else 0.0
    return np.asarray(np.rint((values - low) * stretch), np.uint8)


def _grey(pixels: Pixels) -> NDArray[np.generic]:
    if pixels.dtype == np.uint8:
        return np.asarray(Image.fromarray(pixels).convert("L"))
    return np.asarray(pixels.mean(axis=2, dtype=np.float32))


def _filter(height: int, width: int) -> Image.Resampling:
    shrinks = height >= THUMB_SIDE and width >= THUMB_SIDE
    return Image.Resampling.BOX if shrinks else Image.Resampling.BILINEAR


def _state(rows: Sequence[Row]) -> str:
    """Hash of everything the facts depend on: rows, and size and time of every file."""
    h = hashlib.sha256(f"facts {VERSION}\n".encode())
    for row in rows:
        h.update(f"{row.number}\0{row.uri}\0{row.region.box}\0{row.weak.box}".encode())
        for place in (row.image, *row.region.masks, *row.weak.masks):
            h.update(f"\0{place.path}\0{place.position}\0{_stamp(place.path)}".encode())
            if place.of_volume:
                h.update(f"\0{place.tile}\0{row.series}".encode())
        h.update(b"\n")
    return h.hexdigest()[:32]


def _stamp(path: Path) -> str:
    try:
        stat = path.stat()
    except (OSError, ValueError):
        return "missing"
    return f"{stat.st_size} {stat.st_mtime_ns}"


def _save(target: Path, found: Survey) -> None:
    columns = {f.name: getattr(found.facts, f.name) for f in fields(Facts)}
    listed = [[p.row, p.uri, p.kind, p.message] for p in found.problems]
    data = io.BytesIO()
    np.savez(
        data,
        **columns,
        problems=np.frombuffer(json.dumps(listed).encode(), np.uint8),
        picture=found.neighbors.picture,
        near=found.neighbors.near,
        complete=np.array(found.neighbors.complete),
    )
    write_streamed(target, [data.getvalue()])


def _load(target: Path) -> Survey:
    with target.open("rb") as file, np.load(file, allow_pickle=False) as stored:
        facts = Facts(**{f.name: stored[f.name] for f in fields(Facts)})
        listed = json.loads(stored["problems"].tobytes())
        neighbors = Neighbors(stored["picture"], stored["near"], bool(stored["complete"]))
    return Survey(facts, tuple(Problem(*entry) for entry in listed), neighbors)
