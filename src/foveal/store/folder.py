"""Folder: what a project's folder says of itself, and its secret."""

import contextlib
import json
import os
import secrets
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from foveal.core.errors import SchemaError, StoreError
from foveal.core.files import write_whole

PROJECT = "project.json"
SECRET = "secret"  # noqa: S105 - the file's name
POOL = "pool"
SECRET_BYTES = 32
SCHEMA = 1


def make_folder(folder: Path, database: str) -> None:
    """A folder with a new project's name and secret, but no database yet.

    Args:
        database: address of a server's database, without a password; "" if it lies in the folder.
    Raises:
        StoreError: if there is something in the folder, or it cannot be written.
    """
    if folder.exists() and (not folder.is_dir() or any(map(_foreign, folder.iterdir()))):
        raise StoreError(
            f"a new project needs an empty folder, but {folder.name!r} holds something; choose "
            "another name, or open what is there with `foveal serve`"
        )
    about = {
        "schema": SCHEMA,
        "id": secrets.token_hex(8),
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        "database": database,
    }
    try:
        folder.mkdir(parents=True, exist_ok=True)
        _write_secret(folder / SECRET)
    except OSError as error:
        raise StoreError(
            f"could not make the folder {folder.name!r}: {error.strerror}; choose another one"
        ) from error
    write_whole(folder / PROJECT, (json.dumps(about, indent=2) + "\n").encode())


def is_project(folder: Path) -> bool:
    """Whether a folder holds a project."""
    return (folder / PROJECT).is_file()


def read_about(folder: Path) -> dict[str, Any]:
    """What `project.json` says.

    Raises:
        StoreError: if the folder holds no project.
    """
    try:
        about: dict[str, Any] = json.loads((folder / PROJECT).read_text())
        newer = about["schema"] > SCHEMA
        found = {"id": str(about["id"]), "database": str(about["database"])}
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise StoreError(
            f"{folder.name!r} must be the folder of a project, but has no readable {PROJECT!r}; "
            "make one with `foveal init`"
        ) from error
    if newer:
        raise SchemaError(
            f"project {folder.name!r} was made by a newer Foveal; update Foveal to open it"
        )
    return about | found


def source_of(folder: Path, created: Mapping[str, Any]) -> str:
    """The manifest of a project, relative to its folder or absolute.

    A project that was opened from an archive, and a backup, have their images elsewhere than where
    the project began; `project.json` then names the manifest as `source`.

    Args:
        created: the payload of the journal's first entry.
    """
    began = created.get("spec", {}).get("data", {}).get("source", "")
    return str(read_about(folder).get("source") or began)


def check_address(folder: Path, on_server: bool, given: bool) -> None:
    """Raise `StoreError` unless a database server is named just where the project lies in one."""
    if on_server and not given:
        raise StoreError(
            f"project {folder.name!r} lies in a database server; give its address with "
            "--database (it holds a password, so that it is kept nowhere)"
        )
    if given and not on_server:
        raise StoreError(
            f"project {folder.name!r} lies in its folder, but a database server was named; leave "
            "--database out"
        )


def _write_secret(path: Path) -> None:
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "w") as file:
        file.write(secrets.token_hex(SECRET_BYTES))
        file.flush()
        os.fsync(file.fileno())


def read_secret(folder: Path) -> bytes:
    """What keys the hashes of tokens; made anew where there is none.

    Raises:
        StoreError: if it cannot be read or was cut short.
    """
    try:
        found = bytes.fromhex((folder / SECRET).read_text().strip())
        if len(found) != SECRET_BYTES:
            raise ValueError("it was cut short")
        return found
    except FileNotFoundError:  # a project that was opened from an archive or moved without it
        with contextlib.suppress(FileExistsError):  # another process was faster
            _write_secret(folder / SECRET)
        return read_secret(folder)
    except PermissionError as error:
        raise StoreError(
            f"whoever opens project {folder.name!r} must be allowed to read its {SECRET!r}, but "
            "you are not; let its owner open it, or ask them for that permission"
        ) from error
    except (OSError, ValueError) as error:
        raise StoreError(
            f"project {folder.name!r} must hold its secret, but it cannot be read; delete the file "
            f"{SECRET!r} (everybody has to log in again)"
        ) from error


def _foreign(path: Path) -> bool:
    """Whether a file was not made for the project beforehand, as its manifest and images were."""
    return not path.name.startswith(POOL)
