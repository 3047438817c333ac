"""A backup of a project in use is whole, opens as it is, and never half there."""

import errno
import shutil
import threading

import pytest
from project_toys import after_trainings, answer, created, train

from foveal.core.errors import StoreError
from foveal.store import backup as module
from foveal.store.folder import source_of
from foveal.store.project import ProjectStore


@pytest.fixture
def store(any_store):
    store = any_store
    (store.folder / "spec.yaml").write_text("seed: 1\n")
    (store.folder / "images").mkdir()
    (store.folder / "images" / "a.png").write_bytes(b"png")
    (store.folder / "cache").mkdir()
    (store.folder / "cache" / "features").write_bytes(b"large")
    store.accounts.add("ann", "admin", "a short sentence")
    store.save(answer(), b"region", b"shapes")
    store.jobs.put("train")
    return store


def test_a_backup_opens_as_it_is(store, tmp_path):
    target = tmp_path / "b"
    token = store.tokens.give("ann", 60.0)
    store.backup(target)
    with ProjectStore.open(target, clock=store.clock) as copy:
        assert copy.id == store.id
        assert copy.live() == store.live()
        assert copy.verify() == ()
        assert copy.accounts.all() == store.accounts.all()
        assert copy.jobs.present() == store.jobs.present()
        assert copy.tokens.holder(token)
        assert copy.save(answer(), b"region", b"shapes").duplicate
        assert not copy.save(answer("s1", key="key-0001"), None, None).duplicate
    assert len(store.live().history) == 1
    assert (target / "secret").stat().st_mode & 0o777 == 0o600
    assert (target / "spec.yaml").read_text() == "seed: 1\n"
    assert (target / "images" / "a.png").read_bytes() == b"png"
    assert not (target / "cache").exists()


@pytest.mark.parametrize("lies", ["outside", "inside"])
def test_a_backup_finds_the_images_from_wherever_it_lies(tmp_path, lies):
    source = "../images/pool.csv" if lies == "outside" else "pool.csv"
    with ProjectStore.create(tmp_path / "p") as store:
        kind, payload = created(store.id)
        store.append([(kind, payload | {"spec": {"data": {"source": source}}})])
        manifest = store.folder / source
        manifest.parent.mkdir(exist_ok=True)
        manifest.write_text("image")
        store.backup(tmp_path / "far" / "away" / "b")
    with ProjectStore.open(tmp_path / "far" / "away" / "b") as copy:
        found = copy.folder / source_of(copy.folder, copy.live().created)
    assert found.read_text() == "image"
    assert found.is_relative_to(copy.folder) == (lies == "inside")


def test_a_backup_while_readers_save_is_one_moment(store, tmp_path):
    stop = threading.Event()

    def read():
        number = 1
        while not stop.is_set():
            store.save(answer(key=f"key-{number:04}"), b"%d" % number, None)
            number += 1

    reader = threading.Thread(target=read)
    reader.start()
    try:
        for number in range(3):
            store.backup(tmp_path / f"b{number}")
    finally:
        stop.set()
        reader.join()
    told = store.live().history
    for number in range(3):
        with ProjectStore.open(tmp_path / f"b{number}") as copy:
            assert copy.verify() == ()
            history = copy.live().history
            assert history == told[: len(history)]


def test_a_backup_needs_an_empty_place_elsewhere(store, tmp_path):
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "something").write_text("")
    with pytest.raises(StoreError, match="empty folder"):
        store.backup(tmp_path / "full")
    with pytest.raises(StoreError, match="outside the project"):
        store.backup(store.folder / "b")
    (tmp_path / "b").mkdir()
    store.backup(tmp_path / "b")


def test_a_full_disk_leaves_no_half_of_a_backup(store, tmp_path, monkeypatch):
    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    before = sorted(tmp_path.iterdir())
    monkeypatch.setattr(module.shutil, "copy", full)
    with pytest.raises(StoreError, match="No space left"):
        store.backup(tmp_path / "b")
    monkeypatch.undo()
    assert sorted(tmp_path.iterdir()) == before
    assert store.verify() == ()


def test_a_file_that_goes_while_it_is_copied_stops_no_backup(store, tmp_path, monkeypatch):
    old, copy = store.blobs.put(b"an old model"), shutil.copy

    def late(path, to):
        if path.name == old:
            store.blobs.drop(old)
        return copy(path, to)

    monkeypatch.setattr(module.shutil, "copy", late)
    store.backup(tmp_path / "b")
    with ProjectStore.open(tmp_path / "b") as made:
        assert made.verify() == ()


@pytest.mark.parametrize("during", [1, 2, 3])
def test_a_backup_has_its_last_model_however_many_trainings_end_meanwhile(
    store, tmp_path, monkeypatch, during
):
    for _ in range(3):
        train(store)
    monkeypatch.setattr(module.shutil, "copy", after_trainings(store, shutil.copy, during))
    store.backup(tmp_path / "b")
    with ProjectStore.open(tmp_path / "b") as made:
        assert made.verify() == ()
        assert made.blobs.get(made.live().trained[-1].checkpoint)


def test_trainings_without_end_are_said(store, tmp_path, monkeypatch):
    for _ in range(3):
        train(store)
    copy = shutil.copy

    def slower(path, to):
        for _ in range(2):
            train(store)
        return copy(path, to)

    monkeypatch.setattr(module.shutil, "copy", slower)
    with pytest.raises(StoreError, match=r"trainings ended faster.*--no-worker"):
        store.backup(tmp_path / "b")
    assert not (tmp_path / "b").exists()


def test_a_project_that_lost_its_model_is_backed_up_as_it_is(store, tmp_path):
    store.blobs.drop(train(store))
    store.backup(tmp_path / "b")
    with ProjectStore.open(tmp_path / "b") as made:
        assert "the last model" in made.verify()[0]


def test_a_restored_project_goes_on_where_the_backup_was_made(store, tmp_path):
    store.backup(tmp_path / "b")
    store.save(answer("s1", key="key-0001"), None, None)
    shutil.copytree(tmp_path / "b", tmp_path / "again")
    with ProjectStore.open(tmp_path / "again") as copy:
        assert [one.sample for one in copy.live().history] == ["s0"]
        assert not copy.save(answer("s1", key="key-0001"), None, None).duplicate
