"""Subjects: predictions and references of a part, stacked into volumes as they were acquired."""

from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from foveal.core.arrays import BoolArray
from foveal.core.errors import DataError
from foveal.core.pool import Part, Pool, Sample, SampleId
from foveal.core.spec import DataSpec, ExperimentSpec
from foveal.core.truth import Truth
from foveal.data.grid import placement
from foveal.data.readers.stack import count_tiles, stack_of_tiles
from foveal.evaluate import Case
from foveal.loop.bench import Bench
from foveal.models.segment import Segmenter, predict_pixels, volume_probs
from foveal.models.stream import Pass

Number = TypeVar("Number", bound=np.generic)
UNKNOWN_MM = (1.0, 1.0)  # of pictures whose pixels nobody has measured: distances are in pixels


def cases_of(
    segmenter: Segmenter, bench: Bench, part: Part, spec: ExperimentSpec, how: Pass
) -> Iterator[Case]:
    """One case for each volume of a part, or for each picture that belongs to none; one at a time.

    Masks lie on the images' own grid: probabilities are brought there before the threshold. Tiles
    are put together again, and a window slides over the whole volume.

    Raises:
        DataError: if a sample of the part has no reference.
    """
    one = _tiled_case if bench.pixels.solid else _sliced_case
    for series in volumes_of(bench.pool, bench.pool.ids(part)):
        yield one(segmenter, bench, series, spec, how)


def _sliced_case(
    segmenter: Segmenter, bench: Bench, series: Sequence[Sample], spec: ExperimentSpec, how: Pass
) -> Case:
    ids = tuple(sample.id for sample in series)
    references = _references(bench, ids)
    batches = predict_pixels(segmenter, bench.inputs, bench.rows(ids), how)
    probs = np.concatenate([found for _rows, found in batches])
    predictions = [
        bench.collection.on_image(p, r.shape) >= spec.segment.threshold
        for p, r in zip(probs, references, strict=True)
    ]
    at, first = [sample.position for sample in series], series[0]
    spacing = first.spacing_mm or UNKNOWN_MM
    return Case(
        first.group, stacked(predictions, at, first), stacked(references, at, first), spacing
    )


def _tiled_case(
    segmenter: Segmenter, bench: Bench, series: Sequence[Sample], spec: ExperimentSpec, how: Pass
) -> Case:
    ids, first = tuple(sample.id for sample in series), series[0]
    at = [sample.position for sample in series]
    shape = bench.collection.volume_shape(first.id)
    assert shape is not None, "tiles are cut of volumes"
    pixels = bench.inputs.read(bench.rows(ids))
    volume = np.stack([joined(channel, at, shape) for channel in np.moveaxis(pixels, 1, 0)])
    probs = volume_probs(segmenter, volume, spec.segment, spec.data.image_size, how)
    reference = joined(np.stack(_references(bench, ids)), at, shape)
    return Case(first.group, probs >= spec.segment.threshold, reference, first.spacing_mm)


def volumes_of(pool: Pool, ids: Sequence[SampleId]) -> list[list[Sample]]:
    """Samples of each volume in the order of their positions; a picture of none is alone."""

    def volume(sample: Sample) -> tuple[str, str]:
        return sample.series, "" if part_of_volume(sample) else sample.id

    samples = sorted((pool[i] for i in ids), key=lambda s: (*volume(s), s.position))
    return [list(one) for _, one in groupby(samples, key=volume)]


def cell_mm(sample: Sample, spec: DataSpec, axes: int) -> tuple[float, ...]:
    """Size in mm of a cell of the network's grid, along its axes; 1 where nobody has measured."""
    if axes == 3:
        return sample.spacing_mm or (1.0,) * 3
    height, width = sample.shape[:2]
    row_mm, column_mm = sample.spacing_mm[-2:] or (1.0, 1.0)
    _, _, h, w = placement(height, width, spec.image_size, spec.fit)
    return row_mm * height / h, column_mm * width / w


def part_of_volume(sample: Sample) -> bool:
    """Whether a sample has neighbors above and below: its spacing says how far away."""
    return len(sample.spacing_mm) == 3


def stacked(masks: Sequence[BoolArray], at: Sequence[int], first: Sample) -> BoolArray:
    """(D, H, W) masks at their positions, empty in between; (H, W) of a picture of no volume."""
    if not part_of_volume(first):
        return masks[0]
    if len({mask.shape for mask in masks}) > 1:
        raise DataError(
            f"all pictures of a volume must have one size, but those of the volume of sample "
            f"{first.id!r} differ; give each volume its own file"
        )
    whole = np.zeros((at[-1] - at[0] + 1, *masks[0].shape), bool)
    whole[np.array(at) - at[0]] = np.stack(masks)
    return whole


def joined(
    tiles: NDArray[Number], at: Sequence[int], shape: tuple[int, int, int]
) -> NDArray[Number]:
    """The stack of `shape` that tiles number `at` were cut of; 0 where a tile is not there."""
    whole = np.zeros((count_tiles(shape, tiles.shape[1]), *tiles.shape[1:]), tiles.dtype)
    whole[list(at)] = tiles
    return stack_of_tiles(whole, shape)  # type: ignore[return-value]


def _references(bench: Bench, ids: Sequence[SampleId]) -> list[BoolArray]:
    truth = bench.references()
    return [_reference(truth, i) for i in ids]


def _reference(truth: Truth, sample: SampleId) -> BoolArray:
    region = truth.region(sample)
    if region is None:
        raise DataError(
            f"segmentation is measured against masks, but sample {sample!r} of the validation or "
            "test part has none; add its mask, or write `empty` where there is nothing to see"
        )
    return region
