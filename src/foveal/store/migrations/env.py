"""Runs migrations over the connection that `foveal.store.migrate` hands in."""

from alembic import context

from foveal.store.migrate import VERSION_TABLE

# The caller's transaction holds all steps: a migration is done as a whole or not at all.
context.configure(
    connection=context.config.attributes["connection"],
    version_table=VERSION_TABLE,
    transactional_ddl=False,
)
context.run_migrations()
