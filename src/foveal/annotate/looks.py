"""Looks: what the model says of a case, and when a reader may see it; pure."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from foveal.core.pool import SampleId
from foveal.store.leases import Lease
from foveal.store.live import LiveState

KINDS = ("cam", "expected")


@dataclass(frozen=True, slots=True)
class Look:
    """The model's class, how sure it is in [0, 1], and digests of its maps by kind."""

    predicted: int | None = None
    confidence: float | None = None
    maps: Mapping[str, str] = field(default_factory=dict)

    @property
    def known(self) -> bool:
        """Whether there is anything to be seen."""
        return self.predicted is not None or bool(self.maps)


def look_of(live: LiveState, sample: SampleId) -> Look:
    """What the last query that knew a case says of it: its details hold `cases` by sample."""
    for details in reversed(live.details):
        known = details.get("cases", {}).get(sample)
        if known is not None:
            maps = {kind: known[kind] for kind in KINDS if known.get(kind)}
            return Look(known.get("predicted"), known.get("confidence"), maps)
    return Look()


def may_look(live: LiveState, lease: Lease) -> bool:
    """Whether a reader may see the model's maps now.

    In blinded mode after the answer only. Who corrects a case has seen them; a hidden repeat must
    be read as blindly as any other case.
    """
    if live.live.reading == "assisted" or lease.answered:
        return True
    return lease.purpose != "repeat" and lease.reader in live.answers(lease.sample)
