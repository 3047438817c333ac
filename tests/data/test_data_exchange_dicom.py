"""DICOM written: other programs read the same voxels at the same place, and numbers that agree."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import highdicom as hd
import nibabel as nib
import numpy as np
import pytest
import SimpleITK as sitk
from hypothesis import given, settings
from hypothesis import strategies as st
from pydicom import dcmread

from dicom_files import oblique, write_enhanced, write_series
from foveal.core.errors import DataError
from foveal.data.dicom.find import find_series
from foveal.data.dicom.read import read_series
from foveal.data.exchange import (
    box_mask,
    code_of,
    longest_diameter_mm,
    source_grid,
    volume_ml,
    write_report,
    write_saliency,
    write_segmentation,
)

SHAPE = (9, 7, 5)
WITHIN_MM = 1e-4
LPS = np.diag([-1.0, -1.0, 1.0, 1.0])
ANGLES = st.floats(-1, 1)
AFFINE = oblique((0.3, -0.2, 0.4), (0.7, 0.9, 3.3), (12.3, -45.6, 78.9))


def masks():
    """Three; the first two overlap."""
    lesion, liver, other = np.zeros((3, *SHAPE), bool)
    lesion[2:5, 1:4, 1:3] = True
    liver[3:8, 2:6, 0:4] = True
    other[1, 1, 4] = True
    return {"lesion": lesion, "Liver ": liver, "something odd": other}


def images(folder, affine=AFFINE, order=None, **tags):
    voxels = np.random.default_rng(0).integers(0, 1000, SHAPE).astype(np.int16)
    loaded = [dcmread(p) for p in write_series(folder, voxels, affine, **tags)]
    return loaded if order is None else [loaded[k] for k in order]


def spread(voxels, affine, grid):
    """Voxels laid into a (9, 7, 5) grid by their place in mm, and the largest misfit in mm."""
    index = np.indices(voxels.shape).reshape(3, -1).T
    at = index @ affine[:3, :3].T + affine[:3, 3]
    exact = (at - grid[:3, 3]) @ np.linalg.inv(grid[:3, :3]).T
    place = np.rint(exact).astype(int)
    whole = np.zeros(SHAPE, voxels.dtype)
    whole[tuple(place.T)] = voxels.ravel()
    return whole, float(np.abs((place - exact) @ grid[:3, :3].T).max())


def itk_on_grid(path, grid=AFFINE):
    image = sitk.ReadImage(path)
    lps = np.eye(4)
    lps[:3, :3] = np.array(image.GetDirection()).reshape(3, 3) * image.GetSpacing()
    lps[:3, 3] = image.GetOrigin()
    return spread(sitk.GetArrayFromImage(image).transpose(2, 1, 0), LPS @ lps, grid)


def highdicom_on_grid(volume, grid=AFFINE):
    array = volume.array if volume.array.ndim == 3 else volume.array[..., 0]
    return spread(array, LPS @ volume.affine, grid)


def dcmqi(program, *arguments):
    beside = Path(sys.executable).parent / program
    found = str(beside) if beside.is_file() else shutil.which(program)
    if found is None:
        pytest.skip(f"{program} of dcmqi is not installed")
    subprocess.run([found, *map(str, arguments)], check=True, capture_output=True, timeout=120)


@settings(max_examples=8)
@given(
    angles=st.tuples(ANGLES, ANGLES, ANGLES),
    spacing=st.tuples(*[st.floats(0.3, 6)] * 3),
    flip=st.booleans(),
    order=st.permutations(range(5)),
)
def test_a_segmentation_is_read_back_exactly(tmp_path_factory, angles, spacing, flip, order):
    folder = tmp_path_factory.mktemp("seg")
    affine = oblique(angles, spacing, (12.3, -45.6, 78.9), flip)
    sources = images(folder / "s", affine, order)
    grid = source_grid(sources)
    given = {name: mask[..., ::-1] if flip else mask for name, mask in masks().items()}
    written = write_segmentation(folder / "seg.dcm", given, sources)
    assert written.segments == tuple(given)
    seg = hd.seg.segread(folder / "seg.dcm")
    for number, mask in enumerate(given.values(), 1):
        volume = seg.get_volume(segment_numbers=[number], combine_segments=True)
        found, apart = highdicom_on_grid(volume, grid.affine)
        assert apart < WITHIN_MM
        np.testing.assert_array_equal(found > 0, mask)


def test_dcmqi_reads_the_same_segments_at_the_same_place(tmp_path):
    sources = images(tmp_path / "s")
    written = write_segmentation(tmp_path / "seg.dcm", masks(), sources)
    out = tmp_path / "out"
    out.mkdir()
    dcmqi("segimage2itkimage", "--inputDICOM", written.path, "--outputDirectory", out, "-t", "nrrd")
    described = json.loads((out / "meta.json").read_text())["segmentAttributes"]
    labels = {item["SegmentLabel"]: item for group in described for item in group}
    assert set(labels) == {name.strip() for name in masks()}
    assert labels["Liver"]["SegmentedPropertyTypeCodeSequence"]["CodeValue"] == "10200004"
    for number, mask in enumerate(masks().values(), 1):
        found, apart = itk_on_grid(out / f"{number}.nrrd")
        assert apart < WITHIN_MM
        np.testing.assert_array_equal(found > 0, mask)


def test_probabilities_are_kept_within_half_a_step(tmp_path):
    sources = images(tmp_path / "s")
    probability = np.random.default_rng(3).random(SHAPE)
    given = {"lesion": probability, "mass": probability**3}
    write_segmentation(tmp_path / "seg.dcm", given, sources, "fractional", "AUTOMATIC")
    seg = hd.seg.segread(tmp_path / "seg.dcm")
    assert seg.segmentation_type.value == "FRACTIONAL"
    for number, name in enumerate(given, 1):
        volume = seg.get_volume(segment_numbers=[number], rescale_fractional=True)
        found, apart = highdicom_on_grid(volume)
        assert apart < WITHIN_MM
        np.testing.assert_allclose(found, given[name], atol=0.5 / 255 + 1e-6)


def test_the_grid_is_the_readers_grid(tmp_path):
    sources = images(tmp_path / "s", order=(3, 1, 4, 0, 2))
    (series,), _ = find_series(tmp_path / "s")
    np.testing.assert_allclose(source_grid(sources).affine, read_series(series).affine, atol=1e-9)


def test_a_file_of_several_frames_is_a_source_too(tmp_path):
    voxels = np.random.default_rng(0).integers(0, 1000, SHAPE).astype(np.int16)
    path = write_enhanced(tmp_path / "e.dcm", voxels, AFFINE, order=(2, 0, 4, 1, 3))
    sources = [dcmread(path)]
    grid = source_grid(sources)
    np.testing.assert_allclose(grid.affine, AFFINE, atol=1e-6)
    assert grid.order == (1, 3, 0, 4, 2)
    frames = grid.frames(voxels)
    np.testing.assert_array_equal(frames[2], voxels[..., 4].T)
    write_segmentation(tmp_path / "seg.dcm", masks(), sources)
    volume = hd.seg.segread(tmp_path / "seg.dcm").get_volume(
        segment_numbers=[2], combine_segments=True
    )
    assert int((volume.array > 0).sum()) == int(masks()["Liver "].sum())


def test_empty_masks_are_left_out_and_named(tmp_path):
    sources = images(tmp_path / "s")
    given = {"none": np.zeros(SHAPE, bool), **masks()}
    written = write_segmentation(tmp_path / "seg.dcm", given, sources)
    assert written.left_out == ("none",)
    assert written.segments == tuple(masks())
    nothing = write_segmentation(tmp_path / "no.dcm", {"none": given["none"]}, sources)
    assert (nothing.path, nothing.data, nothing.left_out) == (None, None, ("none",))
    assert not (tmp_path / "no.dcm").exists()
    assert write_report(tmp_path / "no-sr.dcm", given, nothing, sources) is None
    assert not (tmp_path / "no-sr.dcm").exists()


def test_a_report_states_findings_and_measurements_that_refer_to_the_segments(tmp_path):
    sources = images(tmp_path / "s")
    written = write_segmentation(tmp_path / "seg.dcm", masks(), sources)
    path = write_report(tmp_path / "sr.dcm", masks(), written, sources)
    groups = hd.sr.srread(path).content.get_volumetric_roi_measurement_groups()
    assert len(groups) == 3
    for group, (name, mask) in zip(groups, masks().items(), strict=True):
        assert group.tracking_identifier == name.strip()
        assert group.finding_type == code_of(name)[1]
        (reference,) = (i for i in group.referenced_segment if "ReferencedSOPSequence" in i)
        (item,) = reference.ReferencedSOPSequence
        assert item.ReferencedSOPInstanceUID == written.data.SOPInstanceUID
        assert written.segments[item.ReferencedSegmentNumber - 1] == name
        found = {m.name.meaning: (m.value, m.unit.value) for m in group.get_measurements()}
        assert found["Volume"] == (pytest.approx(volume_ml(mask, AFFINE)), "ml")
        diameter = found["Maximum 3D Diameter of a Mesh"]
        assert diameter == (pytest.approx(longest_diameter_mm(mask, AFFINE)), "mm")


def test_dcmqi_reads_the_report(tmp_path):
    sources = images(tmp_path / "s")
    written = write_segmentation(tmp_path / "seg.dcm", masks(), sources)
    path = write_report(tmp_path / "sr.dcm", masks(), written, sources)
    dcmqi("tid1500reader", "--inputDICOM", path, "--outputMetadata", tmp_path / "sr.json")
    read = json.loads((tmp_path / "sr.json").read_text())
    assert read["CompletionFlag"] == "COMPLETE"
    assert [m["ReferencedSegment"] for m in read["Measurements"]] == [1, 2, 3]
    for group, (name, mask) in zip(read["Measurements"], masks().items(), strict=True):
        assert group["TrackingIdentifier"] == name.strip()
        assert group["segmentationSOPInstanceUID"] == written.data.SOPInstanceUID
        assert group["SourceSeriesForImageSegmentation"] == sources[0].SeriesInstanceUID
        values = [float(item["value"]) for item in group["measurementItems"]]
        expected = [volume_ml(mask, AFFINE), longest_diameter_mm(mask, AFFINE)]
        np.testing.assert_allclose(values, expected, rtol=1e-6)
    assert read["Measurements"][2]["Finding"]["CodeValue"] == "49755003"


def test_a_report_must_have_the_masks_of_its_segments(tmp_path):
    sources = images(tmp_path / "s")
    written = write_segmentation(tmp_path / "seg.dcm", masks(), sources)
    with pytest.raises(DataError, match="must have the mask of every segment"):
        write_report(tmp_path / "sr.dcm", {"lesion": masks()["lesion"]}, written, sources)


def test_saliency_is_read_back_as_the_same_numbers_at_the_same_place(tmp_path):
    sources = images(tmp_path / "s", order=(4, 0, 2, 1, 3))
    saliency = np.random.default_rng(1).random(SHAPE)
    path = write_saliency(tmp_path / "pm.dcm", saliency, sources)
    raw = dcmread(path)
    places = [f.PlanePositionSequence[0] for f in raw.PerFrameFunctionalGroupsSequence]
    for plane, place in zip(raw.pixel_array, places, strict=True):
        at = LPS[:3, :3] @ np.array(place.ImagePositionPatient, float)
        (k,) = np.flatnonzero(
            np.linalg.norm(AFFINE[:3, 3] + np.arange(5)[:, None] * AFFINE[:3, 2] - at, axis=1)
            < WITHIN_MM
        )
        np.testing.assert_array_equal(plane.T, saliency[..., k].astype(np.float32))
    quantity = raw.SharedFunctionalGroupsSequence[0].RealWorldValueMappingSequence[0]
    assert quantity.QuantityDefinitionSequence[0].ConceptCodeSequence[0].CodeMeaning == "Saliency"
    out = tmp_path / "out"
    out.mkdir()
    dcmqi("paramap2itkimage", "--inputDICOM", path, "--outputDirectory", out, "-t", "nifti")
    (file,) = out.glob("*.nii.gz")
    found, apart = itk_on_grid(file)
    assert apart < WITHIN_MM
    np.testing.assert_allclose(found, saliency, atol=1e-6)
    assert nib.load(file).shape == SHAPE


@pytest.mark.parametrize("low", [-0.1, np.nan])
def test_saliency_outside_its_range_is_refused(tmp_path, low):
    saliency = np.zeros(SHAPE)
    saliency[0, 0, 0] = low
    with pytest.raises(DataError, match="`saliency` must be finite"):
        write_saliency(tmp_path / "pm.dcm", saliency, images(tmp_path / "s"))
    with pytest.raises(DataError, match="shape of its source images"):
        write_saliency(tmp_path / "pm.dcm", saliency[:-1], images(tmp_path / "s"))
    assert not (tmp_path / "pm.dcm").exists()


@pytest.mark.parametrize(
    ("broken", "told"),
    [
        ({"x": np.zeros((7, 9, 5), bool)}, "must have the shape of its source images"),
        ({"x": np.full(SHAPE, 0.5)}, "must hold 0 and 1 only"),
        ({"x": np.full(SHAPE, 2)}, "must lie in"),
        ({"": np.ones(SHAPE)}, "names of masks must have"),
    ],
)
def test_masks_that_do_not_fit_are_refused(tmp_path, broken, told):
    with pytest.raises(DataError, match=told):
        write_segmentation(tmp_path / "seg.dcm", broken, images(tmp_path / "s"))
    assert not (tmp_path / "seg.dcm").exists()


def without(tag):
    def change(sources):
        for image in sources:
            delattr(image, tag)
        return sources

    return change


def other_series(sources):
    sources[1].SeriesInstanceUID = "1.2.3"
    return sources


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (without("SOPInstanceUID"), "SOPInstanceUID is missing"),
        (without("PixelSpacing"), "PixelSpacing"),
        (without("ImagePositionPatient"), "ImagePositionPatient"),
        (without("PatientID"), r"a tag is missing \(PatientID\)|missing"),
        (without("Rows"), "rows and columns"),
        (other_series, "must be of one series"),
        (lambda s: [s[0], *s[2:]], "one regular stack"),
        (lambda s: [*s, s[2]], "one is given twice"),
        (lambda _: [], "there are none"),
    ],
)
def test_source_images_that_lack_something_are_refused(tmp_path, change, told):
    sources = change(images(tmp_path / "s"))
    with pytest.raises(DataError, match=told) as caught:
        write_segmentation(tmp_path / "seg.dcm", {"x": np.ones(SHAPE, bool)}, sources)
    assert "Secret" not in str(caught.value)
    assert "SECRET" not in str(caught.value)
    assert not (tmp_path / "seg.dcm").exists()


def test_names_without_a_code_get_the_generic_one():
    assert code_of("Lesion ")[1].value == "52988006"
    category, kind = code_of("new white spot")
    assert category == kind
    assert (kind.value, kind.scheme_designator) == ("49755003", "SCT")
    assert code_of("liver")[0].value == "91723000"


def test_the_diameter_of_a_box_is_its_diagonal_on_any_grid():
    box = box_mask((2, 1, 0, 6, 4, 5), SHAPE)
    sides = np.array([4 * 0.7, 3 * 0.9, 5 * 3.3])
    assert longest_diameter_mm(box, AFFINE) == pytest.approx(np.linalg.norm(sides))
    assert volume_ml(box, AFFINE) == pytest.approx(sides.prod() / 1000)
    assert longest_diameter_mm(np.zeros(SHAPE, bool), AFFINE) == 0
    one = box_mask((1, 1, 1, 2, 2, 2), SHAPE)
    assert longest_diameter_mm(one, AFFINE) == pytest.approx(np.linalg.norm((0.7, 0.9, 3.3)))


@given(st.integers(0, 2**20))
def test_the_diameter_is_the_greatest_of_all_distances(seed):
    rng = np.random.default_rng(seed)
    mask = rng.random((4, 4, 3)) < 0.2
    mask[1, 1, 1] = True
    index = np.argwhere(mask)
    steps = np.indices((2, 2, 2)).reshape(3, -1).T - 0.5
    points = (index[:, None] + steps).reshape(-1, 3) @ AFFINE[:3, :3].T
    expected = np.linalg.norm(points[:, None] - points[None], axis=2).max()
    assert longest_diameter_mm(mask, AFFINE) == pytest.approx(expected)


@pytest.mark.parametrize("box", [(0, 0, 0, 0, 1, 1), (0, 0, 0, 10, 1, 1), (-1, 0, 0, 1, 1, 1)])
def test_boxes_outside_or_empty_are_refused(box):
    with pytest.raises(DataError, match="a box must hold voxels"):
        box_mask(box, SHAPE)
