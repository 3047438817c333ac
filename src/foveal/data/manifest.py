"""Manifest: a CSV or Parquet table of images to rows, and back.

Known columns: `image` (required), `label`, `mask`, `patient` (or `group`; the patient wins where
both are filled), `split` (train, val, test), a box as `x0,y0,x1,y1` in pixels (x1 and y1
exclusive), a region that exists beforehand as `weak` (a mask file) or `wx0,wy0,wx1,wy1`, and the
spacing as `spacing_mm`, written `0.72x0.72` for rows and columns or `3x0.72x0.72` with that between
pictures before them. All further columns are kept. A `mask` cell may hold several files separated
by `|` (their union), or the word `empty`: the reference says that there is nothing to see. An empty
cell without a box means that the region is not known.

Paths are relative to the manifest's folder and may not leave it; a path written as absolute is
taken as it is. Frames of an npz read `images.npz#train_images:17`. Pictures and tiles of volumes
are named as `data.volumes.address` says, in mask cells too, where the mask must lie on its image's
grid; their spacing comes from the file. A row that names a whole volume stands for all its pictures
or tiles.
"""

import csv
import io
import math
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from foveal.core.errors import DataError, near_miss
from foveal.core.files import write_whole
from foveal.data.paths import Paths, names_volume, series_of
from foveal.data.problems import Problem
from foveal.data.readers import Place, Unreadable
from foveal.data.readers.stack import stack_facts
from foveal.data.row import EMPTY, NO_REGION, Box, RegionSource, Row, Split
from foveal.data.volumes.cutting import Cutting
from foveal.data.volumes.rows import labeled_by_mask, volume_rows

BOX = ("x0", "y0", "x1", "y1")
WEAK_BOX = ("wx0", "wy0", "wx1", "wy1")
KNOWN = (
    "image", "label", "mask", "patient", "group", "split", *BOX, "weak", *WEAK_BOX, "spacing_mm",
)  # fmt: skip
USUAL = ("image", "label", "mask", "patient", "split")
SPLITS: Mapping[str, Split] = {
    "": "",
    "train": "train",
    "training": "train",
    "val": "val",
    "valid": "val",
    "validation": "val",
    "test": "test",
    "testing": "test",
}
MASK_SEPARATOR = "|"
PARQUET_SUFFIXES = frozenset({".parquet", ".pq"})
Cells = Mapping[str, str]


def read_manifest(
    path: Path, root: Path, cache: Path, cutting: Cutting | None = None
) -> tuple[list[Row], list[Problem]]:
    """Rows of a table and what is wrong with the others.

    Args:
        path: the CSV (comma, semicolon or tab; UTF-8) or Parquet file.
        root: the folder that relative paths start from and must stay in.
        cache: where arrays of npz files and volumes are unpacked.
        cutting: what rows that name a whole volume stand for; its pictures if None. Such rows are
            labeled by their masks if the table has no label at all.
    Raises:
        DataError: if the file is no table, or has no `image` column.
    """
    paths = Paths(root, cache)
    rows: list[Row] = []
    problems: list[Problem] = []
    whole: set[int] = set()
    for number, cells in enumerate(_records(path), 1):
        try:
            found, wrong = _rows(number, cells, paths, cutting or Cutting())
        except Unreadable as error:
            problems.append(Problem(number, cells.get("image", ""), error.kind, str(error)))
        except DataError as error:
            problems.append(Problem(number, cells.get("image", ""), "manifest", str(error)))
        else:
            whole |= {number} if names_volume(cells["image"]) else set()
            rows += found
            problems += wrong
    return (labeled_by_mask(rows, whole) if whole else rows), problems


def write_manifest(rows: Sequence[Row], path: Path) -> None:
    """Write rows as CSV, or as Parquet if `path` ends so; whole or not at all.

    Paths inside the manifest's folder are written relative to it, all others as absolute. The usual
    columns are there even where they are empty, for somebody to fill in.
    """
    records = [_cells(row, path.parent.resolve()) for row in rows]
    extras = sorted({name for row in rows for name in row.extra})
    used = [c for c in KNOWN if c in USUAL or any(r.get(c) for r in records)]
    columns = [*used, *extras]
    if path.suffix.lower() in PARQUET_SUFFIXES:
        write_whole(path, _parquet_bytes(columns, records))
        return
    text = io.StringIO()
    writer = csv.DictWriter(text, columns, extrasaction="ignore", restval="", lineterminator="\n")
    writer.writeheader()
    writer.writerows(records)
    write_whole(path, text.getvalue().encode())


def _records(path: Path) -> Iterator[Cells]:
    if path.suffix.lower() in PARQUET_SUFFIXES:
        return _parquet(path)
    return _csv(path)


def _csv(path: Path) -> Iterator[Cells]:
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            first = file.readline()
            file.seek(0)
            table = csv.reader(file, delimiter=max(",;\t", key=first.count))
            columns = _columns(next(table, []), path)
            yield from (_record(columns, line) for line in table if any(line))
    except (UnicodeDecodeError, csv.Error) as error:
        raise DataError(f"{path.name!r} must be a CSV table in UTF-8, but {error}") from error


def _record(columns: Sequence[str], line: Sequence[str]) -> Cells:
    cells = {column: sys.intern(cell.strip()) for column, cell in zip(columns, line, strict=False)}
    if len(line) > len(columns):
        cells["\0surplus"] = "yes"
    return cells


def _columns(header: Iterable[str], path: Path) -> list[str]:
    columns = [c.strip() if c.strip().lower() not in KNOWN else c.strip().lower() for c in header]
    if "image" not in columns:
        hint = near_miss("image", columns) if columns else " The file is empty."
        raise DataError(f"{path.name!r} must have a column `image`.{hint}")
    twice = {c for c in columns if columns.count(c) > 1}
    if twice:
        raise DataError(f"columns of {path.name!r} must differ, but {sorted(twice)} occur twice")
    return columns


def _parquet(path: Path) -> Iterator[Cells]:
    _, parquet = _pyarrow()
    try:
        file = parquet.ParquetFile(path)
        columns = _columns(file.schema_arrow.names, path)
        for batch in file.iter_batches():
            for values in zip(*(c.to_pylist() for c in batch.columns), strict=True):
                yield _record(columns, [_text(value) for value in values])
    except DataError:
        raise
    except (OSError, ValueError) as error:
        raise DataError(f"{path.name!r} must be a Parquet table, but cannot be read") from error


def _parquet_bytes(columns: Sequence[str], records: Sequence[Cells]) -> bytes:
    arrow, parquet = _pyarrow()
    table = {c: arrow.array([r.get(c, "") for r in records], arrow.string()) for c in columns}
    sink = io.BytesIO()
    parquet.write_table(arrow.table(table), sink)
    return sink.getvalue()


def _pyarrow() -> tuple[Any, Any]:
    try:
        import pyarrow
        import pyarrow.parquet
    except ImportError as error:
        raise DataError(
            "Parquet manifests need pyarrow, which is not installed; run "
            "`pip install foveal[parquet]` or write the manifest as CSV"
        ) from error
    return pyarrow, pyarrow.parquet


def _text(value: object) -> str:
    if value is None or value != value:
        return ""
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value)


def _rows(
    number: int, cells: Cells, paths: Paths, cutting: Cutting
) -> tuple[list[Row], list[Problem]]:
    uri = cells.get("image", "")
    if not uri:
        raise DataError("the `image` cell must name a file, but is empty")
    if "\0surplus" in cells:
        raise DataError("the row has more cells than the header; quote cells that hold commas")
    if names_volume(uri):
        return _of_volume(number, cells, paths, cutting)
    row, problems = _row(number, cells, paths, paths.place(uri))
    return [row], problems


def _of_volume(
    number: int, cells: Cells, paths: Paths, cutting: Cutting
) -> tuple[list[Row], list[Problem]]:
    uri, written = cells["image"], cells.get("mask", "")
    empty = written.lower() == EMPTY
    names = [] if empty else [n.strip() for n in written.split(MASK_SEPARATOR) if n.strip()]
    if any(cells.get(name) for name in (*BOX, "weak", *WEAK_BOX)):
        raise DataError("boxes and `weak` belong to one picture, but the row names a whole volume")
    plain = {**cells, "mask": "", "spacing_mm": ""}
    row, problems = _row(number, plain, paths, Place(paths.whole(uri).path))
    row = replace(row, region=RegionSource(empty=empty))
    rows, wrong = volume_rows(paths.whole(uri, names), row, cutting, paths.shelf)
    return rows, problems + wrong


def _row(number: int, cells: Cells, paths: Paths, place: Place) -> tuple[Row, list[Problem]]:
    uri = cells["image"]
    problems: list[Problem] = []
    series, position = series_of(uri)
    region, weak = NO_REGION, NO_REGION
    try:
        region = _region(cells, "mask", BOX, paths, place)
        weak = _region(cells, "weak", WEAK_BOX, paths, place)
    except DataError as error:
        kind = error.kind if isinstance(error, Unreadable) else "region"
        problems.append(Problem(number, uri, kind, f"{error}; the region counts as unknown"))
    spacing: tuple[float, ...] = ()
    try:
        spacing = _spacing(cells.get("spacing_mm", ""), place)
    except DataError as error:
        problems.append(Problem(number, uri, "spacing", f"{error}; it counts as unknown"))
    extra = {name: cell for name, cell in cells.items() if name not in KNOWN}
    group = cells.get("patient", "") or cells.get("group", "")
    split = _split(cells.get("split", ""))
    label = cells.get("label", "")
    row = Row(
        number, uri, series, place, position, label, group, split, region, weak, extra, spacing
    )
    return row, problems


def _spacing(cell: str, place: Place) -> tuple[float, ...]:
    if place.of_volume:
        return stack_facts(place.path).spacing_mm
    if not cell:
        return ()
    try:
        spacing = tuple(float(number) for number in cell.split("x"))
    except ValueError:
        spacing = ()
    if len(spacing) not in (2, 3) or not all(0 < mm < math.inf for mm in spacing):
        raise DataError(f"`spacing_mm` must read like 0.72x0.72 or 3x0.72x0.72, not {cell!r}")
    return spacing


def _split(cell: str) -> Split:
    try:
        return SPLITS[cell.lower()]
    except KeyError:
        raise DataError(f"`split` must be train, val, test or empty, not {cell!r}") from None


def _region(
    cells: Cells, mask: str, box: Sequence[str], paths: Paths, image: Place
) -> RegionSource:
    written = cells.get(mask, "")
    if written.lower() == EMPTY:
        return RegionSource(empty=True)
    if written:
        files = [name.strip() for name in written.split(MASK_SEPARATOR)]
        return RegionSource(masks=tuple(paths.mask(name, image) for name in files if name))
    found = _box([cells.get(name, "") for name in box])
    if found and image.tile:
        raise DataError("the region of a 3-D tile must be a mask, not a box")
    return RegionSource(box=found)


def _box(cells: Sequence[str]) -> Box | None:
    if not any(cells):
        return None
    try:
        x0, y0, x1, y1 = (round(float(cell)) for cell in cells)
    except (ValueError, OverflowError):
        raise DataError("a box must have four numbers x0, y0, x1, y1") from None
    if x1 <= x0 or y1 <= y0:
        raise DataError(f"a box must have x0 < x1 and y0 < y1, not {x0}, {y0}, {x1}, {y1}")
    return x0, y0, x1, y1


def _cells(row: Row, folder: Path) -> Cells:
    known = {
        "image": _written(row.image, folder),
        "label": row.label,
        "mask": _region_cell(row.region, folder),
        "patient": row.group,
        "split": row.split,
        "weak": _region_cell(row.weak, folder),
        "spacing_mm": "x".join(f"{mm:g}" for mm in row.spacing_mm),
    }
    for names, box in ((BOX, row.region.box), (WEAK_BOX, row.weak.box)):
        known |= dict(zip(names, map(str, box or ("",) * 4), strict=True))
    return {**row.extra, **known}


def _region_cell(region: RegionSource, folder: Path) -> str:
    if region.empty:
        return EMPTY
    return MASK_SEPARATOR.join(_written(place, folder) for place in region.masks)


def _written(place: Place, folder: Path) -> str:
    file = place.archive or place.path
    inside = file.is_relative_to(folder)
    name = file.relative_to(folder).as_posix() if inside else str(file)
    return name if place.position is None else f"{name}#{place.member}:{place.position}"
