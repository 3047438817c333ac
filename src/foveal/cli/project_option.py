"""Options that commands on projects share."""

from typing import Annotated

import typer

Database = Annotated[
    str,
    typer.Option(
        metavar="URL",
        envvar="FOVEAL_DATABASE",
        help="of the project's PostgreSQL; not needed where it is a file",
    ),
]
