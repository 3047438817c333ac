import os
import stat

import pytest

from foveal.core.errors import StoreError
from foveal.data.cache import cache_root, require_space, write_streamed


def test_the_cache_is_where_the_user_says(monkeypatch, tmp_path):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    monkeypatch.delenv("FOVEAL_CACHE", raising=False)
    assert cache_root() == tmp_path / ".cache" / "foveal"
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    assert cache_root() == tmp_path / "xdg" / "foveal"
    monkeypatch.setenv("FOVEAL_CACHE", str(tmp_path / "own"))
    assert cache_root() == tmp_path / "own"


def test_a_file_appears_whole_or_not_at_all(tmp_path):
    target = tmp_path / "deep" / "file"
    write_streamed(target, iter([b"ab", b"c"]))
    assert target.read_bytes() == b"abc"

    def breaks():
        yield b"new"
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_streamed(target, breaks())
    assert target.read_bytes() == b"abc"
    assert list(target.parent.iterdir()) == [target]


def test_cached_files_are_for_their_owner_only(tmp_path):
    write_streamed(tmp_path / "cache" / "file", [b"pixels of patients"])
    assert stat.S_IMODE(os.stat(tmp_path / "cache" / "file").st_mode) == 0o600
    assert stat.S_IMODE(os.stat(tmp_path / "cache").st_mode) == 0o700


def test_an_archive_that_claims_more_than_the_disk_holds_is_refused(tmp_path):
    require_space(tmp_path, 1)
    with pytest.raises(StoreError, match="do not fit"):
        require_space(tmp_path, 2**60)
