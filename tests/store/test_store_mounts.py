"""Laws of mounts: the innermost and last one counts, and only networks are warned of."""

from pathlib import PurePosixPath

import pytest

from foveal.store import mounts as module
from foveal.store.mounts import NETWORK, file_system_of, network_warning

TABLE = """\
/dev/root / ext4 rw 0 0
proc /proc proc rw 0 0
server:/shared /shared nfs4 rw,vers=4.2 0 0
/dev/sdb /shared/local xfs rw 0 0
//nas/data /mnt/two\\040words cifs rw 0 0
ann@host: /media/ann fuse.sshfs rw 0 0
/dev/sdc /media/ann ext4 rw 0 0
"""


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/data/breast", "ext4"),
        ("/shared", "nfs4"),
        ("/shared/ann/breast", "nfs4"),
        ("/sharedness/ann", "ext4"),
        ("/shared/local/breast", "xfs"),
        ("/mnt/two words/breast", "cifs"),
        ("/media/ann/breast", "ext4"),
    ],
)
def test_the_innermost_mount_counts_and_of_one_folder_the_last(path, kind):
    assert file_system_of(TABLE, PurePosixPath(path)) == kind


@pytest.mark.parametrize("table", ["", "\n", "half a\n"])
def test_a_table_that_tells_nothing_warns_of_nothing(table):
    assert file_system_of(table, PurePosixPath("/data")) == ""


@pytest.mark.parametrize("kind", [*sorted(NETWORK), "ext4", "tmpfs", "overlay", "btrfs"])
def test_networks_are_warned_of_and_nothing_else(tmp_path, monkeypatch, kind):
    table = tmp_path / "mounts"
    table.write_text(f"/dev/root / ext4 rw 0 0\nx {tmp_path.resolve()} {kind} rw 0 0\n")
    monkeypatch.setattr(module, "MOUNTS", table)
    said = network_warning(tmp_path / "breast")
    assert bool(said) == (kind in NETWORK)
    assert not said or (f"is on {kind}," in said and "local folder" in said and "\n" not in said)
    monkeypatch.setattr(module, "MOUNTS", tmp_path / "none")
    assert network_warning(tmp_path / "breast") == ""
