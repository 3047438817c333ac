"""`foveal accounts`: who may read, settle disputes, and keep a project."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from foveal.cli.project_option import Database

INVITATION_SECONDS = 7 * 24 * 3600.0


class Doing(StrEnum):
    """What is done to accounts."""

    list = "list"
    add = "add"
    invite = "invite"
    password = "password"  # noqa: S105 - the name of an action
    role = "role"
    disable = "disable"
    enable = "enable"


class AccountRole(StrEnum):
    """What an account may do."""

    reader = "reader"
    lead = "lead"
    admin = "admin"


def command(
    project: Annotated[Path, typer.Argument(metavar="PROJECT", help="made by foveal init")],
    doing: Annotated[Doing, typer.Argument(metavar="ACTION", help="what to do")] = Doing.list,
    name: Annotated[str, typer.Argument(metavar="NAME", help="of the account")] = "",
    role: Annotated[AccountRole, typer.Option(help="for add and role")] = AccountRole.reader,
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
    from foveal.core.errors import SpecError
    from foveal.store.project import ProjectStore

    console = Console()
    if doing is not Doing.list and not name:
        raise SpecError(f"`{doing.value}` needs the NAME of an account")
    with ProjectStore.open(project, database) as store:
        accounts = store.accounts
        match doing:
            case Doing.list:
                table = Table(box=None)
                for column in ("name", "role", "password", "enabled"):
                    table.add_column(column)
                for one in accounts.all():
                    has = "yes" if one.has_password else "by invitation"
                    table.add_row(one.name, one.role, has, "yes" if one.enabled else "no")
                console.print(table)
                return
            case Doing.add:
                accounts.add(name, role.value, _asked() if with_password else "")
            case Doing.password:
                accounts.set_password(name, _asked())
                store.tokens.drop_all(name)
            case Doing.role:
                accounts.set_role(name, role.value)
            case Doing.disable | Doing.enable:
                accounts.enable(name, doing is Doing.enable)
            case Doing.invite:
                pass
        if doing is Doing.invite or (doing is Doing.add and not with_password):
            word = store.tokens.give(name, INVITATION_SECONDS, "invitation")
            console.print(f"/#token={word}", markup=False, highlight=False, soft_wrap=True)
        else:
            console.print("Done.")


def _asked() -> str:
    answer: str = typer.prompt("Password", hide_input=True, confirmation_prompt=True)
    return answer
