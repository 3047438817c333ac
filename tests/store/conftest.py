"""A database server for the tests of this room, where the system has one."""

import os
import pwd
import shutil
import socket
import subprocess
import tempfile
from pathlib import Path

import pytest
import sqlalchemy


@pytest.fixture(scope="session")
def server():
    """The URL of an empty PostgreSQL: the one FOVEAL_TEST_DATABASE names, or one started here."""
    named = os.environ.get("FOVEAL_TEST_DATABASE", "")
    if named:
        yield named
        return
    programs = _programs()
    # Not in pytest's own folder, which other users cannot enter.
    with tempfile.TemporaryDirectory(prefix="foveal-server-") as folder:
        yield from _running(programs, Path(folder))


@pytest.fixture
def empty(server):
    """The URL of a server whose database holds nothing of Foveal."""
    engine = sqlalchemy.create_engine(server)
    with engine.begin() as connection:
        tables = sqlalchemy.inspect(connection).get_table_names()
        for table in tables:
            connection.exec_driver_sql(f'DROP TABLE "{table}" CASCADE')
    engine.dispose()
    return server


def _programs():
    pytest.importorskip("psycopg", reason="psycopg is not installed")
    found = shutil.which("initdb")
    folders = [Path(found).parent] if found else []
    folders += sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    for folder in folders:
        if (folder / "initdb").exists():
            return folder
    pytest.skip("PostgreSQL is not installed")


def _running(programs, folder):
    run = _ordinary_user(folder)
    data, port = folder / "data", _free_port()
    run([programs / "initdb", "-D", data, "-A", "trust", "-U", "foveal", "-E", "UTF8", "-N"])
    options = f"-p {port} -h 127.0.0.1 -k '' -c fsync=off"
    control = [programs / "pg_ctl", "-D", data, "-w", "-l", folder / "log"]
    run([*control, "-o", options, "start"])
    try:
        yield f"postgresql+psycopg://foveal@127.0.0.1:{port}/postgres"
    finally:
        run([*control, "-m", "immediate", "stop"])


def _ordinary_user(folder):
    """PostgreSQL refuses to run as root; then it runs as the user its package has made."""
    more = {}
    if os.getuid() == 0:
        try:
            user = pwd.getpwnam("postgres")
        except KeyError:
            pytest.skip("PostgreSQL does not run as root, and there is no user postgres")
        os.chown(folder, user.pw_uid, user.pw_gid)
        more = {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}

    def run(command):
        subprocess.run(command, check=True, cwd=folder, stdout=subprocess.DEVNULL, **more)

    return run


def _free_port():
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        return listening.getsockname()[1]
