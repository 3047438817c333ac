"""DICOM files as data sets, and back to bytes, without a word of theirs in any message."""

import io
import logging
import os
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from pydicom import dcmread, dcmwrite
from pydicom.dataset import Dataset, FileDataset, FileMetaDataset
from pydicom.uid import (
    UID,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
)

from foveal.data.deidentify.elements import UNDEFINED

PREAMBLE = 128
ROWS, PIXELS = 0x00280010, (0x7FE00008, 0x7FE00009, 0x7FE00010, 0x56000020)
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


@contextmanager
def quiet() -> Iterator[None]:
    """A block in which pydicom neither warns nor logs: it quotes the values it objects to."""
    logger = logging.getLogger("pydicom")
    before = logger.disabled
    logger.disabled = True
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logger.disabled = before


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
        with path.open("rb") as file, warnings.catch_warnings(record=True) as told:
            warnings.simplefilter("always")
            dataset = dcmread(file, force=True)
            rest = file.read(1)
    except OSError as error:
        raise Unfit(f"it cannot be read: {error.strerror or 'input or output error'}") from error
    except Exception as error:
        raise Unfit("its content is no readable DICOM") from error
    if rest:
        raise Unfit("it cannot be read to its end")
    if any(" in file " in str(w.message) for w in told) or _is_short(dataset):
        raise Unfit("it ends in the middle of an element; copy it again")
    if 0x00080016 not in dataset or 0x00080018 not in dataset:
        raise Unfit("it has no SOP Class UID and SOP Instance UID, so it is no DICOM object")
    if ROWS in dataset and not any(tag in dataset for tag in PIXELS):
        raise Unfit("its pixels are missing; copy it again")
    return dataset


def _is_short(dataset: Dataset) -> bool:
    """Whether an element has less bytes than it says, which only the last one of a file can."""
    raw: list[Any] = [dataset.get_item(tag) for tag in set(dataset.keys())]
    return any(e.is_raw and e.length != UNDEFINED and len(e.value or b"") < e.length for e in raw)


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
    meta.TransferSyntaxUID = UID(syntax)
    meta.ImplementationClassUID = UID(IMPLEMENTATION)
    meta.ImplementationVersionName = f"FOVEAL {version}"[:16]
    dataset.file_meta = meta
    dataset.preamble = bytes(PREAMBLE)
    buffer = io.BytesIO()
    try:
        dcmwrite(buffer, dataset, enforce_file_format=True)
    except Exception as error:
        raise Unfit("it breaks the rules of its own encoding, and cannot be written") from error
    return buffer.getvalue()


def number_of(dataset: Dataset) -> int | None:
    """The instance number, if it is one that can name a file."""
    try:
        number = int(dataset.get("InstanceNumber"))
    except (TypeError, ValueError):
        return None
    return number if 0 < number < 10**6 else None


def stamp_of(path: Path) -> str:
    """What changes when the file does: its size and time of change."""
    state = os.stat(path)
    return f"{state.st_size}-{state.st_mtime_ns}"
