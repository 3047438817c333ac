"""Query: which samples a strategy asks for next, in which order, and why."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from foveal.core.errors import EvidenceError
from foveal.core.pool import SampleId

Setting = bool | int | float | str | None


@dataclass(frozen=True, slots=True)
class Query:
    """Ranked ids, first is most wanted.

    `scores` holds the acquisition score and its parts by name, one number per id in the same
    order ("score" itself is absent for strategies that choose sets rather than rank). `why` has
    one sentence per id. `stands_for` counts the candidates for which each id is the nearest pick,
    itself included; () where no embedding tells. `ask_region` says of each id whether a region is
    asked for beside the class; () where it is for all, or for none because nobody draws any.
    """

    ids: tuple[SampleId, ...]
    strategy: str
    parameters: Mapping[str, Setting] = field(default_factory=dict)
    scores: Mapping[str, tuple[float, ...]] = field(default_factory=dict)
    why: tuple[str, ...] = ()
    seed: int = 0
    round: int = 0
    fingerprint: str = ""
    notes: tuple[str, ...] = ()
    stands_for: tuple[int, ...] = ()
    ask_region: tuple[bool, ...] = ()

    def asks_region(self, sample: SampleId) -> bool:
        """Whether a region is asked for with the class of one of its samples."""
        return not self.ask_region or self.ask_region[self.ids.index(sample)]

    def __post_init__(self) -> None:
        if len(set(self.ids)) != len(self.ids):
            raise EvidenceError("a query must not repeat a sample")
        for name, values in self.scores.items():
            if len(values) != len(self.ids):
                raise EvidenceError(
                    f"score {name!r} must have {len(self.ids)} values, not {len(values)}"
                )
        if self.why and len(self.why) != len(self.ids):
            raise EvidenceError(f"{len(self.ids)} ids but {len(self.why)} reasons")
        for name, column in (("stands_for", self.stands_for), ("ask_region", self.ask_region)):
            if column and len(column) != len(self.ids):
                raise EvidenceError(
                    f"`{name}` must have {len(self.ids)} entries, one per id, not {len(column)}"
                )
