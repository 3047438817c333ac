"""DICOM files of invented patients whose every value can be found again."""

from datetime import date, timedelta
from pathlib import Path

import numpy as np
from pydicom.datadict import dictionary_has_tag, dictionary_VR
from pydicom.dataelem import DataElement
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.sequence import Sequence
from pydicom.uid import ExplicitVRLittleEndian

CT, SEG, RTSTRUCT = (f"1.2.840.10008.5.1.4.1.1.{end}" for end in ("2", "66.4", "481.3"))
ROOT = "1.3.6.1.4.1.99999"  # the root of all UIDs of these files
MARK = "Zq"  # how all texts begin that must not survive
# Attributes younger than pydicom's dictionary.
YOUNG = {
    **dict.fromkeys((0x00081301, 0x00081302, 0x00081303, 0x00081304), "SQ"),
    **dict.fromkeys((0x00100011, 0x00100014, 0x00100015, 0x00100041, 0x00100043), "SQ"),
    **dict.fromkeys((0x00100044, 0x00100046), "SQ"),
    **dict.fromkeys((0x00100013, 0x00100016, 0x00100042, 0x00100045), "UT"),
    **dict.fromkeys((0x0040A034, 0x0040A035, 0x0040B034, 0x0040B036), "DT"),
    **{0x00100012: "LT", 0x00100047: "UR", 0x00102162: "UC", 0x0040B03B: "LT", 0x0040B03F: "LO"},
    0x0040E012: "UR",
}
NUMBERS = {"US", "SS", "UL", "SL", "UV", "SV", "AT"}


def vr_for(tag):
    """The VR of an attribute, one of them where it can have several."""
    return str(dictionary_VR(tag)).split(" or ")[0] if dictionary_has_tag(tag) else YOUNG[tag]


def told(tag, vr):
    """A value that names its attribute, as it stands in a file."""
    count = tag % 32_003
    values = {
        "DA": f"{day(count):%Y%m%d}",
        "DT": f"{day(count):%Y%m%d}112233.5",
        "TM": "112233.500000",
        "UI": f"{ROOT}.{tag}",
        "PN": f"{MARK}{tag:08X}^Name",
        "CS": f"{MARK.upper()}{tag:08X}",
        "UR": f"http://{MARK}{tag:08X}",
        "AS": "047Y",
        "IS": str(count),
        "DS": f"{count}.25",
    }
    if vr in NUMBERS:
        return count
    if vr in ("FD", "FL", "OF", "OD"):
        return float(count)
    if vr.startswith("O") or vr == "UN":
        return f"{MARK}{tag:08X}".encode()
    return values.get(vr, f"{MARK}{tag:08X}")


def day(count):
    return date(1950, 1, 1) + timedelta(days=count % 20_000)


def element(tag, vr=None, value=None):
    """An attribute with a value of its own; a sequence with an item full of them."""
    vr = vr or vr_for(tag)
    if vr == "SQ":
        item = Dataset()
        for inner in (0x00100010, 0x00100020, 0x00081030, 0x00081155, 0x0040A160, 0x00080080):
            item[inner] = element(inner)
        return DataElement(tag, "SQ", Sequence([item]))
    return DataElement(tag, vr, told(tag, vr) if value is None else value)


def image(patient="Zq-4711", study="1", series="1", number=1, on="20200310", **changes):
    """A CT image of 8 x 8 pixels, explicit little endian, not yet written."""
    meta = FileMetaDataset()
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    meta.SourceApplicationEntityTitle = "ZqSTATION"
    dataset = Dataset()
    dataset.file_meta, dataset.preamble = meta, b"Zq" * 64
    dataset.SOPClassUID = CT
    dataset.SOPInstanceUID = f"{ROOT}.{study}.{series}.{number}"
    dataset.StudyInstanceUID, dataset.SeriesInstanceUID = (
        f"{ROOT}.{study}",
        f"{ROOT}.{study}.{series}",
    )
    dataset.FrameOfReferenceUID = f"{ROOT}.{study}.7"
    dataset.PatientID, dataset.PatientName = patient, "Zqmueller^Zqanna"
    dataset.PatientBirthDate, dataset.PatientSex, dataset.PatientAge = "19470501", "F", "073Y"
    dataset.StudyDate, dataset.StudyTime = on, "101112"
    dataset.AccessionNumber, dataset.InstitutionName = "Zq123456", "ZqHospital"
    dataset.Modality, dataset.Manufacturer = "CT", "Maker"
    dataset.InstanceNumber = number
    dataset.ImagePositionPatient, dataset.PixelSpacing = [-10.5, 3, number], [0.7, 0.7]
    dataset.Rows = dataset.Columns = 8
    dataset.BitsAllocated = dataset.BitsStored = 16
    dataset.HighBit, dataset.PixelRepresentation, dataset.SamplesPerPixel = 15, 0, 1
    dataset.PhotometricInterpretation = "MONOCHROME2"
    pixels = np.random.default_rng(number).integers(0, 2**16, (8, 8), np.uint16)
    dataset.PixelData = pixels.tobytes()
    for keyword, value in changes.items():
        setattr(dataset, keyword, value)
    return dataset


def write(path: Path, dataset):
    """Write a file, folders and all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    dataset.save_as(path, enforce_file_format=True)
    return path


def export(folder: Path):
    """Two patients: one with two studies 84 days apart of two images each, one with one image."""
    for number in (1, 2):
        write(folder / f"a/{number}.dcm", image(number=number))
        later = image(study="2", number=number, on="20200602")
        write(folder / f"b/IM{number}", later)
    write(folder / "c.dcm", image("Zq-0815", study="3", on="20200310"))
    (folder / "readme.txt").write_text("Zq: no DICOM")
    return folder
