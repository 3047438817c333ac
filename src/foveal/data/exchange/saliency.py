"""DICOM Parametric Map: what a model looked at, as numbers on the images it looked at."""

from collections.abc import Sequence
from pathlib import Path

import highdicom as hd
import numpy as np
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence as Items
from pydicom.sr.codedict import codes

from foveal.core.arrays import FloatArray
from foveal.core.errors import DataError
from foveal.data.dicom.geometry import LPS_TO_RAS
from foveal.data.exchange.codes import ANATOMY
from foveal.data.exchange.grid import SourceGrid, check_shape, source_grid
from foveal.data.exchange.maker import (
    MAKER,
    MODEL,
    SALIENCY_SERIES,
    SERIAL,
    refusals_told,
    save_whole,
    version,
)


def write_saliency(path: Path, saliency: FloatArray, images: Sequence[Dataset]) -> Path:
    """A float parametric map of a class activation map.

    Args:
        path: the file, written whole or not at all.
        saliency: (I, J, K) in [0, 1] on the grid of `read_series`; stored as float32.
        images: data sets of the source series, in any order.
    Raises:
        DataError: if the map does not fit the images, leaves [0, 1] or is not finite.
        StoreError: if the file cannot be written.
    """
    grid = source_grid(images)
    check_shape("saliency", saliency, grid)
    if not (np.isfinite(saliency).all() and saliency.min() >= 0 and saliency.max() <= 1):
        raise DataError("`saliency` must be finite and lie in [0, 1], but does not")
    with refusals_told("a parametric map"):
        mapping = hd.pm.RealWorldValueMapping(
            lut_label="saliency",
            lut_explanation="where the model looked, from 0 to 1",
            unit=codes.UCUM.NoUnits,
            value_range=(0.0, 1.0),
            slope=1.0,
            intercept=0.0,
            quantity_definition=codes.DCM.Saliency,
        )
        data = hd.pm.ParametricMap(
            source_images=list(grid.images),
            pixel_array=grid.frames(saliency.astype(np.float32)),
            series_instance_uid=hd.UID(),
            series_number=SALIENCY_SERIES,
            sop_instance_uid=hd.UID(),
            instance_number=1,
            manufacturer=MAKER,
            manufacturer_model_name=MODEL,
            software_versions=version(),
            device_serial_number=SERIAL,
            contains_recognizable_visual_features=False,
            real_world_value_mappings=[mapping],
            voi_lut_transformations=[hd.VOILUTTransformation(0.5, 1.0)],
            content_label="SALIENCY",
        )
        shared = data.SharedFunctionalGroupsSequence[0]
        shared.FrameAnatomySequence = Items([_anatomy(images[0])])
        _sort_frames(data, grid)
    save_whole(data, path)
    return path


def _sort_frames(data: Dataset, grid: SourceGrid) -> None:
    """Frames in the order of slices, in place.

    dcmqi, and 3D Slicer with it, lays frame n on slice n whatever its position says; in the order
    in which highdicom leaves them the map would be upside down there.
    """
    groups = data.PerFrameFunctionalGroupsSequence
    step = (LPS_TO_RAS @ grid.affine)[:3, 2]
    places = [g.PlanePositionSequence[0].ImagePositionPatient for g in groups]
    order = np.argsort(np.array(places, np.float64) @ step).tolist()
    pixels = np.frombuffer(data.FloatPixelData, np.float32).reshape(len(groups), -1)
    data.FloatPixelData = pixels[order].tobytes()
    data.PerFrameFunctionalGroupsSequence = Items([groups[k] for k in order])
    for number, group in enumerate(data.PerFrameFunctionalGroupsSequence, 1):
        group.FrameContentSequence[0].DimensionIndexValues = number


def _anatomy(image: Dataset) -> Dataset:
    """Which side is shown, of a part of the body that is not told; dcmqi cannot do without."""
    side = str(image.get("ImageLaterality") or image.get("Laterality") or "")
    anatomy = Dataset()
    anatomy.FrameLaterality = side if side in ("R", "L", "B") else "U"
    anatomy.AnatomicRegionSequence = Items([hd.sr.CodedConcept.from_code(ANATOMY)])
    return anatomy
