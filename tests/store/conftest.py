"""Projects in a file and, where the system has one, in a database server; and processes."""

import os
import pwd
import shutil
import socket
import subprocess
import tempfile
from pathlib import Path

import pytest
import sqlalchemy
from project_toys import Clock, new_project

from processes import nursery_of


@pytest.fixture
def clock():
    return Clock(1e6)


@pytest.fixture
def file_store(tmp_path, clock):
    """A project whose journal is a file."""
    with new_project(tmp_path / "p", clock=clock) as store:
        yield store


@pytest.fixture
def store(file_store):
    """What most tests work with; a module may have more in it."""
    return file_store


@pytest.fixture
def server_store(tmp_path, clock, empty):
    """A project whose journal is in a database server."""
    with new_project(tmp_path / "p", empty, clock) as store:
        yield store


@pytest.fixture(params=["file_store", "server_store"])
def any_store(request):
    return request.getfixturevalue(request.param)


@pytest.fixture(scope="session")
def nursery():
    return nursery_of("foveal.store.project")


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
