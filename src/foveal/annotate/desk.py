"""Desk: what every route works with; the open project, its images, and who is asking."""

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated

from fastapi import Depends, Request

from foveal.annotate.choose import choose, choose_ahead
from foveal.annotate.failures import WORDS, RefusedError
from foveal.annotate.gate import Gate
from foveal.annotate.images import ImageSource
from foveal.annotate.security import COOKIE, CSRF_HEADER, SAFE, csrf_fits
from foveal.core.access import Role
from foveal.core.pool import SampleId
from foveal.core.region import decode_region
from foveal.core.spec import parse_spec
from foveal.data import Collection, load_project
from foveal.evaluate import dice
from foveal.store.accounts import Account
from foveal.store.folder import source_of
from foveal.store.leases import Lease
from foveal.store.live import LiveState, quarantined
from foveal.store.project import ProjectStore

SESSION_SECONDS = 12 * 3600.0  # a working day
NOT_YOURS = "This case is no longer open for you; the next one is ready."
AWAY = "No image can be read just now; perhaps the disk or folder they lie in is away."
UNSHOWABLE = "the image could not be read"
RANK: dict[Role, int] = {"reader": 0, "lead": 1, "admin": 2}


@dataclass(frozen=True, slots=True)
class Desk:
    """One project being served."""

    store: ProjectStore
    images: ImageSource
    name: str
    secure: bool = False
    gate: Gate = field(default_factory=Gate, repr=False)
    overlaps: dict[tuple[str, str], float] = field(default_factory=dict, repr=False)

    def live(self) -> LiveState:
        """The present of the project, with images that came in meanwhile."""
        live = self.store.live()
        self.images.keep_up(len(live.parts))
        return live

    def overlap(self, first: str, second: str) -> float:
        """Dice of the regions with these digests, computed once; NaN where it says nothing.

        Two empty regions are such a case: that readers see nothing is told by their classes.
        """
        key = (min(first, second), max(first, second))
        if key not in self.overlaps:
            a, b = (decode_region(self.store.blobs.get(digest)) for digest in key)
            told = a.shape == b.shape and (a.any() or b.any())
            self.overlaps[key] = dice(a, b) if told else math.nan
        return self.overlaps[key]

    def lease(self, case: str, reader: str) -> Lease:
        """A case that a reader has or had open; 409 if it was never theirs."""
        lease = self.store.leases.get(case, reader)
        if lease is None:
            raise RefusedError(409, "not_yours", NOT_YOURS)
        return lease

    def next_for(self, reader: str) -> Lease | None:
        """The case that a reader has open, or the next one for them; None if there is none."""
        return self.store.leases.claim(
            reader,
            lambda taken: choose(self.store.live(), reader, taken),
            self.live().live.lease_seconds,
        )

    def ahead_of(self, lease: Lease) -> SampleId | None:
        """The case that will probably follow a reader's open one."""
        live = self.live()
        held = self.store.leases.all(live.live.lease_seconds)
        others = (one for one in held if one.reader != lease.reader and not one.answered)
        chosen = choose_ahead(live, lease, frozenset(one.sample for one in others))
        return None if chosen is None else chosen[0]

    def put_aside(self, lease: Lease) -> None:
        """Leave an image out that cannot be shown, so that the queue goes on.

        Raises:
            RefusedError: if no other image can be read either: then a disk is away, and no image
                is bad.
        """
        if not self.images.any_reads(lease.sample):
            raise RefusedError(503, "away", AWAY)
        if lease.sample not in self.live().quarantined:
            self.store.append([quarantined(lease.sample, UNSHOWABLE)])
        self.store.leases.release(lease.id, lease.reader)


@dataclass(frozen=True, slots=True)
class Who:
    """Who is asking, with the token that says so."""

    account: Account
    token: str

    @property
    def name(self) -> str:
        """The account's name."""
        return self.account.name


def open_desk(store: ProjectStore, secure: bool = False, cache: Path | None = None) -> Desk:
    """The desk of an open project; its images are looked at once, and what is found is kept.

    Args:
        secure: whether browsers come over TLS, so that cookies may be kept to it.
        cache: as for `load_pool`.
    Raises:
        DataError: if no image of the project can be read.
    """
    live = store.live()
    created = live.created
    spec = parse_spec(created["spec"])
    data = spec.data.model_copy(update={"source": source_of(store.folder, created)})

    def load() -> Collection:
        return load_project(data, store.folder, parts=store.live().parts, cache=cache)

    images = ImageSource(load(), again=load, samples=len(live.parts))
    return Desk(store, images, store.folder.resolve().name, secure)


def desk_of(request: Request) -> Desk:
    """The desk of the application."""
    desk: Desk = request.app.state.desk
    return desk


AtDesk = Annotated[Desk, Depends(desk_of)]


def who(request: Request, desk: AtDesk) -> Who:
    """Whoever is logged in; 401 without a session, 403 for a change without its word."""
    told = request.headers.get("authorization", "")
    # Any other kind is between the browser and a proxy.
    bearer = told.removeprefix("Bearer ") if told.startswith("Bearer ") else ""
    token = bearer or request.cookies.get(COOKIE, "")
    account = desk.store.tokens.holder(token) if token else None
    if account is None:
        raise RefusedError(401, *WORDS[401])
    changes = request.method not in SAFE
    if changes and not bearer and not csrf_fits(request.headers.get(CSRF_HEADER, ""), token):
        raise RefusedError(403, "csrf", "The page's word is missing; load the page again.")
    return Who(account, token)


def at_least(role: Role) -> Callable[[Who], Who]:
    """A dependency that lets a role and those above it pass."""

    def allowed(asking: Annotated[Who, Depends(who)]) -> Who:
        if RANK[asking.account.role] < RANK[role]:
            raise RefusedError(403, "forbidden", "Your role does not allow this.")
        return asking

    return allowed


Reader = Annotated[Who, Depends(who)]
Lead = Annotated[Who, Depends(at_least("lead"))]
Admin = Annotated[Who, Depends(at_least("admin"))]
