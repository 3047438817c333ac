"""Backup and verification of a project: a copy while it runs, and proof that nothing was altered."""

import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

from foveal.core.errors import SchemaError, StoreError
from foveal.core.files import sync_folder
from foveal.store.project import BLOBS, DATABASE, PROJECT, ProjectStore

FILES = (PROJECT, "spec.yaml", "pool.csv")


def backup(store: ProjectStore, target: Path) -> int:
    """Copy a project into an empty folder while people go on reading; how many blobs it has.

    The database is copied first and blobs after it, so that every blob an entry names is there. The
    secret is left out: whoever opens the copy logs in anew.

    Raises:
        StoreError: if the target is not empty, or the project lies on a database server (use the
            server's own tools, and copy the folder after).
    """
    if target.exists() and (not target.is_dir() or any(target.iterdir())):
        raise StoreError(f"a backup needs an empty folder, but {target.name!r} holds something")
    if store.database.file is None:
        raise StoreError(
            "this project lies on a database server; back that up with its own tools (pg_dump), "
            "then copy the project's folder"
        )
    try:
        target.mkdir(parents=True, exist_ok=True)
        _copy_database(store.database.file, target / DATABASE)
        for name in FILES:
            if (store.folder / name).exists():
                shutil.copy2(store.folder / name, target / name)
        blobs = [path for path in _blobs(store.folder) if not (target / BLOBS / path.name).exists()]
        (target / BLOBS).mkdir(exist_ok=True)
        for path in blobs:
            shutil.copy2(path, target / BLOBS / path.name)
        sync_folder(target)
    except (OSError, sqlite3.Error) as error:
        raise StoreError(
            f"the backup in {target.name!r} could not be finished: {error}; see to free space and "
            "try again with an empty folder"
        ) from error
    return len(blobs)


def verify(store: ProjectStore) -> list[str]:
    """What is wrong with a project, in sentences; nothing if all is as it was written."""
    findings: list[str] = []
    try:
        store.journal.verify()
        live = store.live()
    except SchemaError as error:
        return [str(error)]
    named = {d for one in live.history for d in (one.region, one.shapes) if d}
    named |= {record.checkpoint for record in live.trained[-1:]}
    for digest in sorted(named - {""}):
        try:
            store.blobs.get(digest)
        except StoreError as error:
            findings.append(str(error))
    keys = {one.key for one in live.history if one.key}
    lost = [key for key, _ in store.saves().values() if key not in keys]
    if lost:
        findings.append(f"{len(lost)} acknowledged saves are not in the journal")
    if store.database.file is not None:
        findings += _integrity(store.database.file)
    return findings


def _copy_database(source: Path, target: Path) -> None:
    """SQLite's own online copy: whole, whatever is written meanwhile."""
    with closing(sqlite3.connect(source)) as old, closing(sqlite3.connect(target)) as new:
        old.backup(new)


def _integrity(file: Path) -> list[str]:
    with closing(sqlite3.connect(file)) as connection:
        (said,) = connection.execute("PRAGMA integrity_check(1)").fetchone()
    return [] if said == "ok" else [f"the database is damaged: {said}; restore a backup"]


def _blobs(folder: Path) -> list[Path]:
    return [p for p in sorted((folder / BLOBS).glob("*")) if len(p.name) == 64]
