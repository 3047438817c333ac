"""Rows of whole volumes: one for each picture or tile, with its mask, spacing and label."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from foveal.core.arrays import BoolArray
from foveal.core.volume import Axis
from foveal.data.problems import Problem
from foveal.data.readers.nifti import read_nifti_header
from foveal.data.readers.npz import frames
from foveal.data.readers.picture import Place, Unreadable
from foveal.data.readers.stack import count_tiles, stack_facts, tile_of
from foveal.data.row import NO_REGION, RegionSource, Row
from foveal.data.volumes.address import Address
from foveal.data.volumes.cutting import Cutting, positions
from foveal.data.volumes.shelf import Shelf

FINDING, NOTHING = "finding", "none"


@dataclass(frozen=True, slots=True)
class Whole:
    """A volume, the masks drawn on it, and where each lies."""

    address: Address
    path: Path
    masks: tuple[tuple[Address, Path], ...] = ()


def volume_rows(
    whole: Whole, row: Row, cutting: Cutting, shelf: Shelf
) -> tuple[list[Row], list[Problem]]:
    """A row for each picture or tile of a volume; those of a broken mask have no region.

    Args:
        whole: the volume and its masks.
        row: what all of them share: number, label, patient, split, further columns.
        cutting: how a volume is cut whose address does not say so.
        shelf: where volumes are unpacked.
    Raises:
        Unreadable: if the volume cannot be used.
        StoreError: if the cache cannot be written.
    """
    address = _cut(whole, cutting, shelf)
    image = shelf.image(whole.path, address)
    problems: list[Problem] = []
    masks: list[Place] = []
    for written, path in whole.masks:
        try:
            # A mask is cut as its image is; what it says itself is which part of it counts.
            cut = replace(written, axis=_axis(address, image), tile=address.tile)
            masks.append(shelf.mask(path, cut, image))
        except Unreadable as error:
            text = f"the mask cannot be used ({error}); the regions count as unknown"
            problems.append(Problem(row.number, written.written(), error.kind, text))
    facts = stack_facts(image.path)
    rows = []
    for one in positions(address, facts):
        region = NO_REGION if problems else row.region
        if masks and not problems:
            region = RegionSource(tuple(_at(mask, one) for mask in masks))
        rows.append(
            replace(
                row,
                uri=one.written(),
                series=one.series,
                position=one.position or 0,
                image=_at(image, one),
                spacing_mm=facts.spacing_mm,
                region=region,
            )
        )
    return rows, problems


def labeled_by_mask(rows: Sequence[Row], numbers: Collection[int | None]) -> list[Row]:
    """Rows of volumes without labels, labeled `finding` or `none` by whether the mask is empty.

    So a pool of volumes with masks has two classes. Nothing changes if any row has a label, and
    rows without a mask keep none.

    Args:
        rows: of one source.
        numbers: of the rows that named whole volumes; others are left as they are.
    """
    if any(row.label for row in rows):
        return list(rows)
    filled: dict[tuple[tuple[Path, ...], int], BoolArray] = {}
    labeled = []
    for row in rows:
        masks = row.region.masks
        known = bool(masks) or row.region.empty
        if not known or not row.image.of_volume or row.number not in numbers:
            labeled.append(row)
            continue
        if row.region.empty:
            labeled.append(replace(row, label=NOTHING))
            continue
        key = tuple(mask.path for mask in masks), row.image.tile
        if key not in filled:
            filled[key] = np.any([_filled(path, row.image.tile) for path in key[0]], axis=0)
        label = FINDING if filled[key][row.position] else NOTHING
        labeled.append(replace(row, label=label))
    return labeled


def _cut(whole: Whole, cutting: Cutting, shelf: Shelf) -> Address:
    if whole.address.token:
        return cutting.applied(whole.address)
    times = read_nifti_header(whole.path).times
    return shelf.settled(whole.path, cutting.applied(whole.address, times))


def _axis(address: Address, image: Place) -> Axis | None:
    """The axis a mask is cut across; of tiles the usual one, which grids in one place share."""
    if address.tile:
        return None
    axes: tuple[Axis, Axis, Axis] = (0, 1, 2)
    facts = stack_facts(image.path)
    return axes[facts.axis] if facts.grid else None


def _at(place: Place, one: Address) -> Place:
    return replace(place, position=one.position)


def _filled(stack: Path, tile: int) -> BoolArray:
    """(n,) whether each picture or tile of a mask holds anything."""
    mask = frames(stack)
    if not tile:
        return np.array([bool(shown.any()) for shown in mask])
    count = count_tiles(mask.shape, tile)
    return np.array([bool(tile_of(mask, i, tile, 0).any()) for i in range(count)])
