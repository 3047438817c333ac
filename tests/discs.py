"""Discs and squares: a tiny labeled data set with masks, and specs that run on it in a second."""

import contextlib
import csv
import io
import json
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest
import torch
from PIL import Image

from foveal.cli import main
from foveal.core.spec import ExperimentSpec, parse_spec, with_settings
from foveal.loop import study
from foveal.store import Journal

SIZE = 64
CLASSES = ("disc", "square")
PARTS = (("train", 24), ("val", 6), ("test", 8))
COLUMNS = ("image", "label", "mask", "patient", "split", "wx0", "wy0", "wx1", "wy1")
VOLATILE = frozenset({"seconds", "ask_seconds", "durations", "wall_seconds"})


def figure(kind: str, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """A bright shape on speckle, and its mask; both (64, 64) uint8."""
    y, x = np.mgrid[:SIZE, :SIZE]
    cy, cx, r = rng.integers(18, 46), rng.integers(18, 46), rng.integers(7, 14)
    inside = (
        (y - cy) ** 2 + (x - cx) ** 2 <= r**2
        if kind == "disc"
        else (abs(y - cy) <= r) & (abs(x - cx) <= r)
    )
    picture = rng.integers(0, 90, (SIZE, SIZE)) + 150 * inside
    return picture.astype(np.uint8), (inside * 255).astype(np.uint8)


def write_discs(folder: Path, seed: int = 0) -> Path:
    """`labels.csv` with images, masks, patients, a split, and weak boxes around half the image."""
    rng = np.random.default_rng(seed)
    (folder / "masks").mkdir(parents=True)
    rows = []
    for part, count in PARTS:
        for i in range(count):
            kind, name = CLASSES[i % 2], f"{part}{i:02}.png"
            picture, mask = figure(kind, rng)
            Image.fromarray(picture).save(folder / name)
            Image.fromarray(mask).save(folder / "masks" / name)
            rows.append((name, kind, f"masks/{name}", f"{part}-p{i // 2}", part, 10, 10, 50, 50))
    with (folder / "labels.csv").open("w", newline="") as file:
        csv.writer(file).writerows([COLUMNS, *rows])
    return folder


def disc_settings(**changes: Any) -> dict[str, Any]:
    """Settings of an experiment on discs: three rounds of a tenth of a second or so."""
    plain = {
        "name": "Discs",
        "data": {"source": "labels.csv", "image_size": SIZE},
        "model": {"adapter": 8, "pooling": "mean"},
        "train": {"epochs": 3, "explanation_weight": 0, "region_weight": 0},
        "acquire": {"strategy": "eg_al"},
        "regions": {"annotate": "mask"},
        "seed_set": 6,
        "budget": 5,
        "labels": 15,
    }
    return with_settings(plain, {k.replace("__", "."): v for k, v in changes.items()})


def rewrite(folder: Path, change: Callable[[dict[str, str]], dict[str, str] | None]) -> None:
    """Change `labels.csv` row by row; None drops a row."""
    path = folder / "labels.csv"
    with path.open(newline="") as file:
        rows = [new for row in csv.DictReader(file) if (new := change(row)) is not None]
    with path.open("w", newline="") as file:
        table = csv.DictWriter(file, list(rows[0]))
        table.writeheader()
        table.writerows(rows)


def write_spec(folder: Path, name: str = "spec.yaml", **changes: Any) -> Path:
    """The settings as a spec file beside the data (JSON is YAML)."""
    path = folder / name
    path.write_text(json.dumps(disc_settings(**changes)))
    return path


def disc_spec(**changes: Any) -> ExperimentSpec:
    """The same, parsed."""
    return parse_spec(disc_settings(**changes))


def told(folder: Path) -> list[tuple[str, Any]]:
    """What a journal says, without what the clock says."""
    with Journal.open(folder / "journal.sqlite", create=False, exclusive=False) as journal:
        return [(event.kind, timeless(event.payload)) for event in journal.events()]


def timeless(value: Any) -> Any:
    """Plain data without the keys that hold durations."""
    if isinstance(value, Mapping):
        return {k: timeless(v) for k, v in value.items() if k not in VOLATILE}
    return [timeless(v) for v in value] if isinstance(value, list | tuple) else value


@pytest.fixture(scope="session")
def cache_folder(tmp_path_factory):
    """Pixels and features are made once a session."""
    return tmp_path_factory.mktemp("cache")


@contextlib.contextmanager
def quiet(cache: Path) -> Iterator[None]:
    """A cache of its own, and one thread: sums then agree with those of child processes."""
    threads = torch.get_num_threads()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("FOVEAL_CACHE", str(cache))
        patch.setenv("OMP_NUM_THREADS", "1")
        torch.set_num_threads(1)
        yield
    torch.set_num_threads(threads)


@pytest.fixture(scope="module", autouse=True)
def quiet_machine(cache_folder):
    """Every test of a folder that imports this runs so."""
    with quiet(cache_folder):
        yield


@pytest.fixture(scope="session")
def discs(tmp_path_factory):
    """The folder of the data set; not to be written to."""
    return write_discs(tmp_path_factory.mktemp("discs") / "data")


@pytest.fixture
def no_page(monkeypatch):
    """Leaves out the page, which takes longer to draw than a run and has its own tests."""
    monkeypatch.setattr("foveal.cli.finish.write_report", lambda _, folder: folder / "report.html")


class Ended(NamedTuple):
    """How a command ended: exit status, and what it said on both streams."""

    status: int
    out: str
    err: str


def foveal(*arguments: object) -> Ended:
    """The command line, in this process: foveal("run", spec, "--out", folder)."""
    out, err, status = io.StringIO(), io.StringIO(), 0
    with (
        pytest.MonkeyPatch.context() as patch,
        contextlib.redirect_stdout(out),
        contextlib.redirect_stderr(err),
    ):
        patch.setattr(study, "_BENCHES", {})  # a new process has opened nothing yet
        patch.setattr(sys, "argv", ["foveal", *map(str, arguments)])
        patch.setenv("COLUMNS", "160")
        try:
            main()
        except SystemExit as end:
            status = int(end.code or 0)
    return Ended(status, out.getvalue(), err.getvalue())
