"""A killed process loses nothing it acknowledged and blocks nobody who comes after it."""

import random
import signal
import sqlite3
import sys
import threading

import pytest

from foveal.core.errors import StoreError
from foveal.store import Journal
from processes import last_words, started

KILLS = 30

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="SIGKILL is POSIX")


def write_for_ever(path, pipe):
    with Journal.open(path) as journal:
        while True:
            pipe.send(journal.append("annotated", {"text": "x" * 500}).seq)


def write_some(path, number, ready):
    ready.wait()
    with Journal.open(path, exclusive=False) as journal:
        for _ in range(number):
            journal.append("annotated", {})


def hold(path, pipe):
    with Journal.open(path):
        pipe.send("held")
        signal.pause()


def test_every_acknowledged_entry_survives_every_kill(tmp_path, nursery):
    path, rng, length = tmp_path / "journal.sqlite", random.Random(7), 0
    for kill in range(KILLS):
        process, pipe = started(nursery, write_for_ever, path)
        # By turns in mid-writing, after some entries, and at any time since the process began.
        seen = [pipe.recv() for _ in range(rng.randrange(1, 12))] if kill % 2 else []
        process.join(rng.uniform(0, 0.01 if kill % 2 else 0.2))
        seen.extend(last_words(process, pipe))
        assert seen == list(range(length, length + len(seen)))
        with Journal.open(path) as journal:  # owns it, so the lock of the dead is gone
            events = journal.events()
        # At most one entry was written whose acknowledgement did not come out in time.
        assert length + len(seen) <= len(events) <= length + len(seen) + 1
        length = len(events)


def test_ownership_ends_with_the_process(tmp_path, nursery):
    path = tmp_path / "journal.sqlite"
    process, pipe = started(nursery, hold, path)
    assert pipe.recv() == "held"
    with pytest.raises(StoreError, match="only one run at a time"):
        Journal.open(path)
    with Journal.open(path, create=False, exclusive=False) as annotator:
        annotator.append("annotated", {})
    assert last_words(process, pipe) == []
    with Journal.open(path) as journal:
        assert len(journal.events()) == 1


def test_processes_that_begin_at_once_build_one_chain(tmp_path, nursery):
    path, writers, number = tmp_path / "journal.sqlite", 3, 20
    ready = nursery.Barrier(writers)
    crowd = [nursery.Process(target=write_some, args=(path, number, ready)) for _ in range(writers)]
    for process in crowd:
        process.start()
    for process in crowd:
        process.join()
        assert process.exitcode == 0
    with Journal.open(path) as journal:
        assert len(journal.events()) == writers * number


def test_a_journal_opens_while_another_process_is_making_it(tmp_path):
    # SQLite refuses the switch to the write-ahead log at once, whatever the timeout says.
    path = tmp_path / "journal.sqlite"
    other = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    other.execute("BEGIN IMMEDIATE")
    timer = threading.Timer(0.2, other.rollback)
    timer.start()
    with Journal.open(path) as journal:
        journal.append("annotated", {})
        assert len(journal.events()) == 1
    timer.join()
    other.close()
