"""The journal and the tables of a project.

Written out rather than taken from `tables.py`: a step never changes, the tables do.
"""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

NAME = sa.String(40)
DIGEST = sa.String(64)
TABLES = ("jobs", "saves", "leases", "tokens", "accounts", "head", "events")


def upgrade() -> None:
    """From nothing."""
    op.create_table(
        "foveal_events",
        sa.Column("seq", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("kind", NAME, nullable=False),
        sa.Column("payload", sa.Text, nullable=False),
        sa.Column("previous", DIGEST, nullable=False),
        sa.Column("hash", DIGEST, nullable=False),
    )
    op.create_table(
        "foveal_head",
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("length", sa.Integer, nullable=False),
        sa.Column("hash", DIGEST, nullable=False),
    )
    op.create_table(
        "foveal_accounts",
        sa.Column("name", NAME, primary_key=True),
        sa.Column("role", sa.String(10), nullable=False),
        sa.Column("password", sa.String(200), nullable=False),
        sa.Column("failures", sa.Integer, nullable=False),
        sa.Column("locked_until", sa.Float, nullable=False),
        sa.Column("enabled", sa.Boolean, nullable=False),
    )
    op.create_table(
        "foveal_tokens",
        sa.Column("hash", DIGEST, primary_key=True),
        sa.Column("kind", sa.String(10), nullable=False),
        sa.Column("account", NAME, sa.ForeignKey("foveal_accounts.name"), nullable=False),
        sa.Column("expires", sa.Float, nullable=False),
    )
    op.create_table(
        "foveal_leases",
        sa.Column("id", sa.String(32), primary_key=True),
        sa.Column("sample", DIGEST, nullable=False),
        sa.Column("reader", NAME, nullable=False),
        sa.Column("purpose", sa.String(20), nullable=False),
        sa.Column("began", sa.Float, nullable=False),
        sa.Column("expires", sa.Float, nullable=False),
        sa.Column("answered", sa.Boolean, nullable=False),
        sa.Index("foveal_leases_sample", "sample"),
        sa.Index("foveal_leases_reader", "reader"),
    )
    op.create_table(
        "foveal_saves",
        sa.Column("key", DIGEST, primary_key=True),
        sa.Column("content", DIGEST, nullable=False),
        sa.Column("seq", sa.Integer, nullable=False),
    )
    op.create_table(
        "foveal_jobs",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("kind", sa.String(20), nullable=False),
        sa.Column("status", sa.String(10), nullable=False),
        sa.Column("tries", sa.Integer, nullable=False),
        sa.Column("worker", NAME, nullable=False),
        sa.Column("put_at", sa.Float, nullable=False),
        sa.Column("expires", sa.Float, nullable=False),
        sa.Column("progress", sa.Text, nullable=False),
        sa.Column("error", sa.Text, nullable=False),
    )


def downgrade() -> None:
    """To nothing."""
    for table in TABLES:
        op.drop_table(f"foveal_{table}")
