"""Subjects: predictions and references of a part, stacked into volumes as they were acquired."""

from collections.abc import Iterator, Sequence
from itertools import groupby

import numpy as np

from foveal.core.arrays import BoolArray
from foveal.core.errors import DataError
from foveal.core.pool import Part, Pool, Sample, SampleId
from foveal.core.spec import ExperimentSpec
from foveal.core.truth import Truth
from foveal.evaluate import Case
from foveal.loop.bench import Bench
from foveal.models.segment import Segmenter, predict_pixels
from foveal.models.stream import Pass


def cases_of(
    segmenter: Segmenter, bench: Bench, part: Part, spec: ExperimentSpec, how: Pass
) -> Iterator[Case]:
    """One case for each volume of a part, or for each picture that belongs to none; one at a time.

    Masks lie on the images' own grid: probabilities are brought there before the threshold.

    Raises:
        DataError: if a sample of the part has no reference.
    """
    for series in volumes_of(bench.pool, bench.pool.ids(part)):
        ids = tuple(sample.id for sample in series)
        truth = bench.references()
        references = [_reference(truth, i) for i in ids]
        rows = bench.rows(ids)
        batches = predict_pixels(segmenter, bench.inputs, rows, how)
        probs = np.concatenate([found for _rows, found in batches])
        predictions = [
            bench.collection.on_image(p, r.shape) >= spec.segment.threshold
            for p, r in zip(probs, references, strict=True)
        ]
        at = [sample.position for sample in series]
        spacing = series[0].spacing_mm
        yield Case(
            series[0].group,
            stacked(predictions, at, series[0]),
            stacked(references, at, series[0]),
            spacing if len(series) > 1 or part_of_volume(series[0]) else spacing[-2:] or (1.0, 1.0),
        )


def volumes_of(pool: Pool, ids: Sequence[SampleId]) -> list[list[Sample]]:
    """Samples of each volume in the order of their positions; a picture of none is alone."""

    def volume(sample: Sample) -> tuple[str, str]:
        return sample.series, "" if part_of_volume(sample) else sample.id

    samples = sorted((pool[i] for i in ids), key=lambda s: (*volume(s), s.position))
    return [list(one) for _, one in groupby(samples, key=volume)]


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


def _reference(truth: Truth, sample: SampleId) -> BoolArray:
    region = truth.region(sample)
    if region is None:
        raise DataError(
            f"segmentation is measured against masks, but sample {sample!r} of the validation or "
            "test part has none; add its mask, or write `empty` where there is nothing to see"
        )
    return region
