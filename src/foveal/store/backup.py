"""Backup: a copy of a project that is being used, whole or not at all, that opens as it is."""

import contextlib
import json
import os
import secrets
import shutil
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

from sqlalchemy import insert, select

from foveal.core.errors import StoreError
from foveal.store.engine import Database, database, translated
from foveal.store.folder import PROJECT, source_of
from foveal.store.journal import EVENTS
from foveal.store.journal import METADATA as OF_JOURNAL
from foveal.store.migrate import upgrade
from foveal.store.tables import METADATA

DATABASE, BLOBS = "project.sqlite", "blobs"
MOST_TRIES = 5  # one more is needed only where two trainings ended during the last
LEFT_OUT = frozenset({"cache"})  # can be made again


def copy_project(folder: Path, where: Database, target: Path, created: Mapping[str, Any]) -> None:
    """Copy a project to a folder that is empty or not there.

    A project of a database server becomes one in a folder, and a manifest that lies outside the
    project is named by its absolute path.

    Args:
        created: the payload of the journal's first entry.
    Raises:
        StoreError: if there is something in the folder, or it cannot be written.
    """
    if target.exists() and (not target.is_dir() or any(target.iterdir())):
        raise StoreError(
            f"a backup needs an empty folder, but {target.name!r} holds something; choose another "
            "name"
        )
    if target.resolve().is_relative_to(folder.resolve()):
        raise StoreError("a backup must lie outside the project; choose another folder")
    half = target.parent / f".{target.name}.{secrets.token_hex(4)}"
    try:
        half.mkdir(parents=True)
        _copy_both(folder, where, half)
        _say_where(half / PROJECT, _seen_from_elsewhere(folder, source_of(folder, created)))
        os.sync()
        if target.exists():
            target.rmdir()
        os.replace(half, target)
    except StoreError:
        raise
    except (OSError, sqlite3.Error) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise StoreError(
            f"could not write the backup {target.name!r}: {reason}. The project is untouched; free "
            "space or choose another folder, then run the same command again"
        ) from error
    finally:
        shutil.rmtree(half, ignore_errors=True)


def _copy_both(folder: Path, where: Database, to: Path) -> None:
    """Copy a database as of one moment, and the files, all that it needs being among them.

    What its entries name was written before them, so it is there to be copied after; only a model
    goes away, with the second training after its own. Where the last one that the copy knows is
    gone, both are copied again, but for the blobs that have come over.
    """
    for _ in range(MOST_TRIES):
        copy_database(where, to / DATABASE)
        _copy_files(folder, to)
        model = _last_model_in(to / DATABASE)
        if not model or (to / BLOBS / model).exists() or model == last_model(where):
            return
    raise overtaken("a backup")


def overtaken(what: str) -> StoreError:
    """What to say where models came and went too fast."""
    return StoreError(
        f"{what} needs the project's last model, but trainings ended faster than it was copied; "
        "end the worker (`foveal serve PROJECT --no-worker`), then run the same command again"
    )


def _last_model_in(file: Path) -> str:
    where = database(file)
    try:
        return last_model(where)
    finally:
        where.reader.dispose()


def last_model(where: Database) -> str:
    """Digest of the last model that a journal names; "" if there is none, or damage hides it."""
    last = select(EVENTS.c.payload).where(EVENTS.c.kind == "trained").order_by(EVENTS.c.seq.desc())
    try:
        with translated("read", where.name), where.reader.begin() as connection:
            payload = connection.scalar(last.limit(1))
        return str(json.loads(payload)["checkpoint"]) if payload else ""
    except (StoreError, ValueError, KeyError, TypeError):  # `verify` tells of it
        return ""


def copy_database(where: Database, to: Path) -> None:
    """Copy a database as it is at one moment to an SQLite file, in place of what is there."""
    to.unlink(missing_ok=True)
    if where.file is None:
        _copy_tables(where, to)
        return
    source = where.file.absolute().as_uri() + "?mode=ro"
    with (
        closing(sqlite3.connect(source, uri=True)) as ours,
        closing(sqlite3.connect(to)) as theirs,
    ):
        ours.backup(theirs)


def _copy_tables(where: Database, to: Path) -> None:
    new = database(to)
    try:
        with (
            translated("copy", where.name),
            where.reader.begin() as ours,
            new.writer.begin() as theirs,
        ):
            upgrade(theirs)
            for table in (*OF_JOURNAL.sorted_tables, *METADATA.sorted_tables):
                rows = [dict(row._mapping) for row in ours.execute(select(table))]
                if rows:
                    theirs.execute(insert(table), rows)
    finally:
        new.reader.dispose()


def _copy_files(folder: Path, target: Path) -> None:
    for path in _files(folder):
        to = target / path.relative_to(folder)
        to.parent.mkdir(parents=True, exist_ok=True)
        if to.parent.name == BLOBS and to.exists():
            continue  # what has this name holds this
        with contextlib.suppress(FileNotFoundError):  # an old model that was dropped meanwhile
            shutil.copy(path, to)  # with its mode: the secret stays one


def _files(folder: Path) -> Iterator[Path]:
    for path in sorted(folder.iterdir()):
        if path.name.startswith((DATABASE, ".")) or path.name in LEFT_OUT or path.is_symlink():
            continue
        if path.is_dir():
            yield from _files(path)
        elif path.is_file():
            yield path


def _seen_from_elsewhere(folder: Path, source: str) -> str:
    """A manifest as a copy of the project finds it."""
    own = folder.resolve()
    there = os.path.normpath(own / source)
    return source if Path(there).is_relative_to(own) else there


def _say_where(project: Path, source: str) -> None:
    """A backup lies in its folder, wherever the project did."""
    about = json.loads(project.read_text()) | {"database": "", "source": source}
    project.write_text(json.dumps(about, indent=2) + "\n")
