"""No original value survives: all attributes of the table, nested, private, misused, misplaced."""

import io
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydicom import dcmread
from pydicom._dicom_dict import DicomDictionary
from pydicom.dataelem import DataElement, RawDataElement
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence
from pydicom.tag import Tag
from pydicom.uid import ExplicitVRBigEndian, ExplicitVRLittleEndian, ImplicitVRLittleEndian

from deidentify_files import MARK, ROOT, element, image, vr_for
from foveal.data.deidentify import Options
from foveal.data.deidentify.codes import Codes
from foveal.data.deidentify.dicomfile import encoded
from foveal.data.deidentify.profile import table
from foveal.data.deidentify.rules import Action, decide
from foveal.data.deidentify.scrub import Person, scrub

CODES, PERSON = Codes(bytes(32)), Person("PABCDEFGHIJKL", 100)
DATES = Options()
BASIC = Options(shift_dates=False)
OPEN = Options(characteristics=True, device=True, descriptors=True)
LISTED = sorted(tag for tag in table() if tag >> 16 >= 8)
TEXT = re.compile(rb"zq", re.IGNORECASE)
STAYING = (
    *(0x00080016, 0x00080060, 0x00080070, 0x00180060, 0x00200013, 0x00200032, 0x00200037),
    *(0x00280002, 0x00280010, 0x00280030, 0x00280100, 0x00281053, 0x7FE00010),
)
STANDS = {0x00080016, 0x00080008, 0x00080005}


def reread(dataset, syntax=ExplicitVRLittleEndian):
    """As it comes from a file, values as bytes."""
    buffer = io.BytesIO()
    dataset.file_meta.TransferSyntaxUID = syntax
    dataset.save_as(buffer, enforce_file_format=True)
    return dcmread(io.BytesIO(buffer.getvalue()))


def raw(tag, vr, value):
    """An element as it is read from an explicit file."""
    return RawDataElement(Tag(tag), vr, len(value), value, 0, False, True)


def clean(dataset, options=DATES, syntax=ExplicitVRLittleEndian, person=PERSON):
    """Bytes of the file after it went through, and what was counted."""
    read = reread(dataset, syntax)
    counts = scrub(read, CODES, person, options)
    return encoded(read, syntax, "0"), counts


def everything():
    """An image with every attribute of the table, at the top, in items and in private sequences."""
    dataset = image()
    inner, deeper = Dataset(), Dataset()
    for tag in LISTED:
        for place in (dataset, inner, deeper):
            place[tag] = element(tag)
    del inner[0x00081140], deeper[0x00081140]
    deeper.add(DataElement(0x00081155, "UI", f"{ROOT}.5"))
    inner[0x00081115] = DataElement(0x00081115, "SQ", Sequence([deeper]))
    dataset[0x52009229] = DataElement(0x52009229, "SQ", Sequence([inner]))
    for place in (dataset, inner, deeper):
        block = place.private_block(0x0029, "ZqMAKER 1.0", create=True)
        block.add_new(0x01, "LO", "ZqPrivate")
        block.add_new(0x02, "SQ", [element(0x00081140).value[0]])
        block.add_new(0x03, "OB", b"ZqBytes.")
    dataset[0x60003000] = DataElement(0x60003000, "OW", b"ZqPlane.")
    dataset[0x60004000] = DataElement(0x60004000, "LT", "ZqComment")
    dataset[0x50003000] = DataElement(0x50003000, "OW", b"ZqCurve.")
    dataset[0x0008FFF0] = DataElement(0x0008FFF0, "LO", "ZqUnknown")
    dataset.SOPClassUID = "1.2.840.10008.5.1.4.1.1.2"
    return dataset


@pytest.mark.parametrize("options", [DATES, BASIC, OPEN], ids=["dates", "basic", "open"])
@pytest.mark.parametrize(
    "syntax", [ExplicitVRLittleEndian, ImplicitVRLittleEndian, ExplicitVRBigEndian],
    ids=["explicit", "implicit", "big"],
)  # fmt: skip
def test_no_original_text_or_uid_is_in_the_file(options, syntax):
    kept = {tag for tag in LISTED if decide(tag, vr_for(tag), options) is Action.KEEP}
    dataset = everything()
    for place in (dataset, *_items(dataset)):
        for tag in kept & set(map(int, place.keys())):
            del place[tag]
    data, _ = clean(dataset, options, syntax)
    pixels = dataset.PixelData
    assert data.count(pixels) == 1
    data = data.replace(pixels, b"")
    assert TEXT.search(data) is None
    assert ROOT.encode() not in data
    assert b"19470501" not in data
    assert b"047Y" not in data or options is OPEN


def _items(dataset):
    for one in dataset:
        if one.VR == "SQ":
            for item in one.value:
                yield item
                yield from _items(item)


@pytest.mark.parametrize("options", [DATES, BASIC, OPEN], ids=["dates", "basic", "open"])
def test_every_attribute_gets_its_action(options):
    dataset = everything()
    before = reread(everything())
    data, counts = clean(dataset, options)
    after = dcmread(io.BytesIO(data))
    for tag in LISTED:
        vr = vr_for(tag)
        action = decide(tag, vr, options)
        if action is Action.REMOVE:
            assert tag not in after, hex(tag)
        elif action is Action.PSEUDONYM:
            assert after[tag].value == PERSON.pseudonym
        elif action is Action.EMPTY:
            assert not after[tag].value, hex(tag)
        elif action is Action.KEEP:
            assert after[tag].value == before[tag].value, hex(tag)
        elif action is Action.UID:
            assert after[tag].value == CODES.uid(before[tag].value), hex(tag)
        elif action is Action.ITEMS:
            assert len(after[tag].value) == len(before[tag].value)
        elif action is Action.DUMMY:
            assert after[tag].value not in (None, "", before[tag].value), hex(tag)
        if action not in (Action.KEEP, Action.ITEMS, Action.WORDS):
            told = Action.UID if vr == "UI" and action is Action.DUMMY else action
            assert counts[(tag, told.value)] >= 1, (hex(tag), action)


def test_dates_move_by_the_patients_days_and_times_stay():
    dataset = image(ContentDate="20200301", ContentTime="235959.5", on="20200310")
    dataset.AcquisitionDateTime = "20200310101112.25+0200"
    dataset.PatientBirthDate = "19470501"
    dataset[0x00181078] = DataElement(0x00181078, "DT", "20200310090000")
    data, _ = clean(dataset)
    after = dcmread(io.BytesIO(data))
    assert (after.StudyDate, after.StudyTime) == ("20191201", "101112")
    assert (after.ContentDate, after.ContentTime) == ("20191122", "235959.5")
    assert after.AcquisitionDateTime == "20191201101112.25"
    assert after[0x00181078].value == "20191201090000"
    assert after.PatientBirthDate == ""
    assert after.LongitudinalTemporalInformationModified == "MODIFIED"


def test_without_dates_none_is_left():
    data, _ = clean(image(ContentDate="20200301", SeriesDate="20200301"), BASIC)
    after = dcmread(io.BytesIO(data))
    assert (after.StudyDate, after.StudyTime) == ("", "")
    assert (after.ContentDate, after.SeriesDate) == ("19000101", "19000101")
    assert after.LongitudinalTemporalInformationModified == "REMOVED"


def test_what_is_no_date_is_not_kept_in_a_date():
    dataset = image()
    read = reread(dataset)
    for tag, vr, text in (
        (0x00080020, "DA", b"Zq-Date "),
        (0x00080030, "TM", b"Zqtime"),
        (0x00080023, "DA", b"Zq"),
        (0x0008002A, "DT", b"20200310 Zq "),
        (0x00080022, "LO", b"Zqdate"),
    ):
        read[tag] = raw(tag, vr, text)
    scrub(read, CODES, PERSON, DATES)
    data = encoded(read, ExplicitVRLittleEndian, "0")
    assert TEXT.search(data.replace(read.PixelData, b"")) is None
    after = dcmread(io.BytesIO(data))
    assert (after.StudyDate, after.StudyTime, after.ContentDate) == ("", "", "19000101")


@pytest.mark.parametrize(
    ("age", "kept"), [("089Y", "089Y"), ("090Y", "090Y"), ("103Y", "090Y"), ("011M", "011M"),
                      ("Zq", "")]
)  # fmt: skip
def test_ages_are_capped(age, kept):
    dataset = image()
    read = reread(dataset)
    read[0x00101010] = raw(0x00101010, "AS", age.encode())
    scrub(read, CODES, PERSON, Options(characteristics=True))
    assert (read.PatientAge, read.PatientSex) == (kept, "F")
    data, _ = clean(dataset)
    after = dcmread(io.BytesIO(data))
    assert "PatientAge" not in after
    assert after.PatientSex == ""


def test_what_is_needed_to_read_the_image_stays_bit_for_bit():
    dataset = image(ImageOrientationPatient=[1, 0, 0, 0, 1, 0], RescaleSlope="1", KVP="120")
    before, (data, _) = reread(dataset), clean(dataset)
    after = dcmread(io.BytesIO(data))
    for tag in STAYING:
        assert after.get_item(tag).value == before.get_item(tag).value


def test_it_is_written_down_what_was_done():
    data, _ = clean(image(), Options(device=True, descriptors=True, characteristics=True))
    after = dcmread(io.BytesIO(data))
    assert after.PatientIdentityRemoved == "YES"
    codes = [item.CodeValue for item in after.DeidentificationMethodCodeSequence]
    assert codes == ["113100", "113105", "113107", "113108", "113109"]
    assert "2026c" in after.DeidentificationMethod[1]
    assert data[:128] == bytes(128)
    assert {e.keyword for e in after.file_meta} == {
        "FileMetaInformationGroupLength", "FileMetaInformationVersion", "MediaStorageSOPClassUID",
        "MediaStorageSOPInstanceUID", "TransferSyntaxUID", "ImplementationClassUID",
        "ImplementationVersionName",
    }  # fmt: skip
    assert after.file_meta.MediaStorageSOPInstanceUID == after.SOPInstanceUID


def test_descriptions_keep_known_words_only_if_asked():
    dataset = image(SeriesDescription="CT Thorax Zqmueller 12.3.2020", StudyDescription="Zq Zq")
    data, _ = clean(dataset, Options(descriptors=True))
    after = dcmread(io.BytesIO(data))
    assert after.SeriesDescription == "CT Thorax"
    assert "StudyDescription" not in after
    data, _ = clean(dataset)
    assert "SeriesDescription" not in dcmread(io.BytesIO(data))


def test_names_and_numbers_are_found_where_no_rule_expects_them():
    dataset = image(
        "4711-Zq9", Manufacturer="Made for ZQMUELLER", ConvolutionKernel="B30f",
        ManufacturerModelName="No 4711-zq9", SoftwareVersions="Liver 1",
    )  # fmt: skip
    dataset.OperatorsName = "Liver^Bo"
    data, counts = clean(dataset)
    after = dcmread(io.BytesIO(data))
    assert (after.Manufacturer, after.ManufacturerModelName) == ("", "")
    assert (after.ConvolutionKernel, after.SoftwareVersions) == ("B30f", "Liver 1")
    assert counts[(0x00080070, "Z trace")] == 1


def test_words_in_numbers_and_in_names_of_kinds_do_not_pass():
    read = reread(image())
    for tag, vr in ((0x00180050, "DS"), (0x00200012, "IS"), (0x00081150, "UI")):
        read[tag] = raw(tag, vr, b"ZqDoe ")
    scrub(read, CODES, PERSON, DATES)
    assert b"ZqDoe" not in encoded(read, ExplicitVRLittleEndian, "0")


def test_unknown_representations_are_looked_into():
    """A sequence that comes as UN is a sequence; a text that comes as UN is a text."""
    dataset = image()
    dataset[0x00081115] = DataElement(0x00081115, "SQ", Sequence([element(0x00081140).value[0]]))
    read = reread(image())
    read[0x00081115] = raw(0x00081115, "UN", _implicit_items(dataset))
    read[0x00081030] = raw(0x00081030, "UN", b"ZqStudy ")
    read[0x00181030] = raw(0x00181030, "UN", b"ZqWords ")
    scrub(read, CODES, PERSON, DATES)
    data = encoded(read, ExplicitVRLittleEndian, "0")
    assert TEXT.search(data.replace(read.PixelData, b"")) is None
    assert ROOT.encode() not in data
    (item,) = dcmread(io.BytesIO(data))[0x00081115].value
    assert item.ReferencedSOPInstanceUID == CODES.uid(f"{ROOT}.{0x00081155}")


def _implicit_items(dataset):
    lone = image()
    lone[0x00081115] = dataset[0x00081115]
    buffer = io.BytesIO()
    lone.file_meta.TransferSyntaxUID = ImplicitVRLittleEndian
    lone.save_as(buffer, enforce_file_format=True)
    data = buffer.getvalue()
    start = data.index(bytes.fromhex("08001511")) + 8
    length = int.from_bytes(data[start - 4 : start], "little")
    return data[start : start + length]


def test_twice_is_once():
    data, _ = clean(everything())
    again = dcmread(io.BytesIO(data))
    scrub(again, CODES, Person(PERSON.pseudonym, 0), DATES)
    assert encoded(again, ExplicitVRLittleEndian, "0") == data


PLAIN = sorted(
    tag for tag, entry in DicomDictionary.items()
    if tag >> 16 >= 8 and tag >> 16 != 0x7FE0 and entry[0] != "NONE" and tag not in STANDS
    and tag >> 16 != 0x0028 and tag not in (0x00080018, 0x0020000D, 0x0020000E)
)  # fmt: skip
# Codes and pixels that stay, whatever they say; their own tests are above.
KINDS = {
    tag for tag in PLAIN
    if vr_for(tag) in ("UI", "CS", "OB", "OW") and decide(tag, vr_for(tag), BASIC) is Action.KEEP
}  # fmt: skip
tags = st.sets(st.sampled_from(PLAIN), max_size=30)


@settings(max_examples=30)
@given(
    top=tags, inner=tags, deeper=tags, options=st.sampled_from([DATES, BASIC]),
    syntax=st.sampled_from([ExplicitVRLittleEndian, ImplicitVRLittleEndian]),
)  # fmt: skip
def test_whatever_a_file_holds(top, inner, deeper, options, syntax):
    """Any attributes at any depth: no person, number or UID is left, and pixels are untouched."""
    dataset = image("Zq-4711", PatientName="Zqdoe^Zqdoe")
    places = (dataset, Dataset(), Dataset())
    for place, chosen in zip(places, (top, inner, deeper), strict=True):
        for tag in chosen - {0x00100010, 0x00100020}:
            vr = vr_for(tag)
            text = vr in ("LO", "SH", "ST", "LT", "UT", "UC", "PN")
            place[tag] = element(tag, vr, "Zqdoe was here" if text and vr != "PN" else None)
    places[1][0x00081115] = DataElement(0x00081115, "SQ", Sequence([places[2]]))
    dataset[0x52009230] = DataElement(0x52009230, "SQ", Sequence([places[1]]))
    for place in (dataset, *_items(dataset)):
        for tag in KINDS & set(map(int, place.keys())):
            del place[tag]
    data, _ = clean(dataset, options, syntax)
    assert data.count(dataset.PixelData) == 1
    rest = data.replace(dataset.PixelData, b"")
    assert TEXT.search(rest) is None
    assert ROOT.encode() not in rest
    again = dcmread(io.BytesIO(data))
    scrub(again, CODES, Person(PERSON.pseudonym, 0), options)
    assert encoded(again, syntax, "0") == data


def test_the_mark_would_be_found():
    buffer = io.BytesIO()
    everything().save_as(buffer, enforce_file_format=True)
    assert len(TEXT.findall(buffer.getvalue())) > 1000
    assert MARK == "Zq"
