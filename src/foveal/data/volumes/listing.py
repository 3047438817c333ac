"""Listing: what a folder of DICOM holds, remembered until a file in it changes.

Headers of many thousand files take minutes to read, their sizes and times a second.
"""

import hashlib
import json
import os
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

from foveal.data.cache import write_streamed
from foveal.data.dicom import DicomSeries, find_series
from foveal.data.problems import Problem

VERSION = 1  # raise it when series would be found or described otherwise
TORN = (OSError, ValueError, KeyError, TypeError)
Progress = Callable[[int, int], None]
Listing = tuple[list[DicomSeries], list[Problem]]


def list_series(folder: Path, cache: Path, progress: Progress | None = None) -> Listing:
    """As `data.dicom.find_series`; progress is not called if nothing changed since.

    Raises:
        StoreError: if the cache cannot be written.
    """
    target = cache / "series" / f"{_state(folder)}.json"
    try:
        return _loaded(json.loads(target.read_bytes()), folder)
    except TORN:
        pass  # never written, or torn: look again
    found, problems = find_series(folder, progress)
    held = {
        "series": [_plain(series, folder) for series in found],
        "problems": [asdict(problem) for problem in problems],
    }
    write_streamed(target, [json.dumps(held).encode()])
    return found, problems


def _state(folder: Path) -> str:
    """Hash of path, size and time of every file below a folder."""
    h = hashlib.sha256(f"series {VERSION}\0{folder.resolve()}".encode())
    for where, folders, names in os.walk(folder):
        folders.sort()
        for name in sorted(names):
            path = os.path.join(where, name)
            try:
                stat = os.stat(path)
            except OSError:
                continue  # a link to nowhere
            h.update(f"\0{path}\0{stat.st_size}\0{stat.st_mtime_ns}".encode("utf-8", "replace"))
    return h.hexdigest()[:32]


def _plain(series: DicomSeries, folder: Path) -> dict[str, Any]:
    files = [path.relative_to(folder).as_posix() for path in series.files]
    return {**asdict(series), "files": files}


def _loaded(held: dict[str, Any], folder: Path) -> Listing:
    series = [DicomSeries(**_described(one, folder)) for one in held["series"]]
    return series, [Problem(**problem) for problem in held["problems"]]


def _described(one: dict[str, Any], folder: Path) -> dict[str, Any]:
    files = tuple(folder / name for name in one["files"])
    places = tuple((int(file), int(frame)) for file, frame in one["places"])
    return {**one, "files": files, "places": places}
