"""Folders of volumes: NIfTI files and DICOM series to rows."""

import os
import re
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from foveal.core.errors import DataError
from foveal.data.manifest import SPLITS
from foveal.data.paths import Paths
from foveal.data.problems import Problem
from foveal.data.readers import Place, Unreadable
from foveal.data.readers.nifti import is_nifti, require_nibabel, stem_of
from foveal.data.row import Row
from foveal.data.volumes.address import Address
from foveal.data.volumes.cutting import Cutting
from foveal.data.volumes.rows import Whole, labeled_by_mask, volume_rows

if TYPE_CHECKING:
    from foveal.data.dicom import DicomSeries

MASKS, IMAGES = "masks", "images"
MASK_NAME = re.compile(r"(?P<image>.+?)[_-](?:mask|seg|labels?)(?:_\d+)?", re.IGNORECASE)
DICOM_SUFFIXES = frozenset({".dcm", ".dicom", ".ima"})
MAGIC_AT, MAGIC = 128, b"DICM"
ALONE = (
    "the file is a mask by its name or kind, but its image is not here; name it after the image, "
    "or write both into a manifest"
)
Progress = Callable[[int, int], None]


def nifti_source(
    folder: Path,
    cache: Path,
    cutting: Cutting,
    progress: Progress | None = None,
    only: str = "",
) -> tuple[list[Row], list[Problem]]:
    """Rows of all NIfTI files below a folder; hidden ones are skipped.

    Masks are files named after an image, `<stem>_mask`, `_seg`, `_label` or `_labels` (`_mask_1`
    and so on: their union), beside it or under its relative path in the tree `masks/`, there also
    with the very name of the image, which may then lie in `images/`. A file named like a mask
    whose image is missing is a problem and never an image.

    Of the folders above a file, the first that is named `sub-...` or else holds a digit is the
    patient; where none does, each volume is a patient of its own name. Folders before the
    patient's are the split, if they are named train, val or test, and the class. If no volume has
    a class, pictures are labeled `finding` or `none` by their masks.

    Args:
        folder: what uris are relative to.
        cache: where volumes are unpacked.
        cutting: into what samples.
        progress: called with volumes done and all.
        only: one file of the folder, with the masks beside it.
    Raises:
        DataError: if nibabel is not installed.
    """
    require_nibabel()
    paths = Paths(folder, cache)
    listed = sorted(os.listdir(folder)) if only else _names(folder)
    images, masks = _paired([name for name in listed if is_nifti(name)])
    problems = [Problem(None, name, "mask_alone", ALONE) for name in masks.pop("", ())]
    if only:
        images, problems = [only], []
    rows: list[Row] = []
    for done, name in enumerate(images, 1):
        try:
            found = [(Address(mask), paths.file(mask)) for mask in masks.get(name, ())]
            whole = Whole(Address(name), paths.file(name), tuple(found))
            made, wrong = volume_rows(whole, _row_of(name, whole.path), cutting, paths.shelf)
        except DataError as error:
            kind = error.kind if isinstance(error, Unreadable) else "outside"
            problems.append(Problem(None, name, kind, str(error)))
        else:
            rows += made
            problems += wrong
        if progress:
            progress(done, len(images))
    return labeled_by_mask(rows, {None}), problems


def dicom_source(
    folder: Path, cache: Path, cutting: Cutting, progress: Progress | None = None
) -> tuple[list[Row], list[Problem]]:
    """Rows of all DICOM images below a folder, patients and studies as tokens.

    Every segmentation and structure set is the mask of the images it says it was drawn on; of
    their regions those count that `cutting` names, all if it names none. The row's `study` and
    `modality` are columns. Where nothing was drawn, rows have no label.

    Args:
        folder: is searched whole; see `data.dicom.find_series`.
        cache: where series are unpacked.
        cutting: into what samples.
        progress: called with files looked at and all, then with series unpacked and all.
    Raises:
        DataError: if pydicom is not installed.
    """
    paths = Paths(folder, cache)
    folders = paths.shelf.folders
    found, listed = folders.all(paths.root, progress)
    problems = list(listed)
    drawn = folders.drawn_on(paths.root)
    used = {series.token for on in drawn.values() for series in on}
    problems += [
        Problem(None, s.files[0].relative_to(paths.root).as_posix(), "mask_alone", ALONE)
        for s in found
        if s.kind in ("segmentation", "structure_set") and s.token not in used
    ]
    images = [series for series in found if series.kind == "image"]
    rows: list[Row] = []
    for done, series in enumerate(images, 1):
        try:
            whole = Whole(Address(".", token=series.token), paths.root)
            masks, wrong = _dicom_masks(drawn[series.token], paths.root, cutting)
            problems += wrong
            row, whole = _dicom_row(series, paths.root), replace(whole, masks=masks)
            made, wrong = volume_rows(whole, row, cutting, paths.shelf)
        except Unreadable as error:
            problems.append(Problem(None, f"#{series.token}", error.kind, str(error)))
        else:
            rows += made
            problems += wrong
        if progress:
            progress(done, len(images))
    return labeled_by_mask(rows, {None}), problems


def has_nifti(folder: Path) -> bool:
    """Whether a NIfTI file lies below a folder."""
    return any(is_nifti(name) for name in _names(folder))


def has_dicom(folder: Path) -> bool:
    """Whether a DICOM file seems to lie below a folder, by suffix or first bytes."""
    return any(_seems_dicom(folder / name) for name in _names(folder))


def _seems_dicom(path: Path) -> bool:
    suffix = path.suffix.lower()
    if suffix in DICOM_SUFFIXES:
        return True
    if suffix.strip(".0123456789"):
        return False
    try:
        with path.open("rb") as file:
            return file.read(MAGIC_AT + len(MAGIC))[MAGIC_AT:] == MAGIC
    except OSError:
        return False


def _dicom_masks(
    drawn: Sequence["DicomSeries"], folder: Path, cutting: Cutting
) -> tuple[tuple[tuple[Address, Path], ...], list[Problem]]:
    masks: list[tuple[Address, Path]] = []
    problems: list[Problem] = []
    for series in drawn:
        whole = Address(".", token=series.token)
        if not cutting.regions:
            masks.append((whole, folder))
            continue
        from foveal.data.dicom import region_names

        try:
            names = region_names(series)
        except Unreadable as error:
            problems.append(Problem(None, f"#{series.token}", error.kind, str(error)))
            continue
        chosen = [name for name in names if name in cutting.regions]
        masks += [(replace(whole, region=name), folder) for name in chosen]
    return tuple(masks), problems


def _dicom_row(series: "DicomSeries", folder: Path) -> Row:
    extra = {"modality": series.modality, "study": series.study}
    return Row(None, "", series.token, Place(folder), group=series.patient, extra=extra)


def _names(folder: Path) -> Iterator[str]:
    for where, folders, names in os.walk(folder):
        relative = PurePosixPath(Path(where).relative_to(folder).as_posix())
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        yield from (str(relative / name) for name in sorted(names) if not name.startswith("."))


def _paired(names: Sequence[str]) -> tuple[list[str], dict[str, list[str]]]:
    """Images, and the masks of each; those of none are under ""."""
    of_stem = {_bare(stem_of(name)): name for name in names if not _in_masks(name)}
    masks: dict[str, list[str]] = defaultdict(list)
    taken = set()
    for name in names:
        bare = _bare(stem_of(name))
        named = MASK_NAME.fullmatch(bare)
        image = of_stem.get(named["image"], "") if named else ""
        if _in_masks(name):
            image = of_stem.get(bare, "") or image
        if image != name and (named or _in_masks(name)):
            masks[image].append(name)
            taken.add(name)
    return [name for name in names if name not in taken], masks


def _in_masks(name: str) -> bool:
    return name.startswith(f"{MASKS}/")


def _bare(stem: str) -> str:
    """The path below `images/` or `masks/`."""
    return stem.removeprefix(f"{IMAGES}/").removeprefix(f"{MASKS}/")


def _row_of(name: str, path: Path) -> Row:
    folders = PurePosixPath(_bare(stem_of(name))).parts[:-1]
    at = _patient_at(folders)
    before = list(folders if at is None else folders[:at])
    split = SPLITS[before.pop(0).lower()] if before and before[0].lower() in SPLITS else ""
    group = PurePosixPath(stem_of(name)).name if at is None else folders[at]
    label = before[0] if before else ""
    return Row(None, name, name, Place(path), label=label, group=group, split=split)


def _patient_at(folders: Sequence[str]) -> int | None:
    for holds in (lambda name: name.lower().startswith("sub-"), _has_digit):
        for at, name in enumerate(folders):
            if holds(name):
                return at
    return None


def _has_digit(name: str) -> bool:
    return any(c.isdigit() for c in name)
