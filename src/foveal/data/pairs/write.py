"""Write: every pair of a table as an npz, once, and one manifest of all their slices."""

import csv
import hashlib
import io
import json
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from foveal.core.errors import DataError
from foveal.core.files import write_whole
from foveal.data.pairs.prepare import PairSettings, Prepared, prepare
from foveal.data.pairs.scans import digest_of
from foveal.data.pairs.slices import Slices
from foveal.data.pairs.table import Pair, read_pairs
from foveal.data.problems import Problem
from foveal.data.row import EMPTY

VERSION = 1  # raise it when a pair would come out differently, so that it is prepared again
MANIFEST = "pairs.csv"
COLUMNS = (
    "image", "label", "mask", "patient", "split", "spacing_mm", "pair", "interval", "position",
    "time", "change_pixels",
)  # fmt: skip
CHANGE, NONE = "change", "none"
Progress = Callable[[int, int], None]
Record = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Done:
    """One pair in the output folder.

    `record` is what its JSON file holds: facts, notes and the slices. `seconds` is 0 where the
    pair had been prepared before.
    """

    pair: Pair
    name: str
    record: Record
    seconds: float

    def __str__(self) -> str:
        facts = self.record["facts"]
        how = f"registration {facts['registration']}"
        if facts["registration"] != "none":
            how += f" by {facts['moved_mm']:.1f} mm"
            how += f", similarity {facts['similarity_before']:.3f} -> "
        else:
            how += ", similarity "
        how += f"{facts['similarity_after']:.3f}"
        kept, left = facts["slices"], facts["slices_left_out"]
        took = f"{self.seconds:.1f} s" if self.seconds else "prepared before"
        changed = sum(1 for s in self.record["slices"] if s["label"] == CHANGE)
        told = f"row {self.pair.row}: {how}; {kept} slices ({left} without a head left out)"
        return f"{told}, {changed} with change; {took}"


def prepare_pairs(
    table: Path,
    out: Path,
    settings: PairSettings,
    *,
    swap: bool = False,
    progress: Progress | None = None,
) -> tuple[list[Done], list[Problem]]:
    """All pairs of a table in folder `out`: `NAME.npz`, `NAME.json` and the manifest `pairs.csv`.

    A pair whose inputs and settings have not changed is not prepared again. A pair that cannot be
    prepared becomes a problem, and the rest goes on. Every file is written whole or not at all.

    Args:
        table: see `foveal.data.pairs.table`.
        out: folder, made if need be.
        settings: how pairs are prepared.
        swap: exchange time points that are out of order.
        progress: called with pairs done and all.
    Raises:
        DataError: if the table is none, or would be overwritten by the manifest.
        StoreError: if the folder cannot be written.
    """
    if table.resolve() == (out / MANIFEST).resolve():
        raise DataError(
            f"the manifest {MANIFEST!r} in --out must not overwrite the table of pairs; choose "
            "another --out folder"
        )
    pairs, problems = read_pairs(table, swap)
    done: list[Done] = []
    for n, pair in enumerate(pairs):
        if progress:
            progress(n, len(pairs))
        try:
            done.append(_once(pair, out, settings))
        except DataError as error:
            problems.append(Problem(pair.row, pair.uri, "pair", str(error)))
        else:
            notes = done[-1].record["notes"]
            problems += [
                Problem(pair.row, pair.uri, kind, text)
                for kind, text in notes
                if kind == "similarity"
            ]
    if progress and pairs:
        progress(len(pairs), len(pairs))
    write_whole(out / MANIFEST, _manifest(done))
    return done, sorted(problems, key=lambda p: p.row or 0)


def notes_of(done: Done) -> list[str]:
    """Sentences about a pair that are no problem."""
    return [text for kind, text in done.record["notes"] if kind != "similarity"]


def _once(pair: Pair, out: Path, settings: PairSettings) -> Done:
    key = _key(pair, settings)
    name = f"pair-{hashlib.sha256(_identity(pair)).hexdigest()[:12]}"
    record = _stored(out, name, key)
    if record is not None:
        return Done(pair, name, record, 0.0)
    start = time.perf_counter()
    prepared = prepare(pair, settings)
    data = _npz(prepared.slices)
    write_whole(out / f"{name}.npz", data)
    record = {
        "key": key,
        "npz": hashlib.sha256(data).hexdigest(),
        "settings": asdict(settings),
        "facts": dict(prepared.facts),
        "notes": [list(note) for note in prepared.notes],
        "slices": list(_slices(name, prepared)),
    }
    write_whole(out / f"{name}.json", (json.dumps(record, indent=1) + "\n").encode())
    return Done(pair, name, record, time.perf_counter() - start)


def _npz(slices: Slices) -> bytes:
    data = io.BytesIO()
    if slices.masks is None:
        np.savez_compressed(data, pairs_images=slices.images)
    else:
        np.savez_compressed(data, pairs_images=slices.images, pairs_masks=slices.masks)
    return data.getvalue()


def _identity(pair: Pair) -> bytes:
    """What makes a pair this one, whatever its row; only a digest of it is ever written."""
    return f"{pair.patient}\0{pair.baseline}\0{pair.followup}".encode()


def _key(pair: Pair, settings: PairSettings) -> str:
    """Digest of everything that decides the result."""
    h = hashlib.sha256(f"pairs {VERSION} {settings} {pair.no_change}\n".encode())
    for path in (pair.baseline, pair.followup, pair.mask, pair.brain):
        h.update(digest_of(path) if path else b"-" * 32)
    return h.hexdigest()


def _stored(out: Path, name: str, key: str) -> Record | None:
    """The record of a pair prepared before, if it and its images are whole and still hold."""
    try:
        record: Record = json.loads((out / f"{name}.json").read_bytes())
        whole = digest_of(out / f"{name}.npz").hex() == record["npz"]
        return record if whole and record["key"] == key else None
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _slices(name: str, prepared: Prepared) -> Iterator[Record]:
    slices = prepared.slices
    for i, index in enumerate(slices.index.tolist()):
        changed = None if slices.masks is None else int(slices.masks[i].sum())
        yield {
            "image": f"{name}.npz#pairs_images:{i}",
            "mask": "" if changed is None else f"{name}.npz#pairs_masks:{i}" if changed else EMPTY,
            "label": "" if changed is None else CHANGE if changed else NONE,
            "spacing_mm": "x".join(f"{mm:.5g}" for mm in slices.spacing_mm),
            "position": index,
            "change_pixels": "" if changed is None else changed,
        }


def _manifest(done: Sequence[Done]) -> bytes:
    text = io.StringIO()
    writer = csv.DictWriter(text, COLUMNS, lineterminator="\n")
    writer.writeheader()
    for one in done:
        shared: Mapping[str, Any] = {
            "patient": one.pair.patient,
            "split": one.pair.split,
            "pair": one.name,
            "interval": one.pair.interval,
            "time": "" if one.pair.days is None else one.pair.days,
        }
        writer.writerows({**shared, **row} for row in one.record["slices"])
    return text.getvalue().encode()
