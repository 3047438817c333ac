import highdicom as hd
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydicom import dcmread
from pydicom.sequence import Sequence

from dicom_files import oblique, uid, write_enhanced, write_segmentation, write_series
from foveal.data.dicom import (
    find_series,
    fractions_of,
    read_regions,
    read_series,
    region_names,
    regions_of,
)
from foveal.data.readers import Unreadable

SHAPE = (9, 7, 5)


def noise(shape=SHAPE, seed=0):
    return np.random.default_rng(seed).integers(-1000, 3000, shape, np.int16)


def patches(seed=0, names=("liver", "spleen", "lesion"), share=0.2):
    rng = np.random.default_rng(seed)
    return {name: rng.random(SHAPE) < share for name in names}


def pair(folder):
    """Images and what was drawn on them."""
    series, problems = find_series(folder)
    assert problems == []
    images = next(s for s in series if s.kind == "image")
    return images, next(s for s in series if s.kind != "image")


def kind_of_failure(drawn, images, **options):
    with pytest.raises(Unreadable) as error:
        read_regions(drawn, images, **options)
    assert "SECRET" not in str(error.value)
    return error.value.kind


def assert_same(found, masks):
    assert list(found) == list(masks)
    for name, mask in masks.items():
        np.testing.assert_array_equal(found[name], mask)


@settings(max_examples=10)
@given(
    angles=st.tuples(*[st.floats(-3.1, 3.1)] * 3),
    spacing=st.tuples(*[st.floats(0.3, 5)] * 3),
    order=st.permutations(range(5)),
    kind=st.sampled_from(["BINARY", "FRACTIONAL"]),
    seed=st.integers(0, 99),
)
def test_segments_on_oblique_stacks_are_exact(tmp_path_factory, angles, spacing, order, kind, seed):
    folder, masks = tmp_path_factory.mktemp("seg"), patches(seed)
    names = [f"{n}.dcm" for n in order]
    paths = write_series(folder, noise(), oblique(angles, spacing), names=names)
    write_segmentation(folder / "seg.dcm", paths, masks, kind)
    images, drawn = pair(folder)
    assert_same(regions_of(drawn, read_series(images), images), masks)


def apart():
    """Masks of which no two share a voxel."""
    label = np.random.default_rng(5).integers(0, 4, SHAPE)
    return {name: label == n for n, name in enumerate(("a", "b", "c"), 1)}


def test_a_labelmap_is_exact_and_has_no_background(tmp_path):
    paths = write_series(tmp_path, noise(), oblique((0.3, 0.2, 0.1)))
    write_segmentation(tmp_path / "seg.dcm", paths, apart(), "LABELMAP")
    images, drawn = pair(tmp_path)
    assert region_names(drawn) == ("a", "b", "c")
    assert_same(regions_of(drawn, None, images), apart())


def test_overlaps_and_frames_left_out_are_no_trouble(tmp_path):
    masks = patches()
    masks["lesion"] = masks["liver"].copy()
    masks["lesion"][:, :, 1:4] = False
    paths = write_series(tmp_path, noise(), oblique())
    path = write_segmentation(tmp_path / "seg.dcm", paths, masks)
    assert dcmread(path).NumberOfFrames == 12
    images, drawn = pair(tmp_path)
    assert_same(regions_of(drawn, None, images), masks)


def test_highdicom_reads_the_same(tmp_path):
    masks = patches()
    paths = write_series(tmp_path, noise(), oblique((0.3, 0.2, 0.1)))
    path = write_segmentation(tmp_path / "seg.dcm", paths, masks)
    images, drawn = pair(tmp_path)
    theirs = hd.seg.segread(path).get_pixels_by_source_instance(
        [dcmread(p).SOPInstanceUID for p in images.files]
    )
    found = regions_of(drawn, None, images)
    for n, mask in enumerate(found.values()):
        np.testing.assert_array_equal(mask.transpose(2, 1, 0), theirs[..., n])


def test_names_are_chosen_before_memory_is_taken(tmp_path):
    masks = patches()
    paths = write_series(tmp_path, noise(), oblique())
    write_segmentation(tmp_path / "seg.dcm", paths, masks)
    images, drawn = pair(tmp_path)
    found = regions_of(drawn, None, images, names=["spleen"])
    assert_same(found, {"spleen": masks["spleen"]})


def test_a_fraction_counts_from_one_half(tmp_path):
    shares = np.random.default_rng(0).integers(0, 256, SHAPE) / 255
    paths = write_series(tmp_path, noise(), oblique())
    write_segmentation(
        tmp_path / "seg.dcm", paths, {"liver": shares}, "FRACTIONAL",
        fractional_type="PROBABILITY", max_fractional_value=255,
    )  # fmt: skip
    images, drawn = pair(tmp_path)
    np.testing.assert_allclose(fractions_of(drawn, images)["liver"], shares, atol=1e-6)
    found = regions_of(drawn, None, images)["liver"]
    np.testing.assert_array_equal(found, shares >= 0.5)


def test_a_segmentation_of_an_enhanced_file(tmp_path):
    masks = patches()
    path = write_enhanced(tmp_path / "a.dcm", noise(), oblique((0.1, 0.2, 0.3)), [3, 1, 0, 4, 2])
    data = dcmread(path)
    for tag in ("ContentDate", "AcquisitionDateTime"):
        setattr(data, tag, "20240101")
    in_file = {name: mask[:, :, [3, 1, 0, 4, 2]] for name, mask in masks.items()}
    write_segmentation(tmp_path / "seg.dcm", [path], in_file)
    images, drawn = pair(tmp_path)
    assert_same(regions_of(drawn, None, images), masks)


def test_without_a_frame_of_reference_the_named_images_count(tmp_path):
    masks = patches()
    paths = write_series(tmp_path, noise(), oblique())
    path = write_segmentation(tmp_path / "seg.dcm", paths, masks)
    data = dcmread(path)
    data.FrameOfReferenceUID = uid("another place")
    data.save_as(path)
    images, drawn = pair(tmp_path)
    assert_same(regions_of(drawn, None, images), masks)


def test_a_segmentation_of_other_images_is_refused(tmp_path):
    paths = write_series(tmp_path / "a", noise(), oblique())
    write_segmentation(tmp_path / "a" / "seg.dcm", paths, patches())
    write_series(tmp_path / "b", noise(), oblique(), series="other", study="other")
    _, drawn = pair(tmp_path / "a")
    ((others,), _) = find_series(tmp_path / "b")
    assert kind_of_failure(drawn, others) == "reference"


def test_a_second_series_in_the_same_place_takes_the_segmentation(tmp_path):
    masks = patches()
    paths = write_series(tmp_path / "a", noise(), oblique())
    write_segmentation(tmp_path / "a" / "seg.dcm", paths, masks)
    write_series(tmp_path / "b", noise(seed=1), oblique(), series="other")
    _, drawn = pair(tmp_path / "a")
    ((others,), _) = find_series(tmp_path / "b")
    assert_same(regions_of(drawn, None, others), masks)


def test_frames_of_missing_images_are_refused_or_noted(tmp_path):
    masks = patches()
    paths = write_series(tmp_path, noise(), oblique())
    write_segmentation(tmp_path / "seg.dcm", paths, masks)
    paths[-1].unlink()
    images, drawn = pair(tmp_path)
    assert kind_of_failure(drawn, images) == "reference"
    found = read_regions(drawn, images, partial=True)
    assert [kind for kind, _ in found.notes] == ["outside"]
    assert_same(found.masks, {name: mask[:, :, :-1] for name, mask in masks.items()})


def test_a_stack_with_a_gap_still_takes_masks(tmp_path):
    masks = patches()
    paths = write_series(tmp_path, noise(), oblique())
    write_segmentation(tmp_path / "seg.dcm", paths, masks)
    paths[2].unlink()
    series, _ = find_series(tmp_path)
    images, drawn = (next(s for s in series if (s.kind == "image") == yes) for yes in (True, False))
    assert not images.volume
    found = read_regions(drawn, images, partial=True).masks
    assert_same(found, {name: np.delete(mask, 2, axis=2) for name, mask in masks.items()})


def test_an_empty_mask_is_all_false_and_noted(tmp_path):
    masks = {"liver": np.zeros(SHAPE, bool), "spleen": np.zeros(SHAPE, bool)}
    paths = write_series(tmp_path, noise(), oblique())
    write_segmentation(tmp_path / "seg.dcm", paths, masks, omit_empty_frames=False)
    images, drawn = pair(tmp_path)
    found = read_regions(drawn, images)
    assert_same(found.masks, masks)
    assert [kind for kind, _ in found.notes] == ["empty"]


def test_a_part_of_the_picture_lands_where_it_lies(tmp_path):
    affine = oblique((0.4, -0.3, 0.2), (0.7, 1.1, 2))
    part = affine.copy()
    part[:3, 3] += affine[:3, 0] * 2 + affine[:3, 1]
    small = {name: mask[2:8, 1:6] for name, mask in patches().items()}
    parts = write_series(tmp_path / "part", noise((6, 5, 5)), part)
    write_segmentation(tmp_path / "seg.dcm", parts, small)
    write_series(tmp_path, noise(), affine, series="whole", prefix="w")
    series, _ = find_series(tmp_path)
    images = next(s for s in series if s.kind == "image" and s.files[0].parent == tmp_path)
    drawn = next(s for s in series if s.kind == "segmentation")
    found = read_regions(drawn, images)
    assert found.notes == ()
    for name, mask in patches().items():
        expected = np.zeros(SHAPE, bool)
        expected[2:8, 1:6] = mask[2:8, 1:6]
        np.testing.assert_array_equal(found.masks[name], expected)


def test_finer_pixels_are_taken_where_they_are_nearest(tmp_path):
    affine, fine = oblique(spacing=(2, 2, 3)), oblique(spacing=(1, 1, 3))
    fine[:3, 3] = affine[:3, 3] - [-0.4, -0.4, 0]
    masks = {"a": np.random.default_rng(0).random((18, 14, 5)) < 0.5}
    paths = write_series(tmp_path / "fine", noise((18, 14, 5)), fine, series="fine")
    write_segmentation(tmp_path / "seg.dcm", paths, masks)
    write_series(tmp_path, noise(), affine, prefix="w")
    series, _ = find_series(tmp_path)
    images = next(s for s in series if s.kind == "image" and s.files[0].parent == tmp_path)
    drawn = next(s for s in series if s.kind == "segmentation")
    found = read_regions(drawn, images)
    assert [kind for kind, _ in found.notes] == ["resampled"]
    np.testing.assert_array_equal(found.masks["a"], masks["a"][::2, ::2])


@pytest.mark.parametrize(
    "affine",
    [oblique((0.2, 0, 0)), oblique(spacing=(1, 1, 3)), oblique(spacing=(1, 1, 0.4))],
    ids=["turned", "thicker", "thinner"],
)
def test_other_planes_and_slices_are_refused(tmp_path, affine):
    paths = write_series(tmp_path / "drawn", noise(), affine, series="drawn", prefix="d")
    write_segmentation(tmp_path / "seg.dcm", paths, {"a": np.ones(SHAPE, bool)})
    write_series(tmp_path, noise((9, 7, 15)), oblique())
    series, _ = find_series(tmp_path)
    images = next(s for s in series if s.kind == "image" and s.files[0].parent == tmp_path)
    drawn = next(s for s in series if s.kind == "segmentation")
    assert kind_of_failure(drawn, images) == "grid"


def test_labels_that_come_twice_are_told_apart(tmp_path):
    masks = patches()
    paths = write_series(tmp_path, noise(), oblique())
    path = write_segmentation(tmp_path / "seg.dcm", paths, masks)
    data = dcmread(path)
    for segment in data.SegmentSequence:
        segment.SegmentLabel = "nodule"
    data.save_as(path)
    images, drawn = pair(tmp_path)
    renamed = dict(zip(("nodule", "nodule (2)", "nodule (3)"), masks.values(), strict=True))
    assert_same(regions_of(drawn, None, images), renamed)


@pytest.mark.parametrize(
    ("harm", "kind"),
    [
        (lambda d: d.PerFrameFunctionalGroupsSequence.pop(), "tags"),
        (lambda d: delattr(d, "PixelData"), "no_pixels"),
        (lambda d: setattr(d, "PixelData", d.PixelData[:8]), "unreadable"),
        (lambda d: setattr(d, "DimensionOrganizationType", "TILED_FULL"), "format"),
        (lambda d: delattr(d.SegmentSequence[0], "SegmentNumber"), "unreadable"),
        (
            lambda d: [
                setattr(g, "SegmentIdentificationSequence", Sequence([]))
                for g in d.PerFrameFunctionalGroupsSequence
            ],
            "tags",
        ),
    ],
    ids=["frames", "no pixels", "cut off", "slide", "numbers", "segments"],
)
def test_damage_is_named(tmp_path, harm, kind):
    paths = write_series(tmp_path, noise(), oblique())
    path = write_segmentation(tmp_path / "seg.dcm", paths, patches())
    images, drawn = pair(tmp_path)
    data = dcmread(path)
    harm(data)
    data.save_as(path)
    assert kind_of_failure(drawn, images) == kind


def test_images_are_no_regions(tmp_path):
    write_series(tmp_path, noise(), oblique())
    ((images,), _) = find_series(tmp_path)
    assert kind_of_failure(images, images) == "not_regions"
