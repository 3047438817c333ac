"""Timing: two pieces of work in turn, so that a machine that slows down slows both."""

import statistics
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

Work = Callable[[], object]


@dataclass(frozen=True, slots=True)
class Row:
    """One line of a benchmark; `ratio` above 1 means better than the peer."""

    name: str
    unit: str
    ours: float
    peer: float | None
    peer_name: str | None
    ratio: float | None
    target: float | None

    def as_dict(self) -> dict[str, Any]:
        """Plain JSON."""
        return asdict(self)


def side_by_side(ours: Work, *peers: Work, repeats: int = 7) -> list[list[float]]:
    """Seconds of each piece of work, `repeats` times in turn after one warm-up each.

    Returns:
        one list of seconds for each work, in the order given.
    """
    works = (ours, *peers)
    for work in works:
        work()
    taken: list[list[float]] = [[] for _ in works]
    for _ in range(repeats):
        for seconds, work in zip(taken, works, strict=True):
            began = time.perf_counter()
            work()
            seconds.append(time.perf_counter() - began)
    return taken


def faster(ours: list[float], peer: list[float]) -> float:
    """How many times faster ours is: the median of the ratios, pair by pair."""
    return statistics.median(p / o for o, p in zip(ours, peer, strict=True))


def rate_row(
    name: str, images: int, ours: list[float], peer: list[float], peer_name: str, target: float
) -> Row:
    """A row in images per second."""
    return Row(
        name,
        "images/s",
        images / statistics.median(ours),
        images / statistics.median(peer),
        peer_name,
        faster(ours, peer),
        target,
    )


def seconds_row(
    name: str, ours: list[float], peer: list[float], peer_name: str, target: float | None
) -> Row:
    """A row in seconds of one piece of work."""
    return Row(
        name,
        "s",
        statistics.median(ours),
        statistics.median(peer),
        peer_name,
        faster(ours, peer),
        target,
    )
