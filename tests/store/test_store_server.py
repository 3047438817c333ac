"""The same journal on a database server; see `conftest.py` for where it comes from."""

from concurrent.futures import ThreadPoolExecutor

import pytest
import sqlalchemy

from foveal.core.errors import SchemaError, StoreError
from foveal.store import Journal


@pytest.fixture
def engine(empty):
    engine = sqlalchemy.create_engine(empty)
    yield engine
    engine.dispose()


def test_what_is_appended_is_read_again(empty):
    with pytest.raises(StoreError, match="there is no journal"):
        Journal.open(empty, create=False)
    with Journal.open(empty) as journal:
        told = journal.append_many([("created", {"name": "Zürich\0"}), ("queried", {})])
    with Journal.open(empty, create=False) as journal:
        assert journal.events() == told


def test_one_run_at_a_time(empty):
    with Journal.open(empty), pytest.raises(StoreError, match="only one run at a time"):
        Journal.open(empty)
    Journal.open(empty).close()


def test_writers_at_once_build_one_chain(empty):
    def write(number):
        with Journal.open(empty, exclusive=False) as journal:
            for _ in range(20):
                journal.append("annotated", {"number": number})

    with Journal.open(empty) as journal, ThreadPoolExecutor(4) as crowd:
        list(crowd.map(write, range(4)))
        assert len(journal.events()) == 80


def test_an_altered_entry_is_named(empty, engine):
    with Journal.open(empty) as journal:
        journal.append_many([("created", {}), ("queried", {}), ("annotated", {})])
        with engine.begin() as connection:
            connection.exec_driver_sql("UPDATE foveal_events SET payload = '[]' WHERE seq = 1")
        with pytest.raises(SchemaError, match="entry 1 "):
            journal.events()
