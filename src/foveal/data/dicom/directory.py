"""DICOMDIR: the table of contents of a disc, whose references may not leave its folder."""

from pathlib import Path

from pydicom.dataset import Dataset
from pydicom.uid import MediaStorageDirectoryStorage

from foveal.core.errors import DataError
from foveal.core.files import safe_join


def is_directory(header: Dataset) -> bool:
    """Whether the file is a DICOMDIR."""
    meta = getattr(header, "file_meta", Dataset())
    named = header.get("SOPClassUID") or meta.get("MediaStorageSOPClassUID")
    return bool(named == MediaStorageDirectoryStorage)


def references(header: Dataset) -> list[str]:
    """Relative paths of the files that a DICOMDIR lists, as it writes them."""
    records = header.get("DirectoryRecordSequence") or []
    found = [record.get("ReferencedFileID") for record in records]
    parts = [[value] if isinstance(value, str) else list(value) for value in found if value]
    return ["/".join(str(part).replace("\\", "/") for part in path) for path in parts]


def wrong_references(header: Dataset, folder: Path) -> list[tuple[str, str]]:
    """Kind and sentence for references of a DICOMDIR in `folder` that cannot be followed."""
    outside, missing = 0, 0
    for written in references(header):
        try:
            missing += not _exists(folder, written)
        except DataError:
            outside += 1
    said = []
    if outside:
        said.append(
            (
                "path",
                f"references must stay inside the folder of the DICOMDIR, but {outside} leave it "
                "and are not followed",
            )
        )
    if missing:
        said.append(
            (
                "missing",
                f"files that the DICOMDIR lists must exist, but {missing} do not; copy the whole "
                "disc",
            )
        )
    return said


def _exists(folder: Path, written: str) -> bool:
    """Whether the file is there; names on a disc may have been copied in lower case."""
    path = safe_join(folder, written)
    return path.is_file() or safe_join(folder, written.lower()).is_file()
