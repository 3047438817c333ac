"""Synthetic DICOM for every suite: series, multi-frame files, segmentations, structure sets.

Grids are (4, 4) RAS+ affines of voxels (column, row, slice), as `core.volume.Volume` has them.
All names and numbers of patients are made up: `PATIENT` must never be seen in a message.
"""

import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from pydicom.dataset import Dataset, FileDataset, FileMetaDataset
from pydicom.sequence import Sequence as Items
from pydicom.uid import ExplicitVRLittleEndian

PATIENT = {"PatientName": "Secret^Person", "PatientID": "SECRET-4711"}
SOP_CLASSES = {
    "CT": "1.2.840.10008.5.1.4.1.1.2",
    "MR": "1.2.840.10008.5.1.4.1.1.4",
    "PT": "1.2.840.10008.5.1.4.1.1.128",
    "DX": "1.2.840.10008.5.1.4.1.1.1.1",
    "US": "1.2.840.10008.5.1.4.1.1.3.1",
    "OT": "1.2.840.10008.5.1.4.1.1.7",
}
ENHANCED_MR = "1.2.840.10008.5.1.4.1.1.4.1"
STRUCTURE_SET = "1.2.840.10008.5.1.4.1.1.481.3"
LPS = np.diag([-1.0, -1.0, 1.0, 1.0])


def uid(text: str) -> str:
    """The same valid UID for the same text."""
    return f"2.25.{int.from_bytes(hashlib.sha256(text.encode()).digest()[:15])}"


def oblique(
    angles=(0.0, 0.0, 0.0), spacing=(1.0, 1.0, 1.0), origin=(0.0, 0.0, 0.0), flip=False
) -> np.ndarray:
    """(4, 4) RAS+ affine turned by three angles (radians) about its axes; left-handed if flipped.

    Spacing is between columns, between rows, between slices. Without turning and flip it is the
    usual axial grid: columns to the left, rows to the back, slices to the head.
    """
    turned = np.diag([-1.0, -1.0, 1.0])
    for axis, angle in enumerate(angles):
        a, b = (axis + 1) % 3, (axis + 2) % 3
        turn = np.eye(3)
        turn[a, a] = turn[b, b] = np.cos(angle)
        turn[a, b], turn[b, a] = -np.sin(angle), np.sin(angle)
        turned = turn @ turned
    affine = np.eye(4)
    affine[:3, :3] = turned * np.array(spacing) * ((1, 1, -1) if flip else (1, 1, 1))
    affine[:3, 3] = origin
    return affine


def base(modality="CT", series="series", study="study", sop="sop", **tags) -> FileDataset:
    """A data set without pixels, of a made-up patient."""
    meta = FileMetaDataset()
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    data = FileDataset("", {}, file_meta=meta, preamble=b"\0" * 128)
    data.SOPClassUID = SOP_CLASSES.get(modality, SOP_CLASSES["OT"])
    data.SOPInstanceUID = uid(sop)
    data.StudyInstanceUID = uid(study)
    data.SeriesInstanceUID = uid(series)
    data.FrameOfReferenceUID = uid(f"frame of {study}")
    data.Modality = modality
    data.StudyDate, data.StudyTime = "20240229", "120000"
    data.StudyID, data.AccessionNumber, data.ReferringPhysicianName = "1", "", ""
    data.PatientBirthDate, data.PatientSex = "", ""
    data.SeriesNumber, data.InstanceNumber = 1, 1
    data.PositionReferenceIndicator = ""
    for tag, value in {**PATIENT, **tags}.items():
        setattr(data, tag, value)
    return data


def set_pixels(data: Dataset, pixels: np.ndarray, photometric=None, bits=None) -> Dataset:
    """Put (H, W), (H, W, 3), or with a leading axis several frames of integers into a data set."""
    color = pixels.shape[-1] == 3 and pixels.ndim >= 3 and photometric not in ("grey",)
    sizes = pixels.shape[:-1] if color else pixels.shape
    data.Rows, data.Columns = sizes[-2:]
    if len(sizes) == 3:
        data.NumberOfFrames = sizes[0]
    data.SamplesPerPixel = 3 if color else 1
    if color:
        data.PlanarConfiguration = 0
    if photometric in (None, "grey"):
        photometric = "RGB" if color else "MONOCHROME2"
    data.PhotometricInterpretation = photometric
    data.BitsAllocated = 8 * pixels.dtype.itemsize
    data.BitsStored = bits or data.BitsAllocated
    data.HighBit = data.BitsStored - 1
    data.PixelRepresentation = int(pixels.dtype.kind == "i")
    raw = np.ascontiguousarray(pixels).tobytes()
    data.PixelData = raw + b"\0" * (len(raw) % 2)
    data["PixelData"].VR = "OB" if data.BitsAllocated <= 8 else "OW"
    return data


def place(data: Dataset, affine: np.ndarray, k: float = 0) -> Dataset:
    """Put slice k of a RAS+ grid where it lies."""
    lps = LPS @ affine
    spacing = np.linalg.norm(lps[:3, :2], axis=0)
    across, down = (lps[:3, :2] / spacing).T
    data.ImagePositionPatient = [_ds(v) for v in lps[:3, 3] + k * lps[:3, 2]]
    data.ImageOrientationPatient = [_ds(v) for v in (*across, *down)]
    data.PixelSpacing = [_ds(spacing[1]), _ds(spacing[0])]
    data.SliceThickness = _ds(np.linalg.norm(lps[:3, 2]))
    return data


def save(data: Dataset, path: Path) -> Path:
    """Write a data set as a DICOM file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    data.save_as(path, enforce_file_format=True)
    return path


def write_series(
    folder: Path,
    voxels: np.ndarray,
    affine: np.ndarray,
    names: Sequence[str] | None = None,
    per_slice: Mapping[str, Sequence[object]] | None = None,
    prefix: str = "",
    **tags,
) -> list[Path]:
    """One file a slice of (I, J, K) integer voxels; returns the paths in the order of slices.

    Args:
        names: of the files, in the order of slices. per_slice: tag to its value in each slice.
        prefix: of the instances' identity, so that several stacks may share one series.
        tags: of every file, or modality, series, study as `base` takes them.
    """
    paths = []
    for k in range(voxels.shape[2]):
        own = {tag: values[k] for tag, values in (per_slice or {}).items()}
        sop = f"{prefix}{tags.get('series', 'series')}-{k}"
        data = base(sop=sop, **{"InstanceNumber": k + 1, **tags, **own})
        place(data, affine, k)
        set_pixels(data, voxels[:, :, k].T, photometric="grey")
        name = names[k] if names is not None else f"{prefix}{k:03}.dcm"
        paths.append(save(data, folder / name))
    return paths


def write_enhanced(
    path: Path,
    voxels: np.ndarray,
    affine: np.ndarray,
    order: Sequence[int] | None = None,
    slopes: Sequence[float] | None = None,
    times: Sequence[int] | None = None,
    **tags,
) -> Path:
    """One enhanced MR file; frame n holds slice order[n], rescaled by its own slope.

    times: temporal position index of each frame.
    """
    order = list(range(voxels.shape[2]) if order is None else order)
    data = base(**{"modality": "MR", "sop": path.name, **tags})
    data.SOPClassUID = ENHANCED_MR
    set_pixels(data, np.stack([voxels[:, :, k].T for k in order]), photometric="grey")
    frame = place(Dataset(), affine)
    measures = Dataset()
    measures.PixelSpacing, measures.SliceThickness = frame.PixelSpacing, frame.SliceThickness
    orientation = Dataset()
    orientation.ImageOrientationPatient = frame.ImageOrientationPatient
    shared = Dataset()
    shared.PixelMeasuresSequence = Items([measures])
    shared.PlaneOrientationSequence = Items([orientation])
    data.SharedFunctionalGroupsSequence = Items([shared])
    groups = []
    for n, k in enumerate(order):
        position, content, transform = Dataset(), Dataset(), Dataset()
        position.ImagePositionPatient = place(Dataset(), affine, k).ImagePositionPatient
        content.TemporalPositionIndex = 1 if times is None else times[n]
        transform.RescaleSlope = 1 if slopes is None else slopes[n]
        transform.RescaleIntercept, transform.RescaleType = 0, "US"
        group = Dataset()
        group.PlanePositionSequence = Items([position])
        group.FrameContentSequence = Items([content])
        group.PixelValueTransformationSequence = Items([transform])
        groups.append(group)
    data.PerFrameFunctionalGroupsSequence = Items(groups)
    return save(data, path)


def write_segmentation(
    path: Path, images: Sequence[Path], masks: Mapping[str, np.ndarray], kind="BINARY", **options
) -> Path:
    """A DICOM SEG by highdicom; masks are (I, J, K) on the grid of the sorted `images`.

    FRACTIONAL takes values in [0, 1]; LABELMAP needs masks that do not overlap.
    """
    import highdicom as hd
    from pydicom import dcmread
    from pydicom.sr.codedict import codes

    sources = [dcmread(p) for p in images]
    described = [
        hd.seg.SegmentDescription(
            n, name, codes.SCT.Tissue, codes.SCT.Tissue, hd.seg.SegmentAlgorithmTypeValues.MANUAL
        )
        for n, name in enumerate(masks, 1)
    ]
    stack = np.stack([m.transpose(2, 1, 0) for m in masks.values()], axis=-1)
    pixels = stack.astype(np.float32) if kind == "FRACTIONAL" else stack.astype(np.uint8)
    if kind == "LABELMAP":
        pixels = (pixels * np.arange(1, len(masks) + 1)).sum(axis=-1).astype(np.uint8)
    written = hd.seg.Segmentation(
        sources, pixels, kind, described, uid(f"{path.name} series"), 9, uid(path.name), 1,
        "maker", "model", "1", "serial", **options,
    )  # fmt: skip
    written.save_as(path)
    return path


def write_structures(
    path: Path,
    images: Sequence[Path],
    regions: Sequence[tuple[str, Sequence[tuple[int | None, np.ndarray]]]],
    kind="CLOSED_PLANAR",
    **tags,
) -> Path:
    """An RTSTRUCT of named regions, each with (image number, (n, 3) LPS+ points) contours.

    The image number, if any, names the image in `images` that a contour refers to.
    """
    from pydicom import dcmread

    sources = [dcmread(p, stop_before_pixels=True) for p in images]
    data = base(**{"modality": "RTSTRUCT", "series": "structures", "sop": path.name, **tags})
    data.SOPClassUID = STRUCTURE_SET
    reference = Dataset()
    reference.FrameOfReferenceUID = sources[0].FrameOfReferenceUID
    data.ReferencedFrameOfReferenceSequence = Items([reference])
    named, drawn = [], []
    for number, (name, contours) in enumerate(regions, 1):
        roi = Dataset()
        roi.ROINumber, roi.ROIName, roi.ROIGenerationAlgorithm = number, name, "MANUAL"
        roi.ReferencedFrameOfReferenceUID = sources[0].FrameOfReferenceUID
        named.append(roi)
        item = Dataset()
        item.ReferencedROINumber = number
        item.ContourSequence = Items([_contour(c, sources, kind) for c in contours])
        drawn.append(item)
    data.StructureSetROISequence = Items(named)
    data.ROIContourSequence = Items(drawn)
    return save(data, path)


def _contour(given, sources, kind) -> Dataset:
    image, points = given
    contour = Dataset()
    contour.ContourGeometricType = kind
    contour.NumberOfContourPoints = len(points)
    contour.ContourData = [_ds(v) for v in np.asarray(points).ravel()]
    if image is not None:
        reference = Dataset()
        reference.ReferencedSOPClassUID = sources[image].SOPClassUID
        reference.ReferencedSOPInstanceUID = sources[image].SOPInstanceUID
        contour.ContourImageSequence = Items([reference])
    return contour


def _ds(value: float) -> str:
    """A decimal string of at most 16 characters, as exact as these allow."""
    for digits in range(16, 4, -1):
        text = f"{float(value):.{digits}g}"
        if len(text) <= 16:
            return text
    raise ValueError(value)
