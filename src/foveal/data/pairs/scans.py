"""Scans: the volume at one time point, a NIfTI file or a folder with one DICOM series."""

import hashlib
from dataclasses import dataclass
from pathlib import Path

from foveal.core.errors import DataError
from foveal.core.volume import Volume
from foveal.data.readers import Unreadable
from foveal.data.readers.nifti import read_nifti


@dataclass(frozen=True, slots=True, eq=False)
class Scan:
    """A grey volume and a hash of the patient it shows, "" where the file tells none."""

    volume: Volume
    patient: str = ""


def read_scan(path: Path, name: str) -> Scan:
    """The scan in a NIfTI file or a DICOM folder; `name` is what an error calls it.

    Raises:
        DataError: if it is damaged, in color, of several time points, or a folder that does not
            hold exactly one series of which a volume can be made.
    """
    try:
        scan = _dicom(path, name) if path.is_dir() else Scan(read_nifti(path))
    except Unreadable as error:
        raise DataError(f"the {name} cannot be used: {error}") from error
    if scan.volume.voxels.ndim != 3:
        raise DataError(f"the {name} must be grey, but is in color")
    return scan


def digest_of(path: Path) -> bytes:
    """SHA-256 of a file's content, or of the names and contents of all files below a folder.

    Raises:
        DataError: if it cannot be read.
    """
    try:
        if not path.is_dir():
            with path.open("rb") as file:
                return hashlib.file_digest(file, "sha256").digest()
        h = hashlib.sha256()
        for part in sorted(p for p in path.rglob("*") if p.is_file()):
            h.update(f"{part.relative_to(path).as_posix()}\0".encode())
            h.update(digest_of(part))
        return h.digest()
    except OSError as error:
        raise DataError(
            f"a file of the pair cannot be read: {error.strerror}; correct the path or its rights"
        ) from error


def _dicom(path: Path, name: str) -> Scan:
    from foveal.data.dicom.find import find_series
    from foveal.data.dicom.read import read_series

    found, problems = find_series(path)
    volumes = [series for series in found if series.volume and series.kind == "image"]
    if len(volumes) != 1:
        why = f"; {problems[0].message}" if problems and not volumes else ""
        raise DataError(
            f"the folder of the {name} must hold one DICOM series with a volume, but holds "
            f"{len(volumes)}{why}"
        )
    return Scan(read_series(volumes[0]), volumes[0].patient)
