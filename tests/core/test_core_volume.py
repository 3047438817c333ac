"""Volumes: the affine holds, pictures turn the right way and back, and bad headers are refused."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from foveal.core.errors import DataError
from foveal.core.volume import (
    Volume,
    checked_affine,
    closest_axes,
    facing_of,
    spacing_of,
    to_mm,
)
from generators import affines


@given(affine=affines(), axis=st.sampled_from((None, 0, 1, 2)), color=st.booleans())
def test_pictures_turn_back_into_the_same_voxels(affine, axis, color):
    voxels = np.arange(4 * 5 * 6).reshape(4, 5, 6)
    if color:
        voxels = np.stack([voxels, -voxels, 2 * voxels], axis=3)
    facing = facing_of(affine, axis)
    np.testing.assert_array_equal(facing.unstack(facing.stack(voxels)), voxels)


@given(affine=affines(), axis=st.sampled_from((None, 0, 1, 2)))
def test_pictures_run_left_posterior_inferior_as_on_a_workstation(affine, axis):
    facing = facing_of(affine, axis)
    index = np.stack(np.meshgrid(*[np.arange(n) for n in (4, 5, 6)], indexing="ij"), axis=-1)
    at = to_mm(affine, index.reshape(-1, 3)).reshape(4, 5, 6, 3)
    world = closest_axes(affine)
    for part, name in ((facing.row, "down"), (facing.column, "right")):
        stack = facing.stack(at[..., world[part]])
        step = np.diff(stack, axis=1 if name == "down" else 2)
        assert (step < 0).all(), f"{name}: towards left, posterior or inferior, so RAS+ falls"
    assert world[facing.row] > world[facing.column]


@given(affine=affines(), axis=st.sampled_from((0, 1, 2)))
def test_picture_k_shows_index_k_and_its_spacing(affine, axis):
    facing = facing_of(affine, axis)
    voxels = np.indices((3, 4, 5))[axis]
    for k, shown in enumerate(facing.stack(voxels)):
        assert (shown == k).all()
    spacing = spacing_of(affine)
    assert facing.spacing_mm(affine) == (
        spacing[axis],
        spacing[facing.row],
        spacing[facing.column],
    )


def test_thick_slices_decide_the_cut_and_else_head_and_feet():
    assert facing_of(np.diag([0.7, 0.7, 3.0, 1])).axis == 2
    assert facing_of(np.diag([3.0, 0.7, 0.7, 1])).axis == 0
    assert facing_of(np.diag([1.0, 1.0, 1.0, 1])).axis == 2
    sagittal = np.zeros((4, 4))
    sagittal[[1, 2, 0, 3], [0, 1, 2, 3]] = 1  # i runs anterior, j superior, k right
    assert facing_of(sagittal).axis == 1


def test_an_axial_dicom_grid_is_shown_as_it_is_stored():
    # columns to the left, rows to the back: LPS, so both are negative in RAS+
    affine = np.diag([-0.5, -0.5, 3.0, 1])
    voxels = np.arange(2 * 3 * 4).reshape(2, 3, 4)
    np.testing.assert_array_equal(facing_of(affine).stack(voxels), voxels.transpose(2, 1, 0))


@given(affine=affines(), i=st.floats(-9, 9), j=st.floats(-9, 9), k=st.floats(-9, 9))
def test_to_mm_is_the_homogeneous_product(affine, i, j, k):
    expected = (affine @ (i, j, k, 1))[:3]
    np.testing.assert_allclose(to_mm(affine, np.array([[i, j, k]]))[0], expected, atol=1e-9)


@given(affine=affines())
def test_closest_axes_gives_every_world_axis_once(affine):
    assert sorted(closest_axes(affine)) == [0, 1, 2]


def test_grids_are_the_same_within_a_tolerance_at_every_corner():
    voxels = np.zeros((10, 10, 10), np.int16)
    volume = Volume(voxels, np.eye(4))
    moved = np.eye(4)
    moved[0, 3] = 0.005
    stretched = np.diag([1.01, 1, 1, 1])
    assert volume.same_grid(Volume(voxels, moved))
    assert not volume.same_grid(Volume(voxels, stretched))
    assert not volume.same_grid(Volume(voxels[:9], np.eye(4)))


@pytest.mark.parametrize(
    "broken",
    [
        np.full((4, 4), np.nan),
        np.zeros((4, 4)),
        np.diag([1.0, 1.0, 0.0, 1.0]),
        np.eye(3),
        np.diag([1.0, 1.0, 1.0, 2.0]),
    ],
)
def test_broken_affines_are_refused(broken):
    with pytest.raises(DataError, match="affine must"):
        checked_affine(broken)


@pytest.mark.parametrize("shape", [(3, 4), (3, 4, 5, 2), (3, 4, 5, 3, 1)])
def test_shapes_that_are_no_volume_are_refused(shape):
    with pytest.raises(DataError, match="must have three axes"):
        Volume(np.zeros(shape), np.eye(4))


def test_nobody_can_write_into_a_volume():
    volume = Volume(np.zeros((2, 2, 2)), np.eye(4))
    with pytest.raises(ValueError, match="read-only"):
        volume.voxels[0] = 1
    with pytest.raises(ValueError, match="read-only"):
        volume.affine[0] = 1
