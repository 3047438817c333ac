"""Laws of blobs: what is put is got, under the name of its content, or an error says why not."""

import errno
import hashlib
import os
import tempfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from foveal.core.errors import SchemaError, StoreError
from foveal.store import Blobs, blobs


@given(st.lists(st.binary(max_size=200), max_size=4))
def test_what_is_put_is_got(contents):
    with tempfile.TemporaryDirectory() as folder:
        store = Blobs(Path(folder) / "deep" / "blobs")
        digests = [store.put(data) for data in contents]
        assert digests == [hashlib.sha256(data).hexdigest() for data in contents]
        assert [store.get(digest) for digest in digests] == contents
        assert len(list(store.folder.iterdir()) if contents else []) == len(set(contents))


def test_putting_again_writes_nothing(tmp_path, monkeypatch):
    store = Blobs(tmp_path)
    digest = store.put(b"once")
    monkeypatch.setattr(blobs, "write_whole", lambda *_: pytest.fail("written twice"))
    assert store.put(b"once") == digest


@pytest.mark.parametrize("damage", [b"", b"onc", b"oncE", b"once more"])
def test_an_altered_blob_is_refused_and_can_be_healed(tmp_path, damage):
    store = Blobs(tmp_path)
    digest = store.put(b"once")
    store.path(digest).write_bytes(damage)
    with pytest.raises(SchemaError, match="altered or cut short"):
        store.get(digest)
    assert store.put(b"once") == digest
    assert store.get(digest) == b"once"


def test_a_missing_blob_is_named_and_no_damage(tmp_path):
    digest = hashlib.sha256(b"").hexdigest()
    with pytest.raises(StoreError, match=digest) as caught:
        Blobs(tmp_path).get(digest)
    assert not isinstance(caught.value, SchemaError)


@pytest.mark.parametrize(
    "digest", ["", "../../secret", "a" * 63, "a" * 64 + "\n", "A" * 64, "/etc/passwd", "g" * 64]
)
def test_no_digest_leaves_the_folder(tmp_path, digest):
    with pytest.raises(SchemaError, match="64 lower-case hex digits"):
        Blobs(tmp_path).path(digest)


def test_a_full_disk_leaves_no_half_blob(tmp_path, monkeypatch):
    store = Blobs(tmp_path)
    kept = store.put(b"before")

    def full(_):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(StoreError, match="No space left"):
        store.put(b"after")
    assert [path.name for path in tmp_path.iterdir()] == [kept]
    assert store.get(kept) == b"before"


def test_a_folder_that_cannot_be_made_is_an_error(tmp_path):
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(StoreError, match="could not write"):
        Blobs(tmp_path / "file" / "blobs").put(b"x")


def test_a_dropped_blob_is_gone_and_dropping_again_is_no_error(tmp_path):
    store = Blobs(tmp_path)
    kept, dropped = store.put(b"kept"), store.put(b"dropped")
    store.drop(dropped)
    store.drop(dropped)
    with pytest.raises(StoreError):
        store.get(dropped)
    assert store.get(kept) == b"kept"
    with pytest.raises(SchemaError, match="64 lower-case hex digits"):
        store.drop("../" + kept)


def test_a_blob_that_cannot_be_deleted_is_named(tmp_path):
    store = Blobs(tmp_path)
    digest = hashlib.sha256(b"x").hexdigest()
    store.path(digest).mkdir()
    with pytest.raises(StoreError, match=f"{digest}.*could not be deleted"):
        store.drop(digest)
