"""State: a journal's events folded into the present; the same events always give the same state."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from foveal.core.annotation import Annotation
from foveal.core.errors import SchemaError
from foveal.core.pool import SampleId
from foveal.core.query import Query
from foveal.store.events import Event
from foveal.store.records import (
    TrainedRound,
    read_annotation,
    read_created,
    read_query,
    read_trained,
)

CANDIDATE_PARTS = frozenset({"unlabeled", "labeled"})


@dataclass(frozen=True, slots=True)
class State:
    """The present of an experiment.

    `queries`, their `details` for reports, and `trained` are indexed by round. `history` holds
    every annotation in order, `annotations` the latest of each sample, ordered by the sample's
    first. `answered_from` is the length of `history` when the last query was made.
    """

    created: Mapping[str, Any] | None = None
    queries: tuple[Query, ...] = ()
    details: tuple[Mapping[str, Any], ...] = ()
    history: tuple[Annotation, ...] = ()
    annotations: Mapping[SampleId, Annotation] = field(default_factory=dict)
    trained: tuple[TrainedRound, ...] = ()
    answered_from: int = 0

    def labeled(self) -> tuple[SampleId, ...]:
        """Samples whose latest verdict is `labeled`, in the order they were first annotated."""
        return tuple(i for i, a in self.annotations.items() if a.verdict == "labeled")

    def pending(self) -> tuple[SampleId, ...]:
        """Samples of the last query that nobody has answered since, most wanted first.

        A sample that was skipped in an earlier round and is asked again is pending again.
        """
        if not self.queries:
            return ()
        answered = {a.sample for a in self.history[self.answered_from :]}
        return tuple(i for i in self.queries[-1].ids if i not in answered)

    def cost_seconds(self) -> float:
        """The experts' time spent on all annotations, corrections included."""
        return float(sum(a.seconds for a in self.history))


def fold(events: Iterable[Event]) -> State:
    """The state that a journal's events lead to.

    Raises:
        SchemaError: naming the first event that could not have happened: of an unknown kind, not
            of its kind's form, before `created`, out of turn, or about a sample that is not a
            candidate of this pool.
    """
    present = _Present()
    for event in events:
        try:
            present.take(event)
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            reason = f"it lacks {error}" if isinstance(error, KeyError) else error
            raise SchemaError(
                f"entry {event.seq} ({event.kind!r}) of a journal must be possible where it "
                f"stands, but {reason}. Was it written by another version of Foveal, or by two "
                "runs at once? Restore the journal from a backup, or start again elsewhere"
            ) from error
    return present.state()


class _Present:
    """The fold's accumulator, so that folding stays linear in the number of events."""

    def __init__(self) -> None:
        self.created: Mapping[str, Any] | None = None
        self.parts: Mapping[SampleId, str] = {}
        self.queries: list[Query] = []
        self.details: list[Mapping[str, Any]] = []
        self.history: list[Annotation] = []
        self.annotations: dict[SampleId, Annotation] = {}
        self.trained: list[TrainedRound] = []
        self.answered_from = 0

    def take(self, event: Event) -> None:
        if (event.kind == "created") == (self.created is not None):
            raise ValueError("`created` must be the first entry and the only one of its kind")
        match event.kind:
            case "created":
                self.created = read_created(event.payload)
                self.parts = dict(event.payload["parts"])
            case "queried":
                self._query(read_query(event.payload))
                self.details.append(dict(event.payload.get("details", {})))
            case "annotated":
                self._annotate(read_annotation(event.payload))
            case "trained":
                self._train(read_trained(event.payload))
            case _:
                raise ValueError("no such kind of entry is known")

    def _query(self, query: Query) -> None:
        in_turn(query.round, len(self.queries))
        for sample in query.ids:
            self._candidate(sample)
            latest = self.annotations.get(sample)
            if latest is not None and latest.verdict == "labeled":
                raise ValueError(f"it asks for sample {sample!r}, which has a label already")
        self.queries.append(query)
        self.answered_from = len(self.history)

    def _annotate(self, annotation: Annotation) -> None:
        self._candidate(annotation.sample)
        self.history.append(annotation)
        self.annotations[annotation.sample] = annotation

    def _train(self, record: TrainedRound) -> None:
        in_turn(record.round, len(self.trained))
        if record.round >= len(self.queries):
            raise ValueError(f"round {record.round} has no query yet")
        self.trained.append(record)

    def _candidate(self, sample: SampleId) -> None:
        part = self.parts.get(sample)
        if part not in CANDIDATE_PARTS:
            where = "is not in this pool" if part is None else f"belongs to the part {part!r}"
            raise ValueError(f"sample {sample!r} {where}, so nobody may be asked about it")

    def state(self) -> State:
        return State(
            created=self.created,
            queries=tuple(self.queries),
            details=tuple(self.details),
            history=tuple(self.history),
            annotations=self.annotations,
            trained=tuple(self.trained),
            answered_from=self.answered_from,
        )


def in_turn(found: int, expected: int) -> None:
    """Raise ValueError unless a record is of the round that is next."""
    if found != expected:
        raise ValueError(f"it is of round {found} where round {expected} is next")
