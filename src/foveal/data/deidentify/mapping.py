"""The mapping: the secret key, and which pseudonym stands for whom. It must stay with its owner.

One line of JSON each. The first holds the key, from which all names follow; the others are for
people who have to find a patient or a file again. Lines are only ever added. The file belongs to
its owner alone (mode 0600) and never lies in a folder that is given away.
"""

import contextlib
import json
import os
import secrets
from pathlib import Path
from typing import Any

from foveal.core.errors import SchemaError, StoreError
from foveal.core.files import sync_folder
from foveal.data.deidentify.codes import KEY_BYTES, SHIFT_YEARS, Codes
from foveal.data.deidentify.scrub import Person

VERSION = 1
OTHERS = 0o077


def mapping_home() -> Path:
    """FOVEAL_HOME, else XDG_DATA_HOME/foveal, else ~/.local/share/foveal."""
    chosen = os.environ.get("FOVEAL_HOME")
    if chosen:
        return Path(chosen)
    base = os.environ.get("XDG_DATA_HOME")
    return (Path(base) if base else Path.home() / ".local" / "share") / "foveal"


def default_mapping() -> Path:
    """Where the mapping is unless another file is named."""
    return mapping_home() / "deidentification" / "mapping.jsonl"


class Mapping:
    """An open mapping: names people, and writes down whom it named before anyone can ask."""

    def __init__(self, path: Path, key: bytes, years: int, lines: list[dict[str, Any]]) -> None:
        self.path = path
        self.codes = Codes(key)
        self._years = years
        self._known = {_core(line) for line in lines}
        self._pseudonyms = {str(line["pseudonym"]) for line in lines if "pseudonym" in line}

    def person(self, identity: str) -> Person:
        """Who stands for `identity`; a pseudonym of this mapping stands for itself, unmoved."""
        if identity in self._pseudonyms:
            return Person(identity, 0)
        days = self.codes.shift_days(identity, self._years)
        return Person(self.codes.patient(identity), days)

    def remember(self, **line: Any) -> None:
        """Add a line unless it is there.

        Raises:
            StoreError: if the file cannot be written.
        """
        if _core(line) in self._known:
            return
        _append(self.path, line)
        self._known.add(_core(line))
        if "pseudonym" in line:
            self._pseudonyms.add(str(line["pseudonym"]))


def open_mapping(path: Path, *, outside: Path, expected: str | None) -> Mapping:
    """Open a mapping, or make one with a new key.

    Args:
        outside: the folder that is given away.
        expected: fingerprint of the key that named what is in that folder already, if anything is.
    Raises:
        StoreError: if it would lie in `outside`, is missing or another than the one expected, can
            be read by others, or cannot be written.
        SchemaError: if its first line is damaged.
    """
    place = path.expanduser().resolve()
    if place.is_relative_to(outside.resolve()):
        raise StoreError(
            f"the mapping must not lie in the folder that is given away, but {str(path)!r} is "
            f"inside {str(outside)!r}; choose another --mapping file"
        )
    if not place.exists():
        if expected is not None:
            raise StoreError(
                f"the mapping {str(path)!r} is missing, but {str(outside)!r} holds files that were "
                "named with it; bring it back, name it with --mapping, or choose another --out "
                "folder"
            )
        _create(place)
    mapping = _load(place)
    if expected not in (None, mapping.codes.fingerprint()):
        raise StoreError(
            f"the mapping {str(path)!r} has another key than the one that named the files in "
            f"{str(outside)!r}; name the right one with --mapping, or choose another --out folder"
        )
    return mapping


def _create(place: Path) -> None:
    """Written aside and linked into place, so that no mapping is ever overwritten or torn."""
    key = secrets.token_bytes(KEY_BYTES)
    first = {"foveal_mapping": VERSION, "key": key.hex(), "shift_years": SHIFT_YEARS}
    aside = place.parent / f".{place.name}.{secrets.token_hex(4)}"
    try:
        place.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        _write(aside, first, os.O_CREAT | os.O_EXCL)
        try:
            with contextlib.suppress(FileExistsError):  # another import was faster: use its key
                os.link(aside, place)
        finally:
            os.unlink(aside)
        sync_folder(place.parent)
    except OSError as error:
        raise _failure(place, error) from error


def _append(place: Path, line: dict[str, Any]) -> None:
    try:
        _write(place, line, 0)
    except OSError as error:
        raise _failure(place, error) from error


def _write(place: Path, line: dict[str, Any], flags: int) -> None:
    handle = os.open(place, os.O_RDWR | os.O_APPEND | flags, 0o600)
    try:
        torn = os.lseek(handle, 0, os.SEEK_END) and not _ends_a_line(handle)
        data = ("\n" if torn else "") + json.dumps(line) + "\n"
        os.write(handle, data.encode())
        os.fsync(handle)
    finally:
        os.close(handle)


def _ends_a_line(handle: int) -> bool:
    os.lseek(handle, -1, os.SEEK_END)
    return os.read(handle, 1) == b"\n"


def _load(place: Path) -> Mapping:
    try:
        mode = place.stat().st_mode
        text = place.read_bytes().decode("utf-8", "replace")
    except OSError as error:
        raise _failure(place, error) from error
    if os.name == "posix" and mode & OTHERS:
        raise StoreError(
            f"the mapping {str(place)!r} must be closed to others, but its mode is "
            f"{mode & 0o777:04o}; close it with: chmod 600"
        )
    first, *rest = text.split("\n")
    try:
        head = json.loads(first)
        key, years = bytes.fromhex(head["key"]), int(head["shift_years"])
        if head["foveal_mapping"] != VERSION or len(key) != KEY_BYTES or years < 1:
            raise ValueError
    except (ValueError, KeyError, TypeError) as error:
        raise SchemaError(
            f"the first line of the mapping {str(place)!r} must hold its key, but it is damaged or "
            "of another version; bring back a copy of it"
        ) from error
    return Mapping(place, key, years, [line for text in rest if (line := _parsed(text))])


def _parsed(text: str) -> dict[str, Any] | None:
    """A line, or None for a torn one: all it said follows from the key and is written again."""
    try:
        line = json.loads(text)
    except ValueError:
        return None
    return line if isinstance(line, dict) and len(line) > 1 and "key" not in line else None


def _core(line: dict[str, Any]) -> str:
    return json.dumps(line, sort_keys=True)


def _failure(place: Path, error: OSError) -> StoreError:
    reason = error.strerror or str(error)
    return StoreError(
        f"could not open or write the mapping {str(place)!r}: {reason}. Choose another file with "
        "--mapping, or see to the right to write there, then run the same command again"
    )
