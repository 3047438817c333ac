"""Craft: what a round does differently in each task; the steps of an experiment are the same."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from foveal.core.arrays import BoolArray, FloatArray
from foveal.core.evidence import Evidence
from foveal.core.pool import Part, SampleId
from foveal.loop.bench import Watch

Metrics = dict[str, float | None]
MAIN = {"classification": "macro_auroc", "segmentation": "dice"}  # the metric told while it runs


class Model(Protocol):
    """What a craft has learned; only the craft looks inside."""

    def fingerprint(self) -> str:
        """Hash of all weights."""
        ...


@dataclass(frozen=True, slots=True)
class Bought:
    """One annotation: the sample, its class, and how to read what was drawn."""

    sample: SampleId
    label: int | None
    read: Callable[[], BoolArray | None]

    @property
    def region(self) -> BoolArray | None:
        """The region on the image's own grid, read anew; None where none was asked for."""
        return self.read()


@dataclass(frozen=True, slots=True)
class Taught:
    """A model, its checkpoint, and what the report shows of its training."""

    model: Model
    checkpoint: bytes
    details: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Gathered:
    """Evidence of the candidates and, by name, of the sets beside them; what is to be told."""

    pool: Evidence
    context: Mapping[str, Evidence] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Looks:
    """(n, S, S) in [0, 1]: where a model looks, and where it should, None if nobody knows."""

    maps: FloatArray
    expected: FloatArray | None = None


class Craft(Protocol):
    """One task, for one spec on one bench."""

    def learn(
        self,
        bought: Iterable[Bought],
        round_number: int,
        previous: Model | None,
        watch: Watch,
    ) -> Taught:
        """A model from all annotations; `previous` is where a warm start begins."""
        ...

    def restore(self, checkpoint: bytes) -> Model:
        """The model of a checkpoint."""
        ...

    def measure(self, model: Model, part: Part) -> tuple[Metrics, dict[str, Any]]:
        """Metrics of val or test, and details for the report."""
        ...

    def subgroups(self, model: Model, part: Part, columns: Sequence[str]) -> dict[str, Any]:
        """Metrics by values of the manifest's columns."""
        ...

    def gather(self, model: Model, ids: tuple[SampleId, ...], bought: Iterable[Bought]) -> Gathered:
        """Evidence that the spec's strategy reads. Nothing hidden is read: only what was bought,
        and the validation part."""
        ...

    def look(self, model: Model, ids: tuple[SampleId, ...]) -> Looks:
        """Where the model looks in a few samples."""
        ...
