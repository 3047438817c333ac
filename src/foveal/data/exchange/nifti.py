"""NIfTI masks on the grid of the image they were drawn on."""

import gzip
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np

from foveal.core.arrays import AnyArray
from foveal.core.errors import DataError
from foveal.core.files import write_whole
from foveal.data.readers.nifti import is_nifti, read_nifti_header

MOST_LABELS = 255


def write_nifti_labels(path: Path, masks: Mapping[str, AnyArray], image: Path) -> dict[str, int]:
    """A label map: 0 is background, 1 the first mask, and so on; uint8.

    Affines (qform and sform with their codes) and units are those of the image, digit by digit. An
    empty mask keeps its number, and no voxel has it.

    Args:
        path: `.nii` or `.nii.gz`, written whole or not at all; the same masks give the same bytes.
        masks: by name, (I, J, K) of 0 and 1, none of which may overlap.
        image: the NIfTI file they were drawn on.
    Returns:
        The number of each mask.
    Raises:
        DataError: if the image cannot be read, a mask has another shape or other values, masks
            overlap, or the name ends otherwise.
        StoreError: if the file cannot be written.
    """
    if not is_nifti(path.name):
        raise DataError(f"a NIfTI file must end in .nii or .nii.gz, but {path.name!r} does not")
    if not 1 <= len(masks) <= MOST_LABELS:
        raise DataError(f"a label map must have 1 to {MOST_LABELS} masks, not {len(masks)}")
    header = read_nifti_header(image)
    labels = np.zeros(header.shape, np.uint8)
    for number, (name, mask) in enumerate(masks.items(), 1):
        if mask.shape != header.shape:
            raise DataError(
                f"`{name}` must have the shape of its image {header.shape}, but has {mask.shape}"
            )
        if not np.isin(mask, (0, 1)).all():
            raise DataError(f"`{name}` must hold 0 and 1 only; threshold it first")
        inside = mask.astype(bool)
        if labels[inside].any():
            raise DataError(
                f"masks of a label map must not overlap, but `{name}` does; write one file each, "
                "or a DICOM SEG"
            )
        labels[inside] = number
    write_whole(path, _bytes(labels, header.raw, path.name.lower().endswith(".gz")))
    return {name: number for number, name in enumerate(masks, 1)}


def _bytes(labels: AnyArray, source: Any, packed: bool) -> bytes:
    kinds: dict[type, Any] = {nib.Nifti1Header: nib.Nifti1Image, nib.Nifti2Header: nib.Nifti2Image}
    raw = source.copy()
    raw.set_data_dtype(np.uint8)
    raw.set_data_shape(labels.shape)
    raw.set_slope_inter(1, 0)
    raw["cal_min"] = raw["cal_max"] = 0
    for remark in ("descrip", "aux_file", "db_name", "intent_name"):
        if remark in raw:
            raw[remark] = b""
    image = kinds[type(source)](labels, None, raw)
    for field in ("qform_code", "sform_code", "quatern_b", "quatern_c", "quatern_d"):
        image.header[field] = source[field]
    content: bytes = image.to_bytes()
    return gzip.compress(content, mtime=0) if packed else content
