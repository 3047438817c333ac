"""Reference labels and regions of a collection, read from their files when asked for."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from foveal.core.arrays import BoolArray
from foveal.core.errors import DataError
from foveal.core.pool import SampleId
from foveal.data.readers import Unreadable, read_mask
from foveal.data.row import Box, RegionSource


@dataclass(frozen=True, slots=True)
class Regions:
    """Regions by sample. `shapes` holds (height, width) of each image, (S, S, S) of a tile."""

    sources: Mapping[SampleId, RegionSource]
    shapes: Mapping[SampleId, tuple[int, ...]]

    def region(self, sample: SampleId) -> BoolArray | None:
        """(H, W) region on the image's own grid; all False for nothing to see; None if unknown.

        Of a tile it is (S, S, S).

        Raises:
            DataError: if the sample is not in the collection, or a mask that could be read when
                the collection was loaded no longer can.
        """
        source, shape = self._of(sample)
        if not source:
            return None
        if source.empty:
            return np.zeros(shape, bool)
        if source.masks:
            return _mask(source, shape, sample)
        return _filled(source.box, shape) if source.box else None

    def _of(self, sample: SampleId) -> tuple[RegionSource, tuple[int, ...]]:
        try:
            return self.sources[sample], self.shapes[sample]
        except KeyError:
            raise DataError(f"sample {sample!r} is not in this collection") from None


@dataclass(frozen=True, slots=True)
class Reference(Regions):
    """Labels and regions: the `Truth` of `foveal.core.truth`."""

    labels: Mapping[SampleId, int]

    def label(self, sample: SampleId) -> int:
        """Index of the reference class.

        Raises:
            DataError: if the sample has no reference label.
        """
        try:
            return self.labels[sample]
        except KeyError:
            raise DataError(
                f"sample {sample!r} has no reference label; fill its `label` cell in the manifest"
            ) from None


def _mask(source: RegionSource, shape: tuple[int, ...], sample: SampleId) -> BoolArray:
    try:
        mask = read_mask(source.masks)
    except Unreadable as error:
        raise DataError(f"the mask of sample {sample!r} cannot be read now: {error}") from error
    if mask.shape != shape:
        raise DataError(
            f"the mask of sample {sample!r} must be {shape}, but is {mask.shape} now; load again"
        )
    return mask


def _filled(box: Box, shape: tuple[int, ...]) -> BoolArray:
    x0, y0, x1, y1 = box
    region = np.zeros(shape, bool)
    region[max(y0, 0) : max(y1, 0), max(x0, 0) : max(x1, 0)] = True
    return region
