"""Tables of a project beside its journal: who may enter, who reads what, what is to be computed."""

from sqlalchemy import (
    Boolean,
    Column,
    Float,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
)

METADATA = MetaData()
NAME = String(40)
DIGEST = String(64)

ACCOUNTS = Table(
    "foveal_accounts",
    METADATA,
    Column("name", NAME, primary_key=True),
    Column("role", String(10), nullable=False),
    Column("password", String(200), nullable=False),
    Column("failures", Integer, nullable=False),
    Column("locked_until", Float, nullable=False),
    Column("enabled", Boolean, nullable=False),
)
# Sessions and one-time invitations; of a token only its keyed hash is kept.
TOKENS = Table(
    "foveal_tokens",
    METADATA,
    Column("hash", DIGEST, primary_key=True),
    Column("kind", String(10), nullable=False),
    Column("account", NAME, ForeignKey("foveal_accounts.name"), nullable=False),
    Column("expires", Float, nullable=False),
)
# One row a case that someone has open.
LEASES = Table(
    "foveal_leases",
    METADATA,
    Column("id", String(32), primary_key=True),
    Column("sample", String(64), nullable=False),
    Column("reader", NAME, nullable=False),
    Column("purpose", String(20), nullable=False),
    Column("began", Float, nullable=False),
    Column("expires", Float, nullable=False),
    Column("answered", Boolean, nullable=False),
    Index("foveal_leases_sample", "sample"),
    Index("foveal_leases_reader", "reader"),
)
# One row an acknowledged save, so that the same save twice is one.
SAVES = Table(
    "foveal_saves",
    METADATA,
    Column("key", String(64), primary_key=True),
    Column("content", DIGEST, nullable=False),
    Column("seq", Integer, nullable=False),
)
JOBS = Table(
    "foveal_jobs",
    METADATA,
    Column("id", Integer, primary_key=True),
    Column("kind", String(20), nullable=False),
    Column("status", String(10), nullable=False),
    Column("tries", Integer, nullable=False),
    Column("worker", String(40), nullable=False),
    Column("put_at", Float, nullable=False),
    Column("expires", Float, nullable=False),
    Column("progress", Text, nullable=False),
    Column("error", Text, nullable=False),
)
