"""Write a file whole or not at all, and never outside the folder that was meant."""

import contextlib
import os
import secrets
from pathlib import Path

from foveal.core.errors import DataError, StoreError


def write_whole(path: Path, data: bytes) -> None:
    """Temporary name in the same folder, flush, fsync, rename, fsync of the folder.

    Raises:
        StoreError: if the folder cannot be written or the disk is full; any file that was there
            before is untouched.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary = path.parent / f".{path.name}.{secrets.token_hex(4)}"
        # Mode 0666 less the umask, as for any file: colleagues on a shared drive can read it.
        handle = os.open(temporary, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o666)
    except OSError as error:
        raise _failure(path, error) from error
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
        sync_folder(path.parent)
    except BaseException as error:
        with contextlib.suppress(OSError):
            os.unlink(temporary)
        if isinstance(error, OSError):
            raise _failure(path, error) from error
        raise


def sync_folder(folder: Path) -> None:
    """Make a rename durable; a no-op on systems that cannot open folders."""
    with contextlib.suppress(PermissionError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def safe_join(root: Path, relative: str) -> Path:
    """`root / relative` with links resolved, or `DataError` if that lies outside `root`."""
    if "\0" in relative:
        raise DataError("a file name must not hold NUL bytes")
    base = root.resolve()
    path = (base / relative).resolve()
    if not path.is_relative_to(base):
        raise DataError(
            f"{relative!r} must lie inside the folder of its manifest, but points outside it; "
            "move the file there or write a manifest in a folder above both"
        )
    return path


def _failure(path: Path, error: OSError) -> StoreError:
    reason = error.strerror or str(error)
    return StoreError(
        f"could not write {path.name!r} in {str(path.parent)!r}: {reason}. Nothing was lost; free "
        "space or choose another --out folder, then run the same command again"
    )
