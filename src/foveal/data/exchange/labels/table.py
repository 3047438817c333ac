"""CSV: one row an answer; boxes and polygons as JSON, masks as runs. Nothing is lost."""

import csv
import io
import json
from collections.abc import Iterable
from datetime import datetime

from foveal.core.errors import DataError
from foveal.core.shapes import VERSION, Shapes, parse_shapes
from foveal.data.exchange.labels.record import (
    MOST_BYTES,
    Gathering,
    LabeledImage,
    Read,
    check_bytes,
    seconds_of,
    size_of,
)

COLUMNS = (
    "image", "width", "height", "verdict", "class", "annotator", "seconds", "at", "purpose",
    "assisted", "shapes",
)  # fmt: skip
# A busy mask is longer than the usual limit, which is one for all threads: so it is set only once.
csv.field_size_limit(MOST_BYTES)
FORMULA = ("=", "+", "-", "@", "\t", "\r")  # what spreadsheets would compute


def to_csv(records: Iterable[LabeledImage]) -> bytes:
    """UTF-8 with a header."""
    text = io.StringIO()
    rows = csv.writer(text, lineterminator="\n")
    rows.writerow(COLUMNS)
    for one in records:
        shapes = "" if one.shapes is None else _json(one.shapes.as_dict()["shapes"])
        words = (one.image, one.width, one.height, one.verdict, one.label or "", one.annotator)
        assisted = "yes" if one.assisted else "no"
        more = (repr(float(one.seconds)), one.at, one.purpose, assisted, shapes)
        rows.writerow((*map(_plain, words), *more))
    return text.getvalue().encode()


def from_csv(data: bytes) -> Read:
    """What `to_csv` wrote, or a table with at least `image,width,height,class`.

    Raises:
        DataError: if it is no such table.
    """
    try:
        rows = csv.DictReader(io.StringIO(check_bytes(data).decode("utf-8-sig")))
        columns = set(rows.fieldnames or ())
    except (UnicodeDecodeError, csv.Error) as error:
        raise DataError("a table of labels must be CSV in UTF-8, but is not") from error
    if not {"image", "width", "height", "class"} <= columns:
        raise DataError(
            "a table of labels must have the columns image, width, height and class; export one "
            "from a project to see how it looks"
        )
    gathering = Gathering()
    try:
        for number, row in enumerate(rows, 2):
            gathering.take(f"row {number}", lambda row=row: _read(row))  # type: ignore[misc]
    except csv.Error as error:
        gathering.problems.append(f"row {rows.line_num}: {error}; the rest was not read")
    return gathering.result()


def _read(row: dict[str, str]) -> LabeledImage:
    width, height = size_of(row["width"], row["height"])
    verdict = row.get("verdict") or "labeled"
    label = _unquoted(row["class"])
    if (verdict == "labeled") != bool(label):
        raise ValueError(f"a picture with the verdict {verdict!r} cannot have the class {label!r}")
    return LabeledImage(
        _unquoted(row["image"]),
        width,
        height,
        label or None,
        _drawn(row.get("shapes") or "", width, height),
        verdict,
        _unquoted(row.get("annotator") or ""),
        seconds_of(row.get("seconds")),
        _time(row.get("at") or ""),
        row.get("purpose") or "",
        row.get("assisted") == "yes",
    )


def _time(cell: str) -> str:
    """An ISO time as it was written; "" for all else."""
    try:
        datetime.fromisoformat(cell)
    except ValueError:
        return ""
    return cell


def _drawn(cell: str, width: int, height: int) -> Shapes | None:
    """An empty list says that nothing was drawn, an empty cell nothing at all."""
    if not cell:
        return None
    drawn = {"version": VERSION, "width": width, "height": height, "shapes": json.loads(cell)}
    return parse_shapes(drawn, width, height)


def _json(value: object) -> str:
    return json.dumps(value, separators=(",", ":"))


def _plain(value: object) -> object:
    """A word that no spreadsheet takes for a formula."""
    return f"'{value}" if isinstance(value, str) and value.startswith(FORMULA) else value


def _unquoted(value: str) -> str:
    return value[1:] if value[:1] == "'" and value[1:].startswith(FORMULA) else value
