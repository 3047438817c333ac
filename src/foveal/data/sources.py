"""Sources: a manifest, a folder of images or volumes, an npz or a NIfTI file, turned into rows."""

import os
from collections import defaultdict
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path, PurePosixPath

from foveal.core.errors import DataError
from foveal.data.manifest import PARQUET_SUFFIXES, SPLITS, read_manifest
from foveal.data.paths import Paths, npz_series
from foveal.data.problems import Problem
from foveal.data.readers import IMAGE_SUFFIXES, Place
from foveal.data.readers.nifti import is_nifti
from foveal.data.readers.npz import frames, members, read_labels, unpack
from foveal.data.row import NO_REGION, RegionSource, Row, Split
from foveal.data.volumes.cutting import Cutting
from foveal.data.volumes.folders import (
    Progress,
    dicom_source,
    has_dicom,
    has_nifti,
    nifti_source,
)

TABLE_SUFFIXES = frozenset({".csv", ".tsv", ".txt"}) | PARQUET_SUFFIXES
MASKS, IMAGES, MASK_MARK = "masks", "images", "_mask"
NPZ_SPLITS: Sequence[Split] = ("train", "val", "test")
Clean = Callable[[Path], tuple[Path, list[Problem]]]


def read_source(
    source: str | Path,
    cache: Path,
    base: Path | None = None,
    cutting: Cutting | None = None,
    progress: Progress | None = None,
    clean: Clean | None = None,
    classes: Collection[str] | None = None,
) -> tuple[list[Row], list[Problem]]:
    """Rows of a source, one for each distinct sample id, and what is wrong with the others.

    Args:
        source: a manifest (CSV or Parquet), a folder of pictures, NIfTI or DICOM, also mixed, an
            npz, or a NIfTI file; relative to `base`.
        cache: where arrays of npz files and volumes are unpacked.
        base: the folder of the experiment's file; the current folder if None.
        cutting: into what samples volumes are cut; pictures if None.
        progress: called with volumes unpacked and all.
        clean: gives, for a folder that holds DICOM, the one with its de-identified copies, which
            are read instead; None reads the files where they are.
        classes: what the folders' names must be to count as labels, all of them; None takes any.
    Raises:
        DataError: if there is no such source, or it is of no known kind.
    """
    path = (base or Path()) / source
    suffix = path.suffix.lower()
    cut = cutting or Cutting()
    if path.is_dir():
        rows, problems = read_folder(path, cache)
        for found, wrong in (
            _nifti(path, cache, cut, progress),
            _dicom(path, cache, cut, progress, clean),
        ):
            rows += found
            problems += wrong
        if classes is not None:
            rows = _labeled_by(classes, rows, path, problems)
    elif not path.is_file():
        raise DataError(f"the source {str(source)!r} does not exist; correct the path")
    elif suffix in TABLE_SUFFIXES:
        rows, problems = read_manifest(path, path.parent, cache, cut)
    elif is_nifti(path.name):
        rows, problems = nifti_source(path.parent, cache, cut, progress, only=path.name)
    elif suffix == ".npz":
        rows, problems = read_npz(path, cache), []
    else:
        raise DataError(
            f"the source {str(source)!r} must be a CSV or Parquet table, a folder, an npz, or "
            f"NIfTI, not {suffix or 'a file without suffix'!r}"
        )
    return distinct(rows, problems), problems


def _labeled_by(
    classes: Collection[str], rows: list[Row], folder: Path, problems: list[Problem]
) -> list[Row]:
    """Rows without labels unless all folders are named as classes; others may be patients."""
    names = {row.label for row in rows if row.label}
    others = names.difference(classes)
    if not others:
        return rows
    text = (
        f"{len(others)} of its {len(names)} folders are not named as a class, so that no folder's "
        "name is taken for a label; if they are labels, name the folders as the classes"
    )
    problems.append(Problem(None, folder.resolve().name, "folders", text))
    return [replace(row, label="") for row in rows]


def _nifti(
    folder: Path, cache: Path, cutting: Cutting, progress: Progress | None
) -> tuple[list[Row], list[Problem]]:
    if not has_nifti(folder):
        return [], []
    return nifti_source(folder, cache, cutting, progress)


def _dicom(
    folder: Path, cache: Path, cutting: Cutting, progress: Progress | None, clean: Clean | None
) -> tuple[list[Row], list[Problem]]:
    if not has_dicom(folder):
        return [], []
    copies, held = (folder, []) if clean is None else clean(folder)
    rows, problems = dicom_source(copies, cache, cutting, progress)
    return rows, [*held, *problems]


def read_folder(folder: Path, cache: Path) -> tuple[list[Row], list[Problem]]:
    """Every PNG, JPEG and TIFF below a folder.

    The class is the first-level folder, "" for images beside it. Where all first-level folders
    are named train, val or test they are the split, and the class is the next level. Masks are
    files `<stem>_mask.*` beside the image (with `<stem>_mask_1.*` and so on: their union), or lie
    under the same relative name in a `masks` tree: `masks/` inside the folder (images may then lie
    in `images/`), or beside it if the folder itself is named `images`. Hidden files are skipped.
    """
    root = folder.parent if folder.resolve().name == IMAGES else folder
    top = folder / IMAGES if _is_pair(folder) else folder
    paths = Paths(root, cache)
    files = list(_files(top, skip=MASKS))
    beside = _masks_beside(files)
    taken = {name for names in beside.values() for name in names}
    trees = _mask_tree(root / MASKS)
    shown = [name for name in files if name not in taken]
    splits = _first_level(shown) <= SPLITS.keys() and bool(_first_level(shown))
    rows, problems = [], []
    for name in shown:
        uri = os.path.relpath(top / name, folder).replace(os.sep, "/")
        try:
            image = paths.place(os.path.relpath(top / name, root).replace(os.sep, "/"))
            found = [(top / n) for n in beside.get(name, ())] or trees.get(_stem(name), [])
            masks = tuple(paths.place(os.path.relpath(m, root)) for m in found)
        except DataError as error:
            problems.append(Problem(None, uri, "outside", str(error)))
            continue
        split, label = _folders_of(name, splits)
        rows.append(Row(None, uri, uri, image, 0, label, "", split, RegionSource(masks)))
    return rows, problems


def read_npz(path: Path, cache: Path) -> list[Row]:
    """Frames of an npz with MedMNIST's keys, `<split>_masks` understood as well.

    Raises:
        DataError: if no `<split>_images` is there, or lengths differ.
    """
    have = members(path)
    splits = [split for split in NPZ_SPLITS if f"{split}_images" in have]
    if not splits:
        raise DataError(
            f"{path.name!r} must hold train_images, val_images or test_images (MedMNIST's keys), "
            f"but holds {', '.join(sorted(have)) or 'nothing'}"
        )
    return [row for split in splits for row in _npz_rows(path, split, have, cache)]


def _npz_rows(path: Path, split: Split, have: frozenset[str], cache: Path) -> Iterator[Row]:
    images = f"{split}_images"
    unpacked = unpack(path, images, cache)
    count = len(frames(unpacked))
    labels = _npz_labels(path, split, have, count)
    masks = unpack(path, f"{split}_masks", cache) if f"{split}_masks" in have else None
    full, series = path.resolve(), npz_series(path.name, images)
    for i in range(count):
        region = NO_REGION
        if masks is not None:
            region = RegionSource((Place(masks, i, full, f"{split}_masks"),))
        place = Place(unpacked, i, full, images)
        uri = f"{path.name}#{images}:{i}"
        yield Row(None, uri, series, place, i, labels[i], "", split, region)


def _npz_labels(path: Path, split: Split, have: frozenset[str], count: int) -> Sequence[str]:
    if f"{split}_labels" not in have:
        return [""] * count
    labels = read_labels(path, f"{split}_labels")
    if len(labels) != count:
        raise DataError(
            f"{path.name!r} must have one label an image, but `{split}_labels` has {len(labels)} "
            f"and `{split}_images` {count}"
        )
    return [str(label) for label in labels.tolist()]


def _is_pair(folder: Path) -> bool:
    return (folder / IMAGES).is_dir() and (folder / MASKS).is_dir()


def _files(top: Path, skip: str) -> Iterator[str]:
    for where, folders, names in os.walk(top):
        relative = PurePosixPath(Path(where).relative_to(top).as_posix())
        hidden = {f for f in folders if f.startswith(".") or (not relative.name and f == skip)}
        folders[:] = sorted(set(folders) - hidden)
        for name in sorted(names):
            if PurePosixPath(name).suffix.lower() in IMAGE_SUFFIXES and not name.startswith("."):
                yield str(relative / name)


def _masks_beside(files: Sequence[str]) -> Mapping[str, list[str]]:
    by_stem = {_stem(name): name for name in files}
    beside: dict[str, list[str]] = defaultdict(list)
    for name in files:
        head, mark, tail = _stem(name).rpartition(MASK_MARK)
        numbered = not tail or (tail[0] == "_" and tail[1:].isdigit())
        if mark and numbered and head in by_stem:
            beside[by_stem[head]].append(name)
    return beside


def _mask_tree(folder: Path) -> Mapping[str, list[Path]]:
    trees: dict[str, list[Path]] = defaultdict(list)
    if folder.is_dir():
        for name in _files(folder, skip=""):
            stem = _stem(name)
            trees[stem.removesuffix(MASK_MARK)].append(folder / name)
    return trees


def _stem(name: str) -> str:
    return str(PurePosixPath(name).with_suffix(""))


def _first_level(names: Sequence[str]) -> set[str]:
    levels = {PurePosixPath(name).parts[0].lower() for name in names if "/" in name}
    return levels | ({"\0"} if any("/" not in name for name in names) else set())


def _folders_of(name: str, splits: bool) -> tuple[Split, str]:
    folders = PurePosixPath(name).parts[:-1]
    if splits:
        return SPLITS[folders[0].lower()], folders[1] if len(folders) > 1 else ""
    return "", folders[0] if folders else ""


def distinct(rows: Sequence[Row], problems: list[Problem]) -> list[Row]:
    """The first row of each sample id; adds a problem for every further one."""
    first: dict[str, Row] = {}
    for row in rows:
        earlier = first.setdefault(row.id, row)
        if earlier is not row:
            kind = "repeat" if earlier.label == row.label else "conflict"
            text = "the image was listed before; only its first row counts"
            problems.append(Problem(row.number, row.uri, kind, text))
    return list(first.values())
