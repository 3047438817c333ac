"""Laws of the journal: the acknowledged is there, the altered is seen, and one run owns it."""

import os
import random
import sqlite3
import subprocess
import sys

import pytest

from foveal.core.errors import SchemaError, StoreError
from foveal.store import Journal, canonical_json, chain_hash

NAME = "journal.sqlite"


def entry(number):
    return {"number": number, "text": "abc" * (number % 7)}


@pytest.fixture
def path(tmp_path):
    return tmp_path / NAME


@pytest.fixture
def written(path):
    """A closed journal of eight entries."""
    with Journal.open(path) as journal:
        journal.append_many(("annotated", entry(n)) for n in range(8))
    return path


def sql(path, statement, *values):
    with sqlite3.connect(path) as connection:
        connection.execute(statement, values)
    connection.close()


def read(path):
    with Journal.open(path, create=False, exclusive=False) as journal:
        return journal.events()


def test_what_is_appended_is_read_again(path):
    with Journal.open(path) as journal:
        told = [journal.append("annotated", entry(n)) for n in range(3)]
        told += journal.append_many([("trained", entry(9)), ("queried", {})])
        assert journal.append_many([]) == ()
        assert list(journal.events()) == told
    with Journal.open(f"sqlite:///{path}") as journal:
        journal.verify()
        assert list(journal.events()) == told
        assert journal.append("annotated", {}).previous == told[-1].hash


def test_it_is_one_file_when_closed(written):
    assert {p.name for p in written.parent.iterdir()} == {NAME, NAME + ".lock"}


def test_it_is_set_up_to_be_durable(written):
    with Journal.open(written) as journal, journal._database.reader.connect() as connection:
        pragmas = ("journal_mode", "synchronous", "foreign_keys", "busy_timeout")
        found = [connection.exec_driver_sql(f"PRAGMA {p}").scalar() for p in pragmas]
    assert found == ["wal", 2, 1, 30_000]


def test_several_entries_are_all_or_none(written):
    before = read(written)
    with Journal.open(written) as journal:
        with pytest.raises(SchemaError, match="plain JSON"):
            journal.append_many([("annotated", {}), ("trained", {"loss": float("nan")})])
        assert journal.events() == before


def test_writers_who_share_a_journal_build_one_chain(path):
    with (
        Journal.open(path) as run,
        Journal.open(path, create=False, exclusive=False) as annotator,
    ):
        for number in range(10):
            (run, annotator)[number % 2].append("annotated", entry(number))
        assert run.events() == annotator.events()
        assert [e.payload["number"] for e in run.events()] == list(range(10))


def test_one_run_at_a_time(path):
    with Journal.open(path), pytest.raises(StoreError, match="only one run at a time"):
        Journal.open(path)
    Journal.open(path).close()


def test_a_closed_journal_says_so(path):
    journal = Journal.open(path)
    journal.close()
    journal.close()
    with pytest.raises(StoreError, match="it is closed"):
        journal.append("annotated", {})
    with pytest.raises(StoreError, match="it is closed"):
        journal.events()


@pytest.mark.parametrize("column", ["seq", "kind", "payload", "previous", "hash"])
@pytest.mark.parametrize("victim", [0, 3, 7])
def test_an_altered_field_is_named(written, column, victim):
    value = 99 if column == "seq" else "0" * 64
    sql(written, f"UPDATE foveal_events SET {column} = ? WHERE seq = ?", value, victim)
    with pytest.raises(SchemaError, match=f"entry {victim} "):
        read(written)


@pytest.mark.parametrize("victim", [0, 3, 7])
def test_a_deleted_entry_is_seen(written, victim):
    sql(written, "DELETE FROM foveal_events WHERE seq = ?", victim)
    finding = "its head tells of 8 entries and there are 7" if victim == 7 else f"entry {victim} is"
    with pytest.raises(SchemaError, match=finding):
        read(written)


@pytest.mark.parametrize(
    "damage",
    [
        "DELETE FROM foveal_events WHERE seq = 7",
        "DELETE FROM foveal_events",
        "UPDATE foveal_events SET payload = '{}' WHERE seq = 7",
        "UPDATE foveal_events SET payload = CAST(payload AS BLOB) WHERE seq = 7",
        "UPDATE foveal_events SET payload = CAST(X'FFFE80' AS TEXT) WHERE seq = 7",
        "UPDATE foveal_events SET payload = substr(payload, 1, 9) WHERE seq = 7",
        "INSERT INTO foveal_events VALUES (8, 'annotated', '{}', 'x', 'y')",
        "UPDATE foveal_head SET length = 7",
        "UPDATE foveal_head SET hash = ''",
    ],
)
def test_a_torn_end_is_seen_and_nothing_is_built_on_it(written, damage):
    sql(written, damage)
    with Journal.open(written) as journal:
        for verb in (journal.events, journal.verify, lambda: journal.append("annotated", {})):
            with pytest.raises(SchemaError):
                verb()


def test_an_entry_slipped_in_with_a_right_hash_is_seen(written):
    last, text = read(written)[-1], canonical_json({})
    forged = chain_hash(last.hash, 8, "annotated", text)
    values = (8, "annotated", text, last.hash, forged)
    sql(written, "INSERT INTO foveal_events VALUES (?, ?, ?, ?, ?)", *values)
    with pytest.raises(SchemaError, match="its head tells of 8 entries and there are 9"):
        read(written)


@pytest.mark.parametrize("version", [0, 2, "one"])
def test_another_version_is_refused(written, version):
    sql(written, "UPDATE foveal_head SET version = ?", version)
    with pytest.raises(SchemaError, match=f"must be of version 1, but is of version {version}"):
        Journal.open(written)


def test_any_flipped_byte_is_harmless_or_reported(written):
    before, whole, rng = read(written), written.read_bytes(), random.Random(1)
    outcomes = {"harmless": 0, "reported": 0}
    for number in range(300):
        damaged = bytearray(whole)
        damaged[rng.randrange(len(whole) if number % 2 else 200)] ^= rng.randrange(1, 256)
        written.write_bytes(damaged)
        try:
            assert read(written) == before
            outcomes["harmless"] += 1
        except StoreError:
            outcomes["reported"] += 1
    assert min(outcomes.values()) > 20


@pytest.mark.parametrize("share", [0.1, 0.5, 0.9])
def test_a_file_cut_short_is_reported(written, share):
    whole = written.read_bytes()
    written.write_bytes(whole[: int(len(whole) * share)])
    with pytest.raises(SchemaError, match=r"must (be a whole|hold every)"):
        read(written)


def test_a_file_that_is_no_database_is_left_alone(path):
    path.write_text("image,label\n" * 500)
    with pytest.raises(SchemaError, match="not a database"):
        Journal.open(path)
    assert path.read_text() == "image,label\n" * 500
    assert list(path.parent.iterdir()) == [path]


def test_a_database_of_another_program_is_left_alone(path):
    sql(path, "CREATE TABLE patients (name TEXT)")
    before = path.read_bytes()
    with pytest.raises(SchemaError, match="another program"):
        Journal.open(path)
    assert path.read_bytes() == before
    assert list(path.parent.iterdir()) == [path]


@pytest.mark.parametrize("damage", ["DROP TABLE foveal_head", "DELETE FROM foveal_head"])
def test_half_a_schema_is_reported(written, damage):
    sql(written, damage)
    with pytest.raises(SchemaError):
        Journal.open(written)


def test_a_head_lost_meanwhile_is_reported(written):
    with Journal.open(written) as journal:
        sql(written, "UPDATE foveal_head SET id = 1")
        with pytest.raises(SchemaError, match="its head is missing"):
            journal.append("annotated", {})


def test_a_lock_that_cannot_be_made_is_named(written):
    lock = written.with_name(NAME + ".lock")
    lock.unlink()
    lock.mkdir()
    with pytest.raises(StoreError, match="could not make the lock file"):
        Journal.open(written)
    lock.rmdir()
    lock.write_text("no lock of ours " * 100)
    with pytest.raises(StoreError, match="could not make the lock file"):
        Journal.open(written)


def test_an_empty_file_is_a_journal_about_to_be(path):
    path.touch()
    with pytest.raises(StoreError, match="there is no journal"):
        Journal.open(path, create=False)
    with Journal.open(path) as journal:
        assert journal.events() == ()


def test_nothing_is_made_unless_asked(path):
    with pytest.raises(StoreError, match="there is no journal"):
        Journal.open(path.parent / "none" / NAME, create=False)
    assert list(path.parent.iterdir()) == []


@pytest.mark.parametrize("exclusive", [True, False])
def test_places_that_cannot_be_written_are_named(path, exclusive):
    path.touch()
    with pytest.raises(StoreError, match="could not make the folder"):
        Journal.open(path / "below" / NAME, exclusive=exclusive)
    with pytest.raises(StoreError, match="could not"):
        Journal.open(path.parent, exclusive=exclusive)


def test_an_archive_that_cannot_be_written_is_still_read(written, monkeypatch):
    before, whole = read(written), written.read_bytes()
    monkeypatch.setattr(os, "access", lambda *_: False)
    with Journal.open(written, create=False, exclusive=False) as journal:
        assert journal.events() == before
        with pytest.raises(StoreError, match="could not append"):
            journal.append("annotated", {})
    assert written.read_bytes() == whole


@pytest.mark.parametrize(
    ("url", "finding"),
    [
        ("://user:secret@host/name", "cannot be read as a URL"),
        ("nosuchbase://user:secret@host/name", "Python driver"),
        ("sqlite://", "names no file"),
    ],
)
def test_a_url_that_leads_nowhere_is_refused_without_its_password(url, finding):
    with pytest.raises(StoreError, match=finding) as caught:
        Journal.open(url)
    assert "secret" not in str(caught.value)


FILL = """
import resource, sys
from foveal.core.errors import StoreError
from foveal.store import Journal
with Journal.open(sys.argv[1]) as journal:
    journal.append("created", {})
    resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, 200_000))
    try:
        while True:
            print(journal.append("annotated", {"text": "x" * 3000}).seq, flush=True)
    except StoreError as error:
        print(error)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="limits of file sizes are POSIX")
def test_a_full_disk_loses_nothing(path):
    done = subprocess.run(
        [sys.executable, "-c", FILL, path], capture_output=True, text=True, check=True
    )
    *acknowledged, message = done.stdout.splitlines()
    assert message.startswith("could not append to journal")
    assert "free space" in message
    events = read(path)
    assert [e.seq for e in events] == [0, *map(int, acknowledged)]
    with Journal.open(path) as journal:
        assert journal.append("annotated", {}).seq == len(events)
