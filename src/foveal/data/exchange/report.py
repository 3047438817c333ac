"""DICOM SR: a TID 1500 measurement report of the regions in a segmentation."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import highdicom as hd
import numpy as np
from pydicom.dataset import Dataset
from pydicom.sr.codedict import codes
from pydicom.sr.coding import Code

from foveal.core.arrays import AnyArray, FloatArray
from foveal.core.errors import DataError
from foveal.data.exchange.codes import code_of
from foveal.data.exchange.grid import source_grid
from foveal.data.exchange.maker import (
    MAKER,
    MODEL,
    REPORT_SERIES,
    SERIAL,
    refusals_told,
    save_whole,
)
from foveal.data.exchange.measures import longest_diameter_mm, volume_ml
from foveal.data.exchange.seg import Written

MILLILITER = Code("ml", "UCUM", "milliliter")
DIAMETER = Code("L0JK", "IBSI", "Maximum 3D Diameter of a Mesh")
PROCEDURES = {
    "CT": codes.LN.CTUnspecifiedBodyRegion,
    "MR": codes.LN.MRIUnspecifiedBodyRegion,
    "PT": codes.LN.PETUnspecifiedBodyRegion,
    "NM": codes.LN.NMUnspecifiedBodyRegion,
}
OTHER_PROCEDURE = Code("363679005", "SCT", "Imaging procedure")


def write_report(
    path: Path, masks: Mapping[str, AnyArray], segmentation: Written, images: Sequence[Dataset]
) -> Path | None:
    """A measurement report: of each segment its finding, volume and longest diameter.

    Each group of measurements refers to its segment of the SEG, and so to the images. A region
    that is a box becomes a mask first, see `box_mask`. The two files belong together: write the
    SEG first.

    Args:
        path: the file, written whole or not at all.
        masks: the masks that `segmentation` was made of; half and more counts as inside.
        segmentation: what `write_segmentation` gave.
        images: data sets of the source series.
    Returns:
        The path, or None if the segmentation has no segments.
    Raises:
        DataError: if a segment has no mask here, or the images lack what a report must tell.
        StoreError: if the file cannot be written.
    """
    if segmentation.data is None:
        return None
    missing = [name for name in segmentation.segments if name not in masks]
    if missing:
        raise DataError(
            f"a report must have the mask of every segment, but has none of {missing}; hand it "
            "the masks that the segmentation was made of"
        )
    grid = source_grid(images)
    groups = [
        _group(number, name, masks[name], grid.affine, segmentation.data, images[0])
        for number, name in enumerate(segmentation.segments, 1)
    ]
    with refusals_told("a report"):
        report = hd.sr.MeasurementReport(
            observation_context=_observer(),
            procedure_reported=PROCEDURES.get(str(images[0].get("Modality")), OTHER_PROCEDURE),
            imaging_measurements=groups,
            title=codes.DCM.ImagingMeasurementReport,
        )
        data = hd.sr.Comprehensive3DSR(
            evidence=[segmentation.data, *images],
            content=report,
            series_instance_uid=hd.UID(),
            series_number=REPORT_SERIES,
            sop_instance_uid=hd.UID(),
            instance_number=1,
            manufacturer=MAKER,
            is_complete=True,
        )
    save_whole(data, path)
    return path


def _group(
    number: int,
    name: str,
    mask: AnyArray,
    affine: FloatArray,
    segmentation: Dataset,
    image: Dataset,
) -> Any:
    inside = np.asarray(mask.astype(np.float64) >= 0.5)
    described = segmentation.SegmentSequence[number - 1]
    segment = hd.sr.ReferencedSegment(
        sop_class_uid=segmentation.SOPClassUID,
        sop_instance_uid=segmentation.SOPInstanceUID,
        segment_number=number,
        source_series=hd.sr.SourceSeriesForSegmentation(image.SeriesInstanceUID),
    )
    category, finding = code_of(name)
    return hd.sr.VolumetricROIMeasurementsAndQualitativeEvaluations(
        tracking_identifier=hd.sr.TrackingIdentifier(described.TrackingUID, name),
        referenced_segment=segment,
        finding_type=finding,
        finding_category=category,
        measurements=[
            hd.sr.Measurement(codes.SCT.Volume, volume_ml(inside, affine), MILLILITER),
            hd.sr.Measurement(DIAMETER, longest_diameter_mm(inside, affine), codes.UCUM.Millimeter),
        ],
    )


def _observer() -> Any:
    device = hd.sr.DeviceObserverIdentifyingAttributes(
        uid=hd.UID(), name=MODEL, manufacturer_name=MAKER, model_name=MODEL, serial_number=SERIAL
    )
    context = hd.sr.ObserverContext(codes.DCM.Device, device)
    return hd.sr.ObservationContext(observer_device_context=context)
