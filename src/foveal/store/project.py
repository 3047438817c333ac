"""ProjectStore: a project's folder, opened; the server, the worker and commands share it."""

import sqlite3
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from contextlib import ExitStack
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from sqlalchemy import insert, select

from foveal.core.annotation import Annotation
from foveal.core.errors import DataError, SchemaError, StoreError
from foveal.store.accounts import Accounts
from foveal.store.backup import copy_database, copy_project
from foveal.store.blobs import Blobs
from foveal.store.engine import Database, database, translated
from foveal.store.events import Event
from foveal.store.folder import check_address, make_folder, read_about, read_secret
from foveal.store.jobs import Jobs
from foveal.store.journal import HEAD, Journal, create_head, extend, walk
from foveal.store.leases import Leases
from foveal.store.live import Folding, LiveState, check_answer
from foveal.store.migrate import check_known, newest, one_at_a_time, upgrade, version_of
from foveal.store.records import annotated, content_of, read_annotation
from foveal.store.rooms import Room
from foveal.store.tables import SAVES
from foveal.store.tokens import Tokens
from foveal.store.verify import verify

DATABASE = "project.sqlite"
BLOBS = "blobs"
LONGEST_KEY = 64


class KeyReusedError(StoreError):
    """One key was given to two different saves."""


@dataclass(frozen=True, slots=True)
class Saved:
    """Where an answer stands in the journal; `duplicate` if it stood there already."""

    seq: int
    duplicate: bool


class ProjectStore:
    """An open project: journal, blobs, accounts, tokens, leases, jobs.

    May be used by several threads; several processes may have it open at once.
    """

    def __init__(
        self,
        folder: Path,
        project: str,
        where: Database,
        resources: ExitStack,
        clock: Callable[[], float],
    ) -> None:
        room = Room(where)
        self.folder = folder
        self.id = project
        self.blobs = Blobs(folder / BLOBS)
        self.journal = Journal(where, resources)
        self.accounts = Accounts(room, clock)
        self.tokens = Tokens(room, read_secret(folder), clock)
        self.leases = Leases(room, clock)
        self.jobs = Jobs(room, clock)
        self.clock = clock
        self.database = where
        self._room = room
        self._resources = resources
        self._folding = Folding()
        self._state: LiveState | None = None
        self._lock = threading.Lock()

    @classmethod
    def create(
        cls, folder: Path, url: str = "", clock: Callable[[], float] = time.time
    ) -> "ProjectStore":
        """A new project in an empty or missing folder.

        Args:
            url: of a server's database; an SQLite file in the folder if "".
        Raises:
            StoreError: if there is something in the folder, or it cannot be written.
        """
        make_folder(folder, _without_password(url))
        return cls.open(folder, url, clock, create=True)

    @classmethod
    def open(
        cls,
        folder: Path,
        url: str = "",
        clock: Callable[[], float] = time.time,
        create: bool = False,
    ) -> "ProjectStore":
        """A project that is there; one of an older version is brought up to date.

        Args:
            url: of a server's database, with its password; needed again each time.
        Raises:
            StoreError: if there is no project, or it cannot be opened.
            SchemaError: if it was written by a newer version, or is damaged.
        """
        about = read_about(folder)
        check_address(folder, bool(about["database"]), bool(url))
        where = database(url or folder / DATABASE)
        with ExitStack() as resources:
            resources.callback(where.reader.dispose)
            if where.file is not None and not create and not where.file.exists():
                raise StoreError(
                    f"project {folder.name!r} must hold its database {DATABASE!r}, but does not; "
                    "restore the folder from a backup"
                )
            _bring_up_to_date(where, str(about["id"]), create)
            return cls(folder, str(about["id"]), where, resources.pop_all(), clock)

    def live(self) -> LiveState:
        """The present; only what is new is read."""
        with self._lock:
            fresh = self.journal.since(self._folding.length)
            if fresh or self._state is None:
                self._folding.take(fresh)
                self._state = self._folding.state()
            return self._state

    def append(
        self, entries: Iterable[tuple[str, Mapping[str, Any]]], expect: int | None = None
    ) -> tuple[Event, ...]:
        """Add entries to the journal, all or none; see `Journal.append_many`.

        Raises:
            MovedError: if there are not `expect` entries any more.
            StoreError: if an entry could not happen where it would stand, so that no mistake of a
                caller can make the project unreadable; nothing was added.
        """
        wanted = tuple(entries)
        if not wanted:
            return ()
        with self._room.write("append to") as connection:
            added = extend(connection, wanted, expect)
            with self._lock:
                trial = self._folding.fork()
            trial.take(
                event for event in walk(connection, trial.length) if event.seq < added[0].seq
            )
            try:
                trial.take(added)
            except SchemaError as error:
                raise StoreError(f"nothing was added to the project, since {error}") from error
        return added

    def save(self, told: Annotation, region: bytes | None, shapes: bytes | None) -> Saved:
        """Keep an answer; it is on the disk when this returns.

        What was drawn is written first, then the entry and its key in one transaction. The same
        answer under the same key is kept once.

        Args:
            told: with its `key`; digests of region and shapes are filled in here.
            region: encoded mask, None where none was drawn. shapes: as JSON.
        Raises:
            KeyReusedError: if the key belongs to another answer.
            DataError: if the answer is about no sample or class of the project.
            StoreError: if it could not be written; nothing is kept then.
        """
        if not 8 <= len(told.key) <= LONGEST_KEY:
            raise StoreError(f"a save needs a key of 8 to {LONGEST_KEY} characters")
        content = content_of(told, region, shapes)
        known = self._saved(told.key, content)
        if known is not None:
            return known
        self._check(told)
        kept = replace(
            told,
            region="" if region is None else self.blobs.put(region),
            shapes="" if shapes is None else self.blobs.put(shapes),
        )
        with self._room.write("save an answer in") as connection:
            row = connection.execute(select(SAVES).where(SAVES.c.key == told.key)).one_or_none()
            if row is not None:
                return _same(row.content, content, row.seq)
            (event,) = extend(connection, [annotated(kept)])
            saved = {"key": told.key, "content": content, "seq": event.seq}
            connection.execute(insert(SAVES), [saved])
        return Saved(event.seq, duplicate=False)

    def saves(self) -> dict[int, tuple[str, str]]:
        """Key and content of each acknowledged save by its place in the journal."""
        with self._room.read("read") as connection:
            rows = connection.execute(select(SAVES)).all()
        return {row.seq: (row.key, row.content) for row in rows}

    def verify(self) -> tuple[str, ...]:
        """What is wrong with the project, a sentence each; () if all is whole."""
        return verify(self.journal, self.blobs, self.saves)

    def backup(self, target: Path) -> None:
        """A copy of the project, whole or not at all, that opens as it is; see `store.backup`."""
        with self._room.read(
            "back up"
        ) as connection:  # the first entry alone: the rest may be torn
            first = next(walk(connection), None)
        copy_project(self.folder, self.database, target, first.payload if first else {})

    def close(self) -> None:
        """Let go of the database; closing twice is harmless."""
        self.journal.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _check(self, told: Annotation) -> None:
        state = self._state
        if state is None or told.sample not in state.parts:  # images may have come in since
            state = self.live()
        try:
            read_annotation({"annotation": asdict(told)})
            check_answer(told, state.parts, state.live)
        except (TypeError, ValueError) as error:
            raise DataError(
                f"an answer must fit the project, but {error}; nothing was kept. Load the case "
                "again"
            ) from error

    def _saved(self, key: str, content: str) -> Saved | None:
        with self._room.read("read") as connection:
            row = connection.execute(select(SAVES).where(SAVES.c.key == key)).one_or_none()
        return None if row is None else _same(row.content, content, row.seq)


def _same(stored: str, content: str, seq: int) -> Saved:
    if stored != content:
        raise KeyReusedError(
            "the key of a save belongs to one answer, but was used for another one before; "
            "nothing was changed. Load the case again and save it anew"
        )
    return Saved(seq, duplicate=True)


def _bring_up_to_date(where: Database, project: str, create: bool) -> None:
    """Make or upgrade the tables; the database must be this project's, or for `create` nobody's."""
    with translated("open", where.name), where.writer.begin() as connection:
        one_at_a_time(connection)
        found = version_of(connection)
        if create and found is not None:
            raise StoreError(
                f"a new project needs an empty database, but {where.name!r} holds one already; "
                "choose another database"
            )
        check_known(found, where.name)
        if found != newest():
            if found is not None and where.file is not None:
                _keep_old(where, where.file, found)
            upgrade(connection)
        if connection.scalar(select(HEAD.c.version)) is None:
            create_head(connection)
        _check_owner(next(walk(connection), None), project, where.name)


def _keep_old(where: Database, file: Path, version: str) -> None:
    """A copy beside a database that is about to be upgraded, for those who must go back."""
    try:
        copy_database(where, file.with_name(f"{file.name}.{version}"))
    except (OSError, sqlite3.Error) as error:
        raise StoreError(
            f"the database {file.name!r} must be copied before it is brought up to date, but: "
            f"{error}; free space in its folder and open the project again. Nothing was changed"
        ) from error


def _check_owner(first: Event | None, project: str, name: str) -> None:
    if first is not None and first.payload.get("project", project) != project:
        raise StoreError(
            f"the database {name!r} must be that of the project in this folder, but holds another "
            "one; check --database, or restore both from one backup"
        )


def _without_password(url: str) -> str:
    return database(url).name if url else ""
