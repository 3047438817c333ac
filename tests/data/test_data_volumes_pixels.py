"""Pixels of volumes: tiles on the network's grid, one range of intensity a volume, repeats."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from foveal.core.errors import DataError, SpecError
from foveal.core.spec import DataSpec, parse_spec
from foveal.core.volume import facing_of
from foveal.data import load_pool
from foveal.data.duplicates import find_neighbors, near_pairs
from foveal.data.grid import fullest_plane, region_to_grid, to_stored
from foveal.data.pixels import GridPlan
from foveal.data.readers.stack import stack_of_tiles
from nifti_files import AXIAL, noise, write_nifti

SHAPE = (20, 18, 17)
SPEC = DataSpec(source="", image_size=16, intensity="percentile")


def drawn(i):
    mask = np.zeros(SHAPE, np.uint8)
    mask[2:6, 3:9, 4:8] = i != 2
    return mask


@pytest.fixture
def pool(tmp_path, cache):
    """pool("tile16") or pool("k"): three patients, all pictures or tiles of each."""

    def load(cut, spec=SPEC, dtype=np.int16, more=()):
        lines = [f"{i}.nii#{cut},{i}_m.nii,{i}" for i in range(3)]
        for i in range(3):
            # of different ranges, so that stretching volume by volume can be told
            write_nifti(tmp_path / f"{i}.nii", noise(SHAPE, i, 0, 200 * (i + 1), dtype))
            write_nifti(tmp_path / f"{i}_m.nii", drawn(i))
        (tmp_path / "pool.csv").write_text("\n".join(["image,mask,patient", *lines, *more]))
        return load_pool(tmp_path / "pool.csv", spec, cache=cache)

    return load


def volume_ends(i):
    return np.percentile(noise(SHAPE, i, 0, 200 * (i + 1)), (0.5, 99.5))


def of_patient(loaded, i):
    rows = [n for n, s in enumerate(loaded.pool.samples) if s.uri.startswith(f"{i}.nii")]
    return np.array(rows)


def test_tiles_fill_the_grid_and_make_up_the_volume_again(pool):
    loaded = pool("tile16")
    store = loaded.pixels()
    assert (len(store), store.channels, store.size, store.solid) == (24, 1, 16, True)
    for i in range(3):
        rows = of_patient(loaded, i)
        tiles = store.read(rows)
        assert tiles.shape == (8, 1, 16, 16, 16)
        turned = facing_of(AXIAL, 2).stack(noise(SHAPE, i, 0, 200 * (i + 1)))
        low, high = volume_ends(i)
        want = np.clip((turned - low) / (high - low), 0, 1)
        np.testing.assert_allclose(stack_of_tiles(tiles[:, 0], turned.shape), want, atol=1e-4)
        ids = [loaded.pool.samples[n].id for n in rows]
        regions = np.stack([loaded.truth.region(sample) for sample in ids])
        again = stack_of_tiles(regions, turned.shape)
        np.testing.assert_array_equal(again, facing_of(AXIAL, 2).stack(drawn(i)) > 0)
        for region in regions:
            np.testing.assert_array_equal(loaded.region_on_grid(region), region.astype(np.float32))


def test_a_tile_knows_its_shape_and_shows_its_middle_or_the_plane_asked_for(pool):
    loaded = pool("tile16")
    sample = loaded.pool.samples[0]
    assert sample.shape == (16, 16, 16)
    tile = loaded.pixels().read(np.array([0]))[0, 0] * 255
    np.testing.assert_allclose(loaded.original(sample.id), tile[8], atol=1)
    mask = loaded.truth.region(sample.id)
    assert mask[fullest_plane(mask)].sum() == mask.sum(axis=(1, 2)).max() > 0
    plane = fullest_plane(mask)
    np.testing.assert_allclose(loaded.original(sample.id, plane), tile[plane], atol=1)
    assert loaded.thumbnail(sample.id, 8, plane).shape == (8, 8)
    assert fullest_plane(np.zeros((16, 16, 16), bool)) == 8


def test_slices_of_a_volume_share_one_range_of_intensity(pool):
    loaded = pool("k")
    store = loaded.pixels()
    for i in range(3):
        low, high = volume_ends(i)
        slices = facing_of(AXIAL, 2).stack(noise(SHAPE, i, 0, 200 * (i + 1)))
        for n in of_patient(loaded, i)[::5]:
            sample = loaded.pool.samples[n]
            plain = slices[sample.position].astype(np.float32)
            want = to_stored(plain, "percentile", False, (low, high))
            np.testing.assert_array_equal(loaded.original(sample.id), want)
    assert store.read(np.arange(3)).shape == (3, 1, 16, 16)


def test_a_window_clips_and_scales_the_values_as_stored(pool):
    loaded = pool("tile16", SPEC.model_copy(update={"window": (100, 50)}))
    got = loaded.pixels().read(of_patient(loaded, 0))[:, 0]
    turned = facing_of(AXIAL, 2).stack(noise(SHAPE, 0, 0, 200))
    want = np.clip((turned - 75.0) / 50, 0, 1)
    np.testing.assert_allclose(stack_of_tiles(got, turned.shape), want, atol=1e-4)
    settings = {"data": {"source": "x", "window": [40, 400]}}
    assert parse_spec(settings).data.window == (40, 400)
    settings["data"]["window"] = [40, 0]
    with pytest.raises(SpecError, match="window"):
        parse_spec(settings)


@pytest.mark.parametrize("dtype", [np.int16, np.uint16])
def test_volumes_are_stretched_by_their_own_range_whatever_the_setting(pool, dtype):
    as_stored = pool("k", SPEC.model_copy(update={"intensity": "range"}), dtype=dtype)
    stretched = pool("k", dtype=dtype)
    rows = np.arange(51)
    np.testing.assert_array_equal(as_stored.pixels().read(rows), stretched.pixels().read(rows))
    assert stretched.pixels().read(rows).max() == 1


def test_the_grid_must_be_as_large_as_the_tiles(pool):
    with pytest.raises(SpecError, match=r"image_size` must be the side of the pool's tiles, 16"):
        pool("tile16", SPEC.model_copy(update={"image_size": 32}))
    with pytest.raises(DataError, match="image_size"):
        region_to_grid(np.zeros((8, 8, 8), bool), 16, "pad")


@pytest.mark.parametrize("other", ["0.nii#k:3,,9", "0.nii#tile32:0,,9"])
def test_pictures_and_tiles_never_share_a_pool(pool, other):
    with pytest.raises(DataError, match="must hold pictures, or 3-D tiles of one size"):
        pool("tile16", more=[other])


def test_tiles_of_color_are_refused(tmp_path, cache):
    colors = noise((*SHAPE, 3), 0, 0, 255, np.uint8)
    packed = colors.view([("R", "u1"), ("G", "u1"), ("B", "u1")])[..., 0]
    write_nifti(tmp_path / "a.nii", packed)
    (tmp_path / "t.csv").write_text("image,label\na.nii#tile16:0,x\na.nii#k:1,x\n")
    loaded = load_pool(tmp_path / "t.csv", SPEC, cache=cache)
    assert [(p.row, p.kind) for p in loaded.problems] == [(1, "format")]
    assert loaded.pixels().channels == 3


def test_names_of_files_of_plain_pictures_are_as_they_were():
    digests = np.arange(32, dtype=np.uint8).reshape(2, 16)
    plan = GridPlan(size=32, fit="pad", intensity="range", channels=1, wide=False)
    assert plan.key(digests) == "46d3c2da519d7393d6633e26eb9c3c3f"
    assert plan.shape(2) == (2, 1, 32, 32)


def test_pixels_of_one_volume_in_another_range_are_other_pixels(pool, tmp_path):
    """The same slice within a brighter volume must not be read from the first one's file."""
    loaded = pool("k", SPEC)
    first = loaded.pixels().read(np.array([0]))
    voxels = noise(SHAPE, 0, 0, 200)
    voxels[:, :, 9] = 5000
    write_nifti(tmp_path / "0.nii", voxels)
    lines = (tmp_path / "pool.csv").read_text()
    (tmp_path / "pool.csv").write_text(lines)
    again = load_pool(tmp_path / "pool.csv", SPEC, cache=tmp_path / "cache")
    assert again.pixels().read(np.array([0])).max() < first.max()


def smooth(n):
    """(n, 32, 32) thumbnails of neighboring slices: each nearly the one before."""
    row = np.linspace(0, 6, 32)
    return np.stack(
        [np.rint(127 + 120 * np.outer(np.sin(row + i / 40), np.cos(row))) for i in range(n)]
    ).astype(np.uint8)


def test_neighbors_in_one_volume_are_no_repeats_and_do_not_use_up_the_search():
    thumb = smooth(40)
    _, complete = near_pairs(thumb, limit=100)
    assert not complete
    volume = np.repeat([0, 1], 20)
    pairs, complete = near_pairs(thumb, volume=np.zeros(40, int), limit=100)
    assert (len(pairs), complete) == (0, True)
    every, _ = near_pairs(thumb)
    pairs, _ = near_pairs(thumb, volume=volume)
    across = every[volume[every[:, 0]] != volume[every[:, 1]]]
    np.testing.assert_array_equal(pairs, across)
    digest = np.arange(40 * 16, dtype=np.int64).reshape(40, 16).astype(np.uint8)
    digest[:, 0] = np.arange(40)
    found = find_neighbors(digest, thumb, np.arange(40), volume)
    np.testing.assert_array_equal(volume[_rows(found, 0)] != volume[_rows(found, 1)], True)


def _rows(found, side):
    first = {int(picture): row for row, picture in reversed(list(enumerate(found.picture)))}
    return np.array([first[int(p)] for p in found.near[:, side]])


@given(volume=st.lists(st.integers(-1, 2), min_size=12, max_size=12))
def test_pictures_of_no_volume_are_compared_as_ever(volume):
    thumb, of = smooth(12), np.array(volume)
    every, _ = near_pairs(thumb)
    pairs, _ = near_pairs(thumb, volume=of)
    i, j = every.T
    np.testing.assert_array_equal(pairs, every[(of[i] != of[j]) | (of[i] < 0)])


def test_smooth_volumes_keep_all_slices_and_patients_stay_apart(tmp_path, cache):
    slices = smooth(30).transpose(2, 1, 0)
    for i in range(4):
        tilt = np.rint(slices * (0.5 + i / 8)).astype(np.int16)
        turned = tilt if i % 2 else tilt[::-1, ::-1]
        write_nifti(tmp_path / f"p{i}" / "a.nii", np.roll(turned, 7 * i, axis=0))
        mask = np.zeros(slices.shape, np.uint8)
        mask[4:9, 4:9, 10:20] = 1
        write_nifti(tmp_path / f"p{i}" / "a_mask.nii", mask)
    spec = SPEC.model_copy(update={"val_fraction": 0.25, "test_fraction": 0.25})
    loaded = load_pool(tmp_path, spec, cache=cache)
    assert not loaded.problems
    assert len(loaded.pool.samples) == 120
    assert loaded.receipt.near == dict.fromkeys(loaded.receipt.near, 0)
    assert not any(sample.cluster for sample in loaded.pool.samples)
    assert loaded.pool.counts()["excluded"] == 0
