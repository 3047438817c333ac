"""Mounts: on which kind of file system a project lies, and whether SQLite holds there."""

import re
from pathlib import Path, PurePosixPath

MOUNTS = Path("/proc/mounts")
NETWORK = frozenset(
    {
        "afs", "beegfs", "ceph", "cifs", "davfs", "gpfs", "lustre", "ncpfs", "nfs", "nfs4", "smb",
        "smb2", "smb3", "smbfs", "fuse.ceph", "fuse.davfs2", "fuse.glusterfs", "fuse.rclone",
        "fuse.s3fs", "fuse.sshfs",
    }
)  # fmt: skip
OCTAL = re.compile(r"\\([0-7]{3})")  # blanks and the like in the name of a folder


def file_system_of(mounts: str, path: PurePosixPath) -> str:
    """The type of the file system that a path lies on; "" if the table does not tell.

    Args:
        mounts: a table as `/proc/mounts` is one: device, folder, type and more in each line.
        path: absolute, without links.
    """
    found, depth = "", 0
    for line in mounts.splitlines():
        _, folder, kind, *_ = [*line.split(), "", "", ""]
        at = PurePosixPath(OCTAL.sub(lambda code: chr(int(code[1], 8)), folder))
        # What was mounted last over one folder hides what was there.
        if folder and path.is_relative_to(at) and len(at.parts) >= depth:
            found, depth = kind, len(at.parts)
    return found


def network_warning(folder: Path) -> str:
    """What to say of a project whose journal is a file and lies over a network; "" if nothing."""
    try:
        mounts = MOUNTS.read_text("utf-8", "surrogateescape")
    except OSError:  # no Linux: nobody knows
        return ""
    kind = file_system_of(mounts, PurePosixPath(folder.resolve()))
    if kind not in NETWORK:
        return ""
    return (
        f"Warning: the journal of a project must lie on a disk of this machine, for SQLite's log "
        f"does not hold over a network, but {folder.name!r} is on {kind}, and answers may be lost; "
        "move the project to a local folder, or begin it with --database and PostgreSQL."
    )
