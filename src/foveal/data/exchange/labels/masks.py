"""Masks as PNG files in a zip, with a table that says which belongs to what."""

import csv
import io
import zipfile
from collections.abc import Iterable

import numpy as np

from foveal.data.exchange.labels.record import LabeledImage
from foveal.data.png import encode_png
from foveal.data.row import EMPTY

TABLE = "labels.csv"


def to_masks(records: Iterable[tuple[str, LabeledImage]]) -> bytes:
    """A zip of one mask a labeled picture, 0 and 255, and a manifest that Foveal reads.

    The manifest's cell is `empty` where somebody who could have drawn drew nothing; it is empty,
    and there is no mask, where nothing is known of a region.

    Args:
        records: with the sample's id, which names the file: names of images can hold anything.
    """
    data, text = io.BytesIO(), io.StringIO()
    rows = csv.writer(text, lineterminator="\n")
    rows.writerow(("image", "label", "mask"))
    with zipfile.ZipFile(data, "w", zipfile.ZIP_DEFLATED) as archive:
        for sample, one in records:
            if one.label is None:
                continue
            name = f"masks/{sample}.png"
            mask = one.region
            if one.shapes is not None:
                archive.writestr(name, encode_png(mask.astype(np.uint8) * np.uint8(255)))
            cell = "" if one.shapes is None else name if mask.any() else EMPTY
            rows.writerow((one.image, one.label, cell))
        archive.writestr(TABLE, text.getvalue())
    return data.getvalue()
