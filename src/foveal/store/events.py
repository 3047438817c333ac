"""Event: one entry of a journal, bound to all entries before it by a chain of hashes."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from foveal.core.errors import SchemaError

SCHEMA_VERSION = 1
GENESIS = hashlib.sha256(f"foveal journal {SCHEMA_VERSION}".encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened: `seq` counts from 0, `previous` is the hash of entry `seq - 1`.

    `payload` holds what JSON can hold and nothing else, so an event reads the same before and
    after it is stored.
    """

    seq: int
    kind: str
    payload: Mapping[str, Any]
    previous: str
    hash: str


def canonical_json(payload: Mapping[str, Any]) -> str:
    """The one ASCII text of a payload: sorted keys, no blanks, no NaN; tuples become lists.

    Raises:
        SchemaError: if the payload holds NaN, infinity, keys that are not strings, or anything
            else that would not come back the way it went in.
    """
    try:
        _check_keys(payload)
        return json.dumps(payload, sort_keys=True, separators=(",", ":"), allow_nan=False)
    except (TypeError, ValueError, RecursionError) as error:
        raise SchemaError(
            f"a journal entry must be plain JSON with finite numbers, but {error}; write None for "
            "a value that does not exist and turn arrays into lists of Python numbers"
        ) from error


def chain_hash(previous: str, seq: int, kind: str, payload_json: str) -> str:
    """SHA-256 in hex over all that an entry says and the hash of the entry before it."""
    # A JSON list cannot be cut at other places, as plain concatenation could.
    return hashlib.sha256(json.dumps([previous, seq, kind, payload_json]).encode()).hexdigest()


def after(last: Event | None) -> tuple[int, str]:
    """Number and `previous` of the entry that follows `last` (None: of the first one)."""
    return (last.seq + 1, last.hash) if last else (0, GENESIS)


def seal(last: Event | None, kind: str, payload: Mapping[str, Any]) -> Event:
    """The event that follows `last` (None: the first one).

    Raises:
        SchemaError: if the payload is not plain JSON.
    """
    seq, previous = after(last)
    text = canonical_json(payload)
    return Event(seq, kind, json.loads(text), previous, chain_hash(previous, seq, kind, text))


def follow(seq: int, previous: str, row: Sequence[object]) -> Event:
    """The stored entry `row` as event number `seq`, if it is exactly what was written there.

    Args:
        seq: the number it must have.
        previous: the hash it must follow.
        row: seq, kind, payload as JSON text, previous, hash; of any types, as a store gave them.

    Raises:
        SchemaError: naming the entry that is missing, altered or out of order.
    """
    found, kind, text, stored_previous, stored_hash = row
    if found != seq:
        raise damaged(f"entry {seq} is missing")
    if not (isinstance(kind, str) and isinstance(text, str)):
        raise damaged(f"entry {seq} is garbled")
    if stored_previous != previous:
        raise damaged(f"entry {seq} ({kind!r}) does not follow the entry before it")
    if stored_hash != chain_hash(previous, seq, kind, text):
        raise damaged(f"entry {seq} ({kind!r}) is not what was written")
    return Event(seq, kind, json.loads(text), previous, str(stored_hash))


def damaged(finding: str) -> SchemaError:
    """The error for a journal that is not whole."""
    return SchemaError(
        f"a journal must hold every entry as it was written, but {finding}. Restore the journal "
        "from a backup, or move it away and start again; nothing was changed"
    )


def _check_keys(value: Any) -> None:
    if isinstance(value, Mapping):
        for key, below in value.items():
            if not isinstance(key, str):
                raise TypeError(f"a key is {key!r} and no string")
            _check_keys(below)
    elif isinstance(value, list | tuple):
        for below in value:
            _check_keys(below)
