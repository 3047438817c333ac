"""Unpacking: stacks are the volume turned to the reader, tiles are the stack in blocks."""

import os

import nibabel as nib
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from foveal.core.errors import DataError
from foveal.core.volume import Volume, facing_of
from foveal.data.readers import Place, Unreadable, read_picture
from foveal.data.readers.npz import frames
from foveal.data.readers.stack import (
    count_tiles,
    facts_path,
    stack_facts,
    stack_of_tiles,
    tile_of,
)
from foveal.data.volumes.address import LETTERS, Address
from foveal.data.volumes.shelf import Shelf
from foveal.data.volumes.unpack import mask_stack, stack_of
from generators import affines
from nifti_files import ball, noise, write_nifti

on_disk = settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=15, deadline=None
)


@on_disk
@given(affine=affines(), axis=st.sampled_from((None, 0, 1, 2)), k=st.integers(0, 4))
def test_a_picture_is_what_nibabel_slices_turned_to_the_reader(tmp_path, cache, affine, axis, k):
    # A name of its own: files written within one tick of the clock could pass for one.
    path = tmp_path / f"{hash((affine.tobytes(), axis))}.nii.gz"
    write_nifti(path, noise((5, 6, 7)), affine)
    shelf = Shelf(cache)
    address = shelf.settled(path, Address("a.nii.gz", k, axis=axis))
    found = read_picture(shelf.image(path, address)).pixels
    image = nib.load(path)
    facing = facing_of(image.affine, axis)
    assert LETTERS[facing.axis] == address.member
    sliced = np.take(np.asarray(image.dataobj), k, facing.axis)
    sliced = sliced if facing.row < facing.column else sliced.T
    sliced = sliced[::-1] if facing.flip_row else sliced
    sliced = sliced[:, ::-1] if facing.flip_column else sliced
    np.testing.assert_array_equal(found, sliced)


@given(
    shape=st.tuples(*[st.integers(1, 40)] * 3),
    side=st.integers(1, 20),
    dtype=st.sampled_from([np.int16, np.float32, bool]),
)
def test_tiles_put_together_are_the_stack_and_never_overlap(shape, side, dtype):
    stack = np.arange(np.prod(shape)).reshape(shape).astype(dtype)
    count = count_tiles(shape, side)
    tiles = np.stack([tile_of(stack, i, side, 0) for i in range(count)])
    assert tiles.shape[1:] == (side, side, side)
    np.testing.assert_array_equal(stack_of_tiles(tiles, shape), stack)
    ones = [tile_of(np.ones(shape), i, side, 0).sum() for i in range(count)]
    assert sum(ones) == np.prod(shape)  # each voxel lies in one tile, the rest is filled up
    with pytest.raises(DataError, match="must have"):
        stack_of_tiles(tiles[:-1], shape)


def test_tiles_are_counted_in_c_order_and_filled_with_the_least_value(tmp_path, cache):
    voxels = noise((20, 18, 17))
    path = write_nifti(tmp_path / "a.nii.gz", voxels)
    place = Shelf(cache).image(path, Address("a.nii.gz", 3, tile=16))
    stack = frames(place.path)
    tile = read_picture(place).pixels
    assert count_tiles(stack.shape, 16) == 8
    np.testing.assert_array_equal(tile[:16, :2, :4], stack[:16, 16:, 16:])
    assert (tile[:, 2:] == voxels.min()).all()
    for wrong in (8, 10**9):
        with pytest.raises(Unreadable, match="holds 8 tiles"):
            read_picture(Place(place.path, wrong, tile=16))


@given(affine=affines(), axis=st.sampled_from((None, 0, 1, 2)))
def test_spacing_is_between_pictures_rows_and_columns(affine, axis):
    voxels = noise((4, 5, 6))
    stack, facts = stack_of(Volume(voxels, affine), axis)
    facing = facing_of(affine, axis)
    assert facts.spacing_mm == facing.spacing_mm(affine)
    assert (facts.shape, facts.grid) == (stack.shape, (4, 5, 6))
    np.testing.assert_allclose(facts.matrix(), affine)
    assert (facts.low, facts.high) == tuple(np.percentile(voxels, (0.5, 99.5)))


def test_labels_of_a_map_are_told_apart_exactly():
    voxels = np.array([0, 3, 2**24, 2**24 + 1, -1, 3], np.int32).reshape(3, 2, 1)
    volume = Volume(voxels, np.eye(4))
    for label in (3, 2**24, 2**24 + 1):
        stack, facts = mask_stack(volume, 2, label)
        np.testing.assert_array_equal(facing_of(np.eye(4), 2).unstack(stack), voxels == label)
    stack, facts = mask_stack(volume, 2, None)
    assert (int(stack.sum()), facts.fill) == (5, 0)


@pytest.mark.parametrize("voxels", [np.full((2, 2, 2), 0.5), np.zeros((2, 2, 2, 3))])
def test_what_is_no_label_map_is_refused_as_a_mask(voxels):
    with pytest.raises(Unreadable, match="a mask must hold"):
        mask_stack(Volume(voxels, np.eye(4)), None, None)


def test_a_volume_is_unpacked_once_and_again_when_its_file_changes(tmp_path, cache):
    path = write_nifti(tmp_path / "a.nii.gz", noise())
    address = Address("a.nii.gz", 0, axis=2)
    first = Shelf(cache).image(path, address).path
    written = first.stat().st_mtime_ns
    assert Shelf(cache).image(path, address).path == first
    assert first.stat().st_mtime_ns == written
    write_nifti(path, noise(seed=1))
    os.utime(path, ns=(1, 1))
    assert Shelf(cache).image(path, address).path != first


@pytest.mark.parametrize("damage", ["stack", "facts", "no facts"])
def test_a_torn_stack_is_unpacked_again(tmp_path, cache, damage):
    path = write_nifti(tmp_path / "a.nii.gz", noise())
    place = Shelf(cache).image(path, Address("a.nii.gz", 2, axis=2))
    want = read_picture(place).pixels
    if damage == "stack":
        place.path.write_bytes(place.path.read_bytes()[:-5])
    elif damage == "facts":
        facts_path(place.path).write_text("{")
    else:
        facts_path(place.path).unlink()
    frames.cache_clear()  # as in a new process
    stack_facts.cache_clear()
    again = Shelf(cache).image(path, Address("a.nii.gz", 2, axis=2))
    assert again == place
    np.testing.assert_array_equal(read_picture(again).pixels, want)


def test_tiles_and_pictures_share_one_stack(tmp_path, cache):
    path = write_nifti(tmp_path / "a.nii.gz", noise((20, 20, 20)))
    shelf = Shelf(cache)
    assert (
        shelf.image(path, Address("a.nii.gz", 0, tile=16)).path
        == shelf.image(path, Address("a.nii.gz", 0, axis=2)).path
    )
    assert len(list((cache / "frames").glob("*.npy"))) == 1


def test_a_mask_must_be_the_picture_and_the_grid_of_its_image(tmp_path, cache):
    affine = np.diag([1.0, 1.0, 3.0, 1.0])
    shelf = Shelf(cache)
    image = shelf.image(
        write_nifti(tmp_path / "a.nii", noise(), affine), Address("a.nii", 1, axis=2)
    )
    mask = write_nifti(tmp_path / "m.nii", ball(), affine)
    found = shelf.mask(mask, Address("m.nii", 1, axis=2), image)
    np.testing.assert_array_equal(
        read_picture(found).pixels > 0, facing_of(affine, 2).stack(ball())[1] > 0
    )
    moved = affine.copy()
    moved[0, 3] = 0.5
    smaller = write_nifti(tmp_path / "s.nii", ball()[:5], affine)
    wrong = {
        "the same picture": (mask, Address("m.nii", 2, axis=2)),
        "axis": (mask, Address("m.nii", 1, axis=1)),
        "another place": (write_nifti(tmp_path / "d.nii", ball(), moved), Address("d.nii", 1, 2)),
        "image's grid": (smaller, Address("s.nii", 1, axis=2)),
    }
    for words, (path, address) in wrong.items():
        with pytest.raises(Unreadable, match=words if words != "axis" else "cut across j") as told:
            shelf.mask(path, address, image)
        assert told.value.kind == "mask_grid"
