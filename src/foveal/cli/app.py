"""The application: commands put together, and errors told to people."""

import sys

import typer
from rich.console import Console
from rich.text import Text

from foveal.cli import (
    accounts,
    add,
    backup,
    bench,
    compare,
    deidentify,
    demo,
    export,
    import_,
    index,
    init,
    pairs,
    report,
    reproduce,
    run,
    select,
    serve,
    status,
    strategies,
    verify,
    worker,
)
from foveal.cli.interrupt import heard
from foveal.core.errors import FovealError

INTERRUPTED = 130  # how Typer ends after Ctrl-C
STOPPED = "Stopped. Nothing is lost: the same command goes on from here."

app = typer.Typer(
    name="foveal",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
    help="Active learning for medical imaging that looks where the expert looks.",
    epilog="Begin with: foveal demo",
)
COMMANDS = (
    demo,
    index,
    pairs,
    deidentify,
    select,
    run,
    compare,
    reproduce,
    report,
    strategies,
    bench,
    init,
    serve,
    add,
    status,
    accounts,
    export,
    import_,
    verify,
    backup,
    worker,
)
for module in COMMANDS:
    app.command(name=module.__name__.rsplit(".", 1)[-1].rstrip("_"))(module.command)


def main() -> None:
    """Run the command line; errors meant for people are printed as such, with exit status 2."""
    try:
        with heard():
            app()
    except FovealError as error:
        told = Text.assemble(("Error:", "bold red"), f" {error}")
        Console(stderr=True).print(told, soft_wrap=True)
        sys.exit(2)
    except SystemExit as end:
        if end.code == INTERRUPTED:
            Console(stderr=True).print(f"\n{STOPPED}")
        raise
