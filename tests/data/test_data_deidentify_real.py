"""On real samples: nothing of the originals is left, pixels are equal, references hold."""

import warnings

import pytest
from pydicom import dcmread
from pydicom.datadict import dictionary_VR

from foveal.data.deidentify import Options, deidentified

pytestmark = pytest.mark.data


@pytest.fixture(scope="module")
def done(real_samples, tmp_path_factory):
    base = tmp_path_factory.mktemp("real")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        report, problems = deidentified(
            real_samples, base / "out", mapping=base / "key", options=Options()
        )
    return real_samples, base / "out", report, problems


@pytest.fixture(scope="module")
def real_samples():
    from pathlib import Path

    folder = Path(__file__).parents[2].parent / "shared" / "data" / "dicom_nifti_samples"
    if not folder.is_dir():
        pytest.skip("the real images of ../shared/data are not here")
    return folder


def elements(dataset):
    """All elements, nested and not, with their values as lists of strings."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for element in dataset.iterall():
            if element.VR != "SQ" and element.value is not None:
                value = element.value
                parts = value if element.VM > 1 else [value]
                yield element, [str(part) for part in parts]


def read(path):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return dcmread(path, force=True)


def test_what_came_out(done):
    _, out, report, problems = done
    assert sum(report.files.values()) == len(list(out.rglob("*.dcm"))) == 27
    held = {(p.uri, p.kind) for p in problems}
    assert ("dcmqi/sr_example_sr.dcm", "report") in held
    assert ("highdicom/sr_document.dcm", "report") in held
    assert ("pydicom/examples_ybr_color.dcm", "burned_in") in held
    assert ("pydicom/JPEG2000.dcm", "burned_in") in held
    # One MR image comes in four encodings, one segmentation twice: the same UID, other bytes.
    assert sorted(kind for _, kind in held) == ["burned_in"] * 2 + ["repeat"] * 4 + ["report"] * 2


def test_a_scan_of_its_own_finds_no_original(done):
    """Names, numbers, dates, UIDs and places of all originals, looked for in all values."""
    source, out, _, _ = done
    originals = set()
    for path in source.rglob("*.dcm"):
        for element, parts in elements(read(path)):
            named = element.keyword in (
                "PatientID", "AccessionNumber", "InstitutionName", "StationName", "StudyID",
                "InstitutionAddress", "DeviceSerialNumber", "OtherPatientIDs",
            )  # fmt: skip
            if element.VR == "PN" or named:
                originals |= {part for part in parts if len(part) > 4}
            if element.VR == "UI":
                originals |= {p for p in parts if p and not p.startswith("1.2.840.10008.")}
    # What is a person or an institution in one file is a maker or a program in others.
    originals -= {"Manufacturer", "QIICR", "Slicer", "TOSHIBA"}
    assert len(originals) > 150
    for path in out.rglob("*.dcm"):
        for element, parts in elements(read(path)):
            if element.VR in ("OB", "OW", "DS", "IS", "US"):
                continue
            if element.keyword.endswith("ClassUID") or element.VR == "AT":
                continue
            for part in parts:
                assert part not in originals, (element.keyword, path)
                assert not any(len(o) > 6 and o in part for o in originals), element.keyword


def test_dates_moved_and_pixels_did_not(done):
    source, out, _, _ = done
    pixels = {read(path).get("PixelData") for path in source.rglob("*.dcm")} - {None}
    birthdays = 0
    for path in out.rglob("*.dcm"):
        dataset = read(path)
        if "PixelData" in dataset:
            # One original has an odd number of bytes, which no file may have: it gets one more.
            assert {dataset.PixelData, dataset.PixelData.removesuffix(b"\0")} & pixels
        birthdays += bool(dataset.get("PatientBirthDate"))
        assert not [e for e in dataset.iterall() if e.tag.is_private]
        assert dataset.PatientIdentityRemoved == "YES"
    assert birthdays == 0


def test_segmentations_still_refer_to_their_images(done):
    _, out, _, _ = done
    datasets = [read(path) for path in out.rglob("*.dcm")]
    known = {dataset.SOPInstanceUID for dataset in datasets}
    (liver,) = [
        d for d in datasets
        if d.Modality == "SEG" and d.get("NumberOfFrames") == 3 and d.Rows == 512
        and len(d.SegmentSequence) == 1
    ]  # fmt: skip
    referred = {
        item.ReferencedSOPInstanceUID
        for item in liver.ReferencedSeriesSequence[0].ReferencedInstanceSequence
    }
    assert referred <= known
    assert len(referred) == 3


def test_all_values_keep_their_representation(done):
    _, out, _, _ = done
    for path in out.rglob("*.dcm"):
        for element, _ in elements(read(path)):
            expected = dictionary_VR(element.tag).split(" or ")
            assert element.VR in expected or element.VR in ("OB", "OW"), element.keyword
