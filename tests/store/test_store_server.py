"""The same journal on a database server; runs where FOVEAL_TEST_DATABASE names an empty one."""

import os
from concurrent.futures import ThreadPoolExecutor

import pytest
import sqlalchemy

from foveal.core.errors import SchemaError, StoreError
from foveal.store import Journal

URL = os.environ.get("FOVEAL_TEST_DATABASE", "")

pytestmark = pytest.mark.skipif(not URL, reason="FOVEAL_TEST_DATABASE names no database")


@pytest.fixture
def engine():
    engine = sqlalchemy.create_engine(URL)
    with engine.begin() as connection:
        connection.exec_driver_sql("DROP TABLE IF EXISTS foveal_events, foveal_head")
    yield engine
    engine.dispose()


def test_what_is_appended_is_read_again(engine):
    with pytest.raises(StoreError, match="there is no journal"):
        Journal.open(URL, create=False)
    with Journal.open(URL) as journal:
        told = journal.append_many([("created", {"name": "Zürich\0"}), ("queried", {})])
    with Journal.open(URL, create=False) as journal:
        assert journal.events() == told


def test_one_run_at_a_time(engine):
    with Journal.open(URL), pytest.raises(StoreError, match="only one run at a time"):
        Journal.open(URL)
    Journal.open(URL).close()


def test_writers_at_once_build_one_chain(engine):
    def write(number):
        with Journal.open(URL, exclusive=False) as journal:
            for _ in range(20):
                journal.append("annotated", {"number": number})

    with Journal.open(URL) as journal, ThreadPoolExecutor(4) as crowd:
        list(crowd.map(write, range(4)))
        assert len(journal.events()) == 80


def test_an_altered_entry_is_named(engine):
    with Journal.open(URL) as journal:
        journal.append_many([("created", {}), ("queried", {}), ("annotated", {})])
        with engine.begin() as connection:
            connection.exec_driver_sql("UPDATE foveal_events SET payload = '[]' WHERE seq = 1")
        with pytest.raises(SchemaError, match="entry 1 "):
            journal.events()
