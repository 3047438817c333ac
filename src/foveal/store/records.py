"""What a journal entry says, as records: the payload of each kind and the way back."""

import hashlib
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Literal, get_args

from foveal.core.annotation import Annotation, Purpose, RegionKind, Verdict
from foveal.core.query import Query
from foveal.store.events import canonical_json

Kind = Literal["created", "queried", "annotated", "trained"]
Entry = tuple[Kind, Mapping[str, Any]]
# What the reader says in an answer, rather than the server about it.
SAID = ("key", "sample", "annotator", "verdict", "label", "region_kind", "assisted")
CREATED_KEYS = frozenset({"spec", "pool_digest", "classes", "parts", "receipt", "version"})


@dataclass(frozen=True, slots=True)
class TrainedRound:
    """What training and evaluation gave in one round.

    `checkpoint` is a blob's digest, "" where none was kept. `metrics` are named by part, then by
    metric; None where a metric does not exist (AUROC of a part with one class). `durations` are
    seconds.
    """

    round: int
    checkpoint: str = ""
    fingerprint: str = ""
    metrics: Mapping[str, Mapping[str, float | None]] = field(default_factory=dict)
    details: Mapping[str, Any] = field(default_factory=dict)
    durations: Mapping[str, float] = field(default_factory=dict)


def queried(query: Query, details: Mapping[str, Any] | None = None) -> Entry:
    """The entry for a query; `details`, plain JSON, are kept for reports and decide nothing."""
    return "queried", {
        "round": query.round,
        "query": asdict(query),
        "details": dict(details or {}),
    }


def annotated(annotation: Annotation) -> Entry:
    """The entry for an annotation."""
    return "annotated", {"annotation": asdict(annotation)}


def trained(record: TrainedRound) -> Entry:
    """The entry for a round's training."""
    return "trained", asdict(record)


def read_created(payload: Mapping[str, Any]) -> Mapping[str, Any]:
    """The payload of `created`, if nothing is missing (else ValueError)."""
    missing = CREATED_KEYS - payload.keys()
    if missing:
        raise ValueError(f"it lacks {', '.join(map(repr, sorted(missing)))}")
    return payload


def read_query(payload: Mapping[str, Any]) -> Query:
    """The query of a `queried` entry (KeyError, TypeError or ValueError if it is none)."""
    raw = dict(payload["query"])
    for name in ("ids", "why", "notes", "stands_for", "ask_region"):
        raw[name] = tuple(raw.get(name, ()))
    raw["scores"] = {name: tuple(values) for name, values in raw.get("scores", {}).items()}
    query = Query(**raw)
    if payload["round"] != query.round:
        raise ValueError(f"its round is {payload['round']}, that of its query {query.round}")
    return query


def read_annotation(payload: Mapping[str, Any]) -> Annotation:
    """The annotation of an `annotated` entry (KeyError, TypeError or ValueError if it is none)."""
    annotation = Annotation(**payload["annotation"])
    if annotation.verdict not in get_args(Verdict):
        raise ValueError(f"its verdict is {annotation.verdict!r}")
    if annotation.region_kind not in get_args(RegionKind):
        raise ValueError(f"its kind of region is {annotation.region_kind!r}")
    if annotation.purpose not in get_args(Purpose):
        raise ValueError(f"its purpose is {annotation.purpose!r}")
    if (annotation.verdict == "labeled") != (annotation.label is not None):
        raise ValueError(f"its verdict is {annotation.verdict!r}, its label {annotation.label!r}")
    if not annotation.seconds >= 0:
        raise ValueError(f"it took {annotation.seconds} seconds")
    return annotation


def read_trained(payload: Mapping[str, Any]) -> TrainedRound:
    """The record of a `trained` entry (TypeError if it is none)."""
    return TrainedRound(**payload)


def content_of(told: Annotation, region: bytes | None, shapes: bytes | None) -> str:
    """Digest of what an answer says.

    When it came, how long it took and why it was asked for are left out: the server fills them in,
    and may do so otherwise when the same answer comes again.
    """
    plain = {name: getattr(told, name) for name in SAID}
    digest = hashlib.sha256(canonical_json(plain).encode())
    for part in (region, shapes):
        digest.update(b"-" if part is None else hashlib.sha256(part).digest())
    return digest.hexdigest()
