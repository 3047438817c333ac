"""`foveal strategies`: what exists, what it needs, its parameters and source."""

import inspect
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text


def command(
    name: Annotated[str, typer.Argument(help="show one strategy in full")] = "",
) -> None:
    """List the query strategies, or show one in full.

    Examples:
      foveal strategies

      foveal strategies eg_al
    """
    from foveal import acquire

    console = Console()
    if name:
        plan = acquire.get(name)
        console.print(f"[bold]{plan.name}[/] ({plan.kind})")
        console.print(inspect.getdoc(plan.fn) or "", markup=False, highlight=False)
        for setting, default in plan.settings.items():
            console.print(f"  {setting} = {default!r}", markup=False, highlight=False)
        return
    table = Table("name", "needs", "parameters", "what it is", title="Query strategies")
    for each in acquire.names():
        plan = acquire.get(each)
        needs = ", ".join([*plan.needs, *(f"({o})" for o in plan.optional)]) or "-"
        table.add_row(each, needs, ", ".join(plan.settings) or "-", Text(plan.summary))
    console.print(table)
    console.print("Needs in brackets are used where they are there.", highlight=False)
