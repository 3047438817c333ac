"""Room: how the parts of a project's store reach its one database, each in a transaction."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from sqlalchemy import Connection, select

from foveal.store.engine import Database, translated
from foveal.store.journal import HEAD


@dataclass(frozen=True, slots=True)
class Room:
    """One database; a `write` has it to itself until its block ends, and is then on the disk.

    Writers of one process wait for each other here rather than in the database: SQLite lets those
    who wait sleep and ask again, so that someone unlucky would wait long.
    """

    database: Database
    turn: threading.Lock = field(default_factory=threading.Lock, repr=False)

    @contextmanager
    def read(self, doing: str) -> Iterator[Connection]:
        """A snapshot; StoreError, saying what was being done, if it cannot be read."""
        with translated(doing, self.database.name), self.database.reader.begin() as connection:
            yield connection

    @contextmanager
    def write(self, doing: str) -> Iterator[Connection]:
        """All or nothing; StoreError, saying what was being done, if it cannot be written."""
        with (
            self.turn,
            translated(doing, self.database.name),
            self.database.writer.begin() as connection,
        ):
            if self.database.file is None:  # a file is locked as a whole; on a server the head is
                connection.execute(select(HEAD.c.id).with_for_update())
            yield connection
