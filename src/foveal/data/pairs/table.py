"""Table: which two scans of whom make a pair, from a CSV in one of three layouts.

- `patient,baseline,followup[,mask][,brain][,baseline_date,followup_date][,split]`: a row a pair.
- `patient,image,date[,mask][,brain][,split]`: a row a time point; neighbors in time make pairs.
  The mask of a pair is its later point's (what changed since the one before), its brain and split
  are the earlier one's.
- `patient,volumes`: a folder a patient beside the table, with the two files named in `volumes`
  (blank between them, without `.nii.gz`), and `change_mask` and `brain_mask` where they exist.

Scans are NIfTI files or folders with one DICOM series each, masks NIfTI files on the baseline's
grid. A column `followup_patient` may repeat whom the follow-up shows, to be checked. Paths are
relative to the table's folder and may not leave it. `mask` may be the word `empty`.
"""

import csv
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from itertools import pairwise
from pathlib import Path

from foveal.core.errors import DataError
from foveal.data.manifest import SPLITS
from foveal.data.paths import Paths
from foveal.data.problems import Problem
from foveal.data.row import EMPTY, Split

KNOWN = frozenset(
    (
        *("patient", "followup_patient", "split", "volumes"),
        *("baseline", "followup", "baseline_date", "followup_date"),
        *("image", "date", "mask", "brain"),
    )
)
DATE_FORMATS = ("%Y-%m-%d", "%Y%m%d", "%d.%m.%Y")
FOLDER_SUFFIX = ".nii.gz"
Cells = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Pair:
    """Two scans of one patient.

    `row` counts the table's rows from 1; of a timeline it is the follow-up's. `uri` is the
    follow-up as written. `mask` is None where unknown; with `no_change` the reference says that
    there is none. `days` lie between the scans, None where unknown. `interval` counts a patient's
    pairs from 1.
    """

    row: int
    uri: str
    patient: str
    baseline: Path
    followup: Path
    mask: Path | None = None
    no_change: bool = False
    brain: Path | None = None
    days: int | None = None
    interval: int = 1
    split: Split = ""


@dataclass(frozen=True, slots=True)
class Point:
    """One scan of a timeline."""

    row: int
    cells: Cells
    at: date


def read_pairs(table: Path, swap: bool = False) -> tuple[list[Pair], list[Problem]]:
    """Pairs of a table and what is wrong with its other rows.

    Args:
        table: the CSV (comma, semicolon or tab; UTF-8).
        swap: exchange baseline and follow-up where the dates say so, instead of a problem.
    Raises:
        DataError: if the file is no table or in none of the layouts.
    """
    records = _records(table)
    columns = set(records[0][1]) if records else set()
    paths = Paths(table.parent, table.parent)
    problems: list[Problem] = []
    if {"patient", "baseline", "followup"} <= columns:
        pairs = list(_each(records, paths, swap, problems))
    elif {"patient", "image", "date"} <= columns:
        pairs = list(_timelines(records, paths, problems))
    elif {"patient", "volumes"} <= columns:
        pairs = list(_each(_named_files(records, paths, problems), paths, swap, problems))
    else:
        raise DataError(
            f"{table.name!r} must have rows, and the columns `patient,baseline,followup`, "
            f"`patient,image,date` or `patient,volumes`, but has {sorted(columns & KNOWN)}"
        )
    return _numbered(pairs), sorted(problems, key=lambda p: p.row or 0)


def _records(table: Path) -> list[tuple[int, Cells]]:
    try:
        with table.open(newline="", encoding="utf-8-sig") as file:
            first = file.readline()
            file.seek(0)
            lines = csv.reader(file, delimiter=max(",;\t", key=first.count))
            columns = [c.strip() for c in next(lines, [])]
            columns = [c.lower() if c.lower() in KNOWN else c for c in columns]
            return [
                (n, dict(zip(columns, [cell.strip() for cell in line], strict=False)))
                for n, line in enumerate((line for line in lines if any(line)), 1)
            ]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        raise DataError(f"{table.name!r} must be a CSV table in UTF-8: {reason}") from error


def _each(
    records: Sequence[tuple[int, Cells]], paths: Paths, swap: bool, problems: list[Problem]
) -> Iterator[Pair]:
    for row, cells in records:
        try:
            yield _pair(row, cells, paths, swap)
        except DataError as error:
            problems.append(Problem(row, cells.get("followup", ""), "pair", str(error)))


def _pair(row: int, cells: Cells, paths: Paths, swap: bool) -> Pair:
    for column in ("patient", "baseline", "followup"):
        if not cells.get(column):
            raise DataError(f"the `{column}` cell must be filled, but is empty")
    if cells.get("followup_patient", "") not in ("", cells["patient"]):
        raise DataError(
            "baseline and follow-up must show one patient, but `patient` and `followup_patient` "
            "differ; correct the row"
        )
    files = [cells["baseline"], cells["followup"]]
    dates = [_date(cells.get(f"{name}_date", "")) for name in ("baseline", "followup")]
    days = (dates[1] - dates[0]).days if dates[0] and dates[1] else None
    if days is not None and days < 0:
        if not swap:
            raise DataError(
                f"the follow-up must be later than the baseline, but is {-days} days earlier; "
                "correct the row, or exchange the two with --swap"
            )
        files.reverse()
        days = -days
    return _finished(row, cells, [paths.file(f) for f in files], cells, days, paths)


def _finished(
    row: int, cells: Cells, files: Sequence[Path], first: Cells, days: int | None, paths: Paths
) -> Pair:
    """A pair; `cells` are the follow-up's, `first` the baseline's."""
    for name, file in zip(("baseline", "follow-up"), files, strict=True):
        if not file.exists():
            raise DataError(f"the {name} does not exist; correct the path or restore it")
    if files[0] == files[1]:
        raise DataError("baseline and follow-up must be two scans, but are one file")
    written = cells.get("mask", "")
    no_change = written.lower() == EMPTY
    mask = None if no_change else _optional(written, "mask", paths)
    brain = _optional(first.get("brain", ""), "brain mask", paths)
    split = first.get("split", "").lower()
    if split not in SPLITS:
        raise DataError(f"`split` must be train, val, test or empty, not {split!r}")
    uri = cells.get("followup", "") or cells.get("image", "")
    patient = cells["patient"]
    return Pair(
        row=row, uri=uri, patient=patient, baseline=files[0], followup=files[1], mask=mask,
        no_change=no_change, brain=brain, days=days, split=SPLITS[split],
    )  # fmt: skip


def _optional(written: str, name: str, paths: Paths) -> Path | None:
    if not written:
        return None
    file = paths.file(written)
    if not file.is_file():
        raise DataError(f"the {name} does not exist; correct the path or empty the cell")
    return file


def _timelines(
    records: Sequence[tuple[int, Cells]], paths: Paths, problems: list[Problem]
) -> Iterator[Pair]:
    lines: dict[str, list[Point]] = {}
    for row, cells in records:
        try:
            at = _date(cells.get("date", ""))
            if not (cells.get("patient") and cells.get("image") and at):
                raise DataError("`patient`, `image` and `date` must be filled, but one is empty")
            lines.setdefault(cells["patient"], []).append(Point(row, cells, at))
        except DataError as error:
            problems.append(Problem(row, cells.get("image", ""), "pair", str(error)))
    for points in lines.values():
        points.sort(key=lambda p: (p.at, p.row))
        if len(points) == 1:
            text = "a patient must have two time points or more, but this is the only one"
            problems.append(Problem(points[0].row, points[0].cells["image"], "pair", text))
        for first, second in pairwise(points):
            try:
                yield _neighbors(first, second, paths)
            except DataError as error:
                problems.append(Problem(second.row, second.cells["image"], "pair", str(error)))


def _neighbors(first: Point, second: Point, paths: Paths) -> Pair:
    if first.at == second.at:
        raise DataError(
            f"time points of a patient must differ in `date`, but row {first.row} has the same"
        )
    files = [paths.file(p.cells["image"]) for p in (first, second)]
    days = (second.at - first.at).days
    return _finished(second.row, second.cells, files, first.cells, days, paths)


def _named_files(
    records: Sequence[tuple[int, Cells]], paths: Paths, problems: list[Problem]
) -> list[tuple[int, Cells]]:
    """Rows of the third layout as rows of the first."""
    found: list[tuple[int, Cells]] = []
    for row, cells in records:
        folder, names = cells.get("patient", ""), cells.get("volumes", "").split()
        if len(names) != 2 or not folder:
            text = f"`volumes` must name baseline and follow-up, but names {len(names)}"
            problems.append(Problem(row, "", "pair", text))
            continue
        written = {
            "patient": folder,
            "baseline": f"{folder}/{names[0]}{FOLDER_SUFFIX}",
            "followup": f"{folder}/{names[1]}{FOLDER_SUFFIX}",
            "split": cells.get("split", ""),
        }
        for column, name in (("mask", "change_mask"), ("brain", "brain_mask")):
            file = f"{folder}/{name}{FOLDER_SUFFIX}"
            if paths.file(file).is_file():
                written[column] = file
        found.append((row, written))
    return found


def _date(written: str) -> date | None:
    if not written:
        return None
    for form in DATE_FORMATS:
        try:
            return datetime.strptime(written, form).date()
        except ValueError:
            continue
    raise DataError("a date must read like 2024-03-31, 20240331 or 31.03.2024, but one does not")


def _numbered(pairs: Sequence[Pair]) -> list[Pair]:
    count: dict[str, int] = {}
    numbered: list[Pair] = []
    for pair in pairs:
        count[pair.patient] = count.get(pair.patient, 0) + 1
        numbered.append(replace(pair, interval=count[pair.patient]))
    return numbered
