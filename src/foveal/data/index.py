"""Index: sources to one manifest, with everything that is wrong in them listed."""

from collections.abc import Collection, Sequence
from pathlib import Path

import numpy as np

from foveal.core.arrays import IntArray
from foveal.data.assembly import conflict_problems, unlabeled_problems
from foveal.data.cache import cache_root
from foveal.data.facts import Progress, survey
from foveal.data.leaks import conflicts
from foveal.data.problems import Problem
from foveal.data.row import Row
from foveal.data.sources import Clean, distinct, read_source
from foveal.data.volumes.cutting import Cutting


def index_source(
    sources: Sequence[str | Path],
    progress: Progress | None = None,
    *,
    base: Path | None = None,
    cache: Path | None = None,
    cutting: Cutting | None = None,
    unpacking: Progress | None = None,
    clean: Clean | None = None,
    classes: Collection[str] | None = None,
) -> tuple[list[Row], list[Problem]]:
    """Rows with a readable image of all sources, and every problem found on the way.

    Nothing small stops it: a problem is listed and the next row is taken. Problems are unreadable,
    missing and too large images, NaN, masks of another size, boxes outside, empty labels, the
    same pixels with the same label (`repeat`) or another (`conflict`), images of one value, and
    patients that cross the split. Rows with a broken mask are kept, cells and all.

    Args:
        sources: manifests, folders, npz and NIfTI files.
        progress: called with images looked at and all.
        base: what relative sources start from.
        cache: see `load_pool`.
        cutting: into what samples volumes are cut; pictures if None.
        unpacking: called with volumes unpacked and all.
        clean, classes: see `read_source`.
    Raises:
        DataError: if a source does not exist or is of no known kind.
    """
    folder = cache or cache_root()
    rows: list[Row] = []
    problems: list[Problem] = []
    for source in sources:
        found, wrong = read_source(source, folder, base, cutting, unpacking, clean, classes)
        rows += found
        problems += wrong
    rows = distinct(rows, problems)
    seen = survey(rows, folder, progress)
    problems += seen.problems
    problems += conflict_problems(rows, conflicts([r.label for r in rows], seen.neighbors))
    usable = [row for row, ok in zip(rows, seen.facts.ok, strict=True) if ok]
    problems += _repeats(rows, seen.neighbors.picture)
    problems += _blank(usable)
    problems += _crossing(usable)
    return usable, sorted(problems, key=lambda p: p.row or 0)


def _repeats(rows: Sequence[Row], picture: IntArray) -> list[Problem]:
    first: dict[tuple[int, str], Row] = {}
    problems = []
    for row, number in zip(rows, np.asarray(picture).tolist(), strict=True):
        if number >= 0 and first.setdefault((number, row.label), row) is not row:
            same = first[(number, row.label)].uri
            if row.image.of_volume and row.series == first[(number, row.label)].series:
                continue  # pictures of one volume are alike by nature
            text = f"the same pixels as {same!r}"
            problems.append(Problem(row.number, row.uri, "repeat", text))
    return problems


def _blank(rows: Sequence[Row]) -> list[Problem]:
    text = "the `label` is empty; fine for images that people will label, else fill it"
    return unlabeled_problems(rows, text)


def _crossing(rows: Sequence[Row]) -> list[Problem]:
    side: dict[str, str] = {}
    text = "its patient is on another side of the split too; a patient must stay on one side"
    return [
        Problem(row.number, row.uri, "group", text)
        for row in rows
        if row.group and row.split and side.setdefault(row.group, row.split) != row.split
    ]
