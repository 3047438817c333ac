"""Blobs: regions, checkpoints and features as files that are named by what they hold."""

import hashlib
import re
from dataclasses import dataclass
from pathlib import Path

from foveal.core.errors import SchemaError, StoreError
from foveal.core.files import write_whole

DIGEST = re.compile("[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class Blobs:
    """Content-addressed files in one folder, which comes into being with the first of them."""

    folder: Path

    def put(self, data: bytes) -> str:
        """Keep `data` and return its SHA-256 in hex; the file is durable on return.

        Data that is already there is not written again; a damaged copy is healed.

        Raises:
            StoreError: if the folder cannot be written or the disk is full.
        """
        digest = hashlib.sha256(data).hexdigest()
        path = self.path(digest)
        if not _holds(path, data):
            write_whole(path, data)
        return digest

    def get(self, digest: str) -> bytes:
        """The bytes that `put` was given.

        Raises:
            StoreError: if there is no such blob or it cannot be read.
            SchemaError: if the file was altered, or `digest` is none.
        """
        path = self.path(digest)
        try:
            data = path.read_bytes()
        except OSError as error:
            raise StoreError(
                f"blob {digest} must be readable in folder {self.folder.name!r}, but: "
                f"{error.strerror or error}; restore the folder from the backup its journal is in"
            ) from error
        if hashlib.sha256(data).hexdigest() != digest:
            raise SchemaError(
                f"blob {digest} in folder {self.folder.name!r} must hash to its name, but was "
                "altered or cut short; restore it from a backup"
            )
        return data

    def drop(self, digest: str) -> None:
        """Delete a blob that no journal entry needs any more; a missing one is no error.

        Raises:
            SchemaError: if `digest` is none.
            StoreError: if it cannot be deleted.
        """
        path = self.path(digest)
        try:
            path.unlink(missing_ok=True)
        except OSError as error:
            raise StoreError(
                f"blob {digest} could not be deleted: {error.strerror}; check that the folder can "
                "be written, then run the same command again"
            ) from error

    def path(self, digest: str) -> Path:
        """Where a blob lies, whether it is there or not.

        Raises:
            SchemaError: if `digest` is not 64 hex digits, so that no path leaves the folder.
        """
        if not DIGEST.fullmatch(digest):
            raise SchemaError(f"a blob's digest must be 64 lower-case hex digits, not {digest!r}")
        return self.folder / digest


def _holds(path: Path, data: bytes) -> bool:
    try:
        return path.stat().st_size == len(data) and path.read_bytes() == data
    except OSError:
        return False
