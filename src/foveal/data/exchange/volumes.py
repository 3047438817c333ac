"""Volumes: regions drawn on slices, put back on the grid of the scan they were cut from."""

import csv
import hashlib
import io
import tempfile
import zipfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from foveal.core.arrays import AnyArray, BoolArray
from foveal.core.errors import DataError
from foveal.core.volume import Axis, facing_of
from foveal.data.dicom.headers import read_whole
from foveal.data.exchange.nifti import write_nifti_labels
from foveal.data.exchange.report import write_report
from foveal.data.exchange.seg import write_segmentation
from foveal.data.readers import Place
from foveal.data.readers.stack import stack_facts
from foveal.data.volumes.address import parse_address
from foveal.data.volumes.dicom import DicomFolders

AXES: tuple[Axis, Axis, Axis] = (0, 1, 2)
TABLE = "volumes.csv"
WRITE_ORDER = ("seg.dcm", "sr.dcm")


@dataclass(frozen=True, slots=True)
class Drawn:
    """A region on one slice: where the slice lies, its address, its class, and (H, W) pixels."""

    place: Place
    address: str
    label: str
    region: BoolArray


def to_nifti(drawn: Iterable[Drawn]) -> bytes:
    """A zip with a label map for each NIfTI volume of which a slice was read.

    Number 1 is the first class of the volume in alphabetical order, and so on; `volumes.csv` tells.
    Folders are named by `folder_of`.
    Slices that nobody read are background, as are those on which nothing was drawn.

    Raises:
        DataError: if no picture is a slice of a NIfTI file.
    """

    def write(folder: Path, source: Path, _: Sequence[Drawn], masks: Mapping[str, AnyArray]) -> str:
        numbers = write_nifti_labels(folder / "labels.nii.gz", masks, source)
        return "; ".join(f"{n} {name}" for name, n in numbers.items())

    return _packed(drawn, write, dicom=False)


def to_dicom(drawn: Iterable[Drawn], cache: Path) -> bytes:
    """A zip with a SEG and a structured report for each DICOM series of which a slice was read.

    Args:
        cache: where unpacked volumes lie.
    Raises:
        DataError: if no picture is a slice of a DICOM series that makes a volume.
    """
    folders = DicomFolders(cache)

    def write(
        folder: Path, source: Path, parts: Sequence[Drawn], masks: Mapping[str, AnyArray]
    ) -> str:
        at = parse_address(f"x#{parts[0].place.member}:0")
        assert at is not None
        images = [read_whole(file) for file in folders.series(source, at.token).files]
        seg, sr = (folder / name for name in WRITE_ORDER)
        written = write_segmentation(seg, masks, images)
        write_report(sr, masks, written, images)
        return "; ".join(sorted(masks))

    return _packed(drawn, write, dicom=True)


def folder_of(address: str) -> str:
    """The folder of a volume: a hash of its name, since names of files can hold names of patients.

    Whoever has the manifest can tell which it is.

    Args:
        address: of any of its slices; what stands before the last colon is hashed.
    """
    return hashlib.sha256(address.rpartition(":")[0].encode()).hexdigest()[:12]


def put_back(parts: Sequence[Drawn]) -> dict[str, BoolArray]:
    """(I, J, K) mask of each class on the grid of the scan, from slices of one volume.

    Raises:
        DataError: if the volume has no grid, or a region has another size than its slice.
    """
    facts = stack_facts(parts[0].place.path)
    if not facts.grid:
        raise DataError(f"the slices of {parts[0].address!r} have no place in the patient")
    facing = facing_of(facts.matrix(), AXES[facts.axis])
    masks = {}
    for label in sorted({part.label for part in parts}):
        stack = np.zeros(facts.shape[:3], bool)
        for part in parts:
            if part.label == label:
                if part.region.shape != stack.shape[1:]:
                    raise DataError(f"the region on {part.address!r} is not of its slice's size")
                stack[part.place.position or 0] |= part.region
        masks[label] = np.ascontiguousarray(facing.unstack(stack), bool)
    return masks


def _packed(
    drawn: Iterable[Drawn],
    write: Callable[[Path, Path, Sequence[Drawn], Mapping[str, AnyArray]], str],
    dicom: bool,
) -> bytes:
    volumes: dict[Path, list[Drawn]] = {}
    for one in drawn:
        source = one.place.archive
        if one.place.of_volume and not one.place.tile and source and source.is_dir() == dicom:
            volumes.setdefault(one.place.path, []).append(one)
    if not volumes:
        kind = "DICOM series" if dicom else "NIfTI volumes"
        raise DataError(
            f"labels go back into {kind} only where slices of them were read, but none were; "
            "export masks as PNG, or CSV"
        )
    data, text = io.BytesIO(), io.StringIO()
    table = csv.writer(text, lineterminator="\n")
    table.writerow(("folder", "slices", "classes"))
    with zipfile.ZipFile(data, "w", zipfile.ZIP_DEFLATED) as archive:
        for parts in volumes.values():
            source = parts[0].place.archive
            assert source is not None
            name = folder_of(parts[0].address)
            with tempfile.TemporaryDirectory() as made:
                told = write(Path(made), source, parts, put_back(parts))
                for path in sorted(Path(made).iterdir()):
                    archive.write(path, f"{name}/{path.name}")
            table.writerow((name, len(parts), told))
        archive.writestr(TABLE, text.getvalue())
    return data.getvalue()
