import os
import warnings
import zlib
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from pydicom import config, dcmread
from pydicom.dataset import Dataset
from pydicom.fileset import FileSet
from pydicom.sequence import Sequence
from pydicom.uid import DeflatedExplicitVRLittleEndian, ImplicitVRLittleEndian

from dicom_files import (
    PATIENT,
    base,
    oblique,
    place,
    save,
    set_pixels,
    uid,
    write_enhanced,
    write_series,
)
from foveal.core.errors import DataError
from foveal.core.pool import sample_id
from foveal.data.dicom import find_series, is_dicom, read_series, read_stack
from foveal.data.dicom.directory import wrong_references
from foveal.data.dicom.headers import tolerant
from foveal.data.readers import Unreadable

AXIAL = oblique()
CORONAL = oblique((np.pi / 2, 0, 0))


def noise(shape=(5, 4, 6), seed=0):
    return np.random.default_rng(seed).integers(-1000, 3000, shape, np.int16)


def alter(path, tags):
    """Write other values into a file, whether or not the standard allows them."""
    with tolerant():
        data = dcmread(path)
        for tag, value in tags.items():
            setattr(data, tag, value)
        data.save_as(path)


def kinds(problems):
    return [p.kind for p in problems]


def test_identity_is_hashed_and_the_date_is_iso(tmp_path):
    write_series(tmp_path, noise(), AXIAL, AcquisitionDate="20240131", IssuerOfPatientID="hospital")
    ((series,), problems) = find_series(tmp_path)
    assert problems == []
    assert series.token == sample_id(uid("series"))
    assert series.patient == sample_id(f"{PATIENT['PatientID']}\0hospital")
    assert series.study == sample_id(uid("study"))
    assert (series.date, series.modality) == ("2024-01-31", "CT")
    assert (series.frames, series.kind, series.volume) == (6, "image", True)
    ((keyed,), _) = find_series(tmp_path, key=b"another")
    assert keyed.token != series.token
    assert keyed.patient != series.patient


@pytest.mark.parametrize(
    ("dates", "expected"),
    [
        ({"StudyDate": "", "SeriesDate": "2024.03.05"}, "2024-03-05"),
        ({"StudyDate": "20240230"}, ""),
        ({"StudyDate": None}, ""),
        ({"AcquisitionDateTime": "20231105101112.5"}, "2023-11-05"),
    ],
)
def test_dates_are_real_or_none(tmp_path, dates, expected):
    (path,) = write_series(tmp_path, noise((5, 4, 1)), AXIAL)
    alter(path, dates)
    ((series,), _) = find_series(tmp_path)
    assert series.date == expected


def test_folders_are_walked_and_hidden_files_are_not(tmp_path):
    write_series(tmp_path / "a" / "b", noise(), AXIAL)
    write_series(tmp_path / ".cache", noise(), AXIAL, series="hidden")
    (tmp_path / "a" / ".DS_Store").write_bytes(b"\0\1\2")
    (tmp_path / "notes.txt").write_text("x")
    (tmp_path / "LICENSE").write_text("free")
    (tmp_path / "picture.png").write_bytes(b"\x89PNG\0")
    seen = []
    series, problems = find_series(tmp_path, lambda done, of: seen.append((done, of)))
    assert (len(series), problems) == (1, [])
    assert seen == [(n, 6) for n in range(1, 7)]


def test_files_without_preamble_meta_or_suffix_are_read(tmp_path):
    paths = write_series(tmp_path, noise(), AXIAL)
    for k, path in enumerate(paths):
        data = dcmread(path)
        del data.file_meta
        data.preamble = None
        data.save_as(tmp_path / f"1.2.{k}", implicit_vr=True, little_endian=True)
        path.unlink()
        assert is_dicom(tmp_path / f"1.2.{k}")
    ((series,), problems) = find_series(tmp_path)
    assert problems == []
    np.testing.assert_array_equal(read_series(series).voxels, noise())


@pytest.mark.parametrize(
    "content", [b"", b"hello", b"\x08\0" + b"\0" * 400, b"\x08\0\x08\0junk" * 9]
)
def test_strangers_are_not_dicom(tmp_path, content):
    (tmp_path / "a.dcm").write_bytes(content)
    write_series(tmp_path, noise(), AXIAL)
    (series, problems) = find_series(tmp_path)
    assert len(series) == 1
    (problem,) = problems
    assert (problem.uri, problem.row) == ("a.dcm", None)
    assert problem.kind in ("not_dicom", "unreadable")


@pytest.mark.parametrize("kept", [10, 140, 200, 400, 700, -1, -20])
def test_a_file_that_is_cut_off_is_listed_and_the_rest_goes_on(tmp_path, kept):
    first, *_ = write_series(tmp_path, noise((5, 4, 2)), AXIAL)
    other = write_series(tmp_path, noise(), AXIAL, series="other", prefix="o")
    first.write_bytes(first.read_bytes()[:kept])
    series, problems = find_series(tmp_path)
    assert [p.uri for p in problems] == [first.name]
    assert "SECRET" not in problems[0].message
    assert other[0] in {path for s in series for path in s.files}
    np.testing.assert_array_equal(read_series(series[-1]).voxels, noise())


def test_copies_count_once(tmp_path):
    write_series(tmp_path, noise(), AXIAL)
    write_series(tmp_path / "again", noise(), AXIAL)
    ((series,), problems) = find_series(tmp_path)
    assert kinds(problems) == ["repeat"] * 6
    assert all(path.parent == tmp_path for path in series.files)
    np.testing.assert_array_equal(read_series(series).voxels, noise())


def test_images_that_share_an_identity_are_not_copies(tmp_path):
    for path in write_series(tmp_path, noise(), AXIAL):
        alter(path, {"SOPInstanceUID": uid("all the same")})
    ((series,), problems) = find_series(tmp_path)
    assert problems == []
    np.testing.assert_array_equal(read_series(series).voxels, noise())


def test_a_file_alone_is_found(tmp_path):
    paths = write_series(tmp_path, noise(), AXIAL)
    ((series,), problems) = find_series(paths[2])
    assert (series.files, problems) == ((paths[2],), [])


def test_a_folder_that_is_not_there_is_named(tmp_path):
    with pytest.raises(DataError, match="'nowhere'"):
        find_series(tmp_path / "nowhere")


def test_orientations_are_parted(tmp_path):
    axial, coronal = noise(), noise((4, 3, 5), seed=1)
    write_series(tmp_path, axial, AXIAL, prefix="a")
    write_series(tmp_path, coronal, CORONAL, prefix="c")
    series, problems = find_series(tmp_path)
    assert kinds(problems) == ["split"]
    assert len({s.token for s in series}) == 2
    for found in series:
        voxels, affine = (axial, AXIAL) if found.frames == 6 else (coronal, CORONAL)
        volume = read_series(found)
        np.testing.assert_array_equal(volume.voxels, voxels)
        np.testing.assert_allclose(volume.affine, affine, atol=1e-9)


def test_a_localizer_is_parted_and_named(tmp_path):
    write_series(tmp_path, noise(), AXIAL)
    write_series(
        tmp_path,
        noise((5, 4, 1)),
        AXIAL,
        prefix="l",
        ImageType=["ORIGINAL", "PRIMARY", "LOCALIZER"],
    )
    series, problems = find_series(tmp_path)
    assert sorted(kinds(problems)) == ["localizer", "split"]
    assert sorted(s.frames for s in series) == [1, 6]


@pytest.mark.parametrize(
    ("tag", "values"),
    [
        ("TemporalPositionIdentifier", (1, 2, 3)),
        ("AcquisitionNumber", (4, 5, 6)),
        ("EchoTime", (3.5, 7, 10.5)),
        ("ImageType", (["O", "P", "M"], ["O", "P", "P"], ["O", "P", "R"])),
    ],
)
def test_four_dimensions_become_volumes(tmp_path, tag, values):
    for n, value in enumerate(values):
        write_series(tmp_path, noise(seed=n), AXIAL, prefix=f"{n}-", **{tag: value})
    series, problems = find_series(tmp_path)
    assert kinds(problems) == ["split"]
    assert len({s.token for s in series}) == 3
    found = [read_series(s).voxels for s in series]
    for n in range(3):
        assert sum(np.array_equal(noise(seed=n), voxels) for voxels in found) == 1


def test_two_traits_together_may_be_needed(tmp_path):
    for n, (echo, part) in enumerate([(1, "M"), (1, "P"), (2, "M"), (2, "P")]):
        tags = {"EchoTime": echo, "ImageType": ["ORIGINAL", "PRIMARY", part]}
        write_series(tmp_path, noise(seed=n), AXIAL, prefix=f"{n}-", **tags)
    series, _ = find_series(tmp_path)
    assert [(s.frames, s.volume) for s in series] == [(6, True)] * 4


def test_times_within_one_file_are_parted(tmp_path):
    voxels = noise()
    write_enhanced(
        tmp_path / "a.dcm", voxels, AXIAL, order=[0, 1, 2, 2, 1, 0], times=[1, 1, 1, 2, 2, 2]
    )
    series, problems = find_series(tmp_path)
    assert kinds(problems) == ["split"]
    assert [s.places for s in series] == [((0, 0), (0, 1), (0, 2)), ((0, 5), (0, 4), (0, 3))]
    for found in series:
        np.testing.assert_array_equal(read_series(found).voxels, voxels[:, :, :3])


def test_places_that_come_twice_for_no_reason_are_no_volume(tmp_path):
    write_series(tmp_path, noise(), AXIAL)
    write_series(tmp_path, noise((5, 4, 2), 1), AXIAL, prefix="b")
    ((series,), problems) = find_series(tmp_path)
    assert kinds(problems) == ["duplicate"]
    assert (series.frames, series.volume) == (8, False)
    with pytest.raises(Unreadable) as error:
        read_series(series)
    assert error.value.kind == "duplicate"


def test_a_trait_of_every_single_slice_tells_no_stacks_apart(tmp_path):
    for n in range(2):
        times = [f"{k + 6 * n}" for k in range(6)]
        write_series(
            tmp_path, noise(seed=n), AXIAL, prefix=f"{n}-", per_slice={"TriggerTime": times}
        )
    ((series,), problems) = find_series(tmp_path)
    assert kinds(problems) == ["duplicate"]
    assert series.frames == 12


def test_patients_are_never_mixed(tmp_path):
    write_series(tmp_path, noise(), AXIAL)
    write_series(tmp_path, noise(seed=1), AXIAL, prefix="b", PatientID="SECRET-2")
    series, _ = find_series(tmp_path)
    assert len({s.patient for s in series}) == len({s.token for s in series}) == 2


@pytest.mark.parametrize(
    "tags",
    [
        {"ImageOrientationPatient": [0, 0, 0, 0, 0, 0]},
        {"ImageOrientationPatient": [1, 0, 0, 1, 0, 0]},
        {"ImageOrientationPatient": [1, 0, 0]},
        {"ImagePositionPatient": ["nan", 0, 0]},
        {"ImagePositionPatient": ["inf", 0, 0]},
        {"PixelSpacing": [0, 1]},
        {"PixelSpacing": [-1, 1]},
    ],
)
def test_a_place_that_is_none_is_a_problem_of_its_file(tmp_path, tags):
    first, *_ = write_series(tmp_path, noise(), AXIAL)
    alter(first, tags)
    ((series,), problems) = find_series(tmp_path)
    assert [(p.uri, p.kind) for p in problems] == [(first.name, "geometry")]
    assert series.frames == 5
    np.testing.assert_array_equal(read_series(series).voxels, noise()[:, :, 1:])


@pytest.mark.parametrize(
    ("tags", "kind"),
    [
        ({"Rows": 0}, "unreadable"),
        ({"Columns": None}, "tags"),
        ({"Rows": 60000, "Columns": 60000}, "too_large"),
        ({"NumberOfFrames": 10**9}, "too_large"),
        ({"Rows": 8000, "Columns": 8000, "NumberOfFrames": 6000}, "too_large"),
        ({"SamplesPerPixel": 7}, "tags"),
        ({"SeriesInstanceUID": None, "SOPInstanceUID": None}, "tags"),
    ],
)
def test_absurd_headers_are_refused_before_a_pixel_is_read(tmp_path, tags, kind):
    first, *_ = write_series(tmp_path, noise((5, 4, 1)), AXIAL)
    alter(first, tags)
    series, problems = find_series(tmp_path)
    assert (series, kinds(problems)) == ([], [kind])


def test_a_deflated_file_is_read_within_limits(tmp_path, monkeypatch):
    data = place(base(), AXIAL)
    set_pixels(data, noise((64, 64, 1))[:, :, 0].T, "grey")
    data.file_meta.TransferSyntaxUID = DeflatedExplicitVRLittleEndian
    path = save(data, tmp_path / "a.dcm")
    ((series,), problems) = find_series(tmp_path)
    assert problems == []
    np.testing.assert_array_equal(read_series(series).voxels, noise((64, 64, 1)))
    monkeypatch.setattr("foveal.data.dicom.headers.MAX_FILE_BYTES", 4000)
    assert kinds(find_series(tmp_path)[1]) == ["too_large"]
    assert path.stat().st_size > 4000 / zlib.Z_BEST_COMPRESSION


def test_a_folder_copied_from_a_disc(tmp_path):
    write_series(tmp_path / "in", noise(), AXIAL)
    disc = FileSet()
    for path in (tmp_path / "in").iterdir():
        disc.add(path)
    disc.write(tmp_path / "disc")
    disc._stage["t"].cleanup()
    ((series,), problems) = find_series(tmp_path / "disc")
    assert problems == []
    np.testing.assert_array_equal(read_series(series).voxels, noise())
    series.files[2].unlink()
    _, problems = find_series(tmp_path / "disc")
    assert sorted(kinds(problems)) == ["gap", "missing"]


@pytest.mark.parametrize("path", [["..", "secret"], ["/", "etc", "passwd"], ["a", "..", "..", "b"]])
def test_a_directory_that_points_outside_is_refused(tmp_path, path):
    header, record = Dataset(), Dataset()
    with tolerant():
        record.ReferencedFileID = path
    header.DirectoryRecordSequence = Sequence([record])
    ((kind, message),) = wrong_references(header, tmp_path)
    assert kind == "path"
    assert "1 leave it" in message


def test_a_link_that_leaves_the_folder_is_refused(tmp_path):
    outside, *_ = write_series(tmp_path / "outside", noise((5, 4, 1)), AXIAL)
    folder = tmp_path / "in"
    folder.mkdir()
    os.symlink(outside, folder / "link.dcm")
    os.symlink(tmp_path / "outside", folder / "folder")
    os.mkfifo(folder / "pipe")
    series, problems = find_series(folder)
    assert (series, kinds(problems)) == ([], ["path", "path"])


def test_pictures_without_a_place_are_stacks(tmp_path):
    for k in range(3):
        data = base("DX", sop=str(k), InstanceNumber=3 - k, ImagerPixelSpacing=[0.2, 0.1])
        save(set_pixels(data, np.full((4, 5), k, np.uint16)), tmp_path / f"{k}.dcm")
    ((series,), problems) = find_series(tmp_path)
    assert (problems, series.volume, series.frames) == ([], False, 3)
    stack = read_stack(series)
    np.testing.assert_array_equal(stack.pictures[:, 0, 0], [2, 1, 0])
    assert stack.spacing_mm == (0.2, 0.1)
    with pytest.raises(Unreadable) as error:
        read_series(series)
    assert error.value.kind == "no_geometry"


def test_ct_without_a_place_is_warned_of(tmp_path):
    save(set_pixels(base("CT"), np.ones((4, 5), np.uint16)), tmp_path / "a.dcm")
    assert kinds(find_series(tmp_path)[1]) == ["no_geometry"]


def test_dose_lies_on_the_grid_it_tells(tmp_path):
    dose = noise((5, 4, 3)).astype(np.uint16)
    data = place(base("RTDOSE"), AXIAL)
    set_pixels(data, dose.transpose(2, 1, 0), "grey")
    data.GridFrameOffsetVector, data.DoseGridScaling = [0, 2.5, 5], 1e-4
    save(data, tmp_path / "a.dcm")
    ((series,), _) = find_series(tmp_path)
    volume = read_series(series)
    np.testing.assert_allclose(volume.voxels, dose * 1e-4, rtol=1e-6)
    assert volume.spacing_mm == pytest.approx((1, 1, 2.5))


def test_what_holds_no_image_is_listed_and_not_read(tmp_path):
    data = base("SR")
    data.SOPClassUID = "1.2.840.10008.5.1.4.1.1.88.33"
    save(data, tmp_path / "a.dcm")
    ((series,), problems) = find_series(tmp_path)
    assert (problems, series.kind) == ([], "other")
    for read in (read_series, read_stack):
        with pytest.raises(Unreadable) as error:
            read(series)
        assert error.value.kind == "not_image"


def test_implicit_syntax_is_read(tmp_path):
    data = set_pixels(place(base(), AXIAL), noise((5, 4, 1))[:, :, 0].T, "grey")
    data.file_meta.TransferSyntaxUID = ImplicitVRLittleEndian
    data.save_as(tmp_path / "a.dcm", implicit_vr=True, little_endian=True, enforce_file_format=True)
    ((series,), _) = find_series(tmp_path)
    np.testing.assert_array_equal(read_series(series).voxels, noise((5, 4, 1)))


def test_threads_share_tolerance_and_leave_nothing_behind(tmp_path):
    write_series(tmp_path, noise(), AXIAL)
    before = config.settings.reading_validation_mode, list(warnings.filters)
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda _: read_series(find_series(tmp_path)[0][0]), range(8)))
    assert (config.settings.reading_validation_mode, list(warnings.filters)) == before
    for volume in found:
        np.testing.assert_array_equal(volume.voxels, noise())
