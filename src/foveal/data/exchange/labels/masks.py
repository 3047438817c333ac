"""Masks as PNG files in a zip, with a table that says which belongs to what."""

import csv
import io
import zipfile
from collections.abc import Iterable

import numpy as np

from foveal.core.pool import Sample, Side
from foveal.data.exchange.labels.record import LabeledImage
from foveal.data.png import encode_png
from foveal.data.row import EMPTY

TABLE = "labels.csv"


def to_masks(records: Iterable[tuple[Sample, Side, LabeledImage]]) -> bytes:
    """A zip of one mask a labeled picture, 0 and 255, and a manifest that Foveal reads.

    The manifest's cell is `empty` where somebody who could have drawn drew nothing; it is empty,
    and there is no mask, where nothing is known of a region. Patients and sides are told, so that
    whoever trains on it keeps to them; where there is no test case, a run draws some, and no side
    is told.

    Args:
        records: with the sample, whose id names the file, since names of images can hold anything,
            and its side.
    """
    told = list(records)
    sided = any(side == "test" for _, side, _ in told)
    data, text = io.BytesIO(), io.StringIO()
    rows = csv.writer(text, lineterminator="\n")
    rows.writerow(("image", "label", "mask", "patient", "split"))
    with zipfile.ZipFile(data, "w", zipfile.ZIP_DEFLATED) as archive:
        for sample, side, one in told:
            if one.label is None:
                continue
            name = f"masks/{sample.id}.png"
            mask = one.region
            if one.shapes is not None:
                archive.writestr(name, encode_png(mask.astype(np.uint8) * np.uint8(255)))
            cell = "" if one.shapes is None else name if mask.any() else EMPTY
            patient = "" if sample.group == sample.id else sample.group
            rows.writerow((one.image, one.label, cell, patient, side if sided else ""))
        archive.writestr(TABLE, text.getvalue())
    return data.getvalue()
