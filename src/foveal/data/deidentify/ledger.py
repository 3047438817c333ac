"""The ledger of an output folder: which files are done, and what was done to them.

One line of JSON each, only ever added, without a word or name of the originals: sources are codes
that need the key of the mapping. A run that was killed goes on from it.
"""

import json
import os
import sys
from dataclasses import asdict, dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from foveal.core.errors import SchemaError, StoreError
from foveal.data.deidentify.options import Options
from foveal.data.deidentify.profile import EDITION
from foveal.data.deidentify.scrub import Counts

if sys.platform != "win32":
    import fcntl

NAME = "deidentification.jsonl"
VERSION = 1


@dataclass(frozen=True, slots=True)
class Done:
    """A file that was written. `source`, `stamp` and `sop` are codes; `out` is relative."""

    source: str
    stamp: str
    sop: str
    out: str
    digest: str
    type: str
    actions: str


class Ledger:
    """An output folder's ledger, owned by one run at a time."""

    def __init__(self, root: Path, fingerprint: str, options: Options) -> None:
        """Open it, or begin one.

        Raises:
            StoreError: if another run owns it, it began with other options, or it cannot be
                written.
            SchemaError: if its first line is damaged.
        """
        self._root = root
        self.done: dict[str, Done] = {}
        self.held: dict[str, str] = {}
        self.actions: dict[str, list[tuple[int, str, int]]] = {}
        self._sops: dict[str, Done] = {}
        self._numbers: dict[str, set[int]] = {}
        head = _head(fingerprint, options)
        try:
            root.mkdir(parents=True, exist_ok=True)
            self._handle = os.open(root / NAME, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o666)
        except OSError as error:
            raise _failure(root, error) from error
        try:
            self._own()
            self._begin(head)
        except BaseException:
            os.close(self._handle)
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        os.close(self._handle)

    def is_done(self, source: str, stamp: str) -> bool:
        """Whether this state of the source was written, and what was written is still there."""
        done = self.done.get(source)
        return done is not None and done.stamp == stamp and (self._root / done.out).is_file()

    def other_source(self, sop: str, source: str) -> Done | None:
        """The file of another source with the same instance, if it is still there."""
        done = self._sops.get(sop)
        there = done is not None and (self._root / done.out).is_file()
        return done if there and done is not None and done.source != source else None

    def place(self, source: str, sop: str, series: str, number: int | None) -> str:
        """Where a file goes: `series/000001.dcm`, by its number or, if that is taken, the next."""
        before = self._sops.get(sop)
        if before is not None and before.source == source and before.out.startswith(f"{series}/"):
            return before.out
        taken = self._numbers.get(series, set())
        if number is None or number in taken:
            number = max(taken, default=0) + 1
        return f"{series}/{number:06}.dcm"

    def add(self, done: Done, counts: Counts) -> None:
        """Write down a finished file."""
        if done.actions not in self.actions:
            rows = [(tag, action, n) for (tag, action), n in sorted(counts.items())]
            self._write({"actions": done.actions, "rows": rows})
        self._write(asdict(done))
        self._take(asdict(done))

    def hold(self, source: str, kind: str) -> None:
        """Write down a file that was held back."""
        if self.held.get(source) != kind:
            line = {"source": source, "held": kind}
            self._write(line)
            self._take(line)

    def _own(self) -> None:
        if sys.platform == "win32":
            return
        try:
            fcntl.flock(self._handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise StoreError(
                f"only one import at a time may write to {str(self._root)!r}, but another one is "
                "at it; wait for it, or choose another --out folder"
            ) from error

    def _begin(self, head: dict[str, Any]) -> None:
        with (self._root / NAME).open(encoding="utf-8", errors="replace") as file:
            text = file.read()
        if not text:
            self._write(head)
            return
        first, *rest = text.split("\n")
        _compare(_parsed(first), head, self._root)
        if rest and rest[-1]:
            self._raw(b"\n")  # a torn last line stays alone and is not counted
        for line in filter(None, map(_parsed, rest)):
            self._take(line)

    def _take(self, line: dict[str, Any]) -> None:
        if "rows" in line:
            self.actions[line["actions"]] = [(int(t), str(a), int(n)) for t, a, n in line["rows"]]
        elif "held" in line:
            self.held[line["source"]] = line["held"]
            self.done.pop(line["source"], None)
        else:
            done = Done(**line)
            self.done[done.source] = self._sops[done.sop] = done
            self.held.pop(done.source, None)
            series, _, name = done.out.rpartition("/")
            self._numbers.setdefault(series, set()).add(int(name.removesuffix(".dcm")))

    def _write(self, line: dict[str, Any]) -> None:
        if "rows" in line:
            self.actions[line["actions"]] = line["rows"]
        self._raw(json.dumps(line, separators=(",", ":")).encode() + b"\n")

    def _raw(self, data: bytes) -> None:
        try:
            os.write(self._handle, data)  # a lost line only costs that a file is made again
        except OSError as error:
            raise _failure(self._root, error) from error


def is_deidentified(folder: Path) -> bool:
    """Whether an import wrote this folder."""
    return (folder / NAME).is_file()


def known_fingerprint(root: Path) -> str | None:
    """The key's fingerprint in a folder's ledger; None where there is no ledger.

    Raises:
        StoreError: if the folder holds something, but no ledger.
        SchemaError: if the ledger's first line is damaged.
    """
    path = root / NAME
    if not path.exists():
        if root.is_dir() and any(root.iterdir()):
            raise StoreError(
                f"the --out folder must be new, empty, or written by an earlier import, but "
                f"{str(root)!r} holds files and no {NAME}; choose another folder"
            )
        return None
    try:
        with path.open("rb") as file:
            first = file.readline().decode("utf-8", "replace")
    except OSError as error:
        raise _failure(root, error) from error
    if not first:
        return None
    head = _parsed(first)
    if head is None or not isinstance(head.get("key"), str):
        raise _damaged(root)
    return str(head["key"])


def _head(fingerprint: str, options: Options) -> dict[str, Any]:
    kept = asdict(options)
    del kept["burned_in"]  # says which files pass, not what is done to them
    head = {"foveal_deidentification": VERSION, "profile": EDITION, "key": fingerprint}
    return head | {"options": kept}


def _compare(found: dict[str, Any] | None, head: dict[str, Any], root: Path) -> None:
    if found is None:
        raise _damaged(root)
    for part, value in head.items():
        if found.get(part) != value:
            raise StoreError(
                f"all files in {str(root)!r} must be de-identified in the same way, but it was "
                f"begun with another `{part}`; use the options of the first import, or choose "
                "another --out folder"
            )


def _parsed(text: str) -> dict[str, Any] | None:
    try:
        line = json.loads(text)
    except ValueError:
        return None
    return line if isinstance(line, dict) else None


def _damaged(root: Path) -> SchemaError:
    return SchemaError(
        f"the first line of {NAME} in {str(root)!r} must say how its files were made, but it is "
        "damaged; choose another --out folder"
    )


def _failure(root: Path, error: OSError) -> StoreError:
    reason = error.strerror or str(error)
    return StoreError(
        f"could not open or write {NAME} in {str(root)!r}: {reason}. Nothing was lost; free space "
        "or choose another --out folder, then run the same command again"
    )
