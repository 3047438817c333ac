"""Killed at any moment, a project has every answer it acknowledged, and none of them twice."""

import os
import random
import sys
from itertools import count

import pytest
from project_toys import answer, new_project
from sqlalchemy import event

from foveal.store.project import ProjectStore
from processes import last_words, started

KILLS = 20

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="SIGKILL is POSIX")


def told(number):
    return answer(f"s{number % 4}", f"r{number % 3}", key=f"key-{number:06}")


def save_for_ever(folder, first, pipe):
    with ProjectStore.open(folder) as store:
        for number in count(first):
            store.save(told(number), b"region %d" % number, b"shapes")
            pipe.send(number)


def save_these(folder, numbers, ready):
    ready.wait()
    with ProjectStore.open(folder) as store:
        for number in numbers:
            store.save(told(number), b"region %d" % number, b"shapes")


def test_every_acknowledged_answer_survives_every_kill_once(tmp_path, nursery):
    folder, rng, kept = tmp_path / "p", random.Random(5), 0
    new_project(folder).close()
    for kill in range(KILLS):
        # The page sends what was not acknowledged again, as this process does from `kept` on.
        process, pipe = started(nursery, save_for_ever, folder, kept)
        seen = [pipe.recv() for _ in range(rng.randrange(1, 8))] if kill % 2 else []
        process.join(rng.uniform(0, 0.01 if kill % 2 else 0.3))
        seen.extend(last_words(process, pipe))
        kept += len(seen)
        with ProjectStore.open(folder) as store:
            keys = [one.key for one in store.live().history]
            assert store.verify() == ()
        assert len(set(keys)) == len(keys)
        assert keys[:kept] == [told(number).key for number in range(kept)]
        assert len(keys) <= kept + 1


def die_at(folder, moment, pipe):
    """Save one answer, and die just before the database's step number `moment`."""
    left = count(moment, -1)

    def step(*_):
        if next(left) == 0:
            os._exit(9)

    with ProjectStore.open(folder) as store:
        for name in ("before_cursor_execute", "commit"):
            event.listen(store.database.writer, name, step)
        pipe.send(store.save(told(moment), b"region", b"shapes").seq)


def test_dying_before_any_step_of_a_save_keeps_nothing_and_spoils_nothing(tmp_path, nursery):
    with new_project(tmp_path / "p") as store:
        for moment in count():
            process, pipe = started(nursery, die_at, store.folder, moment)
            process.join()
            died = process.exitcode
            seen = last_words(process, pipe)
            again = store.save(told(moment), b"region", b"shapes")
            assert store.verify() == ()
            assert len(store.live().history) == moment + 1
            if seen:
                break
            assert died == 9
            assert not again.duplicate
        assert seen == [again.seq]
        assert again.duplicate
        assert moment > 5  # select, select, two inserts, an update, a commit


def test_processes_that_save_the_same_answers_keep_them_once(tmp_path, nursery):
    folder, writers, number = tmp_path / "p", 3, 12
    new_project(folder).close()
    ready = nursery.Barrier(writers)
    crowd = [
        nursery.Process(target=save_these, args=(folder, range(number), ready))
        for _ in range(writers)
    ]
    for process in crowd:
        process.start()
    for process in crowd:
        process.join()
        assert process.exitcode == 0
    with ProjectStore.open(folder) as store:
        assert {one.key for one in store.live().history} == {told(n).key for n in range(number)}
        assert len(store.live().history) == number
        assert store.verify() == ()
