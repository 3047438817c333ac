"""Collection: a loaded source; its pool, truth, pixels, and the receipt of how it was made."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from foveal.core.arrays import BoolArray
from foveal.core.errors import DataError
from foveal.core.pool import Pool, SampleId
from foveal.core.spec import DataSpec
from foveal.data.grid import from_grid, region_to_grid, shrunk
from foveal.data.pixels import GridPlan, PixelStore, open_store
from foveal.data.problems import Problem
from foveal.data.readers import Place, Unreadable
from foveal.data.readers.stack import stack_facts
from foveal.data.receipt import Receipt
from foveal.data.truth import Reference, Regions

Progress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True, eq=False)
class Collection:
    """What `load_pool` returns.

    pool: usable samples in the order of the source. truth: reference labels and regions (give
    honest code a `core.truth.Guard` of it). weak: regions that exist beforehand. problems: what
    was wrong with which row. receipt: counts, repeats, exclusions.
    """

    pool: Pool
    truth: Reference
    weak: Regions
    problems: tuple[Problem, ...]
    receipt: Receipt
    spec: DataSpec
    plan: GridPlan
    places: Mapping[SampleId, Place] = field(repr=False)
    digests: NDArray[np.uint8] = field(repr=False)
    cache: Path

    def pixels(
        self, cache_folder: Path | None = None, progress: Progress | None = None
    ) -> PixelStore:
        """All images on the network's grid, rows in the order of `pool.samples`.

        Args:
            cache_folder: where the file lies; the folder given to `load_pool` if None.
            progress: called with images done and all while the file is written.
        Raises:
            DataError: if an image can no longer be read.
            StoreError: if the folder cannot be written or the disk is full.
        """
        places = [self.places[sample.id] for sample in self.pool.samples]
        uris = [sample.uri for sample in self.pool.samples]
        folder = self.cache if cache_folder is None else cache_folder
        return open_store(places, uris, self.digests, self.plan, folder, progress)

    @property
    def key(self) -> str:
        """Names the images and how they are brought to the grid, for files made from them."""
        places = [self.places[sample.id] for sample in self.pool.samples]
        return self.plan.key(self.digests, places)

    def volume_shape(self, sample: SampleId) -> tuple[int, int, int] | None:
        """(pictures, rows, columns) of the volume that a sample is part of; None if of none.

        Raises:
            DataError: if the sample is unknown.
        """
        place = self.places[self.pool[sample].id]
        if not place.of_volume:
            return None
        count, height, width = stack_facts(place.path).shape[:3]
        return count, height, width

    def region_on_grid(self, mask: BoolArray) -> NDArray[np.float32]:
        """(S, S) share in [0, 1] of each grid cell that a region covers; fit as the pixels are.

        Args:
            mask: (H, W) region on its image's own grid; (S, S, S) of a tile gives the same shape.
        Raises:
            DataError: if a tile has another size than the grid.
        """
        return region_to_grid(mask, self.spec.image_size, self.spec.fit)

    def on_image(self, values: NDArray[np.float32], shape: tuple[int, ...]) -> NDArray[np.float32]:
        """Values on the network's grid brought to an image of `shape`: undoes `region_on_grid`.

        Args:
            values: (S, S), such as probabilities; (S, S, S) of a tile.
            shape: (H, W) of the image, or (S, S, S).
        """
        return from_grid(values, shape, self.spec.fit)

    def original(self, sample: SampleId, plane: int | None = None) -> NDArray[np.uint8]:
        """(H, W) or (H, W, 3) image at its own size; deeper ones brought to 8 bits.

        Args:
            sample: its id.
            plane: of a tile, the plane to show; the middle one if None. Whoever may know the
                sample's region takes `grid.fullest_plane` of it: a choice made here would show
                where hidden regions lie.
        Raises:
            DataError: if the sample is unknown or its file can no longer be read.
        """
        row = self.pool[sample]
        try:
            stored = self.plan.stored(self.places[row.id], wide=False)
        except Unreadable as error:
            raise DataError(
                f"the image of sample {sample!r} cannot be read now: {error}"
            ) from error
        if self.plan.solid:
            stored = stored[len(stored) // 2 if plane is None else plane]
        return np.asarray(stored, np.uint8)

    def thumbnail(
        self, sample: SampleId, side: int = 96, plane: int | None = None
    ) -> NDArray[np.uint8]:
        """The original with its longer side at most `side` pixels."""
        return shrunk(self.original(sample, plane), side)
