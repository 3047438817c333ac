"""LiveState: a project's journal folded into the present; many readers, one answer a case."""

import copy
import hashlib
from bisect import bisect_right
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from itertools import accumulate
from typing import Any

from foveal.core.annotation import Annotation
from foveal.core.errors import SchemaError
from foveal.core.live_spec import LiveSpec
from foveal.core.pool import Part, SampleId
from foveal.core.query import Query
from foveal.store.events import Event
from foveal.store.records import (
    TrainedRound,
    read_annotation,
    read_created,
    read_query,
    read_trained,
)
from foveal.store.resolution import LAST_WORD, OPEN, Resolution, question_of, resolve
from foveal.store.state import CANDIDATE_PARTS, State, in_turn

READ_PARTS = CANDIDATE_PARTS | {"test", "val"}
ADDED_PARTS: frozenset[Part] = frozenset({"unlabeled", "excluded"})


@dataclass(frozen=True, slots=True)
class LiveState:
    """The present of a project; cheap to read, never changed once made.

    `queries`, their `details` and `trained` are indexed by round. `history` holds every answer in
    order. `quarantined` says why an image is left out. `news` counts lessons that the model does
    not know, or otherwise. `length` counts the entries folded.
    """

    created: Mapping[str, Any]
    live: LiveSpec
    parts: Mapping[SampleId, Part]
    queries: tuple[Query, ...]
    details: tuple[Mapping[str, Any], ...]
    trained: tuple[TrainedRound, ...]
    history: tuple[Annotation, ...]
    quarantined: Mapping[SampleId, str]
    by_reader: Mapping[SampleId, Mapping[str, Annotation]]
    ruled: Mapping[SampleId, Annotation]
    resolutions: Mapping[SampleId, Resolution]
    news: int
    length: int

    @property
    def project(self) -> str:
        """The project's id."""
        return str(self.created["project"])

    @property
    def classes(self) -> tuple[str, ...]:
        """Names of the classes, in the order of their indices."""
        return self.live.classes

    @property
    def outlines(self) -> bool:
        """Whether regions teach, and an answer without one teaches nothing."""
        return bool(self.created["spec"].get("task") == "segmentation")

    def answers(self, sample: SampleId) -> Mapping[str, Annotation]:
        """The last answer of each reader, hidden repeats, imports and adjudications left out."""
        return self.by_reader.get(sample, {})

    def resolution(self, sample: SampleId) -> Resolution:
        """What the answers about a case come to."""
        if sample in self.quarantined:
            return Resolution("excluded")
        return self.resolutions.get(sample, OPEN)

    def lessons(self) -> tuple[tuple[SampleId, Resolution], ...]:
        """Candidates that may teach, in the order they were first answered."""
        return self._final(CANDIDATE_PARTS)

    def references(self) -> tuple[tuple[SampleId, Resolution], ...]:
        """Test and validation cases that may test, in the order they were first answered."""
        return self._final(READ_PARTS - CANDIDATE_PARTS)

    def disputes(self) -> tuple[SampleId, ...]:
        """Cases on which readers disagree or which they pass on; only a lead settles them."""
        return tuple(i for i in self.resolutions if self.resolution(i).status == "disputed")

    def to_settle(self) -> dict[SampleId, str]:
        """Cases that a lead should settle, and why: disputes, and such as nobody else may come to.

        These are the ones a reader is unsure of, or has skipped twice: they do not come back.
        """
        skipped = (one for one in self.history if one.verdict == "skipped")
        skips = Counter((one.sample, one.annotator) for one in skipped)
        twice = {sample for (sample, _), times in skips.items() if times > 1}
        asked = {
            i: question_of(self.resolution(i).status, self.answers(i), i in twice)
            for i in self.resolutions
        }
        return {i: why for i, why in asked.items() if why}

    def pending(self) -> tuple[SampleId, ...]:
        """Samples of the last query that still need readers, most wanted first."""
        asked = self.queries[-1].ids if self.queries else ()
        return tuple(i for i in asked if self.wants_readers(i))

    def wants_readers(self, sample: SampleId) -> bool:
        """Whether a case is still to be given to readers."""
        return self.resolution(sample).status in {"open", "partial"}

    def labels_since_training(self) -> int:
        """Lessons that are new or other since the model learned last."""
        return self.news

    def seconds(self) -> float:
        """Reading time of all, in seconds."""
        return float(sum(one.seconds for one in self.history))

    def as_state(self) -> State:
        """The candidates as a simulated run would know them: one annotation a sample.

        The round of an annotation is that of the first training it taught, as in a simulation, and
        not that of the query: readers go on in an old one while the model learns.
        """
        counts = (int(record.details["lessons"]) for record in self.trained)
        taught = list(accumulate(counts, max))
        told = {
            sample: replace(resolution.told[0], round=bisect_right(taught, place))
            for place, (sample, resolution) in enumerate(self.lessons())
        }
        return State(
            created=self.created,
            queries=self.queries,
            details=self.details,
            history=tuple(told.values()),
            annotations=told,
            trained=self.trained,
            answered_from=len(told),
        )

    def _final(self, parts: Iterable[str]) -> tuple[tuple[SampleId, Resolution], ...]:
        wanted = frozenset(parts)
        return tuple(
            (sample, resolution)
            for sample, resolution in self.resolutions.items()
            if resolution.final and self.parts[sample] in wanted and sample not in self.quarantined
        )


def needed(project: str, sample: SampleId, live: LiveSpec) -> int:
    """Readers who must agree on a case; decided by its name, so that it never changes."""
    if live.overlap_readers == 1 or share_of(project, "overlap", sample) >= live.overlap_share:
        return 1
    return live.overlap_readers


def share_of(*names: str) -> float:
    """A number in [0, 1) that belongs to these names for ever."""
    digest = hashlib.blake2b("\0".join(names).encode(), digest_size=8).digest()
    return int.from_bytes(digest) / 2**64


def fold_live(events: Iterable[Event]) -> LiveState:
    """The state that a project's events lead to.

    Raises:
        SchemaError: naming the first event that could not have happened.
    """
    folding = Folding()
    folding.take(events)
    return folding.state()


class Folding:
    """Takes a project's events one after another, and tells the state after any of them."""

    def __init__(self) -> None:
        self.length = 0
        self._created: Mapping[str, Any] | None = None
        self._live: LiveSpec | None = None
        self._project = ""
        self._parts: Mapping[SampleId, Part] = {}
        self._queries: list[Query] = []
        self._details: list[Mapping[str, Any]] = []
        self._trained: list[TrainedRound] = []
        self._history: list[Annotation] = []
        self._quarantined: dict[SampleId, str] = {}
        self._by_reader: dict[SampleId, dict[str, Annotation]] = {}
        self._ruled: dict[SampleId, Annotation] = {}
        self._resolutions: dict[SampleId, Resolution] = {}
        self._changed: dict[SampleId, int] = {}  # which entry changed what a case comes to
        self._learned_until = 0

    def take(self, events: Iterable[Event]) -> None:
        """Go on with more events; SchemaError as `fold_live`."""
        for event in events:
            try:
                self._take(event)
            except (AttributeError, KeyError, TypeError, ValueError) as error:
                reason = f"it lacks {error}" if isinstance(error, KeyError) else error
                raise SchemaError(
                    f"entry {event.seq} ({event.kind!r}) of a project's journal must be possible "
                    f"where it stands, but {reason}. Restore the project from a backup"
                ) from error
            self.length += 1

    def fork(self) -> "Folding":
        """A second one at the same place, which goes its own way from there."""
        other = copy.copy(self)
        for name, value in vars(self).items():
            if isinstance(value, list | dict) and name != "_parts":
                setattr(other, name, value.copy())
        other._by_reader = {i: dict(told) for i, told in self._by_reader.items()}
        return other

    def state(self) -> LiveState:
        """The present; SchemaError if nothing was created."""
        if self._created is None or self._live is None:
            raise SchemaError(
                "a project's journal must begin with `created`, but is empty; make the project "
                "anew with `foveal init`, or restore it from a backup"
            )
        return LiveState(
            created=self._created,
            live=self._live,
            parts=self._parts,
            queries=tuple(self._queries),
            details=tuple(self._details),
            trained=tuple(self._trained),
            history=tuple(self._history),
            quarantined=dict(self._quarantined),
            by_reader={i: dict(told) for i, told in self._by_reader.items()},
            ruled=dict(self._ruled),
            resolutions=dict(self._resolutions),
            news=self._news(),
            length=self.length,
        )

    def _take(self, event: Event) -> None:
        if (event.kind == "created") == (self._created is not None):
            raise ValueError("`created` must be the first entry and the only one of its kind")
        match event.kind:
            case "created":
                self._begin(event.payload)
            case "queried":
                self._query(event.payload)
            case "annotated":
                self._annotate(read_annotation(event.payload))
            case "trained":
                self._train(event.payload)
            case "added":
                self._add(event.payload["parts"])
            case "quarantined":
                self._quarantined[self._known(event.payload["sample"])] = event.payload["reason"]
            case "restored":
                self._quarantined.pop(self._known(event.payload["sample"]), None)
                self._changed[event.payload["sample"]] = self.length
            case _:
                raise ValueError("no such kind of entry is known")

    def _begin(self, payload: Mapping[str, Any]) -> None:
        self._created = read_created(payload)
        self._live = LiveSpec.model_validate(payload["live"])
        self._parts = dict(payload["parts"])
        self._project = str(payload["project"])

    def _add(self, parts: Mapping[SampleId, Part]) -> None:
        if not parts.keys().isdisjoint(self._parts):
            raise ValueError("an image that comes in is in the project already")
        if not ADDED_PARTS.issuperset(parts.values()):
            raise ValueError("an image that comes in can be a candidate or left out, nothing else")
        self._parts = {**self._parts, **parts}

    def _query(self, payload: Mapping[str, Any]) -> None:
        query = read_query(payload)
        in_turn(query.round, len(self._queries))
        for sample in query.ids:
            if self._parts[self._known(sample)] not in CANDIDATE_PARTS:
                raise ValueError(f"it asks for sample {sample!r}, which is no candidate")
        self._queries.append(query)
        self._details.append(dict(payload.get("details", {})))

    def _annotate(self, annotation: Annotation) -> None:
        assert self._live is not None
        check_answer(annotation, self._parts, self._live)
        sample = annotation.sample
        self._history.append(annotation)
        if annotation.purpose == "repeat":
            return
        if annotation.purpose in LAST_WORD:
            self._ruled[sample] = annotation
        else:
            self._by_reader.setdefault(sample, {})[annotation.annotator] = annotation
        readers = needed(self._project, sample, self._live)
        answers = self._by_reader.get(sample, {})
        before = self._resolutions.get(sample, OPEN)
        now = self._resolutions[sample] = resolve(answers, self._ruled.get(sample), readers)
        if now != before:
            self._changed[sample] = self.length

    def _news(self) -> int:
        since = (i for i, at in self._changed.items() if at >= self._learned_until)
        there = (i for i in since if i not in self._quarantined)
        lessons = (i for i in there if self._parts[i] in CANDIDATE_PARTS)
        return sum(self._resolutions.get(i, OPEN).final for i in lessons)

    def _train(self, payload: Mapping[str, Any]) -> None:
        record = read_trained(payload)
        in_turn(record.round, len(self._trained))
        if record.round >= len(self._queries):
            raise ValueError(f"round {record.round} has no query yet")
        self._trained.append(record)
        self._learned_until = int(record.details["until"])

    def _known(self, sample: SampleId) -> SampleId:
        return _known(sample, self._parts)


def check_answer(told: Annotation, parts: Mapping[SampleId, Part], live: LiveSpec) -> None:
    """Raise ValueError if an answer is about no sample or class of the project."""
    _known(told.sample, parts)
    if told.label is not None and not 0 <= told.label < len(live.classes):
        raise ValueError(f"there is no class {told.label}")


def _known(sample: SampleId, parts: Mapping[SampleId, Part]) -> SampleId:
    part = parts.get(sample)
    if part not in READ_PARTS:
        where = "is not in this project" if part is None else f"belongs to the part {part!r}"
        raise ValueError(f"sample {sample!r} {where}")
    return sample


def added(parts: Mapping[SampleId, Part]) -> tuple[str, Mapping[str, Any]]:
    """The entry that lets images in which came after the project was made."""
    return "added", {"parts": dict(parts)}


def quarantined(sample: SampleId, reason: str) -> tuple[str, Mapping[str, Any]]:
    """The entry that leaves an image out."""
    return "quarantined", {"sample": sample, "reason": reason}


def restored(sample: SampleId, by: str) -> tuple[str, Mapping[str, Any]]:
    """The entry that takes an image in again."""
    return "restored", {"sample": sample, "by": by}
