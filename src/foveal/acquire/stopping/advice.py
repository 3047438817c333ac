"""Advice: what one stopping criterion says."""

from collections.abc import Mapping
from dataclasses import dataclass, field

ONE_CLASS = (
    "cannot tell yet: the model gives all samples the same class, so nothing can be said about "
    "agreement or doubt; look whether it has learned the others at all"
)


@dataclass(frozen=True, slots=True)
class Advice:
    """What one criterion says: to stop or not, a sentence or two for the user, and the numbers.

    `stop` is False too where nothing can be said yet; the words then begin `cannot tell yet`.
    """

    criterion: str
    stop: bool
    words: str
    numbers: Mapping[str, float] = field(default_factory=dict)


def counted(count: int) -> str:
    """`is 1`, `are 3`, `are none`: the end of a sentence that begins with `there`."""
    return "is 1" if count == 1 else f"are {count or 'none'}"
