"""`foveal serve`: people read in the browser, and the model learns beside them."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from foveal.cli.project_option import Database

if TYPE_CHECKING:
    from foveal.store.project import ProjectStore

FIRST_ADMIN = "admin"
LOGIN_SECONDS = 3600.0


def command(
    project: Annotated[Path, typer.Argument(metavar="PROJECT", help="made by foveal init")],
    port: Annotated[int, typer.Option(min=0, max=65535, help="0: any free one")] = 8765,
    host: Annotated[
        str, typer.Option(help="where to listen; others than 127.0.0.1 need TLS and passwords")
    ] = "127.0.0.1",
    name: Annotated[
        list[str] | None, typer.Option(metavar="HOST", help="further names it is reached by")
    ] = None,
    certificate: Annotated[Path | None, typer.Option(metavar="PEM", help="for TLS")] = None,
    key: Annotated[Path | None, typer.Option(metavar="PEM", help="of the certificate")] = None,
    behind_proxy: Annotated[
        bool, typer.Option("--behind-proxy", help="a proxy before it adds TLS")
    ] = False,
    worker: Annotated[
        bool, typer.Option("--worker/--no-worker", help="train in a process beside the server")
    ] = True,
    database: Database = "",
) -> None:
    """Serve a project; prints one address with a login that holds once. Ctrl-C ends it.

    It listens on this machine only. Every answer is on the disk before the page says `saved`, and
    reading never waits for training.

    Examples:
      foveal serve breast

      foveal serve breast --host 0.0.0.0 --name reading.example.org --certificate c.pem --key k.pem
    """
    from foveal.annotate.desk import open_desk
    from foveal.annotate.serve import Listen, bound, check_certificate, check_safe, server
    from foveal.cli.supervisor import supervised
    from foveal.store.mounts import network_warning
    from foveal.store.project import ProjectStore

    console = Console()
    listen = Listen(host, port, tuple(name or ()), certificate, key, behind_proxy)
    check_certificate(listen)
    with ProjectStore.open(project, database) as store:
        check_safe(listen, store.accounts.all())
        desk = open_desk(store, listen.secure)
        admin = _admin(store)
        token = store.tokens.give(admin, LOGIN_SECONDS, "invitation")
        with bound(listen) as socket:
            scheme = "https" if certificate else "http"
            where = (
                f"{scheme}://{'localhost' if listen.loopback else host}:{socket.getsockname()[1]}"
            )
            console.print(
                f"{where}/#token={token}",
                markup=False,
                highlight=False,
                soft_wrap=True,
            )
            console.print(
                f"This login of {admin!r} holds once, within an hour. Others: foveal accounts "
                f"{project} add NAME. Ctrl-C ends the server; nothing is lost.",
                markup=False,
                highlight=False,
                soft_wrap=True,
            )
            if not database and (warning := network_warning(project)):
                console.print(warning, markup=False, highlight=False, soft_wrap=True)
            with supervised(project, database, worker):
                server(desk, listen).run(sockets=[socket])


def _admin(store: "ProjectStore") -> str:
    """The first admin who may enter; made where nobody has an account yet."""
    from foveal.core.errors import StoreError

    accounts = store.accounts.all()
    if not accounts:
        return store.accounts.add(FIRST_ADMIN, "admin").name
    for one in accounts:
        if one.role == "admin" and one.enabled:
            return one.name
    raise StoreError(
        "a project needs an admin who may enter, but has none; `foveal accounts PROJECT` lists "
        "everybody, and its actions `enable` and `role` make someone admin"
    )
