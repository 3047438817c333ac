"""What could show or tell who the patient is in a way no rule can clean is held back."""

import pytest
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence
from pydicom.uid import ExplicitVRLittleEndian

from deidentify_files import CT, RTSTRUCT, SEG, image
from foveal.data.deidentify import Options
from foveal.data.deidentify.kinds import hold, type_name

STORAGE = "1.2.840.10008.5.1.4.1.1."
OPEN = Options(burned_in=True)


def kind(dataset, options=None, syntax=ExplicitVRLittleEndian):
    held = hold(dataset, syntax, options or Options())
    return held.kind if held else None


@pytest.mark.parametrize("end", ["2", "4", "128", "1.1", "1.2", "2.1", "4.1", "77.1.6", "12.1"])
def test_images_of_detectors_pass(end):
    assert kind(image(SOPClassUID=STORAGE + end, Modality="CT")) is None


@pytest.mark.parametrize("uid", [SEG, RTSTRUCT, STORAGE + "30", STORAGE + "67", STORAGE + "66.7"])
def test_what_is_drawn_on_images_passes_whatever_its_modality(uid):
    assert kind(image(SOPClassUID=uid, Modality="OT")) is None


@pytest.mark.parametrize(
    ("end", "word"),
    [
        ("88.11", "report"),
        ("88.33", "report"),
        ("88.59", "report"),
        ("104.1", "document"),
        ("104.2", "document"),
        ("11.1", "presentation"),
        ("9.1.1", "waveform"),
        ("9.4.1", "waveform"),
        ("77.1.1.1", "video"),
        ("77.1.4.1", "video"),
        ("66", "type"),
        ("78.1", "type"),
        ("129", "type"),
        ("2.9.9", "type"),
    ],
)
def test_texts_never_pass(end, word):
    dataset = image(SOPClassUID=STORAGE + end)
    assert kind(dataset) == word
    assert kind(dataset, OPEN) == word


@pytest.mark.parametrize("uid", ["1.3.12.2.1107.5.9.1", "2", "", "1.2.840.10008.5.1.4.38.1"])
def test_other_types_never_pass(uid):
    assert kind(image(SOPClassUID=uid), OPEN) == "type"


def test_an_index_of_files_is_known():
    assert kind(image(SOPClassUID="1.2.840.10008.1.3.10")) == "directory"


@pytest.mark.parametrize("number", [100, 102, 104, 106, 108])
def test_a_video_in_an_image_does_not_pass(number):
    assert kind(image(), OPEN, f"1.2.840.10008.1.2.4.{number}") == "video"


@pytest.mark.parametrize("number", [50, 70, 90, 91])
def test_compressed_images_pass(number):
    assert kind(image(), syntax=f"1.2.840.10008.1.2.4.{number}") is None


@pytest.mark.parametrize(
    "changes",
    [
        {"BurnedInAnnotation": "YES"},
        {"RecognizableVisualFeatures": "YES"},
        {"Modality": "US"},
        {"Modality": "XC"},
        {"Modality": "ES"},
        {"Modality": "OT"},
        {"Modality": "SC"},
        {"SOPClassUID": STORAGE + "7"},
        {"SOPClassUID": STORAGE + "7.4"},
        {"SOPClassUID": STORAGE + "6.1"},
        {"SOPClassUID": STORAGE + "3.1"},
        {"SOPClassUID": STORAGE + "77.1.1"},
        {"ConversionType": "WSD"},
        {"ImageType": ["DERIVED", "SECONDARY", "SCREEN SAVE"]},
        {"ImageType": ["ORIGINAL", "PRIMARY", "LABEL", "NONE"]},
        {"SpecimenLabelInImage": "YES"},
        {"SequenceOfUltrasoundRegions": Sequence([Dataset()])},
    ],
)
def test_pixels_that_may_show_names_pass_only_if_allowed(changes):
    dataset = image(**changes)
    assert kind(dataset) == "burned_in"
    assert kind(dataset, OPEN) is None


def test_a_segmentation_with_a_face_does_not_pass():
    assert kind(image(SOPClassUID=SEG, RecognizableVisualFeatures="YES")) == "burned_in"


@pytest.mark.parametrize(
    ("bits", "position", "plane", "word"),
    [(16, 12, False, "burned_in"), (1, 15, False, "burned_in"), (1, 0, True, None)],
)
def test_overlays_in_unused_bits_of_pixels_are_seen(bits, position, plane, word):
    dataset = image()
    dataset.add_new(0x60000100, "US", bits)
    dataset.add_new(0x60000102, "US", position)
    if plane:
        dataset.add_new(0x60003000, "OW", b"12345678")
    assert kind(dataset) == word


@pytest.mark.parametrize("changes", [{"BurnedInAnnotation": "NO"}, {"ImageType": ["ORIGINAL"]}])
def test_what_says_that_it_shows_nothing_passes(changes):
    assert kind(image(**changes)) is None


def test_no_message_holds_a_value_of_the_file():
    for changes in ({"Modality": "US"}, {"SOPClassUID": "1.9.9"}, {"ConversionType": "ZQ"}):
        held = hold(image(**changes), ExplicitVRLittleEndian, Options())
        assert "zq" not in held.message.lower()
        assert "1.9.9" not in held.message


def test_types_have_the_names_of_the_standard():
    assert type_name(image()) == "CT Image Storage"
    assert type_name(image(SOPClassUID=STORAGE + "66.7")) == "Label Map Segmentation Storage"
    assert type_name(image(SOPClassUID="1.9.9")) == "another type"
    assert CT.startswith(STORAGE)
