"""Prepare: one pair of scans aligned, made comparable and cut, with what a user should know."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np

from foveal.core.arrays import AnyArray, BoolArray
from foveal.core.errors import DataError
from foveal.core.volume import Volume
from foveal.data.pairs.grids import one_thread
from foveal.data.pairs.intensity import Match, difference, foreground, matched, without_bias
from foveal.data.pairs.register import Kind, register
from foveal.data.pairs.scans import read_scan
from foveal.data.pairs.slices import Slices, cut
from foveal.data.pairs.table import Pair

# Four patients of longitudinal_ms: 0.11 to 0.25 with themselves, at most 0.053 with one another.
STRANGER_BELOW = 0.075
NoteKind = Literal["similarity", "registration", "empty_mask"]


@dataclass(frozen=True, slots=True, kw_only=True)
class PairSettings:
    """How pairs are prepared; part of what decides whether one has to be prepared again."""

    registration: Kind = "rigid"
    bias: bool = True
    match: Match = "zscore"


@dataclass(frozen=True, slots=True, eq=False)
class Prepared:
    """Slices of one pair and a record of how they came about.

    Attributes:
        slices: pictures and masks.
        facts: similarity before and after, transform, grid: numbers for JSON.
        notes: pairs of kind and sentence about what a user may want to know.
    """

    slices: Slices
    facts: Mapping[str, Any]
    notes: tuple[tuple[NoteKind, str], ...]


def prepare(pair: Pair, settings: PairSettings) -> Prepared:
    """Read, register, correct, match, subtract and cut one pair.

    Raises:
        DataError: if a scan cannot be read, holds one value only or is the other one again; if a
            mask lies on another grid than the baseline; or if the scans do not overlap.
    """
    scans = read_scan(pair.baseline, "baseline"), read_scan(pair.followup, "follow-up")
    baseline, followup = (scan.volume for scan in scans)
    patients = {scan.patient for scan in scans if scan.patient}
    if len(patients) > 1:
        raise DataError(
            "baseline and follow-up must show one patient, but their DICOM files name two; "
            "correct the row"
        )
    same_shape = baseline.voxels.shape == followup.voxels.shape
    if same_shape and np.array_equal(baseline.voxels, followup.voxels):
        raise DataError(
            "baseline and follow-up must be two scans, but hold the same voxels; correct the row"
        )
    mask = _change(pair, baseline)
    return compared(baseline, followup, mask, _brain(pair, baseline), settings)


def compared(
    baseline: Volume,
    followup: Volume,
    mask: BoolArray | None,
    brain: BoolArray | None,
    settings: PairSettings,
) -> Prepared:
    """Two scans in memory as slices.

    Args:
        baseline: scan whose grid is kept.
        followup: scan on any grid.
        mask: (I, J, K) change on the baseline's grid, or None where unknown.
        brain: (I, J, K) brain on the baseline's grid; None: the head is found by its brightness.
        settings: how.
    """
    head = foreground(baseline.voxels)
    region = head if brain is None else _inside(head, brain)
    moved = register(baseline, followup, region, settings.registration)
    seen = region & moved.inside
    first, second = baseline, moved.volume
    if settings.bias:
        with one_thread():
            first, second = without_bias(first, region), without_bias(second, seen)
    scaled = matched(first.voxels, second.voxels, region, moved.inside, settings.match)
    change = difference(*scaled, moved.inside)
    slices = cut(*scaled, change, baseline.affine, head, mask)
    facts = {
        "registration": moved.kind,
        "similarity_before": round(moved.before, 6),
        "similarity_after": round(moved.after, 6),
        "moved_mm": round(moved.moved_mm, 4),
        "baseline_to_followup_ras_mm": np.round(moved.matrix, 6).tolist(),
        "shape": list(baseline.voxels.shape),
        "affine_ras_mm": np.round(baseline.affine, 6).tolist(),
        "slices": len(slices.index),
        "slices_left_out": slices.left_out,
        "axis": slices.facing.axis,
        "offset": list(slices.offset),
        "size": list(slices.size),
    }
    return Prepared(slices, facts, tuple(_notes(moved.after, moved.note, mask)))


def _change(pair: Pair, baseline: Volume) -> BoolArray | None:
    if pair.no_change:
        return np.zeros(baseline.voxels.shape, bool)
    return None if pair.mask is None else _mask(pair.mask, "mask", baseline)


def _brain(pair: Pair, baseline: Volume) -> BoolArray | None:
    if pair.brain is None:
        return None
    brain = _mask(pair.brain, "brain mask", baseline)
    if not brain.any():
        raise DataError("the brain mask must hold a brain, but is empty; empty the cell instead")
    return brain


def _inside(head: BoolArray, brain: BoolArray) -> BoolArray:
    """The brain less what is background: masks reach beyond what was scanned."""
    region: BoolArray = head & brain
    if not region.any():
        raise DataError(
            "the brain mask must lie in the head, but covers background only; was it drawn on "
            "another scan?"
        )
    return region


def _mask(path: Path, name: str, baseline: Volume) -> BoolArray:
    mask = read_scan(path, name).volume
    if not mask.same_grid(baseline):
        raise DataError(
            f"the {name} must lie on the baseline's grid, but its shape {mask.voxels.shape}, "
            "spacing or place is another; draw it on the baseline, or resample it (nearest "
            "neighbor) with the program that made it"
        )
    above: AnyArray = np.greater(mask.voxels, 0)
    return np.asarray(above, bool)


def _notes(after: float, note: str, mask: BoolArray | None) -> list[tuple[NoteKind, str]]:
    notes: list[tuple[NoteKind, str]] = []
    if after < STRANGER_BELOW:
        text = (
            f"baseline and follow-up must show one patient, but resemble each other as strangers "
            f"do (similarity {after:.3f}, below {STRANGER_BELOW}); look at a slice before you "
            "use the pair"
        )
        notes.append(("similarity", text))
    if note:
        notes.append(("registration", note))
    if mask is not None and not mask.any():
        notes.append(("empty_mask", "the mask is empty: no slice of this pair shows change"))
    return notes
