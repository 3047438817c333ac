"""Unarchive: open a project's zip elsewhere; nothing in it is believed before it is checked."""

import hashlib
import json
import os
import re
import secrets
import shutil
import zipfile
import zlib
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath
from typing import IO, Any

from foveal.core.errors import DataError, SchemaError, StoreError
from foveal.core.files import safe_join, write_whole
from foveal.store.archive import (
    ABOUT,
    BLOBS,
    CHUNK,
    FORMAT,
    IMAGES,
    JOURNAL,
    MANIFEST,
    SPEC,
    VERSION,
    blobs_of,
)
from foveal.store.blobs import DIGEST
from foveal.store.events import Event, after, canonical_json, follow
from foveal.store.folder import PROJECT, SCHEMA
from foveal.store.project import ProjectStore

MOST_MEMBERS = 2_000_000
MOST_BYTES = 2**40
MOST_RATIO = 1100  # deflate cannot pack more than 1032 to 1
LONGEST_LINE = 2**28
LARGEST_TEXT = 2**26  # of the small files that are read at once
PROJECT_ID = re.compile(r"[0-9a-f]{16}")


def open_archive(path: Path, folder: Path, images: Path | None = None) -> str:
    """Make a project of an archive in an empty or missing folder, whole or not at all.

    All names, sizes, hashes and the chain are checked in a folder of another name, which is then
    renamed. `project.json` names the manifest as `source`, which goes before the journal's.

    Args:
        images: folder in which the images lie under the names of the manifest, if they are not in
            the archive. The manifest is then put there, named after the project.
    Returns:
        The project's id, which stays the same.
    Raises:
        SchemaError: if the zip is no archive, unsafe, damaged or of a newer version.
        StoreError: if the folder holds something or cannot be written.
    """
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise StoreError(f"an archive opens in an empty folder, but {folder.name!r} is not one")
    half = folder.parent / f".{folder.name}.{secrets.token_hex(4)}"
    try:
        with zipfile.ZipFile(path) as archive:
            names = _checked(archive)
            about = _about(archive)
            half.mkdir(parents=True)
            _unpack(archive, names, half)
            events = _events(archive, about)
        _check_blobs(events, half)
        source = MANIFEST if images is None else _beside(images, half, about["project"])
        _say(half / PROJECT, about["project"], source)
        _fill(half, events)
        os.sync()
        if folder.exists():
            folder.rmdir()
        os.replace(half, folder)
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError) as error:
        raise _bad("it is no whole zip without a password") from error
    except OSError as error:
        if isinstance(error, StoreError):
            raise
        raise StoreError(
            f"could not open the archive {path.name!r}: {error.strerror or error}; nothing was "
            "changed, free space or choose another folder"
        ) from error
    finally:
        shutil.rmtree(half, ignore_errors=True)
    return str(about["project"])


def _checked(archive: zipfile.ZipFile) -> list[str]:
    """Names of the members, every one of them harmless."""
    members = archive.infolist()
    if len(members) > MOST_MEMBERS or sum(one.file_size for one in members) > MOST_BYTES:
        raise _bad("it holds too many files or bytes")
    seen: set[str] = set()
    for one in members:
        _check_name(one)
        # Some file systems know no case, so that two names could be one file.
        if one.filename.casefold() in seen:
            raise _bad("a name comes twice")
        seen.add(one.filename.casefold())
        if one.file_size > MOST_RATIO * one.compress_size + CHUNK:
            raise _bad("a file in it grows too much when unpacked")
    names = [one.filename for one in members]
    if not {ABOUT, JOURNAL, MANIFEST} <= set(names):
        raise _bad("parts of it are missing")
    return names


def _check_name(member: zipfile.ZipInfo) -> None:
    name, raw = member.filename, member.orig_filename
    parts = PurePosixPath(name).parts
    kind = (member.external_attr >> 16) & 0o170000
    first = parts[0] if parts else ""
    known = name in (ABOUT, JOURNAL, SPEC) or (
        len(parts) == 2 and first == BLOBS and DIGEST.fullmatch(parts[1]) is not None
    )
    unsafe = "\0" in raw or "\\" in raw or ":" in first or name.startswith("/") or ".." in parts
    # zipfile cuts names at NUL; the name before that is what the writer of the zip meant to hide.
    plain = kind in (0, 0o100000) and "/".join(parts) == name == raw
    if unsafe or not plain or not (known or (first == IMAGES and len(parts) > 1)):
        raise _bad("a file in it has a name or kind that no archive has")


def _about(archive: zipfile.ZipFile) -> dict[str, Any]:
    try:
        about = json.loads(_text(archive, ABOUT))
        if about["format"] != FORMAT:
            raise _bad("it is another kind of file")
        if about["version"] > VERSION:
            raise SchemaError("the archive was made by a newer Foveal; update Foveal to open it")
        if not PROJECT_ID.fullmatch(about["project"]) or not isinstance(about["length"], int):
            raise ValueError("it names no project")
        return {key: about[key] for key in ("project", "length", "head")}
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        if isinstance(error, StoreError):
            raise
        raise _bad("what it says of itself cannot be read") from error


def _text(archive: zipfile.ZipFile, name: str) -> bytes:
    with archive.open(name) as member:
        data = member.read(LARGEST_TEXT + 1)
    if len(data) > LARGEST_TEXT:
        raise _bad(f"its {name} is too long")
    return data


def _unpack(archive: zipfile.ZipFile, names: list[str], folder: Path) -> None:
    for name in names:
        if name in (ABOUT, JOURNAL):
            continue
        try:
            target = safe_join(folder, name)
        except DataError as error:
            raise _bad("a file in it leads outside") from error
        target.parent.mkdir(parents=True, exist_ok=True)
        size = archive.getinfo(name).file_size
        with archive.open(name) as source, target.open("xb") as to:
            digest = _copy(source, to, size)
        if name.startswith(f"{BLOBS}/") and digest != target.name:
            raise _bad(f"blob {target.name} does not hash to its name")


def _copy(source: IO[bytes], to: IO[bytes], size: int) -> str:
    """SHA-256 of what was copied; more bytes than were announced are refused."""
    told, left = hashlib.sha256(), size
    while chunk := source.read(CHUNK):
        left -= len(chunk)
        if left < 0:
            raise _bad("a file in it is longer than it says")
        told.update(chunk)
        to.write(chunk)
    return told.hexdigest()


def _events(archive: zipfile.ZipFile, about: dict[str, Any]) -> list[Event]:
    events: list[Event] = []
    with archive.open(JOURNAL) as lines:
        for line in _lines(lines):
            events.append(_event(line, events[-1] if events else None))
            if len(events) > about["length"]:
                break
    told = len(events), events[-1].hash if events else ""
    if told != (about["length"], about["head"]) or not events:
        raise _bad("its journal is cut short or too long")
    return events


def _lines(source: IO[bytes]) -> Iterator[bytes]:
    while line := source.readline(LONGEST_LINE + 1):
        if len(line) > LONGEST_LINE:
            raise _bad("an entry of its journal is too long")
        yield line


def _event(line: bytes, last: Event | None) -> Event:
    try:
        one = json.loads(line)
        row = (one["seq"], one["kind"], canonical_json(one["payload"]))
        return follow(*after(last), (*row, one["previous"], one["hash"]))
    except (ValueError, KeyError, TypeError, RecursionError, AttributeError) as error:
        if isinstance(error, StoreError):
            raise
        raise _bad("an entry of its journal cannot be read") from error


def _check_blobs(events: list[Event], folder: Path) -> None:
    for event in events:
        for digest, needed in blobs_of(event):
            if needed and not (folder / BLOBS / digest).is_file():
                raise _bad(f"blob {digest} of entry {event.seq} is missing")


def _beside(images: Path, folder: Path, project: str) -> str:
    """Put the manifest where its relative paths start from; never over another file."""
    data = (folder / MANIFEST).read_bytes()
    path = images.resolve() / f"foveal-{project}.csv"
    if not images.is_dir():
        raise StoreError(f"the folder of images {images.name!r} does not exist; name one that does")
    if path.exists() and path.read_bytes() != data:
        raise StoreError(f"{path.name!r} lies there already and differs; move it away")
    write_whole(path, data)
    return str(path)


def _say(path: Path, project: str, source: str) -> None:
    now = datetime.now(UTC).isoformat(timespec="seconds")
    about = {"schema": SCHEMA, "id": project, "created": now, "database": "", "source": source}
    write_whole(path, (json.dumps(about, indent=2) + "\n").encode())


def _fill(folder: Path, events: list[Event]) -> None:
    """A journal with the same entries; entries are sealed anew and must come out the same."""
    with ProjectStore.open(folder, create=True) as store:
        made = store.append([(event.kind, event.payload) for event in events])
        if made[-1].hash != events[-1].hash:
            raise _bad("its journal does not come out as it went in")
        if store.live().project != store.id:
            raise _bad("its journal is of another project")


def _bad(finding: str) -> SchemaError:
    return SchemaError(
        f"an archive must be as `foveal export PROJECT --format archive` wrote it, but {finding}; "
        "nothing was opened, export it again"
    )
