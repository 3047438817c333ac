"""Ground truth, and the guard that keeps honest code from reading it before it is bought."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Protocol

from foveal.core.arrays import BoolArray
from foveal.core.errors import PeekError
from foveal.core.pool import SampleId


class Truth(Protocol):
    """Reference labels and regions of a data set."""

    def label(self, sample: SampleId) -> int:
        """Index of the reference class."""
        ...

    def region(self, sample: SampleId) -> BoolArray | None:
        """(H, W) reference region on the image's own grid; all False where the reference says
        that there is nothing to see; None where no region is known."""
        ...


@dataclass(frozen=True, slots=True)
class Guard:
    """A truth that answers for `visible` samples only and raises `PeekError` for all others.

    Every honest part of the program is given a guard, never the truth itself. The annotator that
    stands in for the expert holds the truth; so does the `oracle` region source, and any run that
    uses it is marked.
    """

    truth: Truth
    visible: Collection[SampleId]

    def label(self, sample: SampleId) -> int:
        """The reference class of a visible sample."""
        self._check(sample, "label")
        return self.truth.label(sample)

    def region(self, sample: SampleId) -> BoolArray | None:
        """The reference region of a visible sample."""
        self._check(sample, "region")
        return self.truth.region(sample)

    def _check(self, sample: SampleId, what: str) -> None:
        if sample not in self.visible:
            raise PeekError(
                f"the {what} of sample {sample!r} is hidden: nobody has annotated it yet. Only "
                "`regions.source: oracle` may read it, and such a run is marked in every report"
            )
