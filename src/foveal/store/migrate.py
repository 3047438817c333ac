"""Migrations: a project's database is made, and brought up to date, step by step by Alembic."""

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, text

from foveal.core.errors import SchemaError

SCRIPTS = Path(__file__).parent / "migrations"
VERSION_TABLE = "foveal_schema"
ADVISORY_KEY = int.from_bytes(b"schema")


def version_of(connection: Connection) -> str | None:
    """The step a database is at; None before the first."""
    context = MigrationContext.configure(connection, opts={"version_table": VERSION_TABLE})
    return context.get_current_revision()


def newest() -> str:
    """The last step this version of Foveal knows."""
    head = ScriptDirectory.from_config(_config(None)).get_current_head()
    assert head is not None
    return head


def one_at_a_time(connection: Connection) -> None:
    """Wait for others who open the same database; on a file the write lock does this."""
    if connection.dialect.name == "postgresql":
        connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": ADVISORY_KEY})


def upgrade(connection: Connection, to: str = "head") -> None:
    """Bring a database to a step; what is in it is kept."""
    command.upgrade(_config(connection), to)


def downgrade(connection: Connection, to: str) -> None:
    """Bring a database back to a step; `base` leaves nothing."""
    command.downgrade(_config(connection), to)


def check_known(found: str | None, name: str) -> None:
    """Raise `SchemaError` if a database is at a step that this version does not know."""
    script = ScriptDirectory.from_config(_config(None))
    known = {step.revision for step in script.walk_revisions()}
    if found is not None and found not in known:
        raise SchemaError(
            f"the database {name!r} must be of a version that this Foveal knows, but was written "
            "by a newer one; update Foveal, or open a backup made before"
        )


def _config(connection: Connection | None) -> Config:
    config = Config()
    config.set_main_option("script_location", str(SCRIPTS).replace("%", "%%"))
    config.attributes["connection"] = connection
    return config
