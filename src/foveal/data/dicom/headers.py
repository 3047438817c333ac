"""Opening DICOM files: with or without preamble, of a sane size, and never a stranger's format."""

import contextlib
import os
import warnings
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pydicom import config, dcmread
from pydicom.dataset import Dataset, FileDataset
from pydicom.filereader import read_file_meta_info
from pydicom.uid import DeflatedExplicitVRLittleEndian

from foveal.data.readers.picture import MAX_FILE_BYTES, Unreadable
from foveal.data.readers.raster import check_file

PREAMBLE = 128
MAGIC = b"DICM"
# First groups of a file that begins without preamble, in both byte orders.
BARE_STARTS = (b"\x02\x00", b"\x08\x00", b"\x00\x02", b"\x00\x08")
META_WITHIN = 2**12  # bytes from the start of a file in which its transfer syntax is named
GROUP_LENGTH_BYTES = 12  # the element before the file meta that tells its length
CHUNK_BYTES = 2**20
UID_ROOT = "1.2.840.10008."
DIRECTORY = "1.2.840.10008.1.3.10"

HEADER_TAGS = [
    "SpecificCharacterSet", "ImageType", "SOPClassUID", "SOPInstanceUID", "StudyDate",
    "SeriesDate", "AcquisitionDate", "AcquisitionDateTime", "ContentDate", "Modality",
    "StudyInstanceUID", "SeriesInstanceUID", "PatientID", "IssuerOfPatientID",
    "FrameOfReferenceUID", "ImagePositionPatient", "ImageOrientationPatient", "PixelSpacing",
    "ImagerPixelSpacing", "NominalScannedPixelSpacing", "SliceThickness", "SpacingBetweenSlices",
    "GridFrameOffsetVector", "DetectorInformationSequence", "SequenceOfUltrasoundRegions",
    "SliceVector", "TemporalPositionIdentifier", "AcquisitionNumber", "EchoNumbers", "EchoTime",
    "InversionTime", "DiffusionBValue", "TriggerTime", "AcquisitionTime", "InstanceNumber",
    "NumberOfFrames", "Rows", "Columns", "SamplesPerPixel", "BitsAllocated", "BitsStored",
    "PixelRepresentation", "PhotometricInterpretation", "SharedFunctionalGroupsSequence",
    "PerFrameFunctionalGroupsSequence", "SegmentationType", "DirectoryRecordSequence",
]  # fmt: skip
DAMAGED = (
    Warning, OSError, EOFError, ValueError, TypeError, KeyError, IndexError, AttributeError,
    NotImplementedError, RuntimeError, OverflowError, MemoryError, RecursionError, zlib.error,
)  # fmt: skip


@contextlib.contextmanager
def tolerant() -> Iterator[None]:
    """Within, values that break the standard are taken as they are, without a warning.

    Warnings of pydicom may quote what a tag holds, and that may be a name.
    """
    with warnings.catch_warnings(), config.disable_value_validation():
        warnings.simplefilter("ignore")
        yield


@contextlib.contextmanager
def damage(kind: str, message: str) -> Iterator[None]:
    """Within, whatever breaks on a damaged file becomes an `Unreadable` of this kind."""
    try:
        with tolerant():
            yield
    except Unreadable:
        raise
    except DAMAGED as error:
        raise Unreadable(kind, message) from error


def is_dicom(path: Path) -> bool:
    """Whether a file begins as DICOM does; reads its first bytes only."""
    try:
        return _begins_so(path)
    except OSError:
        return False


def read_header(path: Path) -> FileDataset:
    """The tags that say where a file belongs, and no pixels.

    Raises:
        Unreadable: if the file is missing, too large, cut off, or no DICOM.
    """
    return read_start(path)[0]


def read_start(path: Path) -> tuple[FileDataset, int]:
    """The header of a file, and how many bytes follow it: the pixels, if any, and their tag.

    Raises:
        Unreadable: as `read_header`.
    """
    data, end = _read(path, stop_before_pixels=True, specific_tags=HEADER_TAGS)
    return data, path.stat().st_size - end


def read_whole(path: Path) -> FileDataset:
    """All tags and the encoded pixels.

    Raises:
        Unreadable: if the file is missing, too large, cut off, or no DICOM.
    """
    data = _read(path)[0]
    if not len(data):  # all that pydicom keeps of compressed pixels without an end
        raise Unreadable("unreadable", "the file is cut off; copy it again")
    return data


def _read(path: Path, **options: Any) -> tuple[FileDataset, int]:
    check_file(path)
    with damage("unreadable", "the file is cut off or damaged before its pixels; copy it again"):
        if not _begins_so(path):
            raise Unreadable(
                "not_dicom", "the file must be DICOM, but does not begin as one; move it elsewhere"
            )
        _check_inflated_size(path)
        with path.open("rb") as file:
            data = dcmread(file, force=True, **options)
            end = file.tell()
        _check_class(data)
    return data, end


def _begins_so(path: Path) -> bool:
    with path.open("rb") as file:
        start = file.read(PREAMBLE + len(MAGIC))
    return start[PREAMBLE:] == MAGIC or (start[:2] in BARE_STARTS and len(start) > 8)


def _check_class(data: FileDataset) -> None:
    named = str(data.get("SOPClassUID", "")) or str(
        getattr(data, "file_meta", Dataset()).get("MediaStorageSOPClassUID", "")
    )
    if not named.startswith(UID_ROOT):
        raise Unreadable(
            "not_dicom",
            "the file must say what kind of DICOM object it is (SOP Class UID), but does not; it "
            "is damaged or of another format",
        )


def _check_inflated_size(path: Path) -> None:
    """Raise `Unreadable` if a deflated data set unpacks to more than a file may hold."""
    with path.open("rb") as file:
        if DeflatedExplicitVRLittleEndian.encode() not in file.read(META_WITHIN):
            return
        file.seek(PREAMBLE + len(MAGIC) + GROUP_LENGTH_BYTES)
        file.seek(read_file_meta_info(path).FileMetaInformationGroupLength, os.SEEK_CUR)
        unpack, size, packed = zlib.decompressobj(-zlib.MAX_WBITS), 0, file.read(CHUNK_BYTES)
        while packed and size <= MAX_FILE_BYTES:
            size += len(unpack.decompress(packed, CHUNK_BYTES))
            packed = unpack.unconsumed_tail or file.read(CHUNK_BYTES)
    if size > MAX_FILE_BYTES:
        raise Unreadable(
            "too_large",
            f"the file must unpack to at most {MAX_FILE_BYTES >> 20} MiB, but is larger; write it "
            "in parts",
        )
