"""Registration: a known movement is found again, nothing is made worse, and twice is the same."""

import sys

import numpy as np
import pytest
import SimpleITK as sitk
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage

from foveal.core.errors import DataError
from foveal.core.volume import Volume, to_mm
from foveal.data.pairs.grids import coarse, one_thread, to_image, to_voxels
from foveal.data.pairs.intensity import foreground
from foveal.data.pairs.register import STILL_MM, register, similarity
from foveal.data.readers.nifti import read_nifti
from head_phantom import LESION, grid, head, rigid

WITHIN_MM = 0.6  # mean over the head; voxels are 4 x 4 x 6 mm
AFFINE_WITHIN_MM = 2.0  # shear hardly shows on a head that is nearly an ellipsoid
DEGREES, SHIFT = st.floats(-10, 10), st.floats(-10, 10)


def error_mm(found, true, region, affine):
    points = to_mm(affine, np.argwhere(region))
    return np.linalg.norm(to_mm(found, points) - to_mm(true, points), axis=1).mean()


@settings(max_examples=4)
@given(degrees=st.tuples(*[DEGREES] * 3), shift=st.tuples(*[SHIFT] * 3), seed=st.integers(0, 9))
def test_a_rigid_movement_is_found_again(degrees, shift, seed):
    true = rigid(degrees, shift)
    baseline = head(noise=10, seed=seed)
    followup = head(true, noise=10, seed=seed + 100, lesion=True)
    region = foreground(baseline.voxels)
    found = register(baseline, followup, region)
    assert error_mm(found.matrix, true, region, baseline.affine) < WITHIN_MM
    moved = np.linalg.norm(to_mm(true - np.eye(4), to_mm(grid(), np.argwhere(region))), axis=1)
    if moved.mean() > 2 * WITHIN_MM:
        assert found.kind == "rigid"
        assert found.after > found.before
        assert found.moved_mm == pytest.approx(moved.mean(), abs=WITHIN_MM)


def test_the_follow_up_may_lie_on_a_grid_of_its_own():
    true = rigid((6, -4, 8), (7, -5, 3))
    shape = (52, 30, 44)
    sagittal = np.zeros((4, 4))
    sagittal[[1, 2, 0, 3], [0, 1, 2, 3]] = 4, -6, 4, 1
    sagittal[:3, 3] = -sagittal[:3, :3] @ (np.array(shape) - 1) / 2 + (20, 0, 0)
    baseline = head()
    found = register(
        baseline, head(true, affine=sagittal, shape=shape), foreground(baseline.voxels)
    )
    region = foreground(baseline.voxels)
    assert error_mm(found.matrix, true, region, baseline.affine) < WITHIN_MM
    inner = region & found.inside
    apart = np.abs(found.volume.voxels - baseline.voxels)[inner]
    assert np.median(apart) < 15  # of 700
    assert found.volume.same_grid(baseline)


def test_scans_in_place_stay_as_they_are_voxel_by_voxel():
    baseline, followup = head(noise=10), head(noise=10, seed=1, lesion=True)
    found = register(baseline, followup, foreground(baseline.voxels))
    assert found.kind == "none"
    np.testing.assert_array_equal(found.matrix, np.eye(4))
    np.testing.assert_array_equal(found.volume.voxels, followup.voxels)
    assert found.inside.all()


def test_the_same_input_gives_the_same_output_to_the_last_bit():
    baseline, followup = head(noise=10), head(rigid((3, 2, -5), (4, 1, -6)), noise=10, seed=1)
    region = foreground(baseline.voxels)
    first, second = (register(baseline, followup, region) for _ in range(2))
    np.testing.assert_array_equal(first.volume.voxels, second.volume.voxels)
    np.testing.assert_array_equal(first.matrix, second.matrix)
    assert (first.before, first.after) == (second.before, second.after)


def test_an_affine_change_of_size_is_found_by_affine():
    true = rigid((3, 0, -4), (5, 2, 0)) @ np.diag([1.06, 0.95, 1.04, 1])
    baseline, followup = head(), head(true)
    region = foreground(baseline.voxels)
    rigidly, affinely = (register(baseline, followup, region, k) for k in ("rigid", "affine"))
    errors = [error_mm(r.matrix, true, region, baseline.affine) for r in (affinely, rigidly)]
    assert errors[0] < AFFINE_WITHIN_MM < errors[1]
    assert affinely.after > rigidly.after


def test_a_bent_head_is_better_matched_by_deformable():
    shape = (27, 31, 20)
    baseline = head(affine=grid(shape, (6, 6, 8)), shape=shape)
    i, j, k = np.indices(shape)
    bent = i + 0.9 * np.sin(j / 4), j + 0.8 * np.cos(k / 2.5), k  # voxels of 6 mm
    voxels = ndimage.map_coordinates(baseline.voxels, bent, order=1).astype(np.float32)
    region = foreground(baseline.voxels)
    followup = Volume(voxels, baseline.affine)
    affinely, bending = (register(baseline, followup, region, k) for k in ("affine", "deformable"))
    assert bending.after > affinely.after + 0.02
    apart = [np.abs(r.volume.voxels - baseline.voxels)[region].mean() for r in (affinely, bending)]
    assert apart[1] < 0.8 * apart[0]


def test_what_would_make_it_worse_is_not_applied(monkeypatch):
    baseline, followup = head(noise=10), head(noise=10, seed=1)
    away = sitk.Euler3DTransform()
    away.SetTranslation((0.0, 25.0, 0.0))
    monkeypatch.setattr(
        sys.modules[register.__module__], "_search", lambda *_: [("rigid", (away,))]
    )
    found = register(baseline, followup, foreground(baseline.voxels))
    assert found.kind == "none"
    assert "would lower the similarity" in found.note
    assert found.after == found.before
    np.testing.assert_array_equal(found.volume.voxels, followup.voxels)


def test_a_finer_stage_that_is_worse_gives_way_to_the_one_before(monkeypatch):
    baseline, followup = head(noise=10), head(rigid((0, 0, 0), (0, 8, 0)), noise=10, seed=1)
    good, bad = sitk.Euler3DTransform(), sitk.AffineTransform(3)
    good.SetTranslation((0.0, -8.0, 0.0))
    bad.SetTranslation((0.0, -14.0, 0.0))
    stages = [("rigid", (good,)), ("affine", (bad,))]
    monkeypatch.setattr(sys.modules[register.__module__], "_search", lambda *_: stages)
    found = register(baseline, followup, foreground(baseline.voxels), "affine")
    assert found.kind == "rigid"
    assert "stays where rigid puts it" in found.note
    assert found.moved_mm == pytest.approx(8)


@pytest.mark.data
def test_a_real_head_turned_by_its_header_is_found_again(real):
    folder = real / "longitudinal_ms" / "patient01"
    baseline, still = (
        read_nifti(folder / f"{name}_FLAIR.nii.gz") for name in ("baseline", "followup")
    )
    true = rigid((7, -5, 9), (8, 6, -7))
    region = foreground(baseline.voxels)
    found = register(baseline, Volume(still.voxels, true @ still.affine), region)
    assert error_mm(found.matrix, true, region, baseline.affine) < WITHIN_MM


def test_none_resamples_by_the_headers_and_says_where_nothing_was_scanned():
    baseline = head()
    shape = (40, 46, 13)
    lower = grid(shape)
    lower[2, 3] = grid()[2, 3]
    found = register(baseline, head(affine=lower, shape=shape), foreground(baseline.voxels), "none")
    assert found.kind == "none"
    np.testing.assert_array_equal(
        found.inside, np.arange(26)[None, None, :] < np.full((40, 46, 1), 13)
    )
    assert (found.volume.voxels[..., 13:] == 0).all()
    np.testing.assert_allclose(found.volume.voxels[..., :12], baseline.voxels[..., :12], atol=0.1)


@pytest.mark.parametrize("kind", ["none", "rigid"])
def test_scans_that_share_nothing_are_refused_or_noticed(kind):
    baseline = head()
    elsewhere = grid()
    elsewhere[0, 3] += 5000
    flat = Volume(np.zeros((20, 20, 20), np.float32), elsewhere)
    with pytest.raises(DataError, match="must show the same part of the patient"):
        register(baseline, flat, foreground(baseline.voxels), kind)


def test_similarity_is_1_of_an_image_and_any_increasing_change_of_it_and_0_of_noise():
    rng = np.random.default_rng(0)
    image, region = rng.normal(size=(30, 30, 30)), np.ones((30, 30, 30), bool)
    assert similarity(image, np.exp(image), region) == pytest.approx(1)
    assert similarity(image, image[rng.permutation(30)], region) < 0.05
    assert similarity(image, np.zeros_like(image), region) == pytest.approx(0)
    assert similarity(image, image, ~region) == 0


def test_similarity_of_a_hand_worked_table():
    # Joint counts 3 1 / 1 3 of two binary images: I = ln 2 - H(3/4, 1/4), H = ln 2 each.
    a = np.array([0, 0, 0, 0, 1, 1, 1, 1.0])
    b = np.array([0, 0, 0, 1, 0, 1, 1, 1.0])
    h = -(0.75 * np.log(0.75) + 0.25 * np.log(0.25))
    expected = (np.log(2) - h) / np.log(2)
    assert similarity(a, b, np.ones(8, bool), bins=2) == pytest.approx(expected)


def test_images_lie_where_their_affine_says():
    volume = head(affine=rigid((10, 20, 30), (5, 6, 7)) @ grid())
    image = to_image(volume.voxels, volume.affine)
    np.testing.assert_array_equal(to_voxels(image), volume.voxels)
    for index in ((0, 0, 0), (39, 0, 25), (7, 8, 9)):
        lps = np.array(image.TransformIndexToPhysicalPoint(index))
        np.testing.assert_allclose(lps * (-1, -1, 1), to_mm(volume.affine, [index])[0], atol=1e-4)


@pytest.mark.parametrize("mm", [4.0, 8.0, 11.0])
def test_a_coarse_image_covers_the_same_box(mm):
    image = to_image(head().voxels, grid())
    small = coarse(image, mm)
    assert (np.array(small.GetSpacing()) >= np.minimum(mm, image.GetSpacing()) - 1e-6).all()
    for corner in (0, 1):
        ends = [
            np.array(i.TransformContinuousIndexToPhysicalPoint(
                [(n - 0.5) if corner else -0.5 for n in i.GetSize()]))
            for i in (image, small)
        ]  # fmt: skip
        np.testing.assert_allclose(*ends, atol=1e-3)


def test_the_number_of_threads_is_given_back():
    was = sitk.ProcessObject.GetGlobalDefaultNumberOfThreads()
    during = 0

    def fail():
        nonlocal during
        with one_thread():
            during = sitk.ProcessObject.GetGlobalDefaultNumberOfThreads()
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    assert during == 1
    assert sitk.ProcessObject.GetGlobalDefaultNumberOfThreads() == was


def test_the_phantom_moves_as_said():
    moved = rigid((0, 0, 90), (10, 0, 0))
    at = to_mm(moved, [LESION[0]])[0]
    index = np.rint(np.linalg.solve(grid()[:3, :3], at - grid()[:3, 3])).astype(int)
    with_it, without = (head(moved, lesion=x).voxels[tuple(index)] for x in (True, False))
    assert with_it - without > 200
    assert STILL_MM < WITHIN_MM
