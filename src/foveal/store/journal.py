"""Journal: what happened in an experiment, append-only, chained, and durable once acknowledged."""

import os
from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from typing import Any, Self

from sqlalchemy import (
    Column,
    Connection,
    Engine,
    Integer,
    MetaData,
    Row,
    String,
    Table,
    Text,
    insert,
    inspect,
    select,
    update,
)

from foveal.core.errors import SchemaError, StoreError
from foveal.store.engine import Database, database, translated
from foveal.store.events import (
    GENESIS,
    SCHEMA_VERSION,
    Event,
    after,
    canonical_json,
    damaged,
    follow,
    seal,
)
from foveal.store.lock import sole_run

METADATA = MetaData()


class MovedError(StoreError):
    """The journal grew meanwhile."""


EVENTS = Table(
    "foveal_events",
    METADATA,
    Column("seq", Integer, primary_key=True, autoincrement=False),
    Column("kind", String(40), nullable=False),
    Column("payload", Text, nullable=False),
    Column("previous", String(64), nullable=False),
    Column("hash", String(64), nullable=False),
)
# One row. Without it nobody could tell that the last entries were cut off.
HEAD = Table(
    "foveal_head",
    METADATA,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("version", Integer, nullable=False),
    Column("length", Integer, nullable=False),
    Column("hash", String(64), nullable=False),
)
THE_HEAD = HEAD.c.id == 0


class Journal:
    """An open journal: a resource, to be closed or used in a `with` block.

    The chain of hashes tells of damage and of careless edits. It does not keep out someone who
    rewrites the whole file and all of its hashes; for that, keep the last hash elsewhere.
    """

    def __init__(self, database: Database, resources: ExitStack) -> None:
        self._database = database
        self._resources = resources
        self._closed = False

    @classmethod
    def open(
        cls, where: str | os.PathLike[str], create: bool = True, exclusive: bool = True
    ) -> Self:
        """A journal in an SQLite file, or in the database that a URL names.

        Args:
            where: path of the file, or URL with `://`.
            create: make the journal (and its folder) if there is none.
            exclusive: own it as the one run that drives the experiment. Readers and annotators
                pass False and may come and go at any time; appending is safe for them too.

        Raises:
            StoreError: if there is no journal and `create` is False, another run owns it, or it
                cannot be opened.
            SchemaError: if what is there is no journal, or one of another version.
        """
        found = database(where)
        with ExitStack() as resources:
            resources.callback(found.reader.dispose)
            _prepare_folder(found, create)
            with translated("open", found.name):
                there = _is_there(found)
            if not there and not create:
                raise _nothing_there(found)
            if exclusive:
                resources.enter_context(sole_run(found))
            if not there:
                with translated("make", found.name), found.writer.begin() as connection:
                    _create_tables(connection)
            return cls(found, resources.pop_all())

    def append(self, kind: str, payload: Mapping[str, Any]) -> Event:
        """Add one entry; it is on the disk when this returns.

        Raises:
            StoreError: if it could not be written; the journal is then as it was before.
            SchemaError: if the payload is not plain JSON, or the journal's end is damaged.
        """
        return self.append_many([(kind, payload)])[0]

    def append_many(
        self, entries: Iterable[tuple[str, Mapping[str, Any]]], expect: int | None = None
    ) -> tuple[Event, ...]:
        """Add several entries, all or none; errors as for `append`.

        Args:
            expect: how many entries the caller has seen.
        Raises:
            MovedError: if there are others by now; nothing was added.
        """
        wanted = tuple(entries)
        if not wanted:
            return ()
        with self._transaction("append to", self._database.writer) as connection:
            return extend(connection, wanted, expect)

    def events(self) -> tuple[Event, ...]:
        """All entries in order, each checked against the chain.

        Raises:
            SchemaError: naming the first entry that is missing, altered or out of order.
            StoreError: if the journal cannot be read.
        """
        with self._transaction("read", self._database.reader) as connection:
            return tuple(walk(connection))

    def since(self, length: int) -> tuple[Event, ...]:
        """The entries after the first `length`, each checked against the chain; errors as above."""
        with self._transaction("read", self._database.reader) as connection:
            return tuple(walk(connection, length))

    def verify(self) -> None:
        """Raise as `events` does unless the journal is whole; holds one entry at a time."""
        with self._transaction("read", self._database.reader) as connection:
            deque(walk(connection), maxlen=0)

    def close(self) -> None:
        """Let go of the database and of the run's ownership; closing twice is harmless."""
        self._closed = True
        self._resources.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @contextmanager
    def _transaction(self, doing: str, engine: Engine) -> Iterator[Connection]:
        name = self._database.name
        if self._closed:
            raise StoreError(f"could not {doing} journal {name!r}: it is closed; open it again")
        with translated(doing, name), engine.begin() as connection:
            yield connection


def extend(
    connection: Connection,
    entries: Iterable[tuple[str, Mapping[str, Any]]],
    expect: int | None = None,
) -> tuple[Event, ...]:
    """Add entries within a transaction of the caller's, which holds the write lock."""
    last = _end(connection)
    if expect is not None and after(last)[0] != expect:
        raise MovedError(
            f"the journal has {after(last)[0]} entries where {expect} were seen: someone else was "
            "faster; read it again"
        )
    added = []
    for kind, payload in entries:
        last = seal(last, kind, payload)
        added.append(last)
    connection.execute(insert(EVENTS), [_row(event) for event in added])
    length, end = after(last)
    connection.execute(update(HEAD).where(THE_HEAD).values(length=length, hash=end))
    return tuple(added)


def _row(event: Event) -> dict[str, Any]:
    return {
        "seq": event.seq,
        "kind": event.kind,
        "payload": canonical_json(event.payload),
        "previous": event.previous,
        "hash": event.hash,
    }


def _end(connection: Connection) -> Event | None:
    """The last entry, held against the head; on a server the head stays locked for this writer."""
    head = connection.execute(select(HEAD).where(THE_HEAD).with_for_update()).one_or_none()
    row = connection.execute(select(EVENTS).order_by(EVENTS.c.seq.desc()).limit(1)).first()
    last = None if row is None else follow(row.seq, row.previous, row)
    _check_head(head, last)
    return last


def walk(connection: Connection, length: int = 0) -> Iterator[Event]:
    """All entries but the first `length`, within a transaction of the caller's."""
    head = connection.execute(select(HEAD).where(THE_HEAD)).one_or_none()
    if length and head is not None and head.length == length:
        return
    rows = select(EVENTS).where(EVENTS.c.seq >= length - 1).order_by(EVENTS.c.seq)
    found = iter(connection.execute(rows))
    last = None
    if length:
        row = next(found, None)
        if row is None:
            raise damaged(f"entry {length - 1} is missing")
        last = follow(length - 1, row.previous, row)
    for row in found:
        last = follow(*after(last), row)
        yield last
    _check_head(head, last)


def _check_head(head: Row[Any] | None, last: Event | None) -> None:
    if head is None:
        raise damaged("its head is missing")
    length, end = after(last)
    if (head.length, head.hash) != (length, end):
        raise damaged(f"its head tells of {head.length} entries and there are {length}")


def _prepare_folder(database: Database, create: bool) -> None:
    file = database.file
    if file is None:
        return
    if create:
        try:
            file.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise StoreError(
                f"could not make the folder of journal {database.name!r}: {error.strerror}; choose "
                "another folder, or see to the right to write above it"
            ) from error
    elif not file.exists():
        raise _nothing_there(database)


def _is_there(database: Database) -> bool:
    """Whether the database holds a journal; an error if it holds something else."""
    with database.reader.begin() as connection:
        tables = set(inspect(connection).get_table_names())
        if tables & METADATA.tables.keys():
            _check_version(connection, database.name)
            return True
    if tables and database.file is not None:
        raise SchemaError(
            f"{database.name!r} must be a journal of Foveal, but is a database of another "
            "program; choose another file"
        )
    return False


def _create_tables(connection: Connection) -> None:
    METADATA.create_all(connection)
    if connection.scalar(select(HEAD.c.version)) is None:  # else another process was faster
        create_head(connection)


def create_head(connection: Connection) -> None:
    """The head of a journal without entries."""
    head = {"id": 0, "version": SCHEMA_VERSION, "length": 0, "hash": GENESIS}
    connection.execute(insert(HEAD), [head])


def _check_version(connection: Connection, name: str) -> None:
    # Of the whole schema only these two columns must stay as they are for ever.
    version = connection.scalar(select(HEAD.c.version).where(THE_HEAD))
    if version is None:
        raise damaged("its head is missing")
    if version != SCHEMA_VERSION:
        raise SchemaError(
            f"journal {name!r} must be of version {SCHEMA_VERSION}, but is of version {version}; "
            "use the version of Foveal that wrote it, or choose another folder"
        )


def _nothing_there(database: Database) -> StoreError:
    return StoreError(
        f"there is no journal {database.name!r}; check the folder, or start a run there first"
    )
