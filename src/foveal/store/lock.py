"""Lock: one run at a time owns a journal, and a run that was killed owns nothing."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from sqlalchemy import Engine, text

from foveal.core.errors import StoreError
from foveal.store.engine import Database

ADVISORY_KEY = int.from_bytes(b"foveal")


@contextmanager
def sole_run(database: Database) -> Iterator[None]:
    """Own a journal for one run, while others may read it and annotate.

    In a folder this is SQLite's own lock on an empty file beside the journal: it works on every
    system, the system drops it when the process dies, and forked workers do not inherit it (as
    they would a `flock`). On PostgreSQL it is an advisory lock of the session.

    Raises:
        StoreError: if another run owns the journal, or the lock file cannot be made.
    """
    holder = _server_lock(database.reader) if database.file is None else _file_lock(database.file)
    with holder as free:
        if not free:
            raise StoreError(
                f"only one run at a time may own journal {database.name!r}, but another one is at "
                "it; wait for it, stop it, or choose another folder"
            )
        yield


@contextmanager
def _file_lock(journal: Path) -> Iterator[bool]:
    path = journal.with_name(journal.name + ".lock")
    try:
        connection = sqlite3.connect(path, timeout=0, isolation_level=None, check_same_thread=False)
    except sqlite3.Error as error:
        raise _no_lock(path, error) from error
    with closing(connection):
        try:
            connection.execute("PRAGMA journal_mode=OFF")  # no second file beside the lock
            connection.execute("BEGIN EXCLUSIVE")
        except sqlite3.Error as error:
            if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY:
                raise _no_lock(path, error) from error
            yield False
        else:
            yield True


@contextmanager
def _server_lock(engine: Engine) -> Iterator[bool]:
    key = {"key": ADVISORY_KEY}
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        free = connection.scalar(text("SELECT pg_try_advisory_lock(:key)"), key)
        yield bool(free)
        if free:
            connection.execute(text("SELECT pg_advisory_unlock(:key)"), key)


def _no_lock(path: Path, error: Exception) -> StoreError:
    return StoreError(
        f"could not make the lock file {path.name!r}: {error}; see to the right to write in its "
        "folder, or choose another one"
    )
