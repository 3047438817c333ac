"""NIfTI-1 and NIfTI-2 (`.nii`, `.nii.gz`) through nibabel: one three-dimensional volume.

The header is read alone and checked first: no voxel is decompressed of a file that declares too
many, and header extensions, whose sizes a damaged file could make up, are never read. The affine
is the sform where its code is set, else the qform, else the header's spacing (as in nibabel), in mm
whatever unit the file is written in.
"""

import gzip
import math
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from io import BufferedIOBase
from pathlib import Path
from typing import Any

import numpy as np

from foveal.core.arrays import AnyArray, FloatArray
from foveal.core.errors import DataError
from foveal.core.volume import Volume, checked_affine
from foveal.data.readers.picture import Unreadable

SUFFIXES = (".nii", ".nii.gz")
MAX_VOXELS = 2**29  # 1024 x 1024 x 512
MAX_BYTES = 2**32  # of a file, as it lies on the disk
MAX_EXTENSIONS = 2**24  # bytes between header and voxels
MM_OF_UNIT = {0: 1.0, 1: 1000.0, 2: 1.0, 3: 0.001}  # unknown counts as mm; meter, mm, micron
SIZE_OF_HEADER = 540  # NIfTI-2; NIfTI-1 has 348
DAMAGED = (OSError, ValueError, EOFError, zlib.error, OverflowError, KeyError, TypeError)


@dataclass(frozen=True, slots=True)
class NiftiHeader:
    """What a header declares: (I, J, K) `shape`, `times` (1 unless 4-D), affine RAS+ in mm."""

    shape: tuple[int, int, int]
    times: int
    affine: FloatArray
    raw: Any  # nibabel's header


def is_nifti(name: str) -> bool:
    """Whether a file's name is that of a NIfTI file."""
    return name.lower().endswith(SUFFIXES)


def stem_of(name: str) -> str:
    """The name without `.nii` or `.nii.gz`; folders before it stay."""
    return name[: -len(".nii.gz")] if name.lower().endswith(".gz") else name[: -len(".nii")]


def read_nifti_header(path: Path) -> NiftiHeader:
    """The header of a file, checked; no voxel is read.

    Raises:
        Unreadable: if the file is missing, no NIfTI, too large, of a layout that is no volume, or
            its affine or voxel size is damaged.
    """
    if not path.is_file():
        raise Unreadable("missing", "the file does not exist; correct the path or restore it")
    if path.stat().st_size > MAX_BYTES:
        raise Unreadable("too_large", f"the file must be at most {MAX_BYTES >> 20} MiB")
    raw = _raw_header(path)
    shape, times = _shape(tuple(int(n) for n in raw.get_data_shape()))
    _check_layout(raw, shape)
    return NiftiHeader(shape, times, _affine(raw), raw)


def read_nifti(path: Path, time: int | None = None) -> Volume:
    """The volume in a file: integers as stored where the header scales nothing, else float32.

    Args:
        path: `.nii` or `.nii.gz`.
        time: time point of a 4-D file, from 0; None where the file holds one volume.
    Raises:
        Unreadable: see `read_nifti_header`; also if voxels are cut off, damaged, NaN or infinite,
            or if `time` does not suit the file.
    """
    header = read_nifti_header(path)
    check_time(header, time)
    return Volume(_scaled(_voxels(path, header, time), header.raw), header.affine)


def check_time(header: NiftiHeader, time: int | None) -> None:
    """Raise `Unreadable` unless `time` names one of several time points, or there is but one."""
    if time is None and header.times > 1:
        raise Unreadable(
            "4d",
            f"the file is 4-D where 3-D is meant: it holds {header.times} volumes; name one by its "
            "time point, as in `scan.nii.gz#k@0:12` or `--time-point 0`",
        )
    if time is not None and not 0 <= time < header.times:
        raise Unreadable(
            "missing", f"the file holds time points 0 to {header.times - 1}, so none is {time}"
        )


def _raw_header(path: Path) -> Any:
    nib = require_nibabel()
    with _damage_told(), _opened(path) as file:
        block = file.read(SIZE_OF_HEADER)
    for kind in (nib.Nifti2Header, nib.Nifti1Header):
        # Not checked by nibabel, which would repair voxel sizes of 0 by making them 1.
        if kind.may_contain_header(block) and len(block) >= kind.sizeof_hdr:
            with _damage_told():
                raw = kind(block[: kind.sizeof_hdr], check=False)
                raw.get_data_dtype()
                if bytes(raw["magic"])[:2] == b"n+":
                    return raw
    raise Unreadable("format", "the file must be NIfTI-1 or NIfTI-2 in one file, but is not")


def _shape(declared: tuple[int, ...]) -> tuple[tuple[int, int, int], int]:
    i, j, k, *more = (*declared, 1, 1, 1)[: max(len(declared), 3)]
    times = math.prod(more)
    if not declared or (len(more) > 1 and times > 1):
        raise Unreadable(
            "format", f"the file must hold a volume, or volumes over time, but has axes {declared}"
        )
    if min(i, j, k, times) < 1:
        raise Unreadable("unreadable", "the volume must have voxels, but its size is 0")
    return (i, j, k), times


def _check_layout(raw: Any, shape: tuple[int, int, int]) -> None:
    if math.prod(shape) > MAX_VOXELS:
        raise Unreadable(
            "too_large",
            f"a volume must have at most {MAX_VOXELS} voxels, but declares "
            f"{' x '.join(map(str, shape))}; crop or resample it first",
        )
    if not 0 <= raw.get_data_offset() <= MAX_EXTENSIONS:
        raise Unreadable("unreadable", "the voxels must follow the header, but lie far behind it")
    dtype = raw.get_data_dtype()
    if dtype.kind not in "biuf" and dtype.names != ("R", "G", "B"):
        raise Unreadable("format", f"voxels must be real numbers or RGB, but are {dtype}")


def _affine(raw: Any) -> FloatArray:
    sizes = np.asarray(raw["pixdim"][1:4], np.float64)
    if not np.isfinite(sizes).all() or (sizes <= 0).any():
        raise Unreadable(
            "affine", "the size of a voxel must be positive, but is not; export the image again"
        )
    unit = int(raw["xyzt_units"]) & 7
    if unit not in MM_OF_UNIT:
        raise Unreadable(
            "affine", f"the unit of length must be m, mm or micron, but has code {unit}"
        )
    try:
        affine = np.array(raw.get_best_affine(), np.float64)
        affine[:3] *= MM_OF_UNIT[unit]
        return checked_affine(affine)
    except (DataError, ValueError, ArithmeticError, _header_error()) as error:
        raise Unreadable("affine", f"the header cannot be used: {error}") from error


def _voxels(path: Path, header: NiftiHeader, time: int | None) -> AnyArray:
    """(I, J, K) numbers as stored, or (I, J, K, 3) uint8; mapped where they are not compressed."""
    plain = header.raw.copy()
    plain.set_slope_inter(None, None)
    with _damage_told(), _opened(path) as file:
        stored = require_nibabel().arrayproxy.ArrayProxy(file, plain)
        at = None if header.times == 1 else time
        voxels: AnyArray = np.asarray(stored) if at is None else np.asarray(stored[..., at])
        if at is None:
            file.read(1)  # at its end, gzip compares its checksum
    voxels = voxels.reshape(header.shape, order="F")
    if voxels.dtype.names:
        colors: Any = voxels
        return np.stack([colors[name] for name in ("R", "G", "B")], axis=3)
    return voxels


def _scaled(stored: AnyArray, raw: Any) -> AnyArray:
    with _damage_told():
        slope, inter = raw.get_slope_inter()
    slope, inter = 1.0 if slope is None else slope, 0.0 if inter is None else inter
    if (slope, inter) == (1.0, 0.0) and stored.dtype.kind in "biu":
        native: AnyArray = stored.astype(stored.dtype.newbyteorder("="), copy=False)
        return native
    out = np.empty(stored.shape, np.float32, order="F")
    for k in range(stored.shape[2]):  # float64 of one plane at a time
        with np.errstate(over="ignore", invalid="ignore"):
            out[:, :, k] = stored[:, :, k].astype(np.float64) * slope + inter
        if not np.isfinite(out[:, :, k]).all():
            raise Unreadable(
                "nan", "voxels must be finite, but some are NaN or infinite; replace them"
            )
    return out


@contextmanager
def _opened(path: Path) -> Iterator[BufferedIOBase]:
    packed = path.name.lower().endswith(".gz")
    with gzip.open(path, "rb") if packed else path.open("rb") as file:
        yield file


@contextmanager
def _damage_told() -> Iterator[None]:
    try:
        yield
    except Unreadable:
        raise
    except (*DAMAGED, _header_error()) as error:
        raise Unreadable(
            "unreadable", "the NIfTI file is cut off or damaged and cannot be read; copy it again"
        ) from error


def _header_error() -> type[Exception]:
    error: type[Exception] = require_nibabel().spatialimages.HeaderDataError
    return error


def require_nibabel() -> Any:
    """The package; `DataError` with what to do where it is not installed."""
    try:
        import nibabel
        import nibabel.arrayproxy
        import nibabel.spatialimages
    except ImportError as error:
        raise DataError(
            "NIfTI files need nibabel, which is not installed; run `pip install foveal[volumes]`"
        ) from error
    return nibabel
