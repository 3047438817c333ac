"""Accounts: who has access; for admins."""

from typing import Any

from fastapi import APIRouter, Request

from foveal.annotate.desk import Admin, AtDesk, Desk
from foveal.annotate.failures import RefusedError
from foveal.annotate.routes.bodies import Change, NewAccount
from foveal.annotate.routes.login import check_password
from foveal.core.access import INVITATION_SECONDS
from foveal.store.accounts import NAME, Account

router = APIRouter(tags=["accounts"])


@router.get("/accounts")
def accounts(asking: Admin, desk: AtDesk) -> list[dict[str, Any]]:
    """Everybody who has access."""
    return [_plain(one) for one in desk.store.accounts.all()]


@router.post("/accounts")
def add(body: NewAccount, asking: Admin, desk: AtDesk, request: Request) -> dict[str, Any]:
    """A new account, and a link that lets its owner in once."""
    if not NAME.fullmatch(body.name):
        raise RefusedError(
            422, "name", "A name is 1 to 40 letters, digits, dots, hyphens or underscores."
        )
    if body.password:
        check_password(body.password)
    if desk.store.accounts.get(body.name) is not None:
        raise RefusedError(409, "taken", "There is an account of that name; choose another one.")
    account = desk.store.accounts.add(body.name, body.role, body.password)
    return _plain(account) | {"link": _link(desk, request, account.name)}


@router.post("/accounts/{name}/invitation")
def invite(name: str, asking: Admin, desk: AtDesk, request: Request) -> dict[str, str]:
    """A new link for someone who has an account."""
    return {"link": _link(desk, request, _known(desk, name).name)}


@router.patch("/accounts/{name}")
def change(name: str, body: Change, asking: Admin, desk: AtDesk) -> dict[str, bool]:
    """Another role or password, or no access any more; the last admin stays one."""
    _known(desk, name)
    if body.password is not None:
        check_password(body.password)
    less = body.role not in (None, "admin") or body.enabled is False
    if less and desk.store.accounts.is_last_admin(name):
        raise RefusedError(409, "last_admin", "Someone must be admin; name another one first.")
    kept = desk.store.accounts
    if body.role is not None:
        kept.set_role(name, body.role)
    if body.password is not None:
        kept.set_password(name, body.password)
    if body.enabled is not None:
        kept.enable(name, body.enabled)
    if body.password is not None or body.enabled is False:
        desk.store.tokens.drop_all(name)
    return {"done": True}


def _known(desk: Desk, name: str) -> Account:
    account = desk.store.accounts.get(name) if NAME.fullmatch(name) else None
    if account is None:
        raise RefusedError(404, "unknown", "There is no account of that name.")
    return account


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
