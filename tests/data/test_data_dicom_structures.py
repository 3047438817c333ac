import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydicom import dcmread

from dicom_files import LPS, oblique, uid, write_series, write_structures
from foveal.data.dicom import find_series, read_regions, read_series, region_names, regions_of
from foveal.data.dicom.headers import tolerant
from foveal.data.readers import Unreadable

SHAPE = (14, 11, 5)


def noise(shape=SHAPE):
    return np.random.default_rng(0).integers(-1000, 3000, shape, np.int16)


def drawn_on(affine, k, corners):
    """(n, 3) LPS+ points of (n, 2) columns and rows in slice k."""
    corners = np.asarray(corners, float)
    index = np.column_stack([corners, np.full(len(corners), k), np.ones(len(corners))])
    return (index @ (LPS @ affine).T)[:, :3]


def rectangle(left, top, right, bottom):
    return [(left, top), (right, top), (right, bottom), (left, bottom)]


def circle(x, y, radius, n=200):
    angle = np.linspace(0, 2 * np.pi, n, endpoint=False)
    return np.stack([x + radius * np.cos(angle), y + radius * np.sin(angle)], axis=1)


def pair(folder):
    series, _ = find_series(folder)
    images = next(s for s in series if s.kind == "image")
    return images, next(s for s in series if s.kind == "structure_set")


def kind_of_failure(drawn, images, **options):
    with pytest.raises(Unreadable) as error:
        read_regions(drawn, images, **options)
    assert "SECRET" not in str(error.value)
    return error.value.kind


@settings(max_examples=10)
@given(
    angles=st.tuples(*[st.floats(-3.1, 3.1)] * 3),
    spacing=st.tuples(*[st.floats(0.3, 5)] * 3),
    flip=st.booleans(),
)
def test_rectangle_disc_and_ring_on_any_grid(tmp_path_factory, angles, spacing, flip):
    folder, affine = tmp_path_factory.mktemp("rt"), oblique(angles, spacing, (7, -8, 9), flip)
    paths = write_series(folder, noise(), affine, names=[f"{9 - k}.dcm" for k in range(5)])
    box = drawn_on(affine, 1, rectangle(1.5, 2.5, 8.5, 6.5))
    disc = drawn_on(affine, 2, circle(6.1, 5.2, 4.3))
    hole = drawn_on(affine, 2, circle(6.1, 5.2, 1.8))
    write_structures(
        folder / "rt.dcm", paths,
        [("box", [(1, box)]), ("disc", [(2, disc)]), ("ring", [(2, disc), (2, hole[::-1])])],
    )  # fmt: skip
    images, drawn = pair(folder)
    found = regions_of(drawn, read_series(images), images)
    column, row, _ = np.indices(SHAPE)
    distance = np.hypot(column - 6.1, row - 5.2)
    at = [(np.indices(SHAPE)[2] == k) for k in range(5)]
    expected = {
        "box": at[1] & (column >= 2) & (column <= 8) & (row >= 3) & (row <= 6),
        "disc": at[2] & (distance < 4.3),
        "ring": at[2] & (distance < 4.3) & (distance > 1.8),
    }
    assert list(found) == list(expected)
    for name, mask in expected.items():
        upright = mask[:, :, ::-1] if flip else mask
        np.testing.assert_array_equal(found[name], upright, err_msg=name)


@pytest.mark.parametrize(("off", "k"), [(-0.49, 2), (0.49, 2), (0.5, 2), (0.51, 3)])
def test_a_contour_belongs_to_the_slice_within_half_the_spacing(tmp_path, off, k):
    affine = oblique(spacing=(1, 1, 4))
    paths = write_series(tmp_path, noise(), affine)
    box = drawn_on(affine, 2 + off, rectangle(1.5, 1.5, 5.5, 5.5))
    write_structures(tmp_path / "rt.dcm", paths, [("box", [(None, box)])])
    images, drawn = pair(tmp_path)
    (mask,) = regions_of(drawn, None, images).values()
    assert list(np.flatnonzero(mask.any(axis=(0, 1)))) == [k]


@pytest.mark.parametrize("at", [-0.55, 4.55])
def test_a_contour_beyond_the_last_slice_belongs_to_none(tmp_path, at):
    affine = oblique(spacing=(1, 1, 4))
    paths = write_series(tmp_path, noise(), affine)
    box = drawn_on(affine, at, rectangle(1.5, 1.5, 5.5, 5.5))
    write_structures(tmp_path / "rt.dcm", paths, [("box", [(None, box)])])
    images, drawn = pair(tmp_path)
    assert kind_of_failure(drawn, images) == "reference"


def test_names_that_repeat_and_regions_without_contour(tmp_path):
    affine = oblique()
    paths = write_series(tmp_path, noise(), affine)
    boxes = [drawn_on(affine, 0, rectangle(0.5, 0.5, 3.5, n + 0.5)) for n in (2, 3)]
    regions = [("PTV", [(0, boxes[0])]), ("PTV", [(0, boxes[1])]), ("empty", [])]
    write_structures(tmp_path / "rt.dcm", paths, regions)
    images, drawn = pair(tmp_path)
    assert region_names(drawn) == ("PTV", "PTV (2)", "empty")
    found = read_regions(drawn, images)
    assert {name: int(mask.sum()) for name, mask in found.masks.items()} == {
        "PTV": 6, "PTV (2)": 9, "empty": 0
    }  # fmt: skip
    assert [kind for kind, _ in found.notes] == ["empty"]
    assert list(regions_of(drawn, None, images, names=["PTV (2)"])) == ["PTV (2)"]


@pytest.mark.parametrize("kind", ["POINT", "OPEN_PLANAR", "OPEN_NONPLANAR"])
def test_points_and_lines_mark_no_area_and_are_noted(tmp_path, kind):
    affine = oblique()
    paths = write_series(tmp_path, noise(), affine)
    box = drawn_on(affine, 0, rectangle(1, 1, 5, 5))
    write_structures(tmp_path / "rt.dcm", paths, [("line", [(0, box)])], kind)
    images, drawn = pair(tmp_path)
    found = read_regions(drawn, images)
    assert [note for note, _ in found.notes] == ["contour_type"]
    assert not found.masks["line"].any()


def test_a_set_drawn_elsewhere_is_refused(tmp_path):
    affine = oblique()
    write_series(tmp_path, noise(), affine)
    others = write_series(tmp_path / "b", noise(), affine, series="other", study="other")
    box = drawn_on(affine, 0, rectangle(1, 1, 5, 5))
    write_structures(tmp_path / "rt.dcm", others, [("box", [(0, box)])])
    images, drawn = pair(tmp_path)
    assert kind_of_failure(drawn, images) == "reference"
    assert kind_of_failure(drawn, images, partial=True) == "reference"


def test_a_foreign_frame_of_reference_is_taken_if_the_images_are_named(tmp_path):
    affine = oblique()
    paths = write_series(tmp_path, noise(), affine)
    box = drawn_on(affine, 0, rectangle(1.5, 1.5, 5.5, 5.5))
    path = write_structures(tmp_path / "rt.dcm", paths, [("box", [(0, box)])])
    data = dcmread(path)
    data.StructureSetROISequence[0].ReferencedFrameOfReferenceUID = uid("made up")
    data.save_as(path)
    images, drawn = pair(tmp_path)
    assert regions_of(drawn, None, images)["box"].sum() == 16


def test_contours_on_missing_images_are_refused_or_noted(tmp_path):
    affine = oblique()
    paths = write_series(tmp_path, noise(), affine)
    box = [(k, drawn_on(affine, k, rectangle(1.5, 1.5, 5.5, 5.5))) for k in range(5)]
    write_structures(tmp_path / "rt.dcm", paths, [("box", box)])
    paths[-1].unlink()
    images, drawn = pair(tmp_path)
    assert kind_of_failure(drawn, images) == "reference"
    found = read_regions(drawn, images, partial=True)
    assert [kind for kind, _ in found.notes] == ["outside"]
    assert found.masks["box"].sum() == 4 * 16


def test_contours_across_the_slices_are_refused(tmp_path):
    affine = oblique()
    paths = write_series(tmp_path, noise(), affine)
    across = drawn_on(affine, 0, rectangle(1, 1, 5, 5))[:, [0, 2, 1]] + [0, -3, 1]
    write_structures(tmp_path / "rt.dcm", paths, [("box", [(0, across)])])
    images, drawn = pair(tmp_path)
    assert kind_of_failure(drawn, images) == "reference"


@pytest.mark.parametrize("points", [["1", "2"], ["nan", "0", "0"] * 4])
def test_malformed_contours_are_named(tmp_path, points):
    affine = oblique()
    paths = write_series(tmp_path, noise(), affine)
    box = drawn_on(affine, 0, rectangle(1, 1, 5, 5))
    path = write_structures(tmp_path / "rt.dcm", paths, [("box", [(0, box)])])
    data = dcmread(path)
    with tolerant():
        data.ROIContourSequence[0].ContourSequence[0].ContourData = points
        data.save_as(path)
    images, drawn = pair(tmp_path)
    assert kind_of_failure(drawn, images) == "tags"
