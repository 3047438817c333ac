"""Laws of a project's store: what is acknowledged is there once, and no mistake spoils the rest."""

import json
import os
import sqlite3
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest
import sqlalchemy
from project_toys import Clock, answer, created, new_project

from foveal.core.errors import DataError, SchemaError, StoreError
from foveal.core.query import Query
from foveal.store import blobs as blobs_module
from foveal.store.journal import MovedError
from foveal.store.live import added, fold_live, quarantined, restored
from foveal.store.project import KeyReusedError, ProjectStore, Saved
from foveal.store.records import TrainedRound, queried, trained


def test_a_saved_answer_is_there_and_once(any_store):
    first = any_store.save(answer(), b"region", b"shapes")
    again = any_store.save(answer(), b"region", b"shapes")
    assert (first, again) == (Saved(2, duplicate=False), Saved(2, duplicate=True))
    (kept,) = any_store.live().history
    assert any_store.blobs.get(kept.region) == b"region"
    assert any_store.blobs.get(kept.shapes) == b"shapes"
    assert any_store.verify() == ()


def test_the_same_answer_may_come_later_and_be_asked_for_otherwise(store):
    store.save(answer(seconds=3.0, round=0, at="then"), None, None)
    again = answer(seconds=4.0, round=1, at="now", purpose="overlap")
    assert store.save(again, None, None).duplicate
    assert [one.at for one in store.live().history] == ["then"]


@pytest.mark.parametrize(
    ("change", "drawn"),
    [
        ({"label": 0}, b"a"),
        ({"sample": "s1"}, b"a"),
        ({"annotator": "bob"}, b"a"),
        ({}, b"b"),
        ({}, None),
    ],
)
def test_a_key_belongs_to_one_answer(store, change, drawn):
    store.save(answer(), b"a", None)
    with pytest.raises(KeyReusedError, match="nothing was changed"):
        store.save(replace(answer(), **change), drawn, None)
    assert store.journal.verify() is None
    assert len(store.live().history) == 1


@pytest.mark.parametrize(
    "wrong",
    [
        answer("elsewhere"),
        answer(label=2),
        answer(label=-1),
        answer(label=None, verdict="labeled"),
        answer(verdict="perhaps"),
        answer(purpose="fun"),
        answer(seconds=-1.0),
        answer(seconds=float("nan")),
    ],
)
def test_an_answer_that_does_not_fit_is_refused_and_spoils_nothing(store, wrong):
    before = len(store.journal.events())
    with pytest.raises(DataError, match="must fit the project"):
        store.save(wrong, None, None)
    assert len(store.journal.events()) == before
    assert not store.save(answer(), None, None).duplicate
    assert store.verify() == ()


@pytest.mark.parametrize("key", ["", "short", "x" * 65])
def test_a_save_needs_a_key(store, key):
    with pytest.raises(StoreError, match="key"):
        store.save(answer(key=key), None, None)


def test_an_entry_that_could_not_happen_is_refused_whole(any_store):
    good = quarantined("s0", "torn")
    wrong = [
        queried(Query(("s0",), "random", round=3)),
        queried(Query(("s8",), "random", round=1)),  # a test sample
        queried(Query(("elsewhere",), "random", round=1)),
        trained(TrainedRound(5, details={"lessons": 0, "until": 0})),
        trained(TrainedRound(0)),
        created(any_store.id),
        restored("elsewhere", "ann"),
        ("danced", {}),
    ]
    for entry in wrong:
        with pytest.raises(StoreError, match="nothing was added"):
            any_store.append([good, entry])
    assert any_store.live().length == 2
    assert any_store.live().quarantined == {}


def test_whoever_saw_an_older_journal_is_told(any_store):
    seen = any_store.live().length
    any_store.save(answer(), None, None)
    with pytest.raises(MovedError, match="someone else was faster"):
        any_store.append([quarantined("s1", "torn")], expect=seen)
    assert any_store.append([], expect=seen) == ()
    any_store.append([quarantined("s1", "torn")], expect=seen + 1)
    assert any_store.live().quarantined == {"s1": "torn"}


def test_many_who_save_at_once_are_all_kept_once(any_store):
    def save(number):
        told = answer(f"s{number % 4}", f"reader{number % 3}", key=f"key-{number % 20:04}")
        told = replace(told, sample=f"s{number % 20 % 4}", annotator=f"reader{number % 20 % 3}")
        return any_store.save(told, b"r%d" % (number % 20), None)

    with ThreadPoolExecutor(8) as crowd:
        saved = list(crowd.map(save, range(60)))
    assert sum(not one.duplicate for one in saved) == 20
    assert len({one.seq for one in saved}) == 20
    assert [one.seq for one in saved[:20]] == [one.seq for one in saved[40:]]
    state = any_store.live()
    assert len(state.history) == 20
    assert state == fold_live(any_store.journal.events())
    assert any_store.verify() == ()


def test_two_who_open_it_see_each_others_answers(tmp_path):
    with new_project(tmp_path / "p") as one, ProjectStore.open(tmp_path / "p") as other:
        assert one.id == other.id
        one.save(answer(), None, None)
        assert other.live() == one.live()
        assert other.save(answer(), None, None).duplicate
        other.save(answer("s1", key="key-0001"), None, None)
        assert [a.sample for a in one.live().history] == ["s0", "s1"]


def test_a_full_disk_during_a_save_loses_nothing(store, monkeypatch):
    store.save(answer(), b"first", None)

    def full(path, data):
        raise StoreError("could not write: No space left on device. Nothing was lost")

    monkeypatch.setattr(blobs_module, "write_whole", full)
    with pytest.raises(StoreError, match="No space left"):
        store.save(answer("s1", key="key-0001"), b"second", None)
    monkeypatch.undo()
    assert [a.sample for a in store.live().history] == ["s0"]
    assert not store.save(answer("s1", key="key-0001"), b"second", None).duplicate
    assert store.verify() == ()


def fill(store):
    """Save until the disk is full; how many are there, and what was said."""
    for number in range(1, 10_000):
        try:
            store.save(answer(key=f"key-{number:04}"), None, None)
        except StoreError as error:
            return number, str(error)
    raise AssertionError("the disk never filled")


def test_a_full_database_during_a_save_loses_nothing(tmp_path):
    with new_project(tmp_path / "p") as store:
        store.save(answer(), None, None)
    with ProjectStore.open(tmp_path / "p") as store:
        with store.database.writer.connect() as connection:  # the one that the pool lends again
            pages = connection.exec_driver_sql("PRAGMA page_count").scalar()
            connection.exec_driver_sql(f"PRAGMA max_page_count={pages}")
        number, said = fill(store)
    assert "is full" in said
    assert "acknowledged before is safe" in said
    with ProjectStore.open(tmp_path / "p") as store:
        assert len(store.live().history) == number
        assert not store.save(answer(key=f"key-{number:04}"), None, None).duplicate
        assert store.verify() == ()


def test_a_project_needs_an_empty_folder_and_is_found_again(tmp_path):
    folder = tmp_path / "p"
    new_project(folder).close()
    with pytest.raises(StoreError, match="empty folder"):
        ProjectStore.create(folder)
    with pytest.raises(StoreError, match="must be the folder of a project"):
        ProjectStore.open(tmp_path)
    (folder / "project.sqlite").unlink()
    with pytest.raises(StoreError, match="restore the folder"):
        ProjectStore.open(folder)


def test_a_newer_or_altered_project_is_not_opened(tmp_path):
    folder = tmp_path / "p"
    new_project(folder).close()
    about = folder / "project.json"
    old = json.loads(about.read_text())
    about.write_text(json.dumps(old | {"schema": 2}))
    with pytest.raises(SchemaError, match="newer Foveal"):
        ProjectStore.open(folder)
    about.write_text(json.dumps(old | {"id": "another"}))
    with pytest.raises(StoreError, match="holds another one"):
        ProjectStore.open(folder)
    about.write_text("{")
    with pytest.raises(StoreError, match="no readable"):
        ProjectStore.open(folder)
    about.write_text(json.dumps(old))
    with pytest.raises(StoreError, match="leave --database out"):
        ProjectStore.open(folder, "postgresql+psycopg://nobody@127.0.0.1/none")


def test_the_secret_is_a_secret_and_whole(tmp_path):
    folder = tmp_path / "p"
    with new_project(folder) as store:
        store.accounts.add("ann", "admin")
        token = store.tokens.give("ann", 60.0)
    secret = folder / "secret"
    assert secret.stat().st_mode & 0o777 == 0o600
    secret.write_text("abcd")
    with pytest.raises(StoreError, match="log in again"):
        ProjectStore.open(folder)
    secret.unlink()
    with ProjectStore.open(folder, clock=Clock()) as store:  # made anew: nobody is in any more
        assert store.tokens.holder(token) is None


def test_a_server_keeps_one_project_and_no_password(tmp_path, empty):
    new_project(tmp_path / "p", empty).close()
    with pytest.raises(StoreError, match="holds one already"):
        ProjectStore.create(tmp_path / "q", empty)
    with pytest.raises(StoreError, match="--database"):
        ProjectStore.open(tmp_path / "p")
    with ProjectStore.open(tmp_path / "p", empty) as store:
        assert len(store.live().queries) == 1
    hidden = "postgresql+psycopg://foveal:open-sesame@127.0.0.1:1/none"
    with pytest.raises(StoreError) as told:
        ProjectStore.create(tmp_path / "r", hidden)
    assert "sesame" not in str(told.value)
    assert "sesame" not in (tmp_path / "r" / "project.json").read_text()


def test_a_server_that_was_restarted_is_found_again(server_store, empty):
    server_store.save(answer(), None, None)
    engine = sqlalchemy.create_engine(empty)
    with engine.connect() as connection:
        connection.exec_driver_sql(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid() "
            "AND datname = current_database()"
        )
    engine.dispose()
    assert server_store.save(answer(), None, None).duplicate
    assert not server_store.save(answer("s1", key="key-0001"), None, None).duplicate


def spoiled(store, statement):
    with sqlite3.connect(store.folder / "project.sqlite") as connection:
        connection.execute(statement)
    connection.close()
    return store.verify()


@pytest.fixture
def saved(store):
    store.save(answer(), b"region", b"shapes")
    store.save(answer("s1", "bob", key="key-0001"), b"other", None)
    assert store.verify() == ()
    return store


@pytest.mark.parametrize(
    ("statement", "finding"),
    [
        ("UPDATE foveal_events SET payload = '{}' WHERE seq = 2", "entry 2"),
        ("DELETE FROM foveal_events WHERE seq = 3", "its head tells of 4 entries"),
        ("UPDATE foveal_saves SET content = 'x' WHERE seq = 3", "entry 3 is not the answer"),
        ("UPDATE foveal_saves SET seq = 1 WHERE seq = 3", "acknowledged as entry 1"),
        ("UPDATE foveal_saves SET seq = 9 WHERE seq = 3", "acknowledged as entry 9"),
    ],
)
def test_verify_finds_what_was_altered(saved, statement, finding):
    (found,) = spoiled(saved, statement)
    assert finding in found


def test_verify_finds_lost_and_altered_drawings(saved):
    region, other = (one.region for one in saved.live().history)
    os.unlink(saved.blobs.path(region))
    saved.blobs.path(other).write_bytes(b"another")
    lost, altered = saved.verify()
    assert "entry 2" in lost
    assert "restore" in lost
    assert "entry 3" in altered
    assert "altered" in altered


def test_a_secret_of_somebody_else_is_no_reason_to_delete_it(tmp_path, monkeypatch):
    with new_project(tmp_path / "p"):
        pass

    read = Path.read_text

    def denied(path, *given):
        if path.name == "secret":
            raise PermissionError(13, "Permission denied")
        return read(path, *given)

    monkeypatch.setattr(Path, "read_text", denied)
    with pytest.raises(StoreError, match="allowed to read its 'secret'") as told:
        ProjectStore.open(tmp_path / "p")
    assert "delete" not in str(told.value)


def test_verify_finds_what_is_lost_of_the_last_model(store):
    model, card, map_ = (store.blobs.put(data) for data in (b"model", b"card", b"map"))
    details = {"lessons": 1, "until": 1, "exports": {"card": card}}
    cases = {"s1": {"cam": map_, "predicted": 0, "confidence": 0.5}}
    store.append(
        [
            trained(TrainedRound(0, model, "f", {}, details, {})),
            queried(Query(("s1",), "margin", round=1), {"cases": cases}),
        ]
    )
    assert store.verify() == ()
    for digest in (model, card, map_):
        os.unlink(store.blobs.path(digest))
    found = store.verify()
    assert [one.split(":")[0] for one in found] == [
        "the last model", "the model card", "'cam' of case 's1'",
    ]  # fmt: skip


def test_an_answer_about_an_image_that_came_in_elsewhere_is_kept(store):
    store.live()
    with ProjectStore.open(store.folder) as other:
        other.append([added({"new": "unlabeled"})])
    assert not store.save(answer("new"), None, None).duplicate
