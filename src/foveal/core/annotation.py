"""Annotation: what one annotator said about one sample, and what it cost."""

from dataclasses import dataclass
from typing import Literal

from foveal.core.pool import SampleId

Verdict = Literal["labeled", "skipped", "unsure", "bad"]
RegionKind = Literal["none", "box", "mask"]
Purpose = Literal["first", "overlap", "repeat", "test", "adjudication", "imported"]


@dataclass(frozen=True, slots=True)
class Annotation:
    """Append-only; a correction is a new annotation of the same sample.

    `label` is a class index, None unless the verdict is `labeled`. `region` is the digest of an
    encoded region (see `core.region`), "" where none was asked for. `seconds` is the expert's
    time; `at` is an ISO time in UTC, "" in simulations (which must not depend on the clock).
    `shapes` is the digest of what was drawn as shapes (see `core.shapes`), `purpose` why this
    reader was asked, `key` names one act of saving, and `assisted` says that the reader saw what
    the model thought before answering.
    """

    sample: SampleId
    annotator: str
    verdict: Verdict
    label: int | None
    region: str = ""
    region_kind: RegionKind = "none"
    seconds: float = 0.0
    round: int = 0
    at: str = ""
    shapes: str = ""
    purpose: Purpose = "first"
    key: str = ""
    assisted: bool = False
