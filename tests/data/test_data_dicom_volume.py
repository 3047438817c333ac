import numpy as np
import pytest
import SimpleITK as sitk
from hypothesis import given, settings
from hypothesis import strategies as st

from dicom_files import oblique, write_enhanced, write_series
from foveal.data.dicom import find_series, read_series, read_stack
from foveal.data.readers import Unreadable

RNG = np.random.default_rng(0)
ANGLES = st.tuples(*[st.floats(-3.1, 3.1)] * 3)
SPACING = st.tuples(*[st.floats(0.2, 6)] * 3)
ORIGIN = st.tuples(*[st.floats(-400, 400)] * 3)


@st.composite
def grids(draw):
    """Oblique, anisotropic, of either handedness."""
    return oblique(draw(ANGLES), draw(SPACING), draw(ORIGIN), draw(st.booleans()))


def noise(shape=(5, 4, 6), seed=0, dtype=np.int16):
    return np.random.default_rng(seed).integers(-1000, 3000, shape).astype(dtype)


def only(folder):
    """The one volume of a folder without problems."""
    series, problems = find_series(folder)
    assert problems == []
    (found,) = series
    return found


def upright(voxels, affine):
    """Slices in the order of the plane's normal, which is the order of reading."""
    if np.linalg.det(affine[:3, :3]) > 0:
        return voxels, affine
    turned = affine.copy()
    turned[:3, 3] += (voxels.shape[2] - 1) * affine[:3, 2]
    turned[:3, 2] *= -1
    return voxels[:, :, ::-1], turned


@settings(max_examples=25)
@given(affine=grids(), order=st.permutations(range(6)), seed=st.integers(0, 99))
def test_a_series_gives_back_its_voxels_and_grid(tmp_path_factory, affine, order, seed):
    folder, voxels = tmp_path_factory.mktemp("series"), noise(seed=seed)
    write_series(folder, voxels, affine, names=[f"{n}.dcm" for n in order], RescaleIntercept=-1024)
    volume = read_series(only(folder))
    voxels, affine = upright(voxels, affine)
    np.testing.assert_array_equal(volume.voxels, voxels - 1024)
    np.testing.assert_allclose(volume.affine, affine, atol=1e-4)


@settings(max_examples=10)
@given(affine=grids(), order=st.permutations(range(6)))
def test_names_and_instance_numbers_change_nothing(tmp_path_factory, affine, order):
    voxels, found = noise(), []
    for names, numbers in ((range(6), range(6)), (order, order[::-1])):
        folder = tmp_path_factory.mktemp("series")
        files = [f"{n}.dcm" for n in names]
        write_series(folder, voxels, affine, names=files, per_slice={"InstanceNumber": numbers})
        series = only(folder)
        found.append((series.token, read_series(series)))
    (token, first), (same, second) = found
    assert token == same
    np.testing.assert_array_equal(first.voxels, second.voxels)
    np.testing.assert_array_equal(first.affine, second.affine)


@settings(max_examples=8)
@given(angles=ANGLES, spacing=SPACING, origin=ORIGIN)
def test_simpleitk_agrees(tmp_path_factory, angles, spacing, origin):
    folder = tmp_path_factory.mktemp("series")
    write_series(folder, noise(), oblique(angles, spacing, origin), RescaleIntercept=-24)
    series = only(folder)
    volume = read_series(series)
    reader = sitk.ImageSeriesReader()
    reader.SetFileNames([str(path) for path in series.files])
    image = reader.Execute()
    np.testing.assert_array_equal(sitk.GetArrayFromImage(image).transpose(2, 1, 0), volume.voxels)
    for index in ((0, 0, 0), (4, 3, 5), (1, 2, 3)):
        lps = image.TransformIndexToPhysicalPoint(index)
        ras = (volume.affine @ (*index, 1))[:3]
        np.testing.assert_allclose(ras * (-1, -1, 1), lps, atol=1e-4)


@settings(max_examples=15)
@given(affine=grids(), order=st.permutations(range(6)))
def test_an_enhanced_file_is_the_same_volume(tmp_path_factory, affine, order):
    folder, voxels = tmp_path_factory.mktemp("series"), noise()
    slopes = [k + 1 for k in order]
    write_enhanced(folder / "a.dcm", voxels, affine, order, slopes)
    volume = read_series(only(folder))
    voxels, affine = upright(voxels.astype(int) * np.arange(1, 7), affine)
    np.testing.assert_array_equal(volume.voxels, voxels)
    np.testing.assert_allclose(volume.affine, affine, atol=1e-4)


def test_slices_with_slopes_of_their_own_become_float(tmp_path):
    voxels = noise()
    slopes = [0.5, 1, 1.5, 2, 2.5, 3]
    write_series(tmp_path, voxels, oblique(), modality="PT", per_slice={"RescaleSlope": slopes})
    volume = read_series(only(tmp_path))
    assert volume.voxels.dtype == np.float32
    np.testing.assert_allclose(volume.voxels, voxels * np.array(slopes), rtol=1e-6)


def test_a_single_slice_is_a_volume_of_its_thickness(tmp_path):
    write_series(tmp_path, noise((5, 4, 1)), oblique(spacing=(1, 2, 7)))
    volume = read_series(only(tmp_path))
    assert volume.voxels.shape == (5, 4, 1)
    assert volume.spacing_mm == pytest.approx((1, 2, 7))


def test_a_tilted_gantry_keeps_its_sheared_grid(tmp_path):
    affine = oblique(spacing=(1, 1, 4))
    affine[1, 2] = 4 * np.tan(np.radians(15))
    voxels = noise()
    write_series(tmp_path, voxels, affine)
    (series,), problems = find_series(tmp_path)
    assert [p.kind for p in problems] == ["tilt"]
    assert "15.0 degrees" in problems[0].message
    volume = read_series(series)
    np.testing.assert_array_equal(volume.voxels, voxels)
    np.testing.assert_allclose(volume.affine, affine, atol=1e-4)


@pytest.mark.parametrize("missing", [1, 3, 4])
def test_a_missing_slice_is_never_bridged(tmp_path, missing):
    paths = write_series(tmp_path, noise(), oblique())
    paths[missing].unlink()
    (series,), problems = find_series(tmp_path)
    assert [p.kind for p in problems] == ["gap"]
    assert not series.volume
    with pytest.raises(Unreadable) as error:
        read_series(series)
    assert error.value.kind == "gap"
    kept = np.delete(noise(), missing, axis=2)
    np.testing.assert_array_equal(read_stack(series).pictures, kept.transpose(2, 1, 0))


def test_uneven_slices_are_no_volume(tmp_path):
    for k, z in enumerate([0, 1, 2.3, 3, 4]):
        write_series(
            tmp_path, noise((5, 4, 1)), oblique(origin=(0, 0, z)), prefix=f"{k}-", InstanceNumber=k
        )
    (series,), problems = find_series(tmp_path)
    assert [p.kind for p in problems] == ["spacing"]
    assert not series.volume


def test_slices_off_the_line_are_no_volume(tmp_path):
    for k, x in enumerate([0, 0, 3, 0, 0]):
        write_series(tmp_path, noise((5, 4, 1)), oblique(origin=(x, 0, k)), prefix=f"{k}-")
    _, problems = find_series(tmp_path)
    assert [p.kind for p in problems] == ["spacing"]


def test_positions_that_are_rounded_are_still_regular(tmp_path):
    for k in range(6):
        z = round(k * 1.25, 1)
        write_series(tmp_path, noise((5, 4, 1)), oblique(origin=(0, 0, z)), prefix=f"{k}-")
    assert read_series(only(tmp_path)).spacing_mm[2] == pytest.approx(1.24)


def test_color_volumes_keep_their_colors(tmp_path):
    from dicom_files import base, place, save, set_pixels

    colors = RNG.integers(0, 256, (3, 4, 5, 3), np.uint8)
    for k, picture in enumerate(colors):
        data = place(base("OT", sop=str(k)), oblique(), k)
        save(set_pixels(data, picture), tmp_path / f"{9 - k}.dcm")
    volume = read_series(only(tmp_path))
    np.testing.assert_array_equal(volume.voxels, colors.transpose(2, 1, 0, 3))
