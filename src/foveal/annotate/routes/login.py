"""Logging in and out, and accounts."""

from typing import Any, Literal

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from foveal.annotate.desk import SESSION_SECONDS, Admin, AtDesk, Desk, Reader
from foveal.annotate.failures import RefusedError
from foveal.annotate.security import COOKIE, csrf_of
from foveal.store.accounts import Account, Role

router = APIRouter(tags=["accounts"])
INVITATION_SECONDS = 7 * 24 * 3600.0


class Strict(BaseModel):
    """A body without unknown keys."""

    model_config = ConfigDict(extra="forbid")


class Login(Strict):
    """Name and password, or the token of an invitation."""

    name: str = Field("", max_length=100)
    password: str = Field("", max_length=1000)
    token: str = Field("", max_length=200)
    program: bool = Field(False, description="answer the session's token too; pages must not")


class NewAccount(Strict):
    """Someone who shall have access; without a password an invitation is answered."""

    name: str = Field(max_length=100)
    role: Literal["reader", "lead", "admin"] = "reader"
    password: str = Field("", max_length=1000)


class Change(Strict):
    """What shall be different; None stays."""

    role: Literal["reader", "lead", "admin"] | None = None
    password: str | None = Field(None, max_length=1000)
    enabled: bool | None = None


@router.post("/login")
def login(body: Login, desk: AtDesk, response: Response) -> dict[str, Any]:
    """A session, as a cookie that no script of a page can read."""
    if body.token:
        account = desk.store.tokens.redeem(body.token)
    else:
        account = desk.store.accounts.check(body.name, body.password)
    if account is None:
        raise RefusedError(
            401,
            "wrong",
            "This link has been used or has expired; ask for a new one."
            if body.token
            else "Name or password are wrong, or too many tries were made; wait a minute.",
        )
    token = desk.store.tokens.give(account.name, SESSION_SECONDS)
    response.set_cookie(
        COOKIE,
        token,
        max_age=int(SESSION_SECONDS),
        httponly=True,
        samesite="strict",
        secure=desk.secure,
        path="/",
    )
    return _told(desk, account, token) | ({"token": token} if body.program else {})


@router.post("/logout")
def logout(asking: Reader, desk: AtDesk, response: Response) -> dict[str, bool]:
    """End this session."""
    desk.store.tokens.drop(asking.token)
    response.delete_cookie(COOKIE, path="/")
    return {"done": True}


@router.get("/me")
def me(asking: Reader, desk: AtDesk) -> dict[str, Any]:
    """Who is logged in."""
    return _told(desk, asking.account, asking.token)


@router.post("/me/password")
def my_password(body: Change, asking: Reader, desk: AtDesk) -> dict[str, bool]:
    """Another password of one's own."""
    desk.store.accounts.set_password(asking.name, body.password or "")
    return {"done": True}


@router.get("/accounts")
def accounts(asking: Admin, desk: AtDesk) -> list[dict[str, Any]]:
    """Everybody who has access."""
    return [_plain(one) for one in desk.store.accounts.all()]


@router.post("/accounts")
def add(body: NewAccount, asking: Admin, desk: AtDesk, request: Request) -> dict[str, Any]:
    """A new account, and a link that lets its owner in once."""
    account = desk.store.accounts.add(body.name, body.role, body.password)
    return _plain(account) | {"link": _link(desk, request, account.name)}


@router.post("/accounts/{name}/invitation")
def invite(name: str, asking: Admin, desk: AtDesk, request: Request) -> dict[str, str]:
    """A new link for someone who has an account."""
    if desk.store.accounts.get(name) is None:
        raise RefusedError(404, "unknown", "There is no account of that name.")
    return {"link": _link(desk, request, name)}


@router.patch("/accounts/{name}")
def change(name: str, body: Change, asking: Admin, desk: AtDesk) -> dict[str, bool]:
    """Another role or password, or no access any more; the last admin stays one."""
    kept = desk.store.accounts
    if kept.get(name) is None:
        raise RefusedError(404, "unknown", "There is no account of that name.")
    if (body.role not in (None, "admin") or body.enabled is False) and _last_admin(desk, name):
        raise RefusedError(409, "last_admin", "Someone must be admin; name another one first.")
    if body.role is not None:
        role: Role = body.role
        kept.set_role(name, role)
    if body.password is not None:
        kept.set_password(name, body.password)
    if body.enabled is not None:
        kept.enable(name, body.enabled)
    if body.password is not None or body.enabled is False:
        desk.store.tokens.drop_all(name)
    return {"done": True}


def _told(desk: Desk, account: Account, token: str) -> dict[str, Any]:
    return {
        "reader": {"name": account.name, "role": account.role},
        "csrf": csrf_of(token, desk.sign),
    }


def _plain(account: Account) -> dict[str, Any]:
    return {
        "name": account.name,
        "role": account.role,
        "enabled": account.enabled,
        "has_password": account.has_password,
    }


def _link(desk: Desk, request: Request, name: str) -> str:
    # In the fragment, which browsers send to no server and write into no log.
    token = desk.store.tokens.give(name, INVITATION_SECONDS, "invitation")
    return f"{request.base_url}#token={token}"


def _last_admin(desk: Desk, name: str) -> bool:
    admins = [a.name for a in desk.store.accounts.all() if a.role == "admin" and a.enabled]
    return admins == [name]
