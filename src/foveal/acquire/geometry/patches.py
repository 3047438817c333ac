"""Patches: the windows of a score map that are wanted most and do not overlap.

For pools in which a part of a picture or volume can be annotated alone. The greedy rule is that of
nnActive: take the window with the highest mean score, bar all that overlap it, go on.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from foveal.core.arrays import FloatArray, check_finite
from foveal.core.errors import EvidenceError, SpecError

Corner = tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Patch:
    """A window by its first `corner` and `size` along each axis, its mean `score`, and which of
    several maps it is on."""

    corner: Corner
    size: tuple[int, ...]
    score: float
    of: int = 0

    @property
    def slices(self) -> tuple[slice, ...]:
        """Where it is on its map."""
        return tuple(slice(c, c + s) for c, s in zip(self.corner, self.size, strict=True))

    def overlaps(self, other: "Patch") -> bool:
        """Whether both share a pixel; touching edges do not."""
        spans = zip(self.slices, other.slices, strict=True)
        return self.of == other.of and all(a.start < b.stop and b.start < a.stop for a, b in spans)


def window_means(score_map: FloatArray, size: Sequence[int]) -> FloatArray:
    """Mean score of every window, by its first corner, from sums along one axis after the other.

    Args:
        score_map: 2-D or 3-D (any rank), finite.
        size: of the window along each axis, from 1 to the map's.

    Returns:
        An array with map - size + 1 entries along each axis; exactly constant for a constant map.

    Raises:
        EvidenceError: if the map is not finite.
        SpecError: if the window does not fit.
    """
    check_finite("score_map", score_map)
    if len(size) != score_map.ndim or not all(
        1 <= s <= have for s, have in zip(size, score_map.shape, strict=True)
    ):
        raise SpecError(
            f"a window must have a size of 1 up to the map's {score_map.shape} along each axis, "
            f"not {tuple(size)}"
        )
    start = float(score_map.flat[0])  # sums of differences keep what a large offset would round off
    means = np.asarray(score_map, dtype=np.float64) - start
    for axis, length in enumerate(size):
        sums = np.cumsum(means, axis=axis)
        ends = np.take(sums, range(length - 1, sums.shape[axis]), axis=axis)
        before = np.take(sums, range(sums.shape[axis] - length), axis=axis)
        ends[(slice(None),) * axis + (slice(1, None),)] -= before
        means = ends / length
    shifted: FloatArray = means + start
    return shifted


def pick_patches(
    score_map: FloatArray,
    size: Sequence[int],
    count: int,
    taken: Iterable[Corner] = (),
    rng: np.random.Generator | None = None,
) -> tuple[Patch, ...]:
    """Up to `count` windows, the highest mean first, that overlap neither each other nor `taken`.

    Args:
        score_map: 2-D or 3-D, finite; higher is sooner.
        size: of the window along each axis.
        count: how many at most; fewer where no more fit.
        taken: corners of windows of this size that are annotated already; they may reach beyond
            the map.
        rng: draws among equal windows; None takes the first in the map's order.

    Returns:
        Windows in the order picked, with scores that never rise.

    Raises:
        EvidenceError: if the map is not finite, or a corner has another rank.
        SpecError: if the window does not fit, or `count` is negative.
    Source:
        nnActive 2025, arXiv:2511.19183.
    """
    if count < 0:
        raise SpecError(f"`count` of patches must be at least 0, not {count}")
    means = window_means(score_map, size)
    for corner in taken:
        if len(corner) != means.ndim:
            raise EvidenceError(f"a corner must have {means.ndim} numbers, not {len(corner)}")
        _bar(means, corner, size)
    picked: list[Patch] = []
    while len(picked) < count:
        at = _highest(means, rng)
        if at is None:
            break
        picked.append(Patch(at, tuple(size), float(means[at])))
        _bar(means, at, size)
    return tuple(picked)


def pick_over_maps(
    maps: Iterable[FloatArray],
    size: Sequence[int],
    count: int,
    taken: Mapping[int, Sequence[Corner]] | None = None,
    rng: np.random.Generator | None = None,
) -> tuple[Patch, ...]:
    """As `pick_patches` over several maps together; those of one map do not bar those of another.

    Args:
        maps: one after the other; none is kept.
        size: of the window along each axis, the same for all.
        count: how many at most in all.
        taken: corners that are annotated already, by the map's place.
        rng: draws among equal windows of a map.

    Returns:
        Windows, the highest mean first, each with its map's place; equals in the order of maps.
    """
    annotated = taken or {}
    found: list[Patch] = []
    for place, score_map in enumerate(maps):
        own = pick_patches(score_map, size, count, annotated.get(place, ()), rng)
        found += [Patch(p.corner, p.size, p.score, place) for p in own]
        # Greedy over all maps takes a prefix of each map's own greedy list.
        found = sorted(found, key=lambda patch: -patch.score)[:count]
    return tuple(found)


def _highest(means: FloatArray, rng: np.random.Generator | None) -> Corner | None:
    """The corner of the highest window that is not barred; None where all are."""
    best = float(means.max())
    if best == -np.inf:
        return None
    flat = int(means.argmax()) if rng is None else int(rng.choice(np.flatnonzero(means == best)))
    return tuple(int(i) for i in np.unravel_index(flat, means.shape))


def _bar(means: FloatArray, corner: Corner, size: Sequence[int]) -> None:
    """Windows that share a pixel with the one at a corner are out."""
    near = (slice(max(c - s + 1, 0), max(c + s, 0)) for c, s in zip(corner, size, strict=True))
    means[tuple(near)] = -np.inf
