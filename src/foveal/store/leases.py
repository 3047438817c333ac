"""Leases: a case is open for one reader at a time, and free again when nobody comes back."""

import secrets
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, delete, insert, select, update

from foveal.core.annotation import Purpose
from foveal.core.pool import SampleId
from foveal.store.rooms import Room
from foveal.store.tables import LEASES

Choice = tuple[SampleId, Purpose]
TAKEN = 0.0  # the end of a lease whose case went to somebody else, or was left for another
KEPT_SECONDS = 7 * 86_400.0  # an answer may wait so long in a browser without a network
# Given the samples that others have open, the case to read next, or None.
Choose = Callable[[frozenset[SampleId]], Choice | None]


@dataclass(frozen=True, slots=True)
class Lease:
    """A case that a reader has open, by the server's clock."""

    id: str
    sample: SampleId
    reader: str
    purpose: Purpose
    began: float
    expires: float
    answered: bool = False


class Leases:
    """Who has which case open."""

    def __init__(self, room: Room, clock: Callable[[], float]) -> None:
        self._room, self._clock = room, clock

    def claim(self, reader: str, choose: Choose, seconds: float) -> Lease | None:
        """The case a reader has open and has not answered, or a new one; None if there is none.

        What others hold is seen and the new lease written in one transaction, so no case is open
        for two; `choose` is called within it, so that it sees all that was answered before. What is
        answered may be looked at on, but nobody waits for it.

        A lease that ends later than a whole one from now was made before the clock was set back;
        from now on it holds for a whole one, neither less nor for ever.
        """
        now = self._clock()
        with self._room.write("open a case of") as connection:
            late = LEASES.c.expires > now + seconds
            connection.execute(update(LEASES).where(late).values(expires=now + seconds))
            held = _held(connection, now)
            own = (one for one in held if one.reader == reader and not one.answered)
            mine = next(own, None)
            if mine is not None:
                return self._extended(connection, mine, now + seconds)
            others = (one for one in held if one.reader != reader and not one.answered)
            chosen = choose(frozenset(one.sample for one in others))
            if chosen is None:
                return None
            sample, purpose = chosen
            lease = Lease(secrets.token_hex(16), sample, reader, purpose, now, now + seconds)
            former = update(LEASES).where(LEASES.c.reader == reader)
            connection.execute(former.values(expires=TAKEN))
            old = LEASES.c.began < now - KEPT_SECONDS
            connection.execute(delete(LEASES).where(old, LEASES.c.expires <= now))
            # Who held it before shall not hold it again, whatever the clock does.
            taken = update(LEASES).where(LEASES.c.sample == sample)
            connection.execute(taken.values(expires=TAKEN))
            connection.execute(insert(LEASES), [asdict(lease)])
            return lease

    def get(self, lease: str, reader: str) -> Lease | None:
        """A reader's own lease, also for a week after it ended.

        Who answers late, when the case went to somebody else or the network was away, has answered
        all the same.
        """
        with self._room.read("read") as connection:
            row = connection.execute(select(LEASES).where(*_own(lease, reader))).one_or_none()
        return None if row is None else _lease(row)

    def renew(self, lease: str, reader: str, seconds: float) -> bool:
        """Keep a case open for longer; False if it is not the reader's any more."""
        until = self._clock() + seconds
        with self._room.write("keep a case open in") as connection:
            done = connection.execute(
                update(LEASES)
                .where(*_own(lease, reader), LEASES.c.expires > TAKEN)
                .values(expires=until)
            )
            return done.rowcount > 0

    def answer(self, lease: str, reader: str) -> None:
        """An answered case may still be looked at and corrected until the next one is opened."""
        with self._room.write("close a case of") as connection:
            connection.execute(update(LEASES).where(*_own(lease, reader)).values(answered=True))

    def release(self, lease: str, reader: str) -> None:
        """Give a case back."""
        with self._room.write("close a case of") as connection:
            ended = update(LEASES).where(*_own(lease, reader))
            connection.execute(ended.values(expires=TAKEN))

    def all(self, seconds: float) -> tuple[Lease, ...]:
        """All leases that hold now."""
        with self._room.read("read") as connection:
            held = _held(connection, self._clock())
        until = self._clock() + seconds
        return tuple(replace(one, expires=min(one.expires, until)) for one in held)

    def _extended(self, connection: Connection, lease: Lease, until: float) -> Lease:
        connection.execute(update(LEASES).where(LEASES.c.id == lease.id).values(expires=until))
        return replace(lease, expires=until)


def _held(connection: Connection, now: float) -> list[Lease]:
    held = select(LEASES).where(LEASES.c.expires > now).order_by(LEASES.c.began, LEASES.c.id)
    return [_lease(row) for row in connection.execute(held)]


def _own(lease: str, reader: str) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    return LEASES.c.id == lease, LEASES.c.reader == reader


def _lease(row: Row[Any]) -> Lease:
    answered = bool(row.answered)
    return Lease(row.id, row.sample, row.reader, row.purpose, row.began, row.expires, answered)
