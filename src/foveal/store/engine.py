"""Engine: how a journal's database is opened, so that what it acknowledges is on the disk."""

import os
import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from sqlalchemy import URL, Connection, Engine, QueuePool, create_engine, event, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, NoSuchModuleError

from foveal.core.errors import SchemaError, StoreError

BUSY_SECONDS = 30.0
RETRY_SECONDS = 0.02
PRAGMAS = ("synchronous=FULL", "fullfsync=ON", "foreign_keys=ON")
STRANGERS = "SELECT count(*) FROM sqlite_master WHERE type='table' AND name NOT LIKE 'foveal%'"
# SQLite's codes for: our SQL does not fit the file, the file is malformed, it is no database.
DAMAGE = frozenset({sqlite3.SQLITE_ERROR, sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB})


@dataclass(frozen=True, slots=True)
class Database:
    """One database seen two ways: `reader` gives a snapshot, `writer` takes the write lock first.

    `file` is None where the database is a server. `name` is fit for messages: it holds neither
    folders nor a password.
    """

    reader: Engine
    writer: Engine
    file: Path | None
    name: str


def database(where: str | os.PathLike[str]) -> Database:
    """The database at a path (SQLite) or a URL; nothing is touched yet.

    Raises:
        StoreError: if the URL is none, or the Python driver of its database is not installed.
    """
    text = os.fspath(where)
    if "://" not in text:
        return _sqlite(Path(text))
    try:
        url = make_url(text)
    except ArgumentError:  # its message may show a password
        raise StoreError(
            "a journal must be a file or a URL such as postgresql+psycopg://HOST/NAME, but the "
            "text given cannot be read as a URL"
        ) from None
    if url.get_backend_name() != "sqlite":
        return _server(url)
    if not url.database:
        raise StoreError("a journal must last, but the URL names no file: sqlite:///FILE does")
    return _sqlite(Path(url.database))


@contextmanager
def translated(doing: str, name: str) -> Iterator[None]:
    """Turn the database's errors into Foveal's, once, with what was being done."""
    try:
        yield
    except DBAPIError as error:
        raise _failure(doing, name, error.orig) from error
    except UnicodeDecodeError as error:  # SQLite quotes garbled bytes in what it complains about
        raise _failure(doing, name, error) from error


def _sqlite(file: Path) -> Database:
    reader = create_engine("sqlite://", creator=lambda: _connect(file), poolclass=QueuePool)
    event.listen(reader, "begin", _begin)
    writer = reader.execution_options(foveal_begin="BEGIN IMMEDIATE")
    return Database(reader, writer, file, file.name)


def _server(url: URL) -> Database:
    try:
        # Asked before each use whether it still lives: a server may have been restarted meanwhile.
        reader = create_engine(url, isolation_level="REPEATABLE READ", pool_pre_ping=True)
    except (ImportError, NoSuchModuleError) as error:
        raise StoreError(
            f"a journal on {url.drivername!r} needs the Python driver of that database, but "
            f"{error}; install it (for PostgreSQL: pip install psycopg) or use a file"
        ) from error
    # A writer waits for the head's row lock and must then see what the last writer wrote.
    writer = reader.execution_options(isolation_level="READ COMMITTED")
    return Database(reader, writer, None, url.render_as_string(hide_password=True))


def _connect(file: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(
        _uri(file), uri=True, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False
    )
    try:
        for pragma in PRAGMAS:
            connection.execute(f"PRAGMA {pragma}")
        if connection.execute(STRANGERS).fetchone() == (0,):
            # This one is written into the file, so it is not for other programs' databases.
            _write_ahead(connection)
    except BaseException:
        connection.close()
        raise
    return connection


def _write_ahead(connection: sqlite3.Connection) -> None:
    """Turn on the write-ahead log, waiting for others who do the same just now.

    SQLite's own timeout does not hold here: of two connections that would both raise their read
    lock to an exclusive one it refuses one at once, lest they wait for each other.
    """
    patience = time.monotonic() + BUSY_SECONDS
    while True:
        try:
            connection.execute("PRAGMA journal_mode=WAL")
            return
        except sqlite3.OperationalError as error:
            busy = error.sqlite_errorcode & 0xFF == sqlite3.SQLITE_BUSY
            if not busy or time.monotonic() > patience:
                raise
            time.sleep(RETRY_SECONDS)


def _uri(file: Path) -> str:
    """A journal on a medium that cannot be written is still read."""
    uri = f"file:{quote(os.fspath(file.absolute()))}"
    if os.access(file.parent, os.W_OK):
        return uri
    live = file.with_name(file.name + "-wal").exists()
    return uri + ("?mode=ro" if live else "?immutable=1")


def _begin(connection: Connection) -> None:
    connection.exec_driver_sql(connection.get_execution_options().get("foveal_begin", "BEGIN"))


def _failure(doing: str, name: str, error: BaseException | None) -> StoreError:
    code = getattr(error, "sqlite_errorcode", None)
    garbled = "decode" in str(error)  # text that is not UTF-8 comes without a code
    if garbled or (code is not None and code & 0xFF in DAMAGE):
        return SchemaError(
            f"journal {name!r} must be a whole journal of Foveal, but {error}. Restore it from a "
            "backup, or choose another folder; nothing was changed"
        )
    return StoreError(
        f"could not {doing} journal {name!r}: {error}. Every entry acknowledged before is safe; "
        "see to free space, the right to write in its folder and other programs that hold it, "
        "then run the same command again"
    )
