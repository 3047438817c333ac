"""Migrations: up and down on both kinds of database, and they make what the code expects."""

import sqlite3
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
import sqlalchemy
from project_toys import answer, new_project

from foveal.core.errors import SchemaError, StoreError
from foveal.store import Journal
from foveal.store.engine import database
from foveal.store.journal import METADATA as OF_JOURNAL
from foveal.store.migrate import VERSION_TABLE, downgrade, newest, upgrade, version_of
from foveal.store.project import ProjectStore, _bring_up_to_date
from foveal.store.tables import METADATA

TABLES = {*OF_JOURNAL.tables, *METADATA.tables}


@pytest.fixture(params=["file", "server"])
def where(request, tmp_path):
    url = tmp_path / "p.sqlite" if request.param == "file" else request.getfixturevalue("empty")
    found = database(url)
    yield found
    found.reader.dispose()


def tables(where):
    with where.reader.begin() as connection:
        return set(sqlalchemy.inspect(connection).get_table_names())


def columns(connection, table):
    inspector = sqlalchemy.inspect(connection)
    found = {
        column["name"]: (str(column["type"]), column["nullable"])
        for column in inspector.get_columns(table)
    }
    indexes = {
        index["name"]: tuple(index["column_names"]) for index in inspector.get_indexes(table)
    }
    keys = [key["constrained_columns"] for key in inspector.get_foreign_keys(table)]
    return found, inspector.get_pk_constraint(table)["constrained_columns"], indexes, keys


def test_up_down_and_up_again(where):
    for _ in range(2):
        with where.writer.begin() as connection:
            assert version_of(connection) is None
            upgrade(connection)
            assert version_of(connection) == newest()
        assert tables(where) == TABLES | {VERSION_TABLE}
        with where.writer.begin() as connection:
            downgrade(connection, "base")
        assert tables(where) <= {VERSION_TABLE}


def test_the_steps_make_the_tables_that_the_code_knows(where):
    with where.writer.begin() as connection:
        upgrade(connection)
        made = {table: columns(connection, table) for table in TABLES}
        downgrade(connection, "base")
        for metadata in (OF_JOURNAL, METADATA):
            metadata.create_all(connection)
        assert made == {table: columns(connection, table) for table in TABLES}


def test_a_step_is_made_whole_or_not_at_all(where, monkeypatch):
    def made_then_killed(connection):
        upgrade(connection)
        raise KeyboardInterrupt

    monkeypatch.setattr("foveal.store.project.upgrade", made_then_killed)
    with pytest.raises(KeyboardInterrupt):
        _bring_up_to_date(where, "p", create=True)
    assert tables(where) == set()
    monkeypatch.undo()
    _bring_up_to_date(where, "p", create=True)
    assert tables(where) == TABLES | {VERSION_TABLE}


def test_several_may_open_a_database_at_once(where):
    ready = threading.Barrier(4)

    def opened(_):
        ready.wait()
        _bring_up_to_date(where, "p", create=False)

    with ThreadPoolExecutor(4) as crowd:
        list(crowd.map(opened, range(4)))
    with where.reader.begin() as connection:
        assert connection.exec_driver_sql("SELECT count(*) FROM foveal_head").scalar() == 1


def test_a_project_is_opened_again_with_all_it_holds(tmp_path):
    with new_project(tmp_path / "p") as store:
        store.save(answer(), b"r", None)
    with ProjectStore.open(tmp_path / "p") as store:
        assert store.save(answer(), b"r", None).duplicate
        assert len(store.live().history) == 1


def test_an_older_database_is_copied_before_it_is_brought_up_to_date(tmp_path, monkeypatch):
    with new_project(tmp_path / "p") as store:
        store.save(answer(), None, None)
        told = store.journal.events()
    monkeypatch.setattr("foveal.store.project.newest", lambda: "0002")
    monkeypatch.setattr("foveal.store.project.upgrade", lambda connection: None)
    with ProjectStore.open(tmp_path / "p") as store:
        store.save(answer("s1", key="key-0001"), None, None)
        store.backup(tmp_path / "b")
    copy = tmp_path / "p" / "project.sqlite.0001"
    with Journal.open(copy, create=False, exclusive=False) as journal:
        assert journal.events() == told
    assert not (tmp_path / "b" / copy.name).exists()
    monkeypatch.setattr("foveal.store.project.copy_database", out_of_space)
    with pytest.raises(StoreError, match="Nothing was changed"):
        ProjectStore.open(tmp_path / "p")


def out_of_space(*_):
    raise sqlite3.OperationalError("database or disk is full")


def test_a_database_of_a_newer_foveal_is_left_alone(tmp_path):
    new_project(tmp_path / "p").close()
    with sqlite3.connect(tmp_path / "p" / "project.sqlite") as connection:
        connection.execute(f"UPDATE {VERSION_TABLE} SET version_num = '9999'")
    connection.close()
    with pytest.raises(SchemaError, match="newer one; update Foveal"):
        ProjectStore.open(tmp_path / "p")


def test_a_broken_database_is_named(tmp_path):
    new_project(tmp_path / "p").close()
    (tmp_path / "p" / "project.sqlite").write_bytes(b"no database" * 1000)
    with pytest.raises(StoreError, match=r"project\.sqlite"):
        ProjectStore.open(tmp_path / "p")


def test_journals_of_simulations_know_nothing_of_migrations(tmp_path):
    path = tmp_path / "journal.sqlite"
    with Journal.open(path) as journal:
        journal.append("created", {})
    with Journal.open(path) as journal:
        assert len(journal.events()) == 1
    with sqlite3.connect(path) as connection:
        names = {row[0] for row in connection.execute("SELECT name FROM sqlite_master")}
    connection.close()
    assert VERSION_TABLE not in names
