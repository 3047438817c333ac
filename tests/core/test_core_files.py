"""Files are written whole or not at all, and never outside the folder that was meant."""

import errno
import os
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from foveal.core import files
from foveal.core.errors import DataError, StoreError
from foveal.core.files import safe_join, write_whole

posix = pytest.mark.skipif(sys.platform == "win32", reason="POSIX only")


def names_in(folder):
    return sorted(p.name for p in folder.iterdir())


def test_content_comes_back_and_folders_are_made(tmp_path):
    path = tmp_path / "new" / "folder" / "file.bin"
    write_whole(path, b"one")
    write_whole(path, b"two")
    assert path.read_bytes() == b"two"
    assert names_in(path.parent) == ["file.bin"]


def failing(number):
    def fail(*_):
        raise OSError(number, os.strerror(number))

    return fail


@pytest.mark.parametrize("call", ["fsync", "replace"])
@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EIO])
def test_a_failed_write_leaves_the_old_file_and_nothing_else(tmp_path, monkeypatch, call, number):
    path = tmp_path / "results.json"
    write_whole(path, b"old")
    monkeypatch.setattr(files.os, call, failing(number))
    with pytest.raises(StoreError, match=r"could not write .*Nothing was lost") as error:
        write_whole(path, b"new")
    assert os.strerror(number) in str(error.value)
    assert path.read_bytes() == b"old"
    assert names_in(tmp_path) == ["results.json"]


def test_ctrl_c_passes_and_leaves_nothing(tmp_path, monkeypatch):
    def interrupted(*_):
        raise KeyboardInterrupt

    write_whole(tmp_path / "a", b"old")
    monkeypatch.setattr(files.os, "fsync", interrupted)
    with pytest.raises(KeyboardInterrupt):
        write_whole(tmp_path / "a", b"new")
    assert (tmp_path / "a").read_bytes() == b"old"
    assert names_in(tmp_path) == ["a"]


FULL_DISK = """
import resource, sys
from pathlib import Path
from foveal.core.errors import StoreError
from foveal.core.files import write_whole
resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))
try:
    write_whole(Path(sys.argv[1]), b"x" * 1001)
except StoreError as error:
    print(error)
"""


@posix
def test_a_disk_without_room_is_said_so_and_the_old_file_stays(tmp_path):
    path = tmp_path / "a"
    write_whole(path, b"old")
    command = [sys.executable, "-c", FULL_DISK, str(path)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert "File too large" in done.stdout
    assert "free space" in done.stdout
    assert path.read_bytes() == b"old"
    assert names_in(tmp_path) == ["a"]


KILLED = """
import os, signal, sys
from pathlib import Path
from foveal.core import files
moment = sys.argv[2]
real = getattr(os, moment)
def killed(*args):
    if moment == "replace" and sys.argv[3] == "after":
        real(*args)
    os.kill(os.getpid(), signal.SIGKILL)
setattr(files.os, moment, killed)
files.write_whole(Path(sys.argv[1]), b"new")
"""


@posix
@pytest.mark.parametrize(
    ("moment", "when", "content"),
    [
        ("fsync", "before", b"old"),
        ("replace", "before", b"old"),
        ("replace", "after", b"new"),
    ],
)
def test_a_killed_writer_leaves_the_old_file_or_the_new_one(tmp_path, moment, when, content):
    path = tmp_path / "a"
    write_whole(path, b"old")
    done = subprocess.run([sys.executable, "-c", KILLED, str(path), moment, when], check=False)
    assert done.returncode == -9
    assert path.read_bytes() == content


@pytest.mark.parametrize("below", ["file/a", "file/folder/a"])
def test_a_folder_that_cannot_be_is_a_store_error(tmp_path, below):
    (tmp_path / "file").write_text("a regular file")
    with pytest.raises(StoreError, match="could not write 'a'"):
        write_whole(tmp_path / below, b"")
    assert names_in(tmp_path) == ["file"]


@posix
@pytest.mark.parametrize(("umask", "mode"), [(0o022, 0o644), (0o077, 0o600), (0o002, 0o664)])
def test_the_mode_is_that_of_any_file(tmp_path, umask, mode):
    before = os.umask(umask)
    try:
        write_whole(tmp_path / "a", b"")
    finally:
        os.umask(before)
    assert (tmp_path / "a").stat().st_mode & 0o777 == mode


PARTS = st.sampled_from(["..", ".", "a", "b", "...", "a b", "~", ""])


@given(st.lists(PARTS, max_size=6))
def test_a_joined_path_is_inside_or_refused(tmp_path_factory, parts):
    root = tmp_path_factory.getbasetemp().resolve() / "root"
    relative = "./" + "/".join(parts)
    meant = Path(os.path.normpath(root / relative))  # there are no links in this tree
    if meant.is_relative_to(root):
        assert safe_join(root, relative) == meant
    else:
        with pytest.raises(DataError, match="points outside"):
            safe_join(root, relative)


@pytest.mark.parametrize("relative", ["../x", "a/../../x", "/etc/hostname", "a/../.."])
def test_the_ways_out_are_closed(tmp_path, relative):
    with pytest.raises(DataError, match="must lie inside"):
        safe_join(tmp_path / "root", relative)


def test_a_sibling_with_the_same_beginning_is_outside(tmp_path):
    with pytest.raises(DataError, match="must lie inside"):
        safe_join(tmp_path / "root", "../root-2/x")


def test_nul_bytes_are_refused_in_words(tmp_path):
    with pytest.raises(DataError, match="NUL"):
        safe_join(tmp_path, "a\0b")


@posix
def test_links_are_followed_before_the_question_is_asked(tmp_path):
    root = tmp_path / "root"
    (root / "inner").mkdir(parents=True)
    (root / "inside").symlink_to(root / "inner")
    (root / "outside").symlink_to(tmp_path)
    assert safe_join(root, "inside/x") == root.resolve() / "inner" / "x"
    with pytest.raises(DataError, match="must lie inside"):
        safe_join(root, "outside/x")


def test_an_absolute_path_to_the_inside_is_inside(tmp_path):
    assert safe_join(tmp_path, str(tmp_path / "x")) == tmp_path.resolve() / "x"
