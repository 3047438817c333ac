"""Desk: what every route works with; the open project, its images, and who is asking."""

import hashlib
import hmac
import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Annotated

from fastapi import Depends, Request

from foveal.annotate.failures import RefusedError
from foveal.annotate.images import ImageSource
from foveal.annotate.security import COOKIE, CSRF_HEADER, SAFE, csrf_fits
from foveal.core.spec import ExperimentSpec
from foveal.store.accounts import Account, Role
from foveal.store.leases import Lease
from foveal.store.live import LiveState, quarantined
from foveal.store.project import ProjectStore

SESSION_SECONDS = 12 * 3600.0  # a working day
RANK: dict[Role, int] = {"reader": 0, "lead": 1, "admin": 2}


@dataclass(frozen=True, slots=True)
class Desk:
    """One project being served."""

    store: ProjectStore
    images: ImageSource
    spec: ExperimentSpec
    name: str
    secure: bool = False
    key: bytes = field(default_factory=lambda: secrets.token_bytes(32), repr=False)

    def live(self) -> LiveState:
        """The present of the project."""
        return self.store.live()

    def sign(self, text: str) -> str:
        """A word that only this server can make."""
        return hmac.new(self.key, text.encode(), hashlib.sha256).hexdigest()

    def lease(self, case: str, reader: str) -> Lease:
        """A case that a reader has open; 409 if it is theirs no more."""
        lease = self.store.leases.get(case, reader)
        if lease is None:
            raise RefusedError(
                409, "not_yours", "This case is no longer open for you; the next one is ready."
            )
        return lease

    def put_aside(self, lease: Lease, reason: str) -> None:
        """Leave an image out that cannot be shown, so that the queue goes on."""
        if lease.sample not in self.live().quarantined:
            self.store.append([quarantined(lease.sample, reason)])
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


def desk_of(request: Request) -> Desk:
    """The desk of the application."""
    desk: Desk = request.app.state.desk
    return desk


AtDesk = Annotated[Desk, Depends(desk_of)]


def who(request: Request, desk: AtDesk) -> Who:
    """Whoever is logged in; 401 without a session, 403 for a change without its word."""
    bearer = request.headers.get("authorization", "")
    if bearer.startswith("Bearer "):
        token = bearer.removeprefix("Bearer ")
    else:
        token = request.cookies.get(COOKIE, "")
        word = request.headers.get(CSRF_HEADER, "")
        if request.method not in SAFE and token and not csrf_fits(word, token, desk.sign):
            raise RefusedError(403, "csrf", "The page's word is missing; load the page again.")
    account = desk.store.tokens.holder(token) if token else None
    if account is None:
        raise RefusedError(401, "login", "Log in first; your session may have ended.")
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
