"""Room: how the parts of a project's store reach its one database, each in a transaction."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from sqlalchemy import Connection

from foveal.store.engine import Database, translated


@dataclass(frozen=True, slots=True)
class Room:
    """One database; a `write` has it to itself until its block ends, and is then on the disk."""

    database: Database

    @contextmanager
    def read(self, doing: str) -> Iterator[Connection]:
        """A snapshot; StoreError, saying what was being done, if it cannot be read."""
        with translated(doing, self.database.name), self.database.reader.begin() as connection:
            yield connection

    @contextmanager
    def write(self, doing: str) -> Iterator[Connection]:
        """All or nothing; StoreError, saying what was being done, if it cannot be written."""
        with translated(doing, self.database.name), self.database.writer.begin() as connection:
            yield connection
