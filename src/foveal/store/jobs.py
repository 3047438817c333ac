"""Jobs: what a worker shall compute; one that dies leaves its job to the next."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from sqlalchemy import Row, insert, select, update

from foveal.store.rooms import Room
from foveal.store.tables import JOBS

JobStatus = Literal["waiting", "running", "done", "failed"]
TRIES = 3  # workers that may die over a job before it counts as failed
SHOWN = 20  # jobs that are listed
LONGEST_ERROR = 2000


@dataclass(frozen=True, slots=True)
class Job:
    """One job; `progress` is plain JSON, `error` what went wrong last."""

    id: int
    kind: str
    status: JobStatus
    tries: int
    worker: str
    expires: float
    progress: Mapping[str, Any]
    error: str


class Jobs:
    """What waits, runs, and has been done."""

    def __init__(self, room: Room, clock: Callable[[], float]) -> None:
        self._room, self._clock = room, clock

    def put(self, kind: str) -> int:
        """A job that waits; the one that waits already if there is one of this kind."""
        with self._room.write("put a job into") as connection:
            waiting = connection.execute(
                select(JOBS.c.id).where(JOBS.c.kind == kind, JOBS.c.status == "waiting")
            ).first()
            if waiting is not None:
                return int(waiting.id)
            row = {
                "kind": kind,
                "status": "waiting",
                "tries": 0,
                "worker": "",
                "put_at": self._clock(),
                "expires": 0.0,
                "progress": "{}",
                "error": "",
            }
            made = connection.execute(insert(JOBS).values(**row))
            key = made.inserted_primary_key
            assert key is not None
            return int(key[0])

    def claim(self, worker: str, seconds: float) -> Job | None:
        """The oldest job that waits or whose worker fell silent; the worker's own for `seconds`.

        A claim from before the clock was set back holds for `seconds` from now, as a lease does.
        """
        now = self._clock()
        with self._room.write("take a job of") as connection:
            late = JOBS.c.expires > now + seconds
            connection.execute(update(JOBS).where(late).values(expires=now + seconds))
            rows = connection.execute(
                select(JOBS).where(JOBS.c.status.in_(("waiting", "running"))).order_by(JOBS.c.id)
            ).all()
            for row in rows:
                if row.status == "running" and now < row.expires:
                    continue
                if row.tries >= TRIES:
                    error = row.error or "its worker fell silent"
                    self._set(connection, row.id, status="failed", error=error)
                    continue
                values = {
                    "status": "running",
                    "tries": row.tries + 1,
                    "worker": worker,
                    "expires": now + seconds,
                }
                self._set(connection, row.id, **values)
                taken = select(JOBS).where(JOBS.c.id == row.id)
                return _job(connection.execute(taken).one())
        return None

    def heartbeat(self, job: int, worker: str, seconds: float, progress: Mapping[str, Any]) -> bool:
        """Say that a job goes on; False if it is another worker's by now."""
        values = {"expires": self._clock() + seconds, "progress": json.dumps(progress)}
        return self._own(job, worker, values)

    def keep(self, job: int, worker: str, seconds: float) -> bool:
        """Say that its worker lives; False if it is another worker's by now."""
        return self._own(job, worker, {"expires": self._clock() + seconds})

    def done(self, job: int, worker: str) -> bool:
        """A job is done; False if it is another worker's by now."""
        return self._own(job, worker, {"status": "done", "expires": 0.0, "error": ""})

    def fail(self, job: int, worker: str, reason: str) -> bool:
        """A job went wrong; it waits for the next try, of which there are `TRIES`."""
        error = reason[:LONGEST_ERROR]
        with self._room.write("end a job of") as connection:
            row = connection.execute(select(JOBS).where(JOBS.c.id == job)).one_or_none()
            if row is None or row.worker != worker or row.status != "running":
                return False
            status = "failed" if row.tries >= TRIES else "waiting"
            self._set(connection, job, status=status, error=error, expires=0.0)
            return True

    def present(self) -> tuple[Job, ...]:
        """The last jobs, newest first."""
        with self._room.read("read") as connection:
            rows = connection.execute(select(JOBS).order_by(JOBS.c.id.desc()).limit(SHOWN)).all()
        return tuple(_job(row) for row in rows)

    def _own(self, job: int, worker: str, values: Mapping[str, Any]) -> bool:
        with self._room.write("go on with a job of") as connection:
            done = connection.execute(
                update(JOBS)
                .where(JOBS.c.id == job, JOBS.c.worker == worker, JOBS.c.status == "running")
                .values(**values)
            )
            return done.rowcount > 0

    def _set(self, connection: Any, job: int, **values: Any) -> None:
        connection.execute(update(JOBS).where(JOBS.c.id == job).values(**values))


def _job(row: Row[Any]) -> Job:
    progress = json.loads(row.progress)
    return Job(
        row.id, row.kind, row.status, row.tries, row.worker, row.expires, progress, row.error
    )
