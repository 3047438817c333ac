import numpy as np
import pytest
import tifffile

from foveal.core.errors import DataError, StoreError
from foveal.core.spec import DataSpec
from foveal.data import load_pool

SPEC = DataSpec(source="", image_size=16)


@pytest.fixture
def pool_of(make, table, cache):
    """Load a manifest of images; all train."""

    def load(arrays, spec=SPEC):
        for i, array in enumerate(arrays):
            make(f"{i}.png", array=array)
        lines = [f"{i}.png,x,train" for i in range(len(arrays))]
        return load_pool(table("image,label,split", *lines), spec, cache=cache)

    return load


def noise(seed, shape=(16, 16), dtype=np.uint8):
    return np.random.default_rng(seed).integers(0, np.iinfo(dtype).max, shape).astype(dtype)


def test_rows_are_in_the_order_of_the_pool_and_of_the_question(pool_of):
    arrays = [noise(i) for i in range(5)]
    loaded = pool_of(arrays)
    store = loaded.pixels()
    assert (len(store), store.channels, store.size) == (5, 1, 16)
    got = store.read(np.array([3, 0, 3]))
    assert got.dtype == np.float32
    want = np.stack([arrays[3], arrays[0], arrays[3]])[:, None] / 255
    np.testing.assert_allclose(got, want, atol=1e-6)


def test_one_color_image_makes_all_rgb(pool_of):
    grey = noise(0)
    store = pool_of([grey, noise(1, (16, 16, 3))]).pixels()
    assert store.channels == 3
    np.testing.assert_allclose(store.read(np.array([0]))[0, 2] * 255, grey, atol=1e-4)


def test_one_deep_image_keeps_the_depth_of_all(pool_of):
    shallow, deep = noise(0), noise(1, dtype=np.uint16)
    store = pool_of([shallow, deep]).pixels()
    got = store.read(np.array([0, 1]))[:, 0]
    np.testing.assert_allclose(got[0] * 255, shallow, atol=1e-3)
    np.testing.assert_allclose(got[1] * 65535, deep, atol=1e-2)


def test_the_file_is_reused_and_written_again_only_if_it_must_be(pool_of):
    arrays = [noise(i) for i in range(3)]
    loaded = pool_of(arrays)
    calls = []
    loaded.pixels(progress=lambda done, total: calls.append((done, total)))
    assert calls == [(3, 3)]
    loaded.pixels(progress=lambda done, total: calls.append((done, total)))
    assert len(calls) == 1
    arrays[1] = noise(99)
    changed = pool_of(arrays)
    changed.pixels(progress=lambda done, total: calls.append((done, total)))
    assert len(calls) == 2


@pytest.mark.parametrize("kept", [0, 60, 200, -1])
def test_a_truncated_file_is_written_again(pool_of, cache, kept):
    loaded = pool_of([noise(i) for i in range(3)])
    want = loaded.pixels().read(np.arange(3))
    (path,) = (cache / "pixels").glob("*.npy")
    path.write_bytes(path.read_bytes()[:kept])
    np.testing.assert_array_equal(loaded.pixels().read(np.arange(3)), want)


def test_settings_of_the_grid_make_files_of_their_own(pool_of, cache):
    arrays = [noise(i, (20, 30)) for i in range(2)]
    for changes in ({}, {"fit": "squash"}, {"intensity": "percentile"}, {"image_size": 32}):
        pool_of(arrays, SPEC.model_copy(update=changes)).pixels()
    assert len(list((cache / "pixels").glob("*.npy"))) == 4


def test_an_image_lost_since_loading_is_named_and_nothing_is_left(pool_of, cache, tmp_path):
    loaded = pool_of([noise(i) for i in range(3)])
    (tmp_path / "1.png").unlink()
    with pytest.raises(DataError, match=r"'1\.png' could be read .* but not now"):
        loaded.pixels()
    assert not list((cache / "pixels").iterdir())


def test_a_folder_that_cannot_be_written_is_an_error_with_a_remedy(pool_of, tmp_path):
    loaded = pool_of([noise(0)])
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(StoreError, match="FOVEAL_CACHE"):
        loaded.pixels(tmp_path / "file")


def test_float_images_need_percentiles_unless_they_lie_in_the_unit_range(tmp_path, table, cache):
    tifffile.imwrite(tmp_path / "a.tif", noise(0).astype(np.float32) / 255)
    tifffile.imwrite(tmp_path / "b.tif", noise(1).astype(np.float32) - 300)
    path = table("image,label,split", "a.tif,x,train", "b.tif,x,train")
    loaded = load_pool(path, SPEC, cache=cache)
    assert [s.uri for s in loaded.pool.samples] == ["a.tif"]
    assert [p.kind for p in loaded.problems] == ["range"]
    stretched = load_pool(path, SPEC.model_copy(update={"intensity": "percentile"}), cache=cache)
    assert len(stretched.pixels()) == 2
    assert not stretched.problems
