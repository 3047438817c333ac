"""Archive: a whole project in one zip that opens elsewhere; accounts and the secret stay behind."""

import csv
import hashlib
import io
import json
import os
import re
import secrets
import zipfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from foveal.core.errors import DataError, SchemaError, StoreError
from foveal.core.files import safe_join, sync_folder
from foveal.store.backup import MOST_TRIES, last_model, overtaken
from foveal.store.blobs import DIGEST
from foveal.store.events import Event, canonical_json
from foveal.store.folder import source_of
from foveal.store.project import ProjectStore

ABOUT, JOURNAL, BLOBS, IMAGES = "archive.json", "journal.jsonl", "blobs", "images"
MANIFEST = f"{IMAGES}/pool.csv"
SPEC = "spec.yaml"
FORMAT, VERSION = "foveal project archive", 1
CHUNK = 2**20
REGIONS = ("mask", "weak")  # columns whose cells may name several files
SERIES = re.compile(r"([0-9a-f]{16})(?:[.:/]|$)")  # after `#`: a DICOM series in a folder
SeriesFiles = Callable[[Path, str], Iterable[Path]]


@dataclass(frozen=True, slots=True)
class Packed:
    """What an archive holds, counted."""

    events: int
    blobs: int
    images: int


@dataclass(frozen=True, slots=True)
class Manifest:
    """The table of a project's images: where its names start from, its text, its own name."""

    root: Path
    text: str
    name: str = ""


def write_archive(
    store: ProjectStore,
    path: Path,
    listing: Sequence[str] = (),
    series_files: SeriesFiles | None = None,
) -> Packed:
    """Write an open project as a zip, whole or not at all, one file at a time.

    The journal goes as of one moment, one entry a line, with all blobs it names that are still
    kept. Accounts, sessions, leases, jobs and the secret never do.

    Args:
        path: the zip; must lie outside the project's folder.
        listing: names of all images where the project was made of a folder and not of a table.
        series_files: the files that a DICOM series is made of, by folder and token. If given, every
            image, mask and weak region below the manifest's folder that it names is packed too.
            Files named by absolute paths are left out; such a project opens where they are.
    Raises:
        StoreError: if the file cannot be written, or a blob that an answer needs is not whole.
        DataError: if the project's manifest is neither a CSV file nor a folder.
    """
    if path.resolve().is_relative_to(store.folder.resolve()):
        raise StoreError("an archive must lie outside its project; choose another folder")
    half = path.parent / f".{path.name}.{secrets.token_hex(4)}"
    try:
        with half.open("xb") as file:
            packed = _write(file, store, listing, series_files)
            file.flush()
            os.fsync(file.fileno())
        os.replace(half, path)
        sync_folder(path.parent)
    except OSError as error:
        if isinstance(error, StoreError):
            raise
        raise StoreError(
            f"could not write the archive {path.name!r}: {error.strerror or error}. The project is "
            "untouched; free space or choose another folder, then run the same command again"
        ) from error
    finally:
        half.unlink(missing_ok=True)
    return packed


def blobs_of(event: Event) -> Iterator[tuple[str, bool]]:
    """What could be a blob's digest in an entry, and whether the entry is nothing without it."""
    told = event.payload.get("annotation", {}) if event.kind == "annotated" else {}
    needed = {told.get("region"), told.get("shapes")} - {"", None}
    for word in _words(event.payload):
        if DIGEST.fullmatch(word):
            yield word, word in needed


def line_of(event: Event) -> bytes:
    """An entry as a line of the archive's journal."""
    whole = {"seq": event.seq, "kind": event.kind, "payload": event.payload}
    chain = {"previous": event.previous, "hash": event.hash}
    return canonical_json(whole | chain).encode() + b"\n"


def _write(
    file: BinaryIO,
    store: ProjectStore,
    listing: Sequence[str],
    series_files: SeriesFiles | None,
) -> Packed:
    """As of one moment; of a later one where its last model is gone before it was packed."""
    for _ in range(MOST_TRIES):
        events = store.journal.events()
        manifest = _manifest(store.folder, events, listing)
        packed = _write_as_of(events, file, store, manifest, series_files)
        if packed is not None:
            return packed
        file.seek(0)
        file.truncate()
    raise overtaken("an archive")


def _write_as_of(
    events: tuple[Event, ...],
    file: BinaryIO,
    store: ProjectStore,
    manifest: Manifest,
    series_files: SeriesFiles | None,
) -> Packed | None:
    """None if the last of these entries' models was dropped meanwhile; all others may be."""
    models = [event.payload["checkpoint"] for event in events if event.kind == "trained"]
    images = sorted(_named_files(manifest, series_files)) if series_files else []
    about = {
        "format": FORMAT,
        "version": VERSION,
        "project": store.id,
        "length": len(events),
        "head": events[-1].hash,
    }
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(ABOUT, json.dumps(about, indent=2))
        if (store.folder / SPEC).is_file():
            archive.write(store.folder / SPEC, SPEC)
        archive.writestr(MANIFEST, manifest.text)
        with archive.open(JOURNAL, "w", force_zip64=True) as lines:
            for event in events:
                lines.write(line_of(event))
        packed = [
            digest
            for digest in _kept(store, events)
            if _pack_blob(archive, store.blobs.path(digest), digest, digest in models)
        ]
        last = models[-1] if models else ""
        if last and last not in packed and last != last_model(store.database):
            return None
        for name in images:
            archive.write(safe_join(manifest.root, name), f"{IMAGES}/{name}")
    return Packed(len(events), len(packed), len(images))


def _pack_blob(archive: zipfile.ZipFile, path: Path, digest: str, is_model: bool) -> bool:
    """Whether it is still there: models go."""
    told = hashlib.sha256()
    try:
        source = path.open("rb")
    except FileNotFoundError:
        if is_model:
            return False
        raise
    # Blobs are compressed already, or hardly can be.
    member = zipfile.ZipInfo(f"{BLOBS}/{digest}")
    with source, archive.open(member, "w", force_zip64=True) as to:
        while chunk := source.read(CHUNK):
            told.update(chunk)
            to.write(chunk)
    if told.hexdigest() != digest:
        raise SchemaError(f"blob {digest} must hash to its name, but was altered; see `verify`")
    return True


def _kept(store: ProjectStore, events: Iterable[Event]) -> list[str]:
    kept = set()
    for event in events:
        for digest, needed in blobs_of(event):
            if store.blobs.path(digest).is_file():
                kept.add(digest)
            elif needed:
                raise StoreError(
                    f"entry {event.seq} names blob {digest}, which is gone; restore the project "
                    "from a backup"
                )
    return sorted(kept)


def _manifest(folder: Path, events: tuple[Event, ...], listing: Sequence[str]) -> Manifest:
    if not events or events[0].kind != "created":
        raise StoreError("an archive is made of a project that was begun; run `foveal init` first")
    path = folder / source_of(folder, events[0].payload)
    if path.is_dir() and listing:
        text = io.StringIO()
        csv.writer(text, lineterminator="\n").writerows([["image"], *([name] for name in listing)])
        return Manifest(path, text.getvalue())
    if path.suffix.lower() != ".csv" or not path.is_file():
        raise DataError(
            f"the manifest of an archived project must be a CSV file, but {path.name!r} is none; "
            "index its images with `foveal index` and begin the project from that table"
        )
    return Manifest(path.parent, path.read_text(encoding="utf-8-sig"), path.name)


def _named_files(manifest: Manifest, series_files: SeriesFiles) -> set[str]:
    """Files below the manifest's folder that it names, as written but for `./`."""
    root = manifest.root.resolve()
    names = set(_names(manifest.text))
    files = {file for name in names for file in _below(root, name)}
    named = {one for name in names for one in _series_below(root, name)}
    found = {path for folder, token in named for path in series_files(folder, token)}
    files |= {path.relative_to(root).as_posix() for path in found if path.is_relative_to(root)}
    return files - {manifest.name}


def _names(text: str) -> Iterator[str]:
    """What the cells of images, masks and weak regions name, as a manifest is read."""
    delimiter = max(",;\t", key=text.partition("\n")[0].count)
    rows = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    columns = [column.strip().lower() for column in next(rows, [])]
    for row in rows:
        cells = dict(zip(columns, row, strict=False))
        yield cells.get("image", "").strip()
        for column in REGIONS:
            yield from (part.strip() for part in cells.get(column, "").split("|"))


def _below(root: Path, name: str) -> Iterator[str]:
    file = name.rpartition("#")[0]
    for path in (_inside(root, written) for written in {name, file} - {""}):
        if path is not None and path.is_file():
            yield path.relative_to(root).as_posix()


def _series_below(root: Path, name: str) -> Iterator[tuple[Path, str]]:
    """Folder and token of the DICOM series that a cell names."""
    file, _, part = name.rpartition("#")
    token, folder = SERIES.match(part), _inside(root, file)
    if token and folder is not None and folder.is_dir():
        yield folder, token[1]


def _inside(root: Path, name: str) -> Path | None:
    """None for a cell that is no path of this folder."""
    if Path(name).is_absolute() or len(name) > CHUNK:
        return None
    try:
        return safe_join(root, name)
    except (DataError, OSError):
        return None


def _words(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for below in value.values():
            yield from _words(below)
    elif isinstance(value, list | tuple):
        for below in value:
            yield from _words(below)
