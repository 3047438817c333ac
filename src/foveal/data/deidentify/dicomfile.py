"""DICOM files as data sets, and back to bytes, without a word of theirs in any message."""

import io
import os
import warnings
from pathlib import Path

from pydicom import dcmread, dcmwrite
from pydicom.dataset import Dataset, FileDataset, FileMetaDataset
from pydicom.uid import (
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
)

PREAMBLE = 128
NAMED_DICOM = frozenset({".dcm", ".dicom", ".ima"})
# One made-up UID for all versions, under the branch that needs no registration.
IMPLEMENTATION = "2.25.302384217654086371490172845619032457811"
ENCODINGS = {
    (True, True): ImplicitVRLittleEndian,
    (False, True): ExplicitVRLittleEndian,
    (False, False): ExplicitVRBigEndian,
}


class Unfit(Exception):  # noqa: N818  (not an error of the program)
    """A file cannot be de-identified; the text says why without a word of the file."""


def looks_like_dicom(path: Path) -> bool:
    """By the mark after the preamble, or, for files without one, by the name's ending."""
    with path.open("rb") as file:
        head = file.read(PREAMBLE + 4)
    return head[PREAMBLE:] == b"DICM" or path.suffix.lower() in NAMED_DICOM


def read(path: Path) -> FileDataset:
    """The whole file, its values as bytes wherever nobody asked for them.

    Raises:
        Unfit: if it is torn, or no DICOM file.
    """
    try:
        with warnings.catch_warnings(record=True) as told:
            warnings.simplefilter("always")
            dataset = dcmread(path, force=True)
    except OSError as error:
        raise Unfit(f"it cannot be read: {error.strerror or 'input or output error'}") from error
    except Exception as error:  # noqa: BLE001  (a parser's message can quote the file)
        raise Unfit("its content is no readable DICOM") from error
    if any("EOF" in str(w.message) or "End of file" in str(w.message) for w in told):
        raise Unfit("it ends in the middle of an element; copy it again")
    if 0x00080016 not in dataset or 0x00080018 not in dataset:
        raise Unfit("it has no SOP Class UID and SOP Instance UID, so it is no DICOM object")
    return dataset


def transfer_syntax(dataset: FileDataset) -> str:
    """The file's transfer syntax UID; where it does not say, how it was found to be encoded."""
    named = str(dataset.file_meta.get("TransferSyntaxUID", "")) if dataset.file_meta else ""
    implicit, little = dataset.original_encoding
    return named or str(ENCODINGS.get((bool(implicit), bool(little)), ""))


def encoded(dataset: FileDataset, syntax: str, version: str) -> bytes:
    """The file anew: an empty preamble, a file meta group of our own, and the data set.

    Raises:
        Unfit: if the data set cannot be written.
    """
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = dataset.SOPClassUID
    meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID
    meta.TransferSyntaxUID = syntax
    meta.ImplementationClassUID = IMPLEMENTATION
    meta.ImplementationVersionName = f"FOVEAL {version}"[:16]
    dataset.file_meta = meta
    dataset.preamble = bytes(PREAMBLE)
    buffer = io.BytesIO()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            dcmwrite(buffer, dataset, enforce_file_format=True)
    except Exception as error:  # noqa: BLE001  (a writer's message can quote the file)
        raise Unfit("it breaks the rules of its own encoding, and cannot be written") from error
    return buffer.getvalue()


def number_of(dataset: Dataset) -> int | None:
    """The instance number, if it is one that can name a file."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            number = int(dataset.get("InstanceNumber"))
    except (TypeError, ValueError):
        return None
    return number if 0 < number < 10**6 else None


def stamp_of(path: Path) -> str:
    """What changes when the file does: its size and time of change."""
    state = os.stat(path)
    return f"{state.st_size}-{state.st_mtime_ns}"
