"""Logging in and out."""

from typing import Any

from fastapi import APIRouter, Request, Response

from foveal.annotate.desk import SESSION_SECONDS, AtDesk, Desk, Reader
from foveal.annotate.failures import RefusedError
from foveal.annotate.routes.bodies import Login, NewPassword
from foveal.annotate.security import COOKIE, csrf_of
from foveal.store.accounts import LONGEST, SHORTEST, Account

router = APIRouter(tags=["login"])
WRONG = "Name or password are wrong, or too many tries were made; wait a minute."
USED = "This link has been used or has expired; ask for a new one."


@router.post("/login")
def login(body: Login, desk: AtDesk, request: Request, response: Response) -> dict[str, Any]:
    """A session as a cookie, or for programs as `token`; the browser's older one ends."""
    account = _entering(desk, body)
    if account is None:
        raise RefusedError(401, "wrong", USED if body.token else WRONG)
    token = desk.store.tokens.give(account.name, SESSION_SECONDS)
    if body.program:
        return _told(account, token) | {"token": token}
    if older := request.cookies.get(COOKIE, ""):
        desk.store.tokens.drop(older)
    response.set_cookie(
        COOKIE,
        token,
        max_age=int(SESSION_SECONDS),
        httponly=True,
        samesite="strict",
        secure=desk.secure,
        path="/",
    )
    return _told(account, token)


@router.post("/logout")
def logout(asking: Reader, desk: AtDesk, response: Response) -> dict[str, bool]:
    """End this session."""
    desk.store.tokens.drop(asking.token)
    response.delete_cookie(COOKIE, path="/", httponly=True, samesite="strict", secure=desk.secure)
    return {"done": True}


@router.get("/me")
def me(asking: Reader) -> dict[str, Any]:
    """Who is logged in, and the word for `X-Foveal-CSRF`."""
    return _told(asking.account, asking.token)


@router.post("/me/password")
def my_password(body: NewPassword, asking: Reader, desk: AtDesk) -> dict[str, bool]:
    """Another password of one's own; all other sessions end, and this one too."""
    check_password(body.new)
    if asking.account.has_password:
        with desk.gate.passing():
            right = desk.store.accounts.check(asking.name, body.old) is not None
        if not right:
            raise RefusedError(403, "wrong", "The old password is wrong.")
    desk.store.accounts.set_password(asking.name, body.new)
    desk.store.tokens.drop_all(asking.name)
    return {"done": True}


def check_password(password: str) -> None:
    """Raise `RefusedError` unless a new password is long enough."""
    if not SHORTEST <= len(password) <= LONGEST:
        raise RefusedError(
            422, "password", f"A password needs {SHORTEST} to {LONGEST} characters; a sentence."
        )


def _entering(desk: Desk, body: Login) -> Account | None:
    if body.token:
        return desk.store.tokens.redeem(body.token)
    with desk.gate.passing():
        return desk.store.accounts.check(body.name, body.password)


def _told(account: Account, token: str) -> dict[str, Any]:
    return {
        "reader": {
            "name": account.name,
            "role": account.role,
            "has_password": account.has_password,
        },
        "csrf": csrf_of(token),
    }
