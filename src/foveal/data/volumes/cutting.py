"""Cutting: into what samples volumes are cut where a source names whole volumes."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Literal

from foveal.core.errors import SpecError
from foveal.core.volume import Axis
from foveal.data.readers.stack import StackFacts, count_tiles
from foveal.data.volumes.address import MAX_TILE, MIN_TILE, Address

Unit = Literal["slice", "tile"]


@dataclass(frozen=True, slots=True)
class Cutting:
    """How whole volumes become samples; rows that name one picture or tile are left as they are.

    unit: pictures or 3-D tiles. tile: side of a tile in voxels. axis: index axis that pictures are
    cut across, None for the usual one. regions: names of the regions of DICOM SEG and RTSTRUCT
    that count; () for all. time: time point of 4-D NIfTI files.

    Raises:
        SpecError: if the side of a tile is out of range, or tiles are cut across a given axis.
    """

    unit: Unit = "slice"
    tile: int = 32
    axis: Axis | None = None
    regions: tuple[str, ...] = ()
    time: int | None = None

    def __post_init__(self) -> None:
        if not MIN_TILE <= self.tile <= MAX_TILE:
            raise SpecError(f"a tile's side must be {MIN_TILE} to {MAX_TILE}, not {self.tile}")
        if self.unit == "tile" and self.axis is not None:
            raise SpecError("tiles have no axis that they are cut across; leave the axis out")

    def applied(self, whole: Address, times: int = 1) -> Address:
        """The address of a whole volume, cut so; what it says itself has precedence.

        Args:
            times: time points of the file; those with one alone need none named.
        """
        time = self.time if whole.time is None and times > 1 else whole.time
        if whole.tile or whole.axis is not None:
            return replace(whole, time=time)
        if self.unit == "tile":
            return replace(whole, time=time, tile=self.tile)
        return replace(whole, time=time, axis=self.axis)


def positions(address: Address, facts: StackFacts) -> Iterator[Address]:
    """The address of each picture or tile of a volume that is cut as `address` says."""
    count = count_tiles(facts.shape, address.tile) if address.tile else facts.shape[0]
    return (replace(address, position=position) for position in range(count))
