"""Files that can be made again: where they lie, and how large ones are written whole."""

import contextlib
import errno
import os
import shutil
import tempfile
from collections.abc import Iterable
from io import FileIO
from pathlib import Path

from foveal.core.errors import StoreError
from foveal.core.files import sync_folder


def cache_root() -> Path:
    """The user's cache folder: FOVEAL_CACHE, else XDG_CACHE_HOME/foveal, else ~/.cache/foveal."""
    chosen = os.environ.get("FOVEAL_CACHE")
    if chosen:
        return Path(chosen)
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache") / "foveal"


def require_space(folder: Path, size: int) -> None:
    """Raise `StoreError` unless `size` more bytes fit; asked before an archive is unpacked."""
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    except OSError as error:
        raise _failure(folder / "file", error) from error
    if size > shutil.disk_usage(folder).free:
        full = OSError(errno.ENOSPC, f"{size >> 20} MiB do not fit")
        raise _failure(folder / "file", full)


def write_streamed(target: Path, chunks: Iterable[bytes]) -> None:
    """Write `chunks` to a temporary file beside `target`, flush, fsync, rename.

    Raises:
        StoreError: if the folder cannot be written or the disk is full. Whatever the chunks'
            producer raises passes; in both cases nothing is left behind.
    """
    try:
        target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        handle, temporary = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.")
    except OSError as error:
        raise _failure(target, error) from error
    try:
        # Unbuffered: a buffer that met a full disk would fail again, and bare, when it is closed.
        with os.fdopen(handle, "wb", buffering=0) as file:
            for chunk in chunks:
                _write(file, chunk, target)
            os.fsync(file.fileno())
        os.replace(temporary, target)
        sync_folder(target.parent)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(temporary)
        raise


def _write(file: FileIO, chunk: bytes, target: Path) -> None:
    left = memoryview(chunk).cast("B")
    try:
        while left:
            left = left[file.write(left) :]
    except OSError as error:
        raise _failure(target, error) from error


def _failure(target: Path, error: OSError) -> StoreError:
    reason = error.strerror or str(error)
    return StoreError(
        f"could not write a cache file in {str(target.parent)!r}: {reason}. Free space, or set "
        "FOVEAL_CACHE to another folder, then run the same command again"
    )
