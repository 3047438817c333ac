"""`foveal strategies`: what exists, what it needs, its parameters and source."""

import inspect
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

ROOM_FOR_ALL = 120  # columns of a terminal below which tasks and source are left to NAME


def command(
    name: Annotated[
        str, typer.Argument(help="show one strategy in full, or an expression of several")
    ] = "",
    write: Annotated[
        Path | None, typer.Option(metavar="DIR", help="write a page for each strategy")
    ] = None,
) -> None:
    """List the query strategies, or show one in full.

    Strategies can be combined by name: `0.7*entropy + 0.3*misalignment`, `rank(entropy +
    misalignment)`, `power(bald)`, `stochastic(entropy)`, `badge(eg_al)`.

    Examples:
      foveal strategies

      foveal strategies eg_al

      foveal strategies "badge(eg_al)"

      foveal strategies --write docs/strategies
    """
    from foveal.acquire import get
    from foveal.cli.strategy_pages import honesty, needs_of, write_pages

    console = Console()
    if write is not None:
        console.print(f"{write_pages(write)} pages in {write}", highlight=False, markup=False)
        return
    if not name:
        console.print(_table(console.width))
        console.print(
            "Needs in brackets are used where they are there. All strategies are honest: those "
            "that read misalignment too, unless `regions.source` is oracle. What is listed as "
            "released repeats published code with its flaws, to reproduce it and for nothing else. "
            "`foveal strategies NAME` shows formula, settings and source.",
            highlight=False,
        )
        return
    plan = get(name)
    console.print(f"[bold]{plan.name}[/] ({plan.kind})")
    console.print(inspect.getdoc(plan.fn) or "", markup=False, highlight=False)
    facts = {"reads": needs_of(plan), "tasks": ", ".join(plan.tasks), "honesty": honesty(plan)}
    for fact, value in facts.items():
        console.print(f"  {fact}: {value}", markup=False, highlight=False)
    for setting, default in plan.settings.items():
        console.print(f"  {setting} = {default!r}", markup=False, highlight=False)


def _table(width: int) -> Table:
    from foveal.cli.strategy_pages import families, needs_of

    columns = ["name", "what it is", "needs", "tasks", "source"]
    shown = columns if width >= ROOM_FOR_ALL else columns[:3]
    table = Table(title="Query strategies")
    for column in shown:
        table.add_column(column, no_wrap=column == "name")
    for title, plans in families().items():
        table.add_section()
        table.add_row(Text(title, style="bold"))
        for plan in plans:
            both = "both" if len(plan.tasks) > 1 else plan.tasks[0]
            cells = (plan.name, plan.summary, needs_of(plan), both, plan.source)
            table.add_row(*(Text(cell) for cell in cells[: len(shown)]))
    return table
