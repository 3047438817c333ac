"""DICOM SEG: masks as segments of the images they were drawn on, binary or as probabilities."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import highdicom as hd
import numpy as np
from pydicom.dataset import Dataset

from foveal.core.arrays import AnyArray
from foveal.core.errors import DataError
from foveal.data.exchange.codes import code_of
from foveal.data.exchange.grid import kept, source_grid
from foveal.data.exchange.maker import (
    MAKER,
    MODEL,
    SEGMENTATION_SERIES,
    SERIAL,
    algorithm,
    refusals_told,
    save_whole,
    version,
)

FRACTIONS = 255  # a probability is stored in steps of 1 / 255
Kind = Literal["binary", "fractional"]
DrawnBy = Literal["MANUAL", "SEMIAUTOMATIC", "AUTOMATIC"]


@dataclass(frozen=True, slots=True)
class Written:
    """What was written.

    Attributes:
        path: the file; None if every mask was empty, so that nothing was written.
        segments: names, segment 1 first.
        left_out: names of empty masks.
        data: the data set, which a report refers to; None without a file.
    """

    path: Path | None
    segments: tuple[str, ...]
    left_out: tuple[str, ...]
    data: Dataset | None


def write_segmentation(
    path: Path,
    masks: Mapping[str, AnyArray],
    images: Sequence[Dataset],
    kind: Kind = "binary",
    drawn_by: DrawnBy = "MANUAL",
) -> Written:
    """A DICOM SEG of named masks; they may overlap.

    Empty masks are left out and named in the answer: a segment without frames is an error to many
    readers. Where all are empty no file is written.

    Args:
        path: the file, written whole or not at all.
        masks: by name, (I, J, K) on the grid of `read_series`: truth values, or for `fractional`
            probabilities in [0, 1].
        images: data sets of the source series, in any order, with or without pixels.
        kind: `fractional` stores probabilities in 255 steps; `binary` needs masks of 0 and 1.
        drawn_by: who made the masks.
    Raises:
        DataError: if a mask does not fit the images or its kind, or the images lack what a SEG
            must tell.
        StoreError: if the file cannot be written.
    """
    grid = source_grid(images)
    names, empty = kept(masks, grid)
    if not names:
        return Written(None, (), tuple(empty), None)
    voxels = _typed(np.stack([masks[name] for name in names], axis=-1), kind)
    with refusals_told("a segmentation"):
        data = hd.seg.Segmentation(
            source_images=list(grid.images),
            pixel_array=grid.frames(voxels),
            segmentation_type=kind.upper(),
            segment_descriptions=[_described(n, s, drawn_by) for n, s in enumerate(names, 1)],
            series_instance_uid=hd.UID(),
            series_number=SEGMENTATION_SERIES,
            sop_instance_uid=hd.UID(),
            instance_number=1,
            manufacturer=MAKER,
            manufacturer_model_name=MODEL,
            software_versions=version(),
            device_serial_number=SERIAL,
            max_fractional_value=FRACTIONS,
            content_label="SEGMENTATION",
        )
    save_whole(data, path)
    return Written(path, tuple(names), tuple(empty), data)


def _typed(voxels: AnyArray, kind: Kind) -> AnyArray:
    if kind == "fractional":
        return voxels.astype(np.float32)
    if not np.isin(voxels, (0, 1)).all():
        raise DataError(
            "masks of a binary segmentation must hold 0 and 1 only; threshold them, or write "
            "kind='fractional'"
        )
    return voxels.astype(np.uint8)


def _described(number: int, name: str, drawn_by: DrawnBy) -> Any:
    category, kind = code_of(name)
    by_program = None if drawn_by == "MANUAL" else algorithm()
    return hd.seg.SegmentDescription(
        number, name, category, kind, drawn_by, by_program, tracking_uid=hd.UID(), tracking_id=name
    )
