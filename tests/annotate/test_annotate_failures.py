"""Failures: a full disk is told from all other trouble, however deep its word lies."""

import errno
import sqlite3

import pytest
import sqlalchemy
from annotate_toys import told

from foveal.annotate.failures import full_disk
from foveal.core.errors import StoreError


def caused(error):
    try:
        try:
            raise error
        except Exception as inner:
            raise StoreError("could not save an answer in journal 'project.sqlite'") from inner
    except StoreError as outer:
        return outer


@pytest.mark.parametrize(
    ("error", "full"),
    [
        (OSError(errno.ENOSPC, "No space left on device"), True),
        (OSError(errno.EDQUOT, "Disk quota exceeded"), True),
        (sqlite3.OperationalError("database or disk is full"), True),
        (OSError(errno.EIO, "Input/output error"), False),
        (sqlite3.OperationalError("database is locked"), False),
    ],
)
def test_a_full_disk_is_known_by_what_caused_it(error, full):
    assert full_disk(caused(error)) == full
    assert full_disk(error) == full
    assert not full_disk(None)


def test_a_database_that_is_full_loses_nothing(site):
    case = site.next()["case"]
    sqlalchemy.event.listen(site.store.database.reader, "begin", small)
    kept = 0
    while (answer := save(site, case, kept)).status_code == 200:
        kept += 1
    assert told(answer, 507)["error"]["code"] == "full"
    assert len(site.live().history) == kept
    sqlalchemy.event.remove(site.store.database.reader, "begin", small)
    sqlalchemy.event.listen(site.store.database.reader, "begin", large)
    assert told(save(site, case, kept))["duplicate"] is False
    assert site.store.verify() == ()


def small(connection):
    pages = connection.exec_driver_sql("PRAGMA page_count").scalar()
    connection.exec_driver_sql(f"PRAGMA max_page_count={pages}")


def large(connection):
    connection.exec_driver_sql("PRAGMA max_page_count=1000000")


def save(site, case, number):
    return site.browser("ann").post(
        f"/api/v1/cases/{case}/answer",
        json={"verdict": "unsure", "seconds": 1.0},
        headers={"Idempotency-Key": f"key-{number:08}"},
    )
