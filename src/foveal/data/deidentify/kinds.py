"""Kinds of files: which may pass at all, and which could show a patient in their pixels.

Text in pixels, sound, documents and reports cannot be cleaned by rules about attributes. Files that
can hold them are held back and named, so that a person decides.
"""

from dataclasses import dataclass

from pydicom._uid_dict import UID_dictionary
from pydicom.dataset import Dataset

from foveal.data.deidentify.elements import text_of
from foveal.data.deidentify.options import Options

STORAGE = "1.2.840.10008.5.1.4.1.1."
NEWER = {f"{STORAGE}66.7": "Label Map Segmentation Storage"}  # than pydicom's dictionary
DIRECTORY = "1.2.840.10008.1.3.10"
VIDEO_SYNTAXES = tuple(f"1.2.840.10008.1.2.4.{number}" for number in range(100, 109))
# Images whose pixels come from a detector or a computation.
IMAGES = {
    *("1", "1.1", "1.1.1", "1.2", "1.2.1", "1.3", "1.3.1", "2", "2.1", "2.2"),  # film, CT
    *("4", "4.1", "4.2", "4.3", "4.4", "5", "20", "128", "128.1", "130"),  # MR, NM, PET
    *("12.1", "12.1.1", "12.2", "12.2.1", "12.3", "481.1"),  # angiography, fluoroscopy, portal
    *("13.1.1", "13.1.2", "13.1.3", "13.1.4", "13.1.5", "14.1", "14.2"),  # tomosynthesis, OCT
    *("77.1.2", "77.1.3", "77.1.6", "77.1.8", "77.1.9"),  # microscopy
    *("77.1.5.1", "77.1.5.2", "77.1.5.4", "77.1.5.5", "77.1.5.6", "77.1.5.7", "77.1.5.8"),  # eye
}
# What was drawn on or computed from images: segments, maps, registrations, plans, doses.
DERIVED = {
    *("30", "66.1", "66.2", "66.3", "66.4", "66.5", "66.6", "66.7", "67", "68.1", "68.2", "81.1"),
    *("481.2", "481.3", "481.5", "481.8", "481.11"),
}
# Images in which names are commonly written: ultrasound, secondary capture, photographs.
PHOTOS = {
    *("3", "3.1", "6", "6.1", "6.2", "6.3", "7", "7.1", "7.2", "7.3", "7.4"),
    *("77.1", "77.1.1", "77.1.4", "77.1.7", "77.2"),
}
TEXTS = {
    "88": ("report", "a structured report or key object note holds text that cannot be cleaned"),
    "104": ("document", "a document in a DICOM file (PDF, CDA, 3-D model) cannot be cleaned"),
    "11": ("presentation", "a presentation state can hold drawn text that cannot be cleaned"),
    "9": ("waveform", "a waveform can hold voices and written notes that cannot be cleaned"),
}
WRITTEN_ON = frozenset({"US", "SC", "XC", "ES", "OT", "DOC", "DMS", "HC"})
SCREENS = frozenset(
    {"SCREEN SAVE", "SCREEN_SAVE", "SCREENSHOT", "DOSE_INFO", "REPORT", "LABEL", "OVERVIEW"}
)
BIT_POSITION, OVERLAY_BITS, OVERLAY_DATA = 0x0102, 0x0100, 0x3000


@dataclass(frozen=True, slots=True)
class Hold:
    """Why a file is held back: a word to filter by and a sentence; never a value of the file."""

    kind: str
    message: str


def hold(dataset: Dataset, transfer_syntax: str, options: Options) -> Hold | None:
    """Why the file must not pass, or None. Pixels are not looked at, only what is said of them."""
    return _never(dataset, transfer_syntax) or (None if options.burned_in else _shown(dataset))


def type_name(dataset: Dataset) -> str:
    """The name of the file's SOP class in the standard, or `another type`."""
    uid = _one(dataset, 0x00080016)
    known = str(UID_dictionary[uid][0]) if uid in UID_dictionary else "another type"
    return NEWER.get(uid, known)


def _never(dataset: Dataset, transfer_syntax: str) -> Hold | None:
    uid = _one(dataset, 0x00080016)
    short = uid.removeprefix(STORAGE)
    if uid == DIRECTORY:
        return Hold("directory", "an index of other files (DICOMDIR) names patients; not needed")
    if transfer_syntax.startswith(VIDEO_SYNTAXES) or type_name(dataset).startswith("Video"):
        return Hold("video", "a video can show and say names; cut out frames without them")
    if uid != short and short in IMAGES | DERIVED | PHOTOS:
        return None
    family = short.partition(".")[0] if uid != short else ""
    if family in TEXTS:
        return Hold(*TEXTS[family])
    return Hold("type", f"{type_name(dataset)} is not among the types that can be cleaned by rules")


def _shown(dataset: Dataset) -> Hold | None:
    short = _one(dataset, 0x00080016).removeprefix(STORAGE)
    if _one(dataset, 0x00280301) == "YES":
        return _written("its BurnedInAnnotation is YES")
    if _one(dataset, 0x00280302) == "YES":
        return _written("its RecognizableVisualFeatures is YES")
    if short in PHOTOS:
        return _written(f"{type_name(dataset)} often has names in the picture")
    if short in DERIVED:
        return None
    return _image(dataset)


def _image(dataset: Dataset) -> Hold | None:
    if _one(dataset, 0x00080060) in WRITTEN_ON:
        return _written("images of its modality often have names in the picture")
    if 0x00186011 in dataset:
        return _written("it has ultrasound regions, so its frame may have names beside them")
    if _one(dataset, 0x00080064):
        return _written("it was converted or captured from a screen or film")
    if _one(dataset, 0x00480010) == "YES":
        return _written("its SpecimenLabelInImage is YES")
    if SCREENS & {part.strip() for part in text_of_or_empty(dataset, 0x00080008).split("\\")}:
        return _written("its ImageType says that it is a screen, a report or a label")
    if _overlay_in_pixels(dataset):
        return _written("an overlay is stored in unused bits of its pixels")
    return None


def _written(why: str) -> Hold:
    look = "look at it, and let such files pass with --allow-burned-in if nobody can be recognized"
    return Hold("burned_in", f"{why}; {look}")


def _overlay_in_pixels(dataset: Dataset) -> bool:
    for group in range(0x6000, 0x6020, 2):
        base = group << 16
        drawn = base | OVERLAY_DATA in dataset
        placed = _one(dataset, base | BIT_POSITION, "0") != "0"
        if not drawn and (placed or _one(dataset, base | OVERLAY_BITS, "1") != "1"):
            return True
    return False


def text_of_or_empty(dataset: Dataset, tag: int) -> str:
    """The value as text, empty where the attribute is absent."""
    return text_of(dataset, tag) if tag in dataset else ""


def _one(dataset: Dataset, tag: int, absent: str = "") -> str:
    if tag not in dataset:
        return absent
    if tag >> 24 == 0x60:
        return str(dataset[tag].value)
    return text_of(dataset, tag).strip(" \0")
