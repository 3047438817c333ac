"""Sorting: frames of a series to stacks, each on one grid, in the order in which they lie.

Order comes from geometry alone: the place of a frame along the normal of its plane. File names
never count, instance numbers only where frames have no place. A series becomes several stacks
where frames are turned differently (localizers, planes in three directions), differ in size, or
lie at the same places and are told apart by time, echo, diffusion weight and the like. What is
still not one regular stack carries its fault, and no volume is made of it: a gap is never bridged.
"""

import itertools
import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from foveal.data.dicom.frames import SPLITTERS, Frame
from foveal.data.dicom.geometry import Floats, Plane, parallel
from foveal.data.readers.picture import Unreadable

SAME_PLACE = 1e-2  # of a pixel: nearer than this two slices lie at one place
REGULAR_WITHIN = 0.1  # of the usual distance: positions are rounded, and tables move unevenly
STRAIGHT_WITHIN = 0.25  # of the usual distance, of any slice from its place on a straight line
TILTED_FROM = 0.05  # degrees between the stack's direction and the normal of its slices
MOST_SPLITTERS = 3

Note = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Sorted:
    """Frames of one stack in order. `mark` tells the stack from others of its series.

    `fault` says why no volume can be made of it, None if one can. `notes` are kinds and sentences.
    """

    frames: tuple[Frame, ...]
    mark: str
    fault: Note | None
    notes: tuple[Note, ...] = ()


def stacks_of(frames: Sequence[Frame]) -> list[Sorted]:
    """The stacks of one series, whatever the order of `frames`; copies of a frame count once.

    A copy has the identity, place and number of another frame. Identity alone does not do: some
    who removed names gave one to all images.
    """
    first = sorted(frames, key=lambda f: -f.file)
    once = {(f.sop or f.file, f.index, f.plane, f.order): f for f in first}
    groups = [
        (mark, part)
        for mark, group in _by_grid(list(once.values())).items()
        for mark, part in _by_trait(mark, group)
    ]
    only = len(groups) == 1
    return [_sorted(part, "" if only else mark) for mark, part in sorted(groups)]


def step_between(planes: Sequence[Plane]) -> Floats:
    """(3,) LPS+ mm from one slice to the next of two or more sorted planes.

    Raises:
        Unreadable: `duplicate` if two slices lie at one place, `gap` if one is missing, `spacing`
            if distances are irregular or the slices are not on a straight line.
    """
    places = np.array([plane.position for plane in planes])
    gaps = np.diff(places @ planes[0].normal)
    usual = float(np.median(gaps))
    if gaps.min() <= SAME_PLACE * min(planes[0].spacing_mm):
        raise Unreadable(
            "duplicate",
            "every slice must have its own place, but several lie at the same one and nothing "
            "tells their stacks apart; keep one acquisition in the series",
        )
    if gaps.max() > (1.5 * usual if usual > 0 else 0):
        raise Unreadable(
            "gap",
            f"slices must follow each other evenly, but {int((gaps > 1.5 * usual).sum())} gaps "
            f"among {len(planes)} slices are wider than the usual {usual:.3g} mm; restore the "
            "missing files",
        )
    step: Floats = (places[-1] - places[0]) / (len(planes) - 1)
    line = places[0] + np.outer(np.arange(len(planes)), step)
    strayed = float(np.linalg.norm(places - line, axis=1).max())
    uneven = float(np.abs(gaps - usual).max())
    if uneven > REGULAR_WITHIN * usual or strayed > STRAIGHT_WITHIN * usual:
        raise Unreadable(
            "spacing",
            "slices must lie evenly on a straight line, but their distances differ by more than "
            f"{REGULAR_WITHIN:.0%}; resample the series before it is used as a volume",
        )
    return step


def tilt_degrees(plane: Plane, step: Floats) -> float:
    """Angle between the direction of a stack and the normal of its slices."""
    cosine = abs(float(plane.normal @ step)) / float(np.linalg.norm(step))
    return math.degrees(math.acos(min(1.0, cosine)))


def _by_grid(frames: Sequence[Frame]) -> dict[str, list[Frame]]:
    """Frames of one size, pixel spacing and direction each."""
    seen: list[tuple[Frame, list[Frame]]] = []
    for frame in sorted(frames, key=_tie):
        home = next((group for first, group in seen if _alike(first, frame)), None)
        if home is None:
            seen.append((frame, [frame]))
        else:
            home.append(frame)
    groups: dict[str, list[Frame]] = {}
    for first, group in seen:
        groups.setdefault(_grid_mark(first), []).extend(group)
    return groups


def _alike(a: Frame, b: Frame) -> bool:
    if (a.size, a.localizer, a.reference) != (b.size, b.localizer, b.reference):
        return False
    if a.plane is None or b.plane is None:
        return a.plane is b.plane
    near = np.allclose(a.plane.spacing_mm, b.plane.spacing_mm, rtol=1e-4)
    return bool(near) and parallel(a.plane, b.plane)


def _grid_mark(frame: Frame) -> str:
    known = f"{frame.size}|{frame.localizer}|{frame.reference}"
    if frame.plane is None:
        return known
    turned = [f"{v + 0.0:.2f}" for v in (*frame.plane.across, *frame.plane.down)]
    spacing = [f"{v:.4g}" for v in frame.plane.spacing_mm]
    return f"{known}|{turned}|{spacing}"


def _by_trait(mark: str, frames: list[Frame]) -> list[tuple[str, list[Frame]]]:
    """Stacks that lie in the same place, apart; one group if they need not or cannot be told."""
    if frames[0].plane is None:
        return [(mark, frames)]
    places = _place_numbers(frames)
    stacks = max(Counter(places.values()).values())
    if stacks == 1:
        return [(mark, frames)]
    varying = [t for t in range(len(SPLITTERS)) if len({f.traits[t] for f in frames}) > 1]
    for size in range(1, MOST_SPLITTERS + 1):
        for chosen in itertools.combinations(varying, size):
            parts = _grouped(frames, chosen)
            if len(parts) == stacks and all(_places_differ(p, places) for p in parts.values()):
                return [(f"{mark}|{name}", part) for name, part in parts.items()]
    return [(mark, frames)]


def _place_numbers(frames: Sequence[Frame]) -> dict[Frame, int]:
    """Of each frame the number of its place along the normal."""
    first = frames[0].plane
    assert first is not None
    along = np.array([f.plane.position for f in frames if f.plane is not None]) @ first.normal
    order = np.argsort(along, kind="stable")
    steps = np.diff(along[order], prepend=along[order[0]])
    number = np.cumsum(steps > SAME_PLACE * min(first.spacing_mm))
    return {frames[k]: int(n) for k, n in zip(order, number, strict=True)}


def _places_differ(frames: Sequence[Frame], places: dict[Frame, int]) -> bool:
    return len({places[f] for f in frames}) == len(frames)


def _grouped(frames: Sequence[Frame], chosen: Sequence[int]) -> dict[tuple[str, ...], list[Frame]]:
    groups: dict[tuple[str, ...], list[Frame]] = {}
    for frame in frames:
        groups.setdefault(tuple(frame.traits[t] for t in chosen), []).append(frame)
    return groups


def _sorted(frames: Sequence[Frame], mark: str) -> Sorted:
    first = frames[0].plane
    if first is None:
        unknown = ("no_geometry", "the images do not tell where they lie, so they are no volume")
        return Sorted(tuple(sorted(frames, key=lambda f: (f.order, _tie(f)))), mark, unknown)
    normal = first.normal
    ordered = sorted(frames, key=lambda f: (_along(f, normal), _tie(f)))
    planes = [f.plane for f in ordered if f.plane is not None]
    notes: list[Note] = []
    if ordered[0].localizer:
        notes.append(("localizer", "the series is a localizer: a plan of other series"))
    try:
        tilt = tilt_degrees(planes[0], step_between(planes)) if len(planes) > 1 else 0.0
    except Unreadable as error:
        return Sorted(tuple(ordered), mark, (error.kind, str(error)), tuple(notes))
    if tilt > TILTED_FROM:
        notes.append(
            (
                "tilt",
                f"slices are tilted by {tilt:.1f} degrees against their stack (gantry tilt); the "
                "volume keeps its true, sheared grid",
            )
        )
    return Sorted(tuple(ordered), mark, None, tuple(notes))


def _along(frame: Frame, normal: Floats) -> float:
    assert frame.plane is not None
    return float(np.asarray(frame.plane.position) @ normal)


def _tie(frame: Frame) -> tuple[str, int, tuple[int, int]]:
    return frame.sop, frame.index, frame.order
