"""A folder goes in, a copy without patients comes out: whole files, references, resume, report."""

import io
import json
import logging
import os
import re
import warnings
from datetime import datetime
from itertools import pairwise

import numpy as np
import pytest
from pydicom import dcmread
from pydicom.dataset import Dataset
from pydicom.encaps import encapsulate, generate_frames
from pydicom.sequence import Sequence
from pydicom.uid import (
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ImplicitVRLittleEndian,
    JPEGLSLossless,
    RLELossless,
)

from deidentify_files import CT, ROOT, RTSTRUCT, SEG, export, image, write
from foveal.core.errors import DataError, SchemaError, StoreError
from foveal.data.deidentify import Options, deidentified
from foveal.data.deidentify.ledger import NAME
from foveal.data.deidentify.run import JSON_NAME, TEXT_NAME

# Codes are of the letters A to Z and 2 to 7, so `zq` alone could be one by chance.
MARK = re.compile(rb"zq([-?_ ]|mueller|anna|hospital|station|123456)|zqzq", re.IGNORECASE)


@pytest.fixture
def source(tmp_path):
    return export(tmp_path / "source")


@pytest.fixture
def out(tmp_path):
    return tmp_path / "out"


@pytest.fixture
def run(tmp_path, source, out):
    """Call it with these folders, or others."""

    def call(source=source, out=out, mapping=tmp_path / "home" / "mapping.jsonl", **options):
        return deidentified(source, out, mapping=mapping, options=Options(**options))

    return call


def copies(out):
    return {p.relative_to(out).as_posix(): dcmread(p) for p in sorted(out.rglob("*.dcm"))}


def contents(folder):
    return {p.relative_to(folder).as_posix(): p.read_bytes() for p in folder.rglob("*.dcm")}


def test_the_tree_holds_codes_alone(run, source, out):
    before = {p: (p.read_bytes(), p.stat().st_mtime_ns) for p in source.rglob("*") if p.is_file()}
    report, problems = run()
    assert problems == []
    assert (report.patients, report.studies, report.series) == (2, 3, 3)
    assert report.files == {"CT Image Storage": 5}
    assert report.left_out == {"not DICOM": 1}
    names = sorted(copies(out))
    assert len(names) == 5
    code = "[A-Z2-7]{12}"
    assert all(re.fullmatch(f"P{code}/S{code}/R{code}/00000[12].dcm", name) for name in names)
    for name, dataset in copies(out).items():
        assert name.startswith(f"{dataset.PatientID}/")
        assert dataset.InstanceNumber == int(name[-10:-4])
    assert {p: (p.read_bytes(), p.stat().st_mtime_ns) for p in before} == before


def test_nothing_of_the_originals_is_in_any_file_or_name(run, source, out, caplog):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        caplog.set_level(logging.DEBUG)
        run()
    for path in [out, *out.rglob("*")]:
        assert MARK.search(path.relative_to(out.parent).as_posix().encode()) is None
        if path.is_file():
            data = path.read_bytes()
            if path.suffix == ".dcm":
                data = data.replace(dcmread(path).PixelData, b"")
            assert MARK.search(data) is None, path
            for original in (ROOT.encode(), b"20200310", b"20200602", b"19470501"):
                assert original not in data, (path, original)
    assert MARK.search(caplog.text.encode()) is None


def test_warnings_and_logs_of_the_library_do_not_quote(run, source, caplog):
    bad = image("Zq-5", study="9")
    write(source / "d.dcm", bad)
    path = source / "d.dcm"
    path.write_bytes(path.read_bytes().replace(f"{ROOT}.9.7".encode(), b"Zq?" * 6 + b"1"))
    logging.getLogger("pydicom").setLevel(logging.DEBUG)
    try:
        with warnings.catch_warnings(record=True) as told:
            warnings.simplefilter("always")
            run()
    finally:
        logging.getLogger("pydicom").setLevel(logging.NOTSET)
    assert [str(w.message) for w in told] == []
    assert caplog.text == ""
    assert logging.getLogger("pydicom").disabled is False


def test_intervals_of_a_patient_survive_and_differ_between_patients(run, out):
    run()
    studies = {}
    for dataset in copies(out).values():
        studies.setdefault(dataset.PatientID, set()).add(
            datetime.strptime(dataset.StudyDate, "%Y%m%d")
        )
    one, two = sorted(studies.values(), key=len)
    assert (max(two) - min(two)).days == 84
    assert min(one) != min(two)  # on the same day originally
    assert max(max(one), max(two)) < datetime(2020, 6, 2)


def test_references_hold_between_files(run, source, out):
    write(source / "seg.dcm", segmentation())
    write(source / "rt.dcm", structures())
    run()
    by_kind = {}
    for dataset in copies(out).values():
        by_kind.setdefault(dataset.SOPClassUID, []).append(dataset)
    (seg,), (rt,) = by_kind[SEG], by_kind[RTSTRUCT]
    shown = {d.SOPInstanceUID: d for d in by_kind[CT]}
    (series,) = seg.ReferencedSeriesSequence
    referred = {item.ReferencedSOPInstanceUID for item in series.ReferencedInstanceSequence}
    assert len(referred) == 2
    assert referred <= set(shown)
    first = shown[sorted(referred)[0]]
    assert series.SeriesInstanceUID == first.SeriesInstanceUID
    assert seg.FrameOfReferenceUID == first.FrameOfReferenceUID
    assert seg.StudyInstanceUID == first.StudyInstanceUID
    assert seg.PatientID == first.PatientID
    assert seg.SegmentSequence[0].SegmentLabel == "Liver"
    frame = rt.ReferencedFrameOfReferenceSequence[0]
    assert frame.FrameOfReferenceUID == first.FrameOfReferenceUID
    contour = rt.ROIContourSequence[0].ContourSequence[0].ContourImageSequence[0]
    assert contour.ReferencedSOPInstanceUID in shown
    assert contour.ReferencedSOPClassUID == CT
    assert rt.StructureSetROISequence[0].ROIName == ""


def segmentation():
    dataset = image(series="5", SOPClassUID=SEG, Modality="SEG")
    items = [_refers(number) for number in (1, 2)]
    series, segment = Dataset(), Dataset()
    series.SeriesInstanceUID = f"{ROOT}.1.1"
    series.ReferencedInstanceSequence = Sequence(items)
    dataset.ReferencedSeriesSequence = Sequence([series])
    segment.SegmentLabel, segment.SegmentDescription = "Liver", "ZqDescription"
    dataset.SegmentSequence = Sequence([segment])
    return dataset


def structures():
    dataset = image(series="6", SOPClassUID=RTSTRUCT, Modality="RTSTRUCT")
    del dataset.PixelData, dataset.Rows, dataset.Columns, dataset.InstanceNumber
    frame, roi, contours, contour = Dataset(), Dataset(), Dataset(), Dataset()
    frame.FrameOfReferenceUID = f"{ROOT}.1.7"
    dataset.ReferencedFrameOfReferenceSequence = Sequence([frame])
    roi.ROINumber, roi.ROIName = 1, "Zqmuellers liver"
    dataset.StructureSetROISequence = Sequence([roi])
    contour.ContourImageSequence = Sequence([_refers(2)])
    contour.ContourData = [1.5, 2, 3, 4, 5, 6]
    contours.ContourSequence = Sequence([contour])
    dataset.ROIContourSequence = Sequence([contours])
    return dataset


def _refers(number):
    item = Dataset()
    item.ReferencedSOPClassUID, item.ReferencedSOPInstanceUID = CT, f"{ROOT}.1.1.{number}"
    return item


def test_a_later_import_names_in_the_same_way(run, source, out, tmp_path):
    run()
    other = tmp_path / "later"
    write(other / "x.dcm", image(study="4", on="20200904"))
    run(other, tmp_path / "second")
    (new,) = copies(tmp_path / "second").values()
    known = [d for d in copies(out).values() if d.PatientID == new.PatientID]
    assert len(known) == 4
    days = {d.StudyDate for d in known} | {new.StudyDate}
    dates = sorted(datetime.strptime(day, "%Y%m%d") for day in days)
    assert [(b - a).days for a, b in pairwise(dates)] == [84, 94]
    run(other)
    assert len(copies(out)) == 6


def test_a_second_run_changes_nothing(run, out):
    run()
    before = {p: (p.read_bytes(), p.stat().st_mtime_ns) for p in out.rglob("*.dcm")}
    texts = [(out / name).read_text() for name in (JSON_NAME, TEXT_NAME, NAME)]
    report, problems = run()
    assert problems == []
    assert sum(report.files.values()) == 5
    assert {p: (p.read_bytes(), p.stat().st_mtime_ns) for p in out.rglob("*.dcm")} == before
    assert [(out / name).read_text() for name in (JSON_NAME, TEXT_NAME, NAME)] == texts


@pytest.mark.parametrize("after", [0, 1, 3, 4])
def test_a_killed_run_ends_as_one_that_was_not(run, source, out, tmp_path, monkeypatch, after):
    whole, mapping = tmp_path / "whole", tmp_path / "home" / "mapping.jsonl"
    run(out=whole)
    from foveal.data.deidentify import run as module

    written = []

    def stop(path, data):
        if len(written) == after:
            raise KeyboardInterrupt
        written.append(path)
        write_whole(path, data)

    write_whole = module.write_whole
    monkeypatch.setattr(module, "write_whole", stop)
    with pytest.raises(KeyboardInterrupt):
        run()
    assert len(list(out.rglob("*.dcm"))) == after
    monkeypatch.undo()
    deidentified(source, out, mapping=mapping)
    assert contents(out) == contents(whole)
    assert (out / JSON_NAME).read_text() == (whole / JSON_NAME).read_text()


def test_killed_between_a_file_and_its_line(run, out, tmp_path):
    run()
    before = contents(out)
    ledger = out / NAME
    lines = ledger.read_text().splitlines(keepends=True)
    ledger.write_text("".join(lines[:-1]) + lines[-1][:9])
    report, problems = run()
    assert problems == []
    assert sum(report.files.values()) == 5
    assert contents(out) == before


def test_what_a_killed_run_began_to_write_is_swept_away(run, out):
    run()
    begun = next(out.rglob("*.dcm")).parent / ".000009.dcm.0123abcd"
    begun.write_bytes(b"half")
    run()
    assert not begun.exists()


def test_a_copy_that_was_deleted_comes_back(run, out):
    run()
    before = contents(out)
    gone = next(out.rglob("*.dcm"))
    gone.unlink()
    run()
    assert contents(out) == before


def test_a_copy_of_a_copy_is_the_same(run, out, tmp_path):
    run()
    second = tmp_path / "second"
    report, problems = run(source=out, out=second)
    assert problems == []
    assert contents(second) == contents(out)
    assert report.patients == 2


def test_pixels_stay_as_they_are_compressed_or_not(run, source, out):
    pixels = np.arange(64, dtype=np.uint16).reshape(8, 8)
    rle = image(study="6", number=1)
    rle.PixelData = pixels.tobytes()
    rle.compress(RLELossless, encoding_plugin="pydicom")
    jpeg = image(study="6", number=2)
    jpeg.file_meta.TransferSyntaxUID = JPEGLSLossless
    jpeg.PixelData = encapsulate([b"\xff\xd8" + bytes(range(200)) + b"\xff\xd9"])
    jpeg["PixelData"].VR = "OB"
    jpeg["PixelData"].is_undefined_length = True
    implicit, big = image(study="6", number=3), image(study="6", number=4)
    implicit.file_meta.TransferSyntaxUID = ImplicitVRLittleEndian
    big.file_meta.TransferSyntaxUID = ExplicitVRBigEndian
    originals = {}
    deflated = image(study="6", number=5)
    deflated.file_meta.TransferSyntaxUID = DeflatedExplicitVRLittleEndian
    for number, dataset in enumerate((rle, jpeg, implicit, big, deflated), 1):
        write(source / f"e/{number}.dcm", dataset)
        originals[number] = dcmread(source / f"e/{number}.dcm")
    _, problems = run()
    assert problems == []
    study = [d for d in copies(out).values() if d.file_meta.TransferSyntaxUID in SYNTAXES
             or d.StudyInstanceUID == _study(copies(out))]  # fmt: skip
    assert len(study) == 5
    for dataset in study:
        original = originals[int(dataset.InstanceNumber)]
        assert dataset.file_meta.TransferSyntaxUID == original.file_meta.TransferSyntaxUID
        assert dataset.PixelData == original.PixelData
    assert next(generate_frames(study[1].PixelData, number_of_frames=1))[:2] == b"\xff\xd8"


def test_a_comment_within_compressed_pixels_is_found(run, source, out):
    for number, comment in ((1, b"by ZQMUELLER"), (2, b"by a codec"), (3, b"id zq-4711")):
        dataset = image(study="6", number=number)
        dataset.file_meta.TransferSyntaxUID = JPEGLSLossless
        segment = b"\xff\xfe" + (len(comment) + 2).to_bytes(2) + comment
        dataset.PixelData = encapsulate([b"\xff\xd8" + segment + bytes(99) + b"\xff\xd9"])
        dataset["PixelData"].VR, dataset["PixelData"].is_undefined_length = "OB", True
        write(source / f"e/{number}.dcm", dataset)
    _, problems = run()
    assert [(p.uri, p.kind) for p in problems] == [("e/1.dcm", "trace"), ("e/3.dcm", "trace")]
    assert len(contents(out)) == 6


SYNTAXES = {RLELossless, JPEGLSLossless, ExplicitVRBigEndian, ImplicitVRLittleEndian}


def _study(datasets):
    return next(
        d.StudyInstanceUID for d in datasets.values()
        if d.file_meta.TransferSyntaxUID == RLELossless
    )  # fmt: skip


def test_bad_files_are_listed_and_the_rest_goes_on(run, source, out):
    data = (source / "c.dcm").read_bytes()
    (source / "torn.dcm").write_bytes(data[:-40])
    (source / "cut.dcm").write_bytes(data[:200])
    (source / "blind.dcm").write_bytes(data[: data.index(bytes.fromhex("e07f1000"))])
    (source / "strange.dcm").write_bytes(data.replace(b"\x28\x00\x10\x00US", b"\x28\x00\x10\x00Zq"))
    (source / "noise.dcm").write_bytes(b"Zq" * 500)
    (source / "empty.dcm").write_bytes(b"")
    lone = image(study="8")
    del lone.StudyInstanceUID
    write(source / "lone.dcm", lone)
    report, problems = run()
    assert {p.uri: p.kind for p in problems} == {
        "blind.dcm": "unreadable", "strange.dcm": "unreadable",
        "torn.dcm": "unreadable", "cut.dcm": "unreadable", "noise.dcm": "unreadable",
        "empty.dcm": "unreadable", "lone.dcm": "unreadable",
    }  # fmt: skip
    assert "ends in the middle" in next(p.message for p in problems if p.uri == "torn.dcm")
    assert sum(report.files.values()) == len(contents(out)) == 5
    assert report.held == {"unreadable": 7}
    assert all(MARK.search(p.message.encode()) is None for p in problems)


def test_a_file_that_cannot_be_opened_is_listed_without_its_system_message(run, monkeypatch):
    from foveal.data.deidentify import dicomfile

    def refuse(path):
        raise PermissionError(13, "Permission denied", "Zqmueller.dcm")

    monkeypatch.setattr(dicomfile, "stamp_of", refuse)
    report, problems = run()
    assert {p.kind for p in problems} == {"unreadable"}
    assert {p.message for p in problems} == {"it cannot be read: Permission denied"}
    assert len(problems) == 5
    assert sum(report.files.values()) == 0


@pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="root can read everything")
def test_a_file_without_the_right_to_read_is_listed(run, source):
    (source / "c.dcm").chmod(0)
    _, problems = run()
    assert [(p.uri, p.kind) for p in problems] == [("c.dcm", "unreadable")]


def test_what_is_held_back_is_listed_each_time_and_passes_when_allowed(run, source, out):
    write(source / "us.dcm", image(study="5", Modality="US"))
    write(
        source / "sr.dcm", image(study="5", series="2", SOPClassUID="1.2.840.10008.5.1.4.1.1.88.11")
    )
    for _ in range(2):
        report, problems = run()
        assert {p.uri: p.kind for p in problems} == {"sr.dcm": "report", "us.dcm": "burned_in"}
        assert report.held == {"burned_in": 1, "report": 1}
        assert len(contents(out)) == 5
    report, problems = run(burned_in=True)
    assert {p.uri: p.kind for p in problems} == {"sr.dcm": "report"}
    assert report.held == {"report": 1}
    assert len(contents(out)) == 6


def test_an_index_of_files_is_left_out(run, source, out):
    write(source / "DICOMDIR", image(SOPClassUID="1.2.840.10008.1.3.10"))
    report, problems = run()
    assert problems == []
    assert report.left_out == {"index of files (DICOMDIR)": 1, "not DICOM": 1}


def test_the_same_file_twice_is_copied_once_and_another_of_the_same_name_is_named(run, source, out):
    (source / "z1.dcm").write_bytes((source / "c.dcm").read_bytes())
    other = image("Zq-0815", study="3", on="20200310", KVP="99")
    write(source / "z2.dcm", other)
    report, problems = run()
    assert report.repeated == 1
    assert [(p.uri, p.kind) for p in problems] == [("z2.dcm", "repeat")]
    assert len(contents(out)) == 5
    assert run()[1] == problems


def test_a_file_that_changed_is_copied_again(run, source, out):
    run()
    write(source / "c.dcm", image("Zq-0815", study="3", on="20200310", KVP="99"))
    report, problems = run()
    assert problems == []
    assert sum(report.files.values()) == len(contents(out)) == 5
    assert [str(d.KVP) for d in copies(out).values() if "KVP" in d] == ["99"]


def test_numbers_that_are_taken_or_missing(run, source, out):
    for number in (2, 3, 4):
        dataset = image(study="7", number=number)
        dataset.InstanceNumber = 2 if number < 4 else None
        write(source / f"n/{number}.dcm", dataset)
    _, problems = run()
    assert problems == []
    series = [name for name in contents(out) if name.endswith(("003.dcm", "004.dcm"))]
    assert [name[-10:] for name in sorted(series)] == ["000003.dcm", "000004.dcm"]


def test_patients_without_a_number(run, tmp_path):
    source, out = tmp_path / "nameless", tmp_path / "out2"
    for study in ("1", "2"):
        write(source / f"{study}.dcm", image("", study=study))
        write(source / f"x{study}.dcm", image("", study=f"{study}1", PatientName=""))
    report, _ = run(source, out)
    assert report.patients == 3  # one by name and birth date; the others a patient a study
    assert all(str(d.PatientName) == d.PatientID for d in copies(out).values())


def test_a_file_without_preamble(run, source, out):
    data = (source / "c.dcm").read_bytes()
    bare = io.BytesIO(data)
    dataset = dcmread(bare)
    start = data.index(b"\x08\x00\x05\x00") if "SpecificCharacterSet" in dataset else None
    start = start or data.index(b"\x08\x00\x16\x00UI")
    (source / "c.dcm").write_bytes(data[start:])
    report, problems = run()
    assert problems == []
    assert sum(report.files.values()) == 5
    assert all(d.file_meta.TransferSyntaxUID for d in copies(out).values())


def test_a_single_file(run, source, out):
    report, problems = run(source / "c.dcm")
    assert (sum(report.files.values()), problems) == (1, [])


def test_the_report_counts_and_tells_nothing(run, out, source):
    write(source / "us.dcm", image(study="5", Modality="US"))
    run(characteristics=True)
    told = json.loads((out / JSON_NAME).read_text())
    assert told["profile"].startswith("DICOM PS3.15 2026c")
    assert [code["value"] for code in told["codes"]] == ["113100", "113107", "113108"]
    assert told["options"]["characteristics"] is True
    assert (told["patients"], told["studies"], told["held_back"]) == (2, 3, {"burned_in": 1})
    rows = {(row["tag"], row["action"]): row["count"] for row in told["attributes"]}
    assert rows[("00080018", "U")] == 5
    assert rows[("00100020", "D pseudonym")] == 5
    assert rows[("00080020", "C date")] == 5
    assert rows[("00100030", "Z")] == 5
    assert rows[("00101010", "K age")] == 5
    text = (out / TEXT_NAME).read_text()
    assert "2 patients, 3 studies, 3 series, 5 files" in text
    assert "(0010,0030) Patient's Birth Date: emptied" in text


def test_a_mapping_line_comes_before_the_first_file(run, tmp_path, out):
    run()
    lines = (tmp_path / "home" / "mapping.jsonl").read_text().splitlines()[1:]
    kept = [json.loads(line) for line in lines]
    patients = {line["patient"]: line for line in kept if "patient" in line}
    assert set(patients) == {"Zq-4711", "Zq-0815"}
    assert {line["pseudonym"] for line in patients.values()} == {
        p.name for p in out.iterdir() if p.is_dir()
    }
    assert sum("study" in line for line in kept) == 3


@pytest.mark.parametrize(
    "change", [{"shift_dates": False}, {"device": True}, {"descriptors": True}]
)
def test_one_folder_is_made_in_one_way(run, change):
    run()
    with pytest.raises(StoreError, match="de-identified in the same way"):
        run(**change)


def test_a_lost_mapping_and_another_one_are_noticed(run, tmp_path):
    run()
    (tmp_path / "home" / "mapping.jsonl").unlink()
    with pytest.raises(StoreError, match="is missing"):
        run()
    with pytest.raises(StoreError, match="is missing"):
        run(mapping=tmp_path / "new.jsonl")
    run(out=tmp_path / "third")
    with pytest.raises(StoreError, match="has another key"):
        run()


def test_only_an_empty_folder_is_filled(run, out):
    out.mkdir()
    (out / "mine.txt").write_text("")
    with pytest.raises(StoreError, match="must be new, empty"):
        run()


def test_a_damaged_ledger_is_no_reason_to_begin_again(run, out):
    run()
    lines = (out / NAME).read_text().splitlines(keepends=True)
    (out / NAME).write_text("{\n" + "".join(lines[1:]))
    with pytest.raises(SchemaError, match="damaged"):
        run()


def test_only_one_at_a_time(run, out, tmp_path):
    from foveal.data.deidentify.ledger import Ledger
    from foveal.data.deidentify.mapping import open_mapping

    run()
    mapping = open_mapping(tmp_path / "home" / "mapping.jsonl", outside=out, expected=None)
    with (
        Ledger(out, mapping.codes.fingerprint(), Options()),
        pytest.raises(StoreError, match="only one import at a time"),
    ):
        run()
    run()


@pytest.mark.parametrize(("inside", "of"), [("source/out", "source"), ("x", "x"), ("x", "x/y")])
def test_folders_lie_apart(run, tmp_path, inside, of):
    (tmp_path / of).mkdir(parents=True, exist_ok=True)
    with pytest.raises(DataError, match="must lie apart"):
        run(tmp_path / of, tmp_path / inside)


def test_no_source(run, tmp_path):
    with pytest.raises(DataError, match="does not exist"):
        run(tmp_path / "nowhere")


def test_progress_counts_files(source, out, tmp_path):
    seen = []
    deidentified(source, out, mapping=tmp_path / "m", progress=lambda *of: seen.append(of))
    assert seen == [(i, 6) for i in range(1, 7)]
