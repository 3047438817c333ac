"""Walking: the files of a folder that are DICOM, or were meant to be."""

import os
from collections.abc import Iterator
from pathlib import Path

from foveal.core.errors import DataError
from foveal.data.dicom.headers import is_dicom
from foveal.data.problems import Problem

DICOM_SUFFIXES = frozenset({".dcm", ".dicom", ".ima"})
TEXT_BYTES = 512


def walk(folder: Path) -> tuple[list[Path], list[Problem]]:
    """Paths in the order of names, and links that are not followed.

    Raises:
        DataError: if there is no such folder.
    """
    if folder.is_file():
        return [folder], []
    if not folder.is_dir():
        raise DataError(f"{folder.name!r} must be a folder of DICOM files, but does not exist")
    root = folder.resolve()
    paths: list[Path] = []
    problems: list[Problem] = []
    for path in _entries(folder):
        if path.is_symlink() and (path.is_dir() or not path.resolve().is_relative_to(root)):
            message = (
                "links to folders and out of the folder are not followed; name the folder itself "
                "that the link leads to"
            )
            problems.append(problem_of(folder, path, "path", message))
        elif _belongs(path):
            paths.append(path)
    return paths, problems


def problem_of(folder: Path, path: Path, kind: str, message: str) -> Problem:
    """A problem of a file, named relative to the folder."""
    return Problem(None, path.relative_to(folder).as_posix(), kind, message)


def _entries(folder: Path) -> Iterator[Path]:
    """Files, and links to folders; nothing hidden."""
    for here, folders, names in os.walk(folder):
        folders[:] = sorted(f for f in folders if not f.startswith((".", "__MACOSX")))
        yield from (Path(here, name) for name in folders if Path(here, name).is_symlink())
        yield from (Path(here, name) for name in sorted(names) if not name.startswith("."))


def _belongs(path: Path) -> bool:
    """Whether a file is DICOM by its content, or was meant to be by its name."""
    if path.suffix.lower() in DICOM_SUFFIXES:
        return True
    if not path.is_file():  # a pipe would keep us waiting
        return False
    plain_name = not path.suffix.strip(".0123456789")
    return is_dicom(path) or (plain_name and not _is_text(path))


def _is_text(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            start = file.read(TEXT_BYTES)
    except OSError:
        return False
    return bool(start) and b"\0" not in start
