"""Annotation: what one annotator said about one sample, and what it cost."""

from dataclasses import dataclass
from typing import Literal

from foveal.core.pool import SampleId

Verdict = Literal["labeled", "skipped", "unsure"]
RegionKind = Literal["none", "box", "mask"]


@dataclass(frozen=True, slots=True)
class Annotation:
    """Append-only; a correction is a new annotation of the same sample.

    `label` is a class index, None unless the verdict is `labeled`. `region` is the digest of an
    encoded region (see `core.region`), "" where none was asked for. `seconds` is the expert's
    time; `at` is an ISO time in UTC, "" in simulations (which must not depend on the clock).
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
