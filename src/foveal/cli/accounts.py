"""`foveal accounts`: who may read, settle disputes, and keep a project."""

from collections.abc import Iterable
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.table import Table

from foveal.cli.project_option import Database
from foveal.core.access import INVITATION_SECONDS, Role

if TYPE_CHECKING:
    from foveal.store.accounts import Account
    from foveal.store.project import ProjectStore


class Doing(StrEnum):
    """What is done to accounts."""

    list = "list"
    add = "add"
    invite = "invite"
    password = "password"  # noqa: S105 - the name of an action
    role = "role"
    disable = "disable"
    enable = "enable"


def command(
    project: Annotated[Path, typer.Argument(metavar="PROJECT", help="made by foveal init")],
    doing: Annotated[Doing, typer.Argument(metavar="ACTION", help="what to do")] = Doing.list,
    name: Annotated[str, typer.Argument(metavar="NAME", help="of the account")] = "",
    role: Annotated[Role | None, typer.Option(help="for role, and for add: reader")] = None,
    with_password: Annotated[
        bool, typer.Option("--password", help="for add: ask for one instead of inviting")
    ] = False,
    database: Database = "",
) -> None:
    """List accounts, add one, invite, or change role and password.

    Readers read; leads see everybody's work, settle disputes and export; admins keep accounts. An
    invitation is a word that opens one session within a week: append it to the server's address as
    /#token=WORD.

    ACTION is list, add, invite, password, role, disable or enable.

    Examples:
      foveal accounts breast add dr.lee

      foveal accounts breast add chief --role admin --password
    """
    from foveal.store.project import ProjectStore

    console = Console()
    _check(doing, name, role, with_password)
    with ProjectStore.open(project, database) as store:
        if doing is Doing.list:
            console.print(_table(store.accounts.all()))
            return
        if doing is Doing.add:
            store.accounts.add(name, role or "reader", _asked() if with_password else "")
        else:
            _change(store, doing, name, role)
        if doing is Doing.invite or (doing is Doing.add and not with_password):
            word = store.tokens.give(name, INVITATION_SECONDS, "invitation")
            console.print(f"/#token={word}", markup=False, highlight=False, soft_wrap=True)
        else:
            console.print("Done.")


def _check(doing: Doing, name: str, role: Role | None, with_password: bool) -> None:
    """Raise `SpecError` unless an action has what it needs, and nothing that it would not heed."""
    from foveal.core.errors import SpecError

    if doing is not Doing.list and not name:
        raise SpecError(f"`{doing.value}` needs the NAME of an account")
    if doing is Doing.role and role is None:
        raise SpecError("`role` needs the role to give; add --role reader, lead or admin")
    if doing is Doing.list and name:
        raise SpecError(
            f"`list` has all accounts, but {name!r} alone was named; leave the name out, or say "
            "what to do with it"
        )
    if role is not None and doing not in (Doing.add, Doing.role):
        raise SpecError(
            f"--role is for the actions `add` and `role`, but the action is `{doing.value}`; leave "
            "it out, or change the role with `role NAME --role ROLE`"
        )
    if with_password and doing is not Doing.add:
        raise SpecError(
            f"--password is for the action `add`, but the action is `{doing.value}`; leave it out, "
            "or set a password with `password NAME`"
        )


def _table(accounts: Iterable["Account"]) -> Table:
    table = Table(box=None)
    for column in ("name", "role", "password", "enabled"):
        table.add_column(column)
    for one in accounts:
        has = "yes" if one.has_password else "by invitation"
        table.add_row(one.name, one.role, has, "yes" if one.enabled else "no")
    return table


def _change(store: "ProjectStore", doing: Doing, name: str, role: Role | None) -> None:
    """As the page's own route does: the last admin stays one, and who may not enter is out."""
    from foveal.core.errors import StoreError

    accounts = store.accounts
    accounts.known(name)
    less = doing is Doing.disable or (doing is Doing.role and role != "admin")
    if less and accounts.is_last_admin(name):
        raise StoreError(
            f"a project needs an admin who may enter, but {name!r} is the only one; make somebody "
            "else admin first"
        )
    if doing is Doing.password:
        accounts.set_password(name, _asked())
    if role is not None and doing is Doing.role:
        accounts.set_role(name, role)
    if doing in (Doing.disable, Doing.enable):
        accounts.enable(name, doing is Doing.enable)
    if doing in (Doing.password, Doing.disable):
        store.tokens.drop_all(name)


def _asked() -> str:
    answer: str = typer.prompt("Password", hide_input=True, confirmation_prompt=True)
    return answer
