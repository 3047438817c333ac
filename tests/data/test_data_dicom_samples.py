"""Files of other makers: each is read, or refused for the right reason."""

import shutil

import highdicom as hd
import numpy as np
import pytest
import SimpleITK as sitk
from pydicom import dcmread
from pydicom.pixels import apply_windowing

from dicom_files import base, save, set_pixels
from foveal.data.dicom import (
    find_series,
    read_dicom_picture,
    read_regions,
    read_series,
    read_stack,
    read_windowed_picture,
    read_windows,
    region_names,
    regions_of,
)
from foveal.data.dicom.headers import tolerant
from foveal.data.readers import Unreadable

pytestmark = pytest.mark.data

# What each file alone becomes: the shape of a volume or stack, the names of regions, or the kind
# of its refusal.
EXPECTED = {
    "dcmqi/ct3slice_01.dcm": (512, 512, 1),
    "dcmqi/ct3slice_02.dcm": (512, 512, 1),
    "dcmqi/ct3slice_03.dcm": (512, 512, 1),
    "dcmqi/liver.dcm": ["Liver"],
    "dcmqi/partial_overlaps.dcm": ["GREEN", "ORANGE", "PURPLE", "LIGHT_BLUE", "DARK_BLUE"],
    "dcmqi/sparse-labelmap-ppv5.dcm": ["Liver"],
    "dcmqi/sr_example_rwvm.dcm": "not_image",
    "dcmqi/sr_example_seg.dcm": ["Neoplasm, Primary"],
    "dcmqi/sr_example_sr.dcm": "not_image",
    "dicompyler/ct.0.dcm": (512, 512, 1),
    "dicompyler/rtplan.dcm": "not_image",
    "dicompyler/rtss.dcm": [
        "BODY", "Areola", "Borders", "Breast", "Heart", "Lt Lung", "Nodes", "Scar", "Tumor Bed",
        "Tumor Bed Block",
    ],
    "highdicom/ct_image.dcm": (128, 128, 1),
    "highdicom/dx_image.dcm": (1, 169, 211),
    "highdicom/seg_image_cr_binary.dcm": ["first segment"],
    "highdicom/seg_image_ct_binary.dcm": ["first segment"],
    "highdicom/seg_image_ct_binary_fractional.dcm": ["first segment"],
    "highdicom/seg_image_ct_binary_overlap.dcm": ["first segment", "second segment"],
    "highdicom/seg_image_ct_true_fractional.dcm": ["first segment"],
    "highdicom/seg_image_sm_control_labelmap.dcm": 20,
    "highdicom/sm_image_control.dcm": "not_image",
    "highdicom/sr_document.dcm": "not_image",
    "pydicom/CT_small.dcm": (128, 128, 1),
    "pydicom/JPEG2000.dcm": (1, 1024, 256),
    "pydicom/MR_small.dcm": (64, 64, 1),
    "pydicom/MR_small_RLE.dcm": (64, 64, 1),
    "pydicom/MR_small_jp2klossless.dcm": (64, 64, 1),
    "pydicom/MR_small_jpeg_ls_lossless.dcm": (64, 64, 1),
    "pydicom/examples_overlay.dcm": (484, 300, 1),
    "pydicom/examples_ybr_color.dcm": (30, 240, 320, 3),
    "pydicom/liver_1frame.dcm": ["Liver"],
    "pydicom/rtstruct.dcm": ["patient", "Isocenter 1", "Isocenter 2"],
    "rt_utils/ct_1.dcm": (512, 512, 1),
    "rt_utils/ct_2.dcm": (512, 512, 1),
    "rt_utils/dummy_rt.dcm": ["ROI-1", "ROI-2", "ROI-3", "ROI-4"],
    "rt_utils/invalid_reference_rt.dcm": ["ROI-1", "ROI-2", "ROI-3", "ROI-4"],
    "rt_utils/rt.dcm": ["ROI-1"],
}  # fmt: skip
# Pairs of images and what was drawn on them: voxels of each region, or the kind of refusal; and
# the voxels if a part may be taken.
DRAWN = {
    ("dcmqi", "liver.dcm", "ct3slice_03.dcm"): ([107098], [107098]),
    ("dcmqi", "partial_overlaps.dcm", "ct3slice_03.dcm"): (
        [9602, 11888, 10743, 6693, 4713], [9602, 11888, 10743, 6693, 4713],
    ),
    ("dcmqi", "sr_example_seg.dcm", "ct3slice_03.dcm"): ("reference", "reference"),
    ("dcmqi", "sparse-labelmap-ppv5.dcm", "ct3slice_03.dcm"): ("reference", "reference"),
    ("dicompyler", "rtss.dcm", "ct.0.dcm"): ("reference", [40396, *[0] * 9]),
    ("rt_utils", "rt.dcm", "ct_1.dcm"): ([1443], [1443]),
    # Of the five images that these two name three are not here.
    ("rt_utils", "dummy_rt.dcm", "ct_1.dcm"): ("reference", [4976, 3697, 4519, 6954]),
    ("rt_utils", "invalid_reference_rt.dcm", "ct_1.dcm"): ("reference", [4976, 3697, 4519, 6954]),
    ("pydicom", "rtstruct.dcm", "CT_small.dcm"): ("reference", "reference"),
    ("pydicom", "liver_1frame.dcm", "CT_small.dcm"): ("tags", "tags"),
    ("highdicom", "seg_image_ct_binary.dcm", "ct_image.dcm"): ("reference", "reference"),
    ("highdicom", "seg_image_sm_control_labelmap.dcm", "ct_image.dcm"): ("format", "format"),
}  # fmt: skip
SEGMENTS = [
    "seg_image_cr_binary", "seg_image_ct_binary", "seg_image_ct_binary_overlap",
    "seg_image_ct_binary_fractional", "seg_image_ct_true_fractional",
]  # fmt: skip


@pytest.fixture
def samples(real):
    return real / "dicom_nifti_samples"


@pytest.fixture
def alone(samples, tmp_path):
    """The series of given files and nothing else, by the name of their first file."""

    def find(*names):
        for name in names:
            shutil.copy(samples / name, tmp_path)
        series, problems = find_series(tmp_path)
        assert {p.kind for p in problems} <= {"no_geometry"}
        return {s.files[0].name: s for s in series}

    return find


def became(series):
    if series.kind in ("segmentation", "structure_set"):
        return list(region_names(series))
    try:
        return (
            read_series(series).voxels.shape if series.volume else read_stack(series).pictures.shape
        )
    except Unreadable as error:
        return error.kind


@pytest.mark.parametrize("name", EXPECTED)
def test_every_file_alone(alone, name):
    (series,) = alone(name).values()
    found = became(series)
    assert (len(found) if EXPECTED[name] == 20 else found) == EXPECTED[name]


def test_no_file_is_left_out_of_the_table(samples):
    assert {p.relative_to(samples).as_posix() for p in samples.rglob("*.dcm")} == set(EXPECTED)


@pytest.mark.parametrize("partial", [False, True])
@pytest.mark.parametrize("case", DRAWN, ids="-".join)
def test_what_was_drawn_on_what(samples, alone, case, partial):
    folder, drawn, images = case
    others = (
        [p.name for p in (samples / folder).glob("ct*.dcm")] if folder != "pydicom" else [images]
    )
    found = alone(*(f"{folder}/{name}" for name in {drawn, *others}))
    try:
        masks = read_regions(found[drawn], found[images], partial=partial).masks
        answer = [int(mask.sum()) for mask in masks.values()]
    except Unreadable as error:
        answer = error.kind
    assert answer == DRAWN[case][partial]


def test_the_whole_folder_at_once(samples):
    series, problems = find_series(samples)
    assert {p.kind for p in problems} == {"repeat"}
    assert len({s.token for s in series}) == len(series)
    files = [path for s in series for path in s.files]
    assert len(files) + len(problems) == len(EXPECTED)


def ground_truth(path):
    return sitk.GetArrayFromImage(sitk.ReadImage(path)).transpose(2, 1, 0)


def test_segments_are_those_of_the_ground_truth(samples, alone):
    names = ["liver.dcm", "partial_overlaps.dcm", *(f"ct3slice_0{n}.dcm" for n in (1, 2, 3))]
    found = alone(*(f"dcmqi/{name}" for name in names))
    images = found["ct3slice_03.dcm"]
    volume = read_series(images)
    (liver,) = regions_of(found["liver.dcm"], volume, images).values()
    np.testing.assert_array_equal(liver, ground_truth(samples / "dcmqi/liver_seg.nrrd") == 1)
    masks = regions_of(found["partial_overlaps.dcm"], volume, images)
    layers = [ground_truth(samples / f"dcmqi/partial_overlaps-{n}.nrrd") for n in (1, 2, 3)]
    for label, (name, mask) in enumerate(masks.items(), 1):
        (layer,) = (a for a in layers if (a == label).any())
        np.testing.assert_array_equal(mask, layer == label, err_msg=name)


@pytest.mark.parametrize(
    "names",
    [[f"dcmqi/ct3slice_0{n}.dcm" for n in (1, 2, 3)], ["rt_utils/ct_1.dcm", "rt_utils/ct_2.dcm"]],
)
def test_simpleitk_reads_the_same_volume(alone, names):
    (series,) = alone(*names).values()
    reader = sitk.ImageSeriesReader()
    folder = str(series.files[0].parent)
    reader.SetFileNames(reader.GetGDCMSeriesFileNames(folder))
    image = reader.Execute()
    volume = read_series(series)
    np.testing.assert_array_equal(sitk.GetArrayFromImage(image).transpose(2, 1, 0), volume.voxels)
    for index in [(0, 0, 0), (511, 3, volume.voxels.shape[2] - 1)]:
        lps = image.TransformIndexToPhysicalPoint(index)
        np.testing.assert_allclose((volume.affine @ (*index, 1))[:3] * (-1, -1, 1), lps, atol=1e-4)


@pytest.mark.parametrize("other", ["RLE", "jp2klossless", "jpeg_ls_lossless"])
def test_compressed_files_hold_what_the_plain_one_holds(samples, other):
    plain = read_dicom_picture(samples / "pydicom" / "MR_small.dcm").pixels
    packed = read_dicom_picture(samples / "pydicom" / f"MR_small_{other}.dcm").pixels
    np.testing.assert_array_equal(packed, plain)


def test_an_overlay_image_keeps_its_windows(samples):
    path = samples / "pydicom" / "examples_overlay.dcm"
    assert [w.center for w in read_windows(path)] == [450, 200]
    data = dcmread(path)
    for n in range(2):
        theirs = apply_windowing(data.pixel_array, data, n) / (2**data.BitsStored - 1)
        np.testing.assert_allclose(read_windowed_picture(path, window=n), theirs, atol=1e-6)


def test_a_film_of_inverse_grey_is_turned(samples):
    path = samples / "highdicom" / "dx_image.dcm"
    stored = dcmread(path).pixel_array
    np.testing.assert_array_equal(read_dicom_picture(path).pixels, 255 - stored)


def images_behind(path, folder):
    """Made-up images with the identity and place that the frames of a segmentation name."""
    data = dcmread(path)
    seen = {}
    for group in data.PerFrameFunctionalGroupsSequence:
        source = group.DerivationImageSequence[0].SourceImageSequence[0]
        place = group.get("PlanePositionSequence")
        seen[source.ReferencedSOPInstanceUID] = place[0].ImagePositionPatient if place else None
    shared = data.get("SharedFunctionalGroupsSequence")
    for n, (sop, position) in enumerate(seen.items()):
        image = base("CT", sop=str(n), InstanceNumber=n + 1)
        image.SOPInstanceUID = sop
        if position is not None:
            image.FrameOfReferenceUID = data.FrameOfReferenceUID
            image.ImagePositionPatient = position
            image.ImageOrientationPatient = (
                shared[0].PlaneOrientationSequence[0].ImageOrientationPatient
            )
            image.PixelSpacing = shared[0].PixelMeasuresSequence[0].PixelSpacing
        set_pixels(image, np.zeros((data.Rows, data.Columns), np.uint16))
        save(image, folder / f"{n}.dcm")
    return list(seen)


@pytest.mark.parametrize("name", SEGMENTS)
def test_highdicom_reads_its_own_samples_so(samples, tmp_path, name):
    path = samples / "highdicom" / f"{name}.dcm"
    images_behind(path, tmp_path)
    shutil.copy(path, tmp_path / "seg.dcm")
    series, _ = find_series(tmp_path)
    images = next(s for s in series if s.kind == "image")
    drawn = next(s for s in series if s.kind == "segmentation")
    order = [dcmread(p).SOPInstanceUID for p in images.files]
    with tolerant():
        theirs = hd.seg.segread(path).get_pixels_by_source_instance(
            order, ignore_spatial_locations=True, rescale_fractional=True
        )
    for n, mask in enumerate(regions_of(drawn, None, images).values()):
        np.testing.assert_array_equal(mask.transpose(2, 1, 0), theirs[..., n] >= 0.5)
        assert mask.any()


def test_a_sparse_labelmap_lands_on_larger_images(samples, tmp_path):
    path = samples / "dcmqi" / "sparse-labelmap-ppv5.dcm"
    data = dcmread(path)
    images_behind(path, tmp_path)
    for n, image in enumerate(sorted(tmp_path.glob("*.dcm"))):
        whole = dcmread(image)
        across, down = whole.PixelSpacing[1], whole.PixelSpacing[0]
        x, y, z = whole.ImagePositionPatient
        whole.ImagePositionPatient = [f"{x - 5 * across:.6f}", f"{y - 3 * down:.6f}", z]
        whole.InstanceNumber = n
        save(set_pixels(whole, np.zeros((60, 50), np.uint16)), image)
    shutil.copy(path, tmp_path / "seg.dcm")
    series, _ = find_series(tmp_path)
    images = next(s for s in series if s.kind == "image")
    drawn = next(s for s in series if s.kind == "segmentation")
    (liver,) = regions_of(drawn, None, images).values()
    inner = liver[5 : 5 + data.Columns, 3 : 3 + data.Rows]
    assert inner.sum() == liver.sum() == (data.pixel_array == 1).sum()
    np.testing.assert_array_equal(inner.transpose(2, 1, 0), data.pixel_array == 1)
