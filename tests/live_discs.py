"""A project on discs and squares, and a reader who answers from the manifest."""

from pathlib import Path
from typing import Any

from discs import CLASSES, SIZE, rewrite, write_discs
from foveal.annotate.choose import choose
from foveal.core.annotation import Annotation
from foveal.core.live_spec import LiveSpec, parse_live
from foveal.core.region import encode_region
from foveal.core.spec import DataSpec
from foveal.data import Collection, load_pool
from foveal.loop.live import Worker, init_project
from foveal.store.project import ProjectStore

SETTINGS = {
    "data": {"image_size": SIZE, "leaks": "report"},
    "model": {"adapter": 8, "pooling": "mean"},
    "train": {"epochs": 3, "explanation_weight": 0, "region_weight": 0, "precision": "32"},
    "acquire": {"strategy": "margin", "skip_near_duplicates": False},
}


def blind(folder: Path) -> Path:
    """The discs without a word of what they show; the manifest of what they show is kept beside."""
    write_discs(folder)
    (folder / "truth.csv").write_bytes((folder / "labels.csv").read_bytes())
    rewrite(folder, lambda row: row | {"label": "", "mask": ""})
    return folder


def live_spec(**changes: Any) -> LiveSpec:
    """Trains after every six labels."""
    plain = {"classes": CLASSES, "train_every": 6, "queue": 8, "test_every": 3, "test_target": 8}
    return parse_live(plain | changes)


def make_project(images: Path, folder: Path, settings: dict[str, Any] = SETTINGS, **changes: Any):
    """A new project in `folder`."""
    return init_project(folder, images / "labels.csv", live_spec(**changes), settings)


def until_waiting(worker: Worker) -> list[str]:
    """What a worker does until readers have enough."""
    done = []
    while (task := worker.step()) != "wait":
        done.append(task)
    return done


class ScriptedReader:
    """Reads whatever comes next, as the manifest says, and saves it as the page would.

    Args:
        bare: a class on whose images nothing is drawn.
    """

    def __init__(self, images: Path, name: str = "ann", bare: str = "") -> None:
        self.name, self._bare = name, bare
        self._known: Collection = load_pool(images / "truth.csv", DataSpec(source=""))
        self._samples = {s.uri: s.id for s in self._known.pool.samples}

    def read(self, store: ProjectStore, pool: Collection, count: int = 1) -> list[str]:
        """Answers to the next cases; their samples."""
        read = []
        for _ in range(count):
            live = store.live()
            chosen = choose(live, self.name, frozenset())
            if chosen is None:
                break
            sample, purpose = chosen
            told = self._samples[pool.pool[sample].uri]
            label = self._known.pool.classes[self._known.truth.label(told)]
            region = self._known.truth.region(told)
            assert region is not None
            region = region & (label != self._bare)
            answer = Annotation(
                sample=sample,
                annotator=self.name,
                verdict="labeled",
                label=live.classes.index(label),
                region_kind="mask",
                seconds=4.0,
                round=len(live.queries) - 1,
                purpose=purpose,
                key=f"{self.name}-{len(live.history):08}",
            )
            store.save(answer, encode_region(region), None)
            read.append(sample)
        return read
