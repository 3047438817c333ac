"""Row: one image of any source, as written there, with every path already made safe."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from foveal.core.pool import SampleId, sample_id
from foveal.data.readers import Place

Split = Literal["", "train", "val", "test"]
Box = tuple[int, int, int, int]
EMPTY = "empty"  # the mask cell of an image of which the reference says: nothing to see


@dataclass(frozen=True, slots=True)
class RegionSource:
    """Where a region comes from: mask files (their union), a box, or nothing to see (`empty`).

    `box` is x0, y0, x1, y1 in pixels, x1 and y1 exclusive. False in a condition: not known.
    """

    masks: tuple[Place, ...] = ()
    box: Box | None = None
    empty: bool = False

    def __bool__(self) -> bool:
        return bool(self.masks or self.box or self.empty)


NO_REGION = RegionSource()


@dataclass(frozen=True, slots=True)
class Row:
    """`uri` is the image as the user wrote it; `series` and `position` make the sample's id.

    `number` counts a table's rows from 1. `group` is the patient, "" where unknown. `extra` holds
    the columns that Foveal gives no meaning. `spacing_mm` is as in `core.pool.Sample`.
    """

    number: int | None
    uri: str
    series: str
    image: Place
    position: int = 0
    label: str = ""
    group: str = ""
    split: Split = ""
    region: RegionSource = NO_REGION
    weak: RegionSource = NO_REGION
    extra: Mapping[str, str] = field(default_factory=dict)
    spacing_mm: tuple[float, ...] = ()

    @property
    def volume(self) -> str:
        """Name of the volume that this is a picture or tile of, however it is cut; else ""."""
        if not self.image.of_volume:
            return ""
        file, mark, _ = self.series.rpartition("#")
        return file if mark else self.series.partition(".")[0]

    @property
    def id(self) -> SampleId:
        """The sample's id: from the path as written, or the npz's name and part."""
        return sample_id(self.series, self.position)
